"""Intervals over seeds x test images: by hand, by invariants and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from dropout_study.measures.statistics import (
    Components,
    Estimate,
    MeanSquares,
    crossed,
    interval,
    mean_squares,
    needed,
    over_seeds,
    variance_of_mean,
)

TABLE = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]])
"""Means of rows 2 and 4, of columns 2, 2 and 5; rest 0, 1, -1 and 0, -1, 1."""
REPETITIONS = 200_000
"""Standard error of a coverage of 95 %: 0.05 points."""


def random_table(seed: int, seeds: int = 5, images: int = 40) -> NDArray[np.float64]:
    """A table with all three components."""
    source = np.random.default_rng(seed)
    of_seeds = source.normal(size=(seeds, 1))
    of_images = source.normal(size=(1, images))

    return 0.3 + of_seeds + of_images + source.normal(size=(seeds, images))


def test_a_table_of_two_seeds_and_three_images_is_estimated_as_by_hand() -> None:
    """If this failed, every interval of a difference of errors would be wrong.

    Sums of squares: seeds 3 * (1 + 1) = 6, images 2 * (1 + 1 + 4) = 12, rest 4; mean squares 6, 6
    and 2. Variance (6 + 6 - 2) / 6; degrees of freedom 10^2 / (6^2 / 1 + 6^2 / 2 + 2^2 / 2).
    """
    estimate = crossed(TABLE)
    assert estimate.mean == 3
    assert estimate.se == pytest.approx(math.sqrt(10 / 6))
    assert estimate.df == pytest.approx(100 / 56)
    assert (estimate.seeds, estimate.images) == (2, 3)
    assert estimate.components == Components(seed=4 / 3, image=2.0, rest=2.0)


def test_where_the_formula_gives_too_little_the_smaller_single_variance_counts() -> None:
    """If this failed, a table whose seeds agree by chance would have an interval without width.

    Mean squares 1, 4 and 6: 1 + 4 - 6 is negative, so that 1 counts; the two components of
    negative estimates are 0.
    """
    squares = MeanSquares(np.array(1.0), np.array(4.0), np.array(6.0))
    variance, df = variance_of_mean(squares, 5, 10)
    assert variance == pytest.approx(1 / 50)
    assert df == 1  # 1 / (1/4 + 16/9 + 36/36) is smaller


@given(seed=st.integers(0, 10**6), seeds=st.integers(2, 6), images=st.integers(2, 8))
@settings(max_examples=60, deadline=None)
def test_without_images_the_interval_is_the_t_interval_over_seeds(
    seed: int, seeds: int, images: int
) -> None:
    """If this failed, the new intervals would differ from the t interval where images carry
    nothing.
    """
    values = np.random.default_rng(seed).normal(size=seeds)
    estimate = crossed(np.repeat(values[:, None], images, axis=1))
    plain = interval(values.tolist())
    assert estimate.df == pytest.approx(seeds - 1)
    assert estimate.interval().low == pytest.approx(plain.low)
    assert estimate.interval().high == pytest.approx(plain.high)
    assert estimate.interval().sd == pytest.approx(plain.sd)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_seeds_and_images_have_no_order_and_units_only_scale(seed: int) -> None:
    """If this failed, the order of runs, or points instead of shares, would change a verdict."""
    table = random_table(seed)
    source = np.random.default_rng(seed)
    estimate = crossed(table)
    shuffled = crossed(table[source.permutation(5)][:, source.permutation(40)])
    scaled = crossed(-100 * table + 7)
    transposed = crossed(table.T)

    assert (shuffled.mean, shuffled.se, shuffled.df) == pytest.approx(
        (estimate.mean, estimate.se, estimate.df)
    )
    assert (scaled.mean, scaled.se) == pytest.approx((-100 * estimate.mean + 7, 100 * estimate.se))
    assert scaled.df == pytest.approx(estimate.df)
    assert (transposed.se, transposed.df) == pytest.approx((estimate.se, estimate.df))


@given(seed=st.integers(0, 10**6), limit=st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_p_values_agree_with_each_other_and_with_the_interval(seed: int, limit: float) -> None:
    """If this failed, an interval and the p value beside it would contradict each other."""
    estimate = crossed(random_table(seed))
    above = estimate.p_above(limit)
    below = estimate.p_below(limit)
    assert above + below == pytest.approx(1)
    assert estimate.p_differs(limit) == pytest.approx(2 * min(above, below))

    ci = estimate.interval(0.9)
    assert estimate.p_above(ci.low) == pytest.approx(0.05)
    assert estimate.p_below(ci.high) == pytest.approx(0.05)


def test_p_values_over_seeds_are_those_of_the_t_test() -> None:
    """If this failed, one-sided p values would be those of another test."""
    values = [0.1, 0.4, 0.2, -0.1, 0.3]
    estimate = over_seeds(values)
    above = stats.ttest_1samp(values, 0.05, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 0.05, alternative="less").pvalue
    assert estimate.p_above(0.05) == pytest.approx(above)
    assert estimate.p_below(0.05) == pytest.approx(below)
    assert estimate.p_differs(0.05) == pytest.approx(stats.ttest_1samp(values, 0.05).pvalue)


def test_one_seed_has_no_interval_and_one_image_leaves_the_seeds() -> None:
    """If this failed, a single network would look certain, or a single image would be an error."""
    one_seed = crossed(TABLE[:1])
    assert one_seed.mean == 2
    assert math.isnan(one_seed.se)
    assert math.isnan(one_seed.p_above())
    assert math.isnan(one_seed.p_differs())
    assert math.isnan(one_seed.interval().low)
    assert needed(one_seed, 1.0) is None

    one_image = crossed(TABLE[:, :1])
    assert one_image.se == over_seeds([1.0, 3.0]).se
    assert (one_image.seeds, one_image.images) == (2, 1)

    with pytest.raises(ValueError, match="at least one"):
        over_seeds([])
    with pytest.raises(ValueError, match="seeds x images"):
        crossed(np.zeros(3))
    with pytest.raises(ValueError, match="seeds x images"):
        crossed(np.zeros((2, 0)))


@pytest.mark.parametrize("value", [0.0, 0.3, -1e-9, 1e9 / 3])
def test_a_constant_table_is_certain_but_not_of_a_difference_from_itself(value: float) -> None:
    """If this failed, the rounding of 0.3 would be taken for a spread, and p would be arbitrary."""
    estimate = crossed(np.full((7, 11), value))
    assert (estimate.se, estimate.df) == (0, 6)
    assert estimate.p_above(value) == estimate.p_below(value) == estimate.p_differs(value) == 1
    assert estimate.p_above(value - 1) == estimate.p_differs(value + 1) == 0
    assert estimate.interval().low == estimate.interval().high == estimate.mean


def chances(
    means: NDArray[np.float64], squares: MeanSquares, seeds: int, images: int
) -> tuple[float, float]:
    """Coverage of 95 % intervals and one-sided false positives at 5 %, in percent.

    Both sides count as false positives, which halves the sampling error.
    """
    variance, df = variance_of_mean(squares, seeds, images)
    moving = variance > 0
    t = np.where(moving, means / np.sqrt(np.where(moving, variance, 1.0)), 0.0)
    above = stats.t.sf(t, df)
    below = stats.t.cdf(t, df)
    covered = 2 * np.minimum(above, below) >= 0.05
    positive = np.concatenate([above, below]) <= 0.05

    return 100 * float(covered.mean()), 100 * float(positive.mean())


@pytest.mark.parametrize(
    ("seeds", "seed_part", "image_part", "covered", "positive"),
    [
        (5, 1, 0, 95.5, 4.8),
        (5, 1, 0.5, 94.2, 5.3),
        (5, 1, 1, 94.4, 5.3),
        (5, 0.5, 1, 94.5, 5.2),
        (5, 0.1, 1, 94.7, 5.2),
        (10, 1, 0, 95.1, 4.9),
        (10, 1, 0.5, 94.8, 5.1),
        (10, 1, 1, 94.8, 5.1),
        (10, 0.5, 1, 94.9, 5.1),
        (10, 0.1, 1, 94.9, 5.0),
    ],
)
def test_intervals_cover_94_to_96_percent_whatever_carries_the_variance(
    seeds: int, seed_part: float, image_part: float, covered: float, positive: float
) -> None:
    """If this failed, "95 %" would be a claim that nobody checked, or docs/statistics.md would show
    a table of other code.

    Parts are those of the variance of the mean over seeds and 300 images; the rest has 1. Mean
    squares of normal values are independent multiples of chi squares.
    """
    source = np.random.default_rng(seeds)
    images = 300

    def draw(part: float, df: int) -> NDArray[np.float64]:
        return part * seeds * images * source.chisquare(df, REPETITIONS) / df

    squares = MeanSquares(
        draw(seed_part + 1, seeds - 1),
        draw(image_part + 1, images - 1),
        draw(1, (seeds - 1) * (images - 1)),
    )
    means = source.normal(size=REPETITIONS) * math.sqrt(seed_part + image_part + 1)
    coverage, positives = chances(means, squares, seeds, images)

    assert 94 < coverage < 96
    assert positives < 5.5
    assert coverage == pytest.approx(covered, abs=0.2)
    assert positives == pytest.approx(positive, abs=0.2)


@pytest.mark.parametrize(
    ("seeds", "of_seeds", "of_images"),
    [(5, 0.25, 0.0), (5, 0.15, 0.5), (5, 0.1, 0.7), (10, 0.15, 0.5)],
)
def test_intervals_cover_as_often_for_misclassified_images(
    seeds: int, of_seeds: float, of_images: float
) -> None:
    """If this failed, the coverage of normal values would not be that of our data: -1, 0 and 1,
    where most images are right under both conditions (8,000 repetitions: ± 0.25 points).

    An image is wrong if its difficulty, shared by both conditions, plus terms of condition x image,
    condition x seed and a rest exceeds a bound. Both conditions have the same error.
    """
    source = np.random.default_rng(seeds)
    images = 200
    bound = 1.6 * math.sqrt(1 + of_images**2 + of_seeds**2 + 0.25)

    def draw(*shape: int) -> NDArray[np.float32]:
        return source.standard_normal((500, *shape), dtype=np.float32)

    def wrong(difficulty: NDArray[np.float32]) -> NDArray[np.float32]:
        interaction = of_images * draw(1, images) + of_seeds * draw(seeds, 1)
        total = difficulty + interaction + 0.5 * draw(seeds, images)
        return (total > bound).astype(np.float32)

    means, tables = [], []

    for _ in range(16):
        difficulty = draw(1, images)
        differences = wrong(difficulty) - wrong(difficulty)
        means.append(differences.mean(axis=(1, 2), dtype=float))
        tables.append(mean_squares(differences))

    squares = MeanSquares(
        np.concatenate([table.seed for table in tables]),
        np.concatenate([table.image for table in tables]),
        np.concatenate([table.rest for table in tables]),
    )
    coverage, positives = chances(np.concatenate(means), squares, seeds, images)

    assert 94 < coverage < 96.5
    assert positives < 5.5


@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_needed_seeds_have_80_percent_power_and_one_seed_fewer_does_not(level: float) -> None:
    """If this failed, "about 43 seeds" would be too few, or many too many (noncentral t)."""
    estimate = over_seeds([1.0, -1.0, 2.0, 0.0])
    number = needed(estimate, 0.5, level)
    assert number is not None
    assert number.seeds is not None

    def power(seeds: int) -> float:
        noncentrality = 0.5 / math.sqrt(5 / 3 / seeds)
        return float(stats.nct.sf(stats.t.isf(level, seeds - 1), seeds - 1, noncentrality))

    assert power(number.seeds) >= 0.8 > power(number.seeds - 1)
    assert (number.images, number.both) == (None, None)
    assert needed(estimate, -0.5, level) == number


def test_seeds_or_images_or_both_are_needed_depending_on_what_carries_the_variance() -> None:
    """If this failed, the report would ask for seeds where only more test images would help.

    Where images alone carry the variance, the number is that of the normal distribution:
    (1.6449 + 0.8416)^2 image / distance^2.
    """

    def estimate(components: Components) -> Estimate:
        return Estimate(0.1, 0.1, 9.0, 10, 10_000, components)

    of_seeds = needed(estimate(Components(seed=0.1, image=0.0, rest=0.0)), 0.1)
    of_images = needed(estimate(Components(seed=0.0, image=100.0, rest=0.0)), 0.1)
    of_both = needed(estimate(Components(seed=0.1, image=100.0, rest=0.0)), 0.1)

    assert of_seeds is not None
    assert of_seeds.images is None
    assert str(of_seeds) == "about 64 seeds would be needed"
    assert of_images is not None
    assert of_images.images == pytest.approx((1.6449 + 0.8416) ** 2 * 100 / 0.01, rel=0.001)
    assert str(of_images) == (
        "no number of seeds would be enough: about 62,000 test images would be needed"
    )
    assert of_both is not None
    assert (of_both.seeds, of_both.images) == (None, None)
    assert of_both.both is not None
    assert "neither seeds nor test images alone would be enough" in str(of_both)
    assert "no number" in str(needed(estimate(Components(0.1, 100.0, 0.0)), 0.0))


@given(
    seed=st.floats(0, 1), image=st.floats(0, 1e3), rest=st.floats(0, 1e3), far=st.floats(0.01, 10)
)
@settings(max_examples=60, deadline=None)
def test_larger_effects_and_less_strict_levels_need_no_more(
    seed: float, image: float, rest: float, far: float
) -> None:
    """If this failed, numerical trouble of the noncentral t distribution would reach the report."""
    estimate = Estimate(0.1, 0.1, 9.0, 10, 10_000, Components(seed, image, rest))
    strict = needed(estimate, far, 0.001)
    plain = needed(estimate, far)
    near = needed(estimate, far / 2)
    assert strict is not None
    assert plain is not None
    assert near is not None
    assert plain.both is not None

    for other in (strict, near):
        assert (plain.seeds or math.inf) <= (other.seeds or math.inf)
        assert (plain.images or math.inf) <= (other.images or math.inf)
        assert plain.both <= (other.both or (math.inf, math.inf))
