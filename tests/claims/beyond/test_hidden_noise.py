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


def test_hidden_units_are_compared_with_inputs() -> None:
    """If this failed, arms would be mixed up, or the sign be turned: 50 - 40 points."""
    ((part, cases),) = CLAIM.estimate(STUDIES).items()
    effect = cases["hidden units"]
    assert list(effect.values) == [10]
    assert CLAIM.parts[part].criterion.distance(effect.estimate()) == 10


def test_saving_more_alone_is_having_more_than_half() -> None:
    """If this failed, the reason of the criterion would be wrong.

    Errors 80, 40 (hidden), 50 (inputs) and 20 (both): together they save 60. Hidden units add
    40 alone and 50 - 20 = 30 to inputs, 35 in the mean; inputs 30 and 20, 25 in the mean.
    """
    none, hidden, inputs, both = (
        10 * ERRORS[arm] for arm in ("none", "dropout", "input dropout", "dropout, inputs too")
    )
    of_hidden = ((none - hidden) + (inputs - both)) / 2
    of_inputs = ((none - inputs) + (hidden - both)) / 2
    assert (of_hidden, of_inputs) == (35, 25)
    assert of_hidden + of_inputs == none - both
    assert of_hidden - of_inputs == inputs - hidden


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == list(ERRORS)
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ERRORS)
