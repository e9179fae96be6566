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


def test_each_part_compares_its_own_arms() -> None:
    """If this failed, another share would be asked for, arms be mixed up, or a sign be turned.

    Hidden units save 80 - 40 points, half of what both save is (80 - 20) / 2; 50 - 20; 30 - 40.
    """
    effects = CLAIM.estimate(STUDIES)
    values = {part: list(cases["hidden units"].values) for part, cases in effects.items()}
    assert values == {
        "a large portion": pytest.approx([10]),
        "adds to noise on inputs": [30],
        "more than pixel noise": [-10],
    }

    for part, (value,) in values.items():
        distance = CLAIM.parts[part].criterion.distance(effects[part]["hidden units"].estimate())
        assert distance == pytest.approx(value)


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == list(ERRORS)
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ERRORS)
