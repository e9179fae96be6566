"""How sure a mean is: intervals over seeds and test images, p values, Holm's adjustment, power."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

# Student's t; scipy.stats would take a second to import.
from scipy.special import nctdtr, stdtr, stdtrit

Range = tuple[float, float]
"""The lowest and the highest value that a quantity can have."""
ANYTHING = (-math.inf, math.inf)
PERCENT = (0.0, 100.0)
RANGES = {
    "error": PERCENT,
    "worst": PERCENT,
    "corruption": PERCENT,
    "nll": (0.0, math.inf),
    "brier": (0.0, 2.0),
    "ece": (0.0, 1.0),
}

SEEDS_OF_INTERVAL = 4
"""So many seeds an interval that is shown has at least; of fewer their values are shown."""


def range_of(key: str) -> Range:
    """The possible values of a metric, by the measure in its key.

    >>> range_of("test/error/weight_scaling")
    (0.0, 100.0)
    """
    measures = [part.partition("_")[0] for part in reversed(key.split("/"))]
    return next((RANGES[measure] for measure in measures if measure in RANGES), ANYTHING)


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its standard deviation and confidence limits (nan if n is 1)."""

    mean: float
    sd: float
    low: float
    high: float
    n: int

    def within(self, possible: Range) -> "Interval":
        """The interval cut to possible values: to show, not to decide.

        >>> f"{interval([0.1, 0.2, 0.6]).within((0.0, 100.0)):.2f}"
        '0.30 (0.00 to 0.96)'
        """
        if self.n == 1:
            return self

        lowest, highest = possible
        return replace(self, low=max(self.low, lowest), high=min(self.high, highest))

    def __format__(self, spec: str) -> str:
        """The mean with its limits, each in the given format: `1.20 (1.10 to 1.30)`."""
        mean = format(self.mean, spec)
        if self.n == 1:
            return mean

        return f"{mean} ({self.low:{spec}} to {self.high:{spec}})"


def spread_in_words(values: Sequence[float], possible: Range, spec: str = ".2f") -> str:
    """The 95 % interval as text; of fewer than `SEEDS_OF_INTERVAL` values, the values themselves.

    An interval over two values reaches 9 standard deviations to each side, one over three 2.5.

    >>> spread_in_words([1.0, 3.0, 2.0], (0.0, 100.0))
    '1.00, 3.00, 2.00'
    >>> spread_in_words([1.0, 2.0, 3.0, 2.0], (0.0, 100.0))
    '0.70 to 3.30'

    Args:
        values: one per seed.
        possible: the values that the mean can have.
        spec: format of a number.
    """
    if len(values) < SEEDS_OF_INTERVAL:
        return ", ".join(format(value, spec) for value in values)

    shown = interval(values).within(possible)

    return f"{shown.low:{spec}} to {shown.high:{spec}}"


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The t interval of a mean: mean ± t_{n-1} sd / sqrt(n).

    A bootstrap is no alternative at 5 to 10 seeds: its percentile intervals cover 83 to 91 % there.

    Args:
        values: one per seed, at least one.
        confidence: coverage, in (0, 1).

    Raises:
        ValueError: without values.

    Example:
        >>> f"{interval([1.0, 2.0, 3.0]):.2f}"
        '2.00 (-0.48 to 4.48)'
    """
    if not values:
        raise ValueError("an interval needs at least one value")

    mean = fmean(values)
    n = len(values)
    if n == 1 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan, math.nan, n)

    sd = stdev(values)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * sd / math.sqrt(n)

    return Interval(mean, sd, mean - half, mean + half, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjustment of several p values: rejecting those up to 0.05 keeps the family at 5 %.

    With m p values in ascending order, p_(i) becomes max over j <= i of (m - j + 1) p_(j), at most
    1 (Holm 1979). A nan stays nan and does not count.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    counted = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    order = sorted(counted, key=lambda i: p_values[i])

    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = highest

    return adjusted


SMALLEST_DF = 1.0
"""Bounds Satterthwaite's degrees of freedom, which a difference of mean squares brings near 0."""
ROUNDING = 1e-12
"""Relative differences up to this size are taken for rounding errors."""
LARGEST_DF = 10_000.0
"""Bounds the degrees of freedom of a noncentral t distribution, which is normal long before."""
MOST_NEEDED = 10**9
"""The largest number of seeds or images that `needed` reports."""


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a table of seeds x images, or of a stack of tables.

    Attributes:
        seed: S - 1 degrees of freedom.
        image: N - 1 degrees of freedom.
        rest: (S - 1) (N - 1) degrees of freedom.
    """

    seed: NDArray[np.float64]
    image: NDArray[np.float64]
    rest: NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Variances of one seed, of one image, and of what is left for one seed on one image."""

    seed: float
    image: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """A mean, how sure it is, and where its variance comes from.

    Attributes:
        mean: over all seeds and images.
        se: standard error of the mean; nan where there is one seed.
        df: degrees of freedom of the t distribution; nan where there is one seed.
        seeds: how many.
        images: how many; None where no images were kept.
        components: of the variance; None where there is one seed.
    """

    mean: float
    se: float
    df: float
    seeds: int
    images: int | None = None
    components: Components | None = None

    def interval(self, confidence: float = 0.95) -> Interval:
        """The confidence interval: mean ± t_df se.

        >>> f"{over_seeds([1.0, 2.0, 3.0]).interval():.2f}"
        '2.00 (-0.48 to 4.48)'
        """
        if math.isnan(self.se):
            return Interval(self.mean, math.nan, math.nan, math.nan, self.seeds)

        half = float(stdtrit(self.df, (1 + confidence) / 2)) * self.se

        return Interval(self.mean, self._sd, self.mean - half, self.mean + half, self.seeds)

    @property
    def _sd(self) -> float:
        """The standard deviation over seeds of the mean over images."""
        if self.components is None:
            return math.nan

        return math.sqrt(self.components.seed + self.components.rest / (self.images or 1))

    def p_above(self, limit: float = 0.0) -> float:
        """One-sided p value for a mean above the limit; nan where there is one seed.

        It is small if a true mean of at most `limit` would rarely give so large an estimate.

        >>> round(over_seeds([1.0, 2.0, 3.0]).p_above(0.0), 3)
        0.037
        """
        return self._p(self.mean - limit, limit)

    def p_below(self, limit: float = 0.0) -> float:
        """One-sided p value for a mean below the limit; nan where there is one seed."""
        return self._p(limit - self.mean, limit)

    def p_differs(self, limit: float = 0.0) -> float:
        """Two-sided p value for a mean other than the limit; nan where there is one seed."""
        return twice(min(self.p_above(limit), self.p_below(limit)))

    def _p(self, distance: float, limit: float) -> float:
        """The chance of so large a t value, if the true distance is 0."""
        if math.isnan(self.se) or not math.isfinite(self.mean):
            return math.nan

        if abs(distance) <= ROUNDING * max(abs(self.mean), abs(limit)):
            distance = 0.0

        if self.se == 0:
            return 0.0 if distance > 0 else 1.0

        return float(stdtr(self.df, -distance / self.se))


def twice(p: float) -> float:
    """Two times the smaller of two one-sided p values, at most 1; nan stays nan.

    >>> twice(0.02), twice(0.7), twice(math.nan)
    (0.04, 1.0, nan)
    """
    return p if math.isnan(p) else min(1.0, 2 * p)


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean of one value per seed: t distribution with S - 1 degrees of freedom.

    Args:
        values: one per seed, at least one.

    Raises:
        ValueError: without values.

    Example:
        >>> estimate = over_seeds([1.0, 2.0, 3.0])
        >>> estimate.mean, round(estimate.se, 3), estimate.df
        (2.0, 0.577, 2.0)
    """
    if not values:
        raise ValueError("an estimate needs at least one value")

    mean = fmean(values)
    seeds = len(values)
    if seeds == 1 or not math.isfinite(mean):
        return Estimate(mean, math.nan, math.nan, seeds)

    sd = stdev(values)

    return Estimate(
        mean, sd / math.sqrt(seeds), float(seeds - 1), seeds, components=Components(sd**2)
    )


def crossed(differences: NDArray[np.floating]) -> Estimate:
    """The mean of a table of seeds x images, where both are random.

    Every network is tested on the same images, so two cells share a seed or an image:
    y_ij = mean + seed_i + image_j + rest_ij. The variance of the mean is estimated by
    (MS_seed + MS_image - MS_rest) / (S N), its degrees of freedom by Satterthwaite (1946);
    `variance_of_mean` says what happens where the formula gives too little.

    Args:
        differences: `[S, N]`, of any unit.

    Returns:
        The estimate; over seeds alone where there is one image, without standard error where there
        is one seed.

    Raises:
        ValueError: the table is empty or has not two axes.

    Example:
        >>> estimate = crossed(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]]))
        >>> estimate.mean, round(estimate.se**2, 3), round(estimate.df, 2)
        (3.0, 1.667, 1.79)
    """
    if differences.ndim != 2 or not differences.size:
        raise ValueError(f"seeds x images were expected, not an array {differences.shape}")

    table = np.asarray(differences, dtype=np.float64)
    seeds, images = table.shape
    mean = float(table.mean())

    if seeds == 1 or not math.isfinite(mean):
        return Estimate(mean, math.nan, math.nan, seeds, images)

    if images == 1:
        return replace(over_seeds(table[:, 0].tolist()), images=1)

    squares = mean_squares(table)
    variance, df = variance_of_mean(squares, seeds, images)

    return Estimate(
        mean, math.sqrt(variance), float(df), seeds, images, components(squares, seeds, images)
    )


def mean_squares(tables: NDArray[np.floating]) -> MeanSquares:
    """The mean squares of seeds, images and rest, as in an analysis of variance without repeats.

    Args:
        tables: `[..., S, N]`, S and N at least 2.

    Example:
        >>> squares = mean_squares(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]]))
        >>> float(squares.seed), float(squares.image), float(squares.rest)
        (6.0, 6.0, 2.0)
    """
    values = np.asarray(tables, dtype=np.float64)
    seeds, images = values.shape[-2:]
    mean = values.mean(axis=(-2, -1), keepdims=True)
    of_seed = values.mean(axis=-1, keepdims=True) - mean
    of_image = values.mean(axis=-2, keepdims=True) - mean
    rest = values - mean - of_seed - of_image

    largest = np.abs(values).max(axis=(-2, -1))
    squares = MeanSquares(
        seed=images * (of_seed**2).sum(axis=(-2, -1)) / (seeds - 1),
        image=seeds * (of_image**2).sum(axis=(-2, -1)) / (images - 1),
        rest=(rest**2).sum(axis=(-2, -1)) / ((seeds - 1) * (images - 1)),
    )

    return MeanSquares(
        _without_rounding(squares.seed, images * largest),
        _without_rounding(squares.image, seeds * largest),
        _without_rounding(squares.rest, largest),
    )


def _without_rounding(
    square: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The mean square, 0 where it is a rounding error of values of a given size."""
    return np.where(square <= (ROUNDING * scale) ** 2, 0.0, square)


def variance_of_mean(
    squares: MeanSquares, seeds: int, images: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance of the mean over seeds and images, and its degrees of freedom (Satterthwaite 1946).

    The variance is (MS_seed + MS_image - MS_rest) / (S N), which has the right expectation, but may
    be too small or negative by chance. It is never taken to be below the smaller of MS_seed and
    MS_image over S N: each of them alone has at least the expectation of the rest. The degrees of
    freedom are never below 1. `docs/statistics.md` has the simulated coverage.

    Args:
        squares: arrays of any one shape.
        seeds: S, at least 2.
        images: N, at least 2.

    Example:
        >>> squares = mean_squares(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]]))
        >>> variance, df = variance_of_mean(squares, seeds=2, images=3)
        >>> round(float(variance), 3), round(float(df), 2)  # (6 + 6 - 2) / 6
        (1.667, 1.79)
    """
    smaller = np.minimum(squares.seed, squares.image)
    total = np.maximum(squares.seed + squares.image - squares.rest, smaller)

    uncertainty = (
        squares.seed**2 / (seeds - 1)
        + squares.image**2 / (images - 1)
        + squares.rest**2 / ((seeds - 1) * (images - 1))
    )
    constant = uncertainty == 0
    df = np.where(constant, seeds - 1, total**2 / np.where(constant, 1.0, uncertainty))

    return total / (seeds * images), np.maximum(df, SMALLEST_DF)


def components(squares: MeanSquares, seeds: int, images: int) -> Components:
    """The variance components of one table: differences of mean squares, negative ones as 0."""
    return Components(
        seed=max(0.0, float(squares.seed - squares.rest) / images),
        image=max(0.0, float(squares.image - squares.rest) / seeds),
        rest=float(squares.rest),
    )


@dataclass(frozen=True)
class Needed:
    """What it would take to decide an effect; None where no number is enough.

    Attributes:
        seeds: number of seeds on the same test images.
        images: number of test images with the same seeds; None also where no images were kept.
        both: seeds and images, both more by the same factor.
    """

    seeds: int | None
    images: int | None
    both: tuple[int, int] | None

    def __str__(self) -> str:
        """The numbers in words: `about 23 seeds would be needed`."""
        if self.seeds and self.images:
            return (
                f"about {_about(self.seeds)} seeds, or {_about(self.images)} test images, "
                "would be needed"
            )

        if self.seeds:
            return f"about {_about(self.seeds)} seeds would be needed"

        if self.images:
            return (
                "no number of seeds would be enough: "
                f"about {_about(self.images)} test images would be needed"
            )

        if self.both:
            seeds, images = self.both
            return (
                "neither seeds nor test images alone would be enough: about "
                f"{_about(seeds)} seeds and {_about(images)} test images would be needed"
            )

        return "no number of seeds or test images would be enough"


def needed(
    estimate: Estimate, distance: float, level: float = 0.05, power: float = 0.8
) -> Needed | None:
    """How many seeds or test images a one-sided t test needs, if the estimate is the truth.

    The power of the test is that of the noncentral t distribution; its variance is
    seed / S + image / N + rest / (S N) with the estimated components, its degrees of freedom
    follow by Satterthwaite.

    Args:
        estimate: with components.
        distance: from the true mean to the limit, taken to be the observed one; of any sign.
        level: of the test.
        power: chance that the test decides, in (level, 1).

    Returns:
        The smallest numbers; None where one seed leaves the variance unknown.

    Example:
        >>> needed(over_seeds([1.0, -1.0, 2.0, 0.0]), 0.5).seeds
        43
    """
    parts = estimate.components
    if parts is None or not math.isfinite(distance):
        return None

    seeds = estimate.seeds
    images = estimate.images

    def decides(more_seeds: float, more_images: float) -> bool:
        reached = _power(parts, more_seeds, more_images, abs(distance), level)
        return reached >= power

    if images is None:
        enough = _smallest(lambda number: decides(number, 1))
        return Needed(enough, None, None)

    return Needed(
        seeds=_smallest(lambda number: decides(number, images)),
        images=_smallest(lambda number: decides(seeds, number)),
        both=_scaled(seeds, images, decides),
    )


def _scaled(
    seeds: int, images: int, decides: Callable[[float, float], bool]
) -> tuple[int, int] | None:
    """The smallest seeds and images, in the proportion of today's, that decide."""
    number = _smallest(lambda number: decides(number, number * images / seeds))
    if number is None:
        return None

    return number, math.ceil(number * images / seeds)


def _smallest(decides: Callable[[int], bool]) -> int | None:
    """The smallest number from 2 to MOST_NEEDED that decides; None if the last does not."""
    if not decides(MOST_NEEDED):
        return None

    too_few, enough = 1, MOST_NEEDED
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if decides(middle):
            enough = middle
        else:
            too_few = middle

    return enough


def _power(parts: Components, seeds: float, images: float, distance: float, level: float) -> float:
    """The chance that a one-sided t test decides at a true distance from its limit."""
    if distance == 0:
        return 0.0

    of_seed = (parts.seed + parts.rest / images) / seeds
    of_image = (parts.image + parts.rest / seeds) / images
    of_rest = parts.rest / (seeds * images)
    variance = of_seed + of_image - of_rest

    uncertainty = of_seed**2 / (seeds - 1)
    if images > 1:
        uncertainty += of_image**2 / (images - 1)
        uncertainty += of_rest**2 / ((seeds - 1) * (images - 1))

    if uncertainty == 0:  # no variance, or one that is too small for a float
        return 1.0

    df = min(variance**2 / uncertainty, LARGEST_DF)
    critical = float(stdtrit(df, 1 - level))
    missed = float(nctdtr(df, distance / math.sqrt(variance), critical))

    # Where the probability is too small for a float, scipy answers nan.
    return 1.0 if math.isnan(missed) else 1 - missed


def _about(number: int) -> str:
    """A number for a sentence, to two digits from 100 on.

    >>> _about(23), _about(31_416)
    ('23', '32,000')
    """
    if number < 100:
        return str(number)

    unit = 10 ** (len(str(number)) - 2)

    return f"{math.ceil(number / unit) * unit:,}"
