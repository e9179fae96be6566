"""Intervals against values computed by hand and by simulation."""

import math

import numpy as np
import pytest

from dropout_study.statistics import interval


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


def test_intervals_of_five_seeds_cover_in_95_of_100_cases() -> None:
    """If this failed, "95 %" would be a claim that nobody checked."""
    samples = np.random.default_rng(0).normal(size=(4000, 5))
    covered = [of.low <= 0 <= of.high for of in map(interval, samples.tolist())]
    assert 0.935 < np.mean(covered) < 0.965
