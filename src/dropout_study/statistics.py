"""Intervals over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its standard deviation and confidence limits (nan if n is 1)."""

    mean: float
    sd: float
    low: float
    high: float
    n: int


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The t interval of a mean: mean ± t_{n-1} sd / sqrt(n).

    A bootstrap is no alternative at 5 to 10 seeds: its percentile intervals cover 83 to 91 % there.

    Args:
        values: one per seed, at least one.
        confidence: coverage, in (0, 1).

    Raises:
        ValueError: without values.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    mean, n = fmean(values), len(values)
    if n == 1 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan, math.nan, n)
    sd = stdev(values)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / math.sqrt(n)
    return Interval(mean, sd, mean - half, mean + half, n)
