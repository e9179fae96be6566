"""Noise on hidden units against noise on inputs."""

from dropout_study.claims.beyond.hidden_noise import HiddenNoise
from support.noise_nets import noise_nets

CLAIM = HiddenNoise()
ERRORS = {  # of ten images
    "none": 8,
    "dropout": 4,
    "input dropout": 5,
    "pixel noise": 3,
    "dropout, inputs too": 2,
}
STUDIES = noise_nets(ERRORS)


def test_each_part_compares_its_own_arms() -> None:
    """If this failed, arms would be mixed up, a sign be turned, or another portion be large.

    By hand, in points: (80 - 40) - (80 - 20) / 2, 30 - 40 and 50 - 40.
    """
    effects = CLAIM.estimate(STUDIES)
    values = {part: list(cases["hidden units"].values) for part, cases in effects.items()}
    assert values == {
        "a large portion": [10],
        "more than noise on pixels": [-10],
        "more than dropped inputs": [10],
    }

    for part, (value,) in values.items():
        estimate = effects[part]["hidden units"].estimate()
        assert CLAIM.parts[part].criterion.distance(estimate) == value


def test_what_the_portion_is_of_is_told() -> None:
    """If this failed, a reader could not see how much of what both save hidden units save alone."""
    assert CLAIM.context_lines(STUDIES)[0] == (
        "points saved by dropped hidden units: 40.00, by dropped hidden units and inputs: 60.00"
    )


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    _, *lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == list(ERRORS)
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ERRORS)
