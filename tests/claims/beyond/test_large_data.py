"""What dropout saves with little and with very much data."""

import math

import pytest

from dropout_study.claims.beyond.large_data import LargeData
from support.rows import Columns, misclassified, row, runs

CLAIM = LargeData()


def net(arm: str, size: int, errors: int) -> Columns:
    """A net that misclassifies so many of 20 images."""
    settings = {"data.train_size": size, "model.hidden_rate": 0.2 if arm == "dropout" else 0.0}
    wrong = misclassified("weight_scaling", [1] * errors + [0] * (20 - errors))
    return row(f"{arm}, n = {size}", 100, wrong, settings)


STUDIES = {
    "large_data": runs(
        net("none", 4000, 16),
        net("dropout", 4000, 10),
        net("none", 30000, 9),
        net("dropout", 30000, 9),
        net("none", 200000, 8),
        net("dropout", 200000, 7),
    )
}


def test_the_gain_has_to_shrink_from_the_smallest_to_the_largest_size() -> None:
    """If this failed, another size would be compared, or points instead of ratios.

    With half an image added: 16.5 / 10.5 and 8.5 / 7.5.
    """
    effect = CLAIM.estimate(STUDIES)["gains less"]["smallest minus largest"]
    assert list(effect.values) == pytest.approx([math.log(16.5 / 10.5) - math.log(8.5 / 7.5)])
    assert CLAIM.parts["gains less"].criterion.distance(effect.estimate()) > 0


def test_a_gain_counts_from_a_tenth_of_the_error_on() -> None:
    """If this failed, another share would be allowed. 40 - 35 points saved, minus a tenth of 40."""
    effect = CLAIM.estimate(STUDIES)["gains little"]["largest"]
    assert list(effect.values) == pytest.approx([1])
    assert CLAIM.parts["gains little"].criterion.distance(effect.estimate()) == pytest.approx(-1)


def test_every_size_is_described_and_drawn() -> None:
    """If this failed, sizes would be in the order of their digits, or without their choice."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(" ")[0] for line in lines] == ["4,000", "30,000", "200,000"]
    assert "80.00 % without dropout, 50.00 % with, at rate 0.2; saved +30.00" in lines[0]
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert list(figure.axes[0].lines[0].get_xdata()) == [4000, 30000, 200000]
