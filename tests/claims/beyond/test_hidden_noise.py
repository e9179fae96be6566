"""Noise on hidden units against noise on inputs."""

import pytest

from dropout_study.claims.beyond.hidden_noise import HiddenNoise
from support.rows import misclassified, row, runs

CLAIM = HiddenNoise()
ERRORS = {  # of ten images
    "none": 8,
    "dropout": 4,
    "input dropout": 5,
    "pixel noise": 3,
    "dropout, inputs too": 2,
}
STUDIES = {
    "noise": runs(
        *(
            row(
                arm,
                100,
                misclassified("weight_scaling", [1] * errors + [0] * (10 - errors)),
                {"test/nll/weight_scaling": 0.5, "optimizer.lr": 0.004},
            )
            for arm, errors in ERRORS.items()
        )
    )
}


def test_each_noise_on_inputs_is_compared_with_hidden_dropout() -> None:
    """If this failed, one kind of noise on inputs could hide the other, or the sign be turned."""
    effects = CLAIM.estimate(STUDIES)["more than noise on inputs"]
    assert {arm: list(effect.values) for arm, effect in effects.items()} == {
        "input dropout": [10],
        "pixel noise": [-10],
    }


def test_hidden_units_have_to_save_more_than_half_of_what_both_save() -> None:
    """If this failed, another share would be asked for. 80 - 40 points of 80 - 20: 40 - 30."""
    effect = CLAIM.estimate(STUDIES)["most of the power"]["dropout"]
    assert list(effect.values) == pytest.approx([10])
    assert CLAIM.parts["most of the power"].criterion.distance(effect.estimate()) > 0


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == list(ERRORS)
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ERRORS)
