"""Noise on hidden units against noise on inputs."""

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
    """If this failed, arms would be mixed up, or a sign be turned: 80 - 40 and 50 - 40 points."""
    effects = CLAIM.estimate(STUDIES)
    values = {part: list(cases["hidden units"].values) for part, cases in effects.items()}
    assert values == {"a portion": [40], "the larger portion": [10]}

    for part, (value,) in values.items():
        estimate = effects[part]["hidden units"].estimate()
        assert CLAIM.parts[part].criterion.distance(estimate) == value


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == list(ERRORS)
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ERRORS)
