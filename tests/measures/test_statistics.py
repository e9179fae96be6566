"""Intervals against values computed by hand and by simulation."""

import math

import numpy as np
import pytest

from dropout_study.measures.statistics import (
    ANYTHING,
    PERCENT,
    holm,
    interval,
    range_of,
)


def test_the_interval_of_three_values_is_the_one_from_a_t_table() -> None:
    """If this failed, the intervals in every table would be wrong: t_{2, 0.975} = 4.30265."""
    of = interval([1.0, 2.0, 3.0])
    assert (of.mean, of.sd, of.n) == (2.0, 1.0, 3)
    assert of.high - of.mean == pytest.approx(4.30265 / math.sqrt(3), abs=1e-5)
    assert of.mean - of.low == pytest.approx(of.high - of.mean)


def test_one_seed_has_no_interval_and_none_is_an_error() -> None:
    """If this failed, a single run would look certain."""
    assert math.isnan(interval([1.5]).low)
    with pytest.raises(ValueError, match="at least one"):
        interval([])


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("draw", ["normal", "binomial"])
def test_intervals_cover_in_93_to_97_of_100_cases(seeds: int, draw: str) -> None:
    """If this failed, "95 %" would be a claim that nobody checked; errors are counts of
    misclassified images.
    """
    source = np.random.default_rng(seeds)

    if draw == "normal":
        samples = source.normal(size=(4000, seeds))
        truth = 0.0
    else:
        samples = source.binomial(10_000, 0.015, size=(4000, seeds)) / 100
        truth = 1.5

    covered = [of.low <= truth <= of.high for of in map(interval, samples.tolist())]
    assert 0.93 < np.mean(covered) < 0.97


def test_an_interval_prints_its_limits() -> None:
    """If this failed, the numbers beside a verdict would lack their uncertainty."""
    assert f"{interval([1.0, 2.0, 3.0]):+.2f}" == "+2.00 (-0.48 to +4.48)"
    assert f"{interval([1.0]):.1f}" == "1.0"


def test_the_interval_of_an_error_is_shown_between_0_and_100() -> None:
    """If this failed, a table would say that a net may misclassify less than nothing, or more than
    all.
    """
    low = interval([1.0, 3.0]).within(PERCENT)
    high = interval([97.0, 99.0]).within(PERCENT)
    assert (low.low, low.mean, low.high) == (0, 2, pytest.approx(2 + 12.7062, abs=1e-3))
    assert (high.low, high.high) == (pytest.approx(98 - 12.7062, abs=1e-3), 100)
    assert math.isnan(interval([1.5]).within(PERCENT).low)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("test/error/weight_scaling", PERCENT),
        ("single/error_worst", PERCENT),
        ("removal/worst", PERCENT),
        ("corruption/missing_pixels", PERCENT),
        ("corruption/nll", (0, math.inf)),
        ("test/nll/monte_carlo", (0, math.inf)),
        ("exact/weight_scaling_error", ANYTHING),
    ],
)
def test_what_a_metric_can_be_follows_from_its_measure(
    key: str, expected: tuple[float, float]
) -> None:
    """If this failed, the limits of an interval would be those of another quantity."""
    assert range_of(key) == expected


def test_holm_multiplies_the_smallest_p_by_the_number_of_claims() -> None:
    """If this failed, many parts would find by chance what is not there (computed by hand)."""
    adjusted = holm([0.01, 0.04, 0.03, math.nan])
    assert adjusted[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(adjusted[3])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
