"""Gaussian factors against masks."""

from dropout_study.claims.beyond.gaussian_masks import GaussianMasks
from support.noise_nets import noise_nets

CLAIM = GaussianMasks()
ERRORS = {  # of ten images
    "none": 8,
    "dropout": 4,
    "Gaussian": 3,
    "dropout, inputs too": 2,
    "Gaussian, inputs too": 5,
}
STUDIES = noise_nets(ERRORS)


def test_gaussian_factors_are_compared_with_masks_at_the_same_places() -> None:
    """If this failed, nets with noise on inputs would be compared with others, or the sign be
    turned.
    """
    effects = CLAIM.estimate(STUDIES)["does better"]
    values = {where: list(effect.values) for where, effect in effects.items()}
    assert values == {"hidden units": [10], "inputs too": [-30]}
    assert CLAIM.parts["does better"].some, "the sentence says 'can'"


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, an arm would be compared that the page does not show."""
    assert [line.partition(":")[0] for line in CLAIM.context_lines(STUDIES)] == list(ERRORS)
    assert CLAIM.draw(STUDIES) is not None
