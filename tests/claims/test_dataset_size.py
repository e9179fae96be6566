"""Dropout by the number of training examples."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from dropout_study.analysis.criteria import Asked, decide
from dropout_study.analysis.runs import Errors, ResultsMissing
from dropout_study.claims.dataset_size import DatasetSize, spread_ratio
from support.rows import Columns, misclassified, row, runs

CLAIM = DatasetSize()
HARM = "unstable training or worse performance"


def net(kind: str, size: int, seed: int, count: int) -> Columns:
    """A net that misclassifies the first images of 99.

    With half an image added, the logarithm of its error is log(count + 0.5) + log(100 / 99).
    """
    settings: Columns = {
        "data.train_size": size,
        "optimizer.lr": 0.002 if kind == "dropout" else 0.004,
        "model.hidden_rate": 0.2 if kind == "dropout" else 0.0,
    }
    wrong = [1] * count + [0] * (99 - count)

    return row(f"{kind}, n = {size}", seed, misclassified("weight_scaling", wrong), settings)


def nets(size: int, plain: list[int], dropout: list[int]) -> list[Columns]:
    """Nets of one size with their numbers of misclassified images, by seed."""
    return [
        net(kind, size, seed, count)
        for kind, counts in (("none", plain), ("dropout", dropout))
        for seed, count in enumerate(counts, 100)
    ]


COUNTS = {
    100: ([48, 49, 50], [40, 42, 46]),
    500: ([40, 42, 46], [48, 49, 50]),
    5000: ([4, 4], [1, 4]),
    10000: ([4, 4], [4, 1]),
    50000: ([2, 2], [0, 0]),
}
VALUES = {"small": [100, 500], "middle": [5000, 10000]}
NETS = [network for size, counts in COUNTS.items() for network in nets(size, *counts)]
STUDIES = {"dataset_size": runs(*NETS, **VALUES)}


def harm_of(plain: list[int], at_500: list[int], at_100: list[int]) -> str:
    """The outcome of the part on harm, from misclassified images without and with dropout."""
    counts = {100: (plain, at_100), 500: (plain, at_500), 5000: (plain, plain)}
    networks = [network for size, both in counts.items() for network in nets(size, *both)]
    studies = {"dataset_size": runs(*networks, small=[100, 500], middle=[5000])}
    asked = {HARM: Asked(CLAIM.parts[HARM], CLAIM.estimate(studies)[HARM])}

    return decide(asked)[HARM].outcome


def errors(percent: list[float] | NDArray[np.float64]) -> Errors:
    """Errors of nets with the seeds 0, 1, ..., without the images behind them."""
    return Errors(pd.Series(percent, dtype=float), {})


def test_less_effective_is_a_smaller_log_ratio_at_the_smallest_sizes() -> None:
    """If this failed, the contrast would be turned, sizes be left out or points be compared.

    With half an image added, seed 100 has the ratios 48.5 / 40.5 and 40.5 / 48.5 at the small
    sizes, 4.5 / 1.5 = 3 and 1 at the middle ones: (log 3 + log 1) / 2 - 0. Seed 101 has 1 and 3 at
    the middle ones, seed 102 no nets there.
    """
    (effect,) = CLAIM.estimate(STUDIES)["less effective"].values()
    assert list(effect.values) == pytest.approx([math.log(3) / 2] * 2)
    assert list(effect.seeds) == [100, 101]
    assert CLAIM.parts["less effective"].criterion.distance(effect.estimate()) > 0


def test_images_contribute_to_the_log_ratio_by_linearization() -> None:
    """If this failed, the interval would leave out the test images.

    An image adds its weight times wrong / (error + half an image). Image 1 of seed 100 is wrong
    for all nets; image 2 is right for dropout at 5,000. At the small sizes both cancel.
    """
    (effect,) = CLAIM.estimate(STUDIES)["less effective"].values()
    assert effect.images is not None
    assert effect.images.shape == (2, 99)
    first, second = effect.images[0][:2].tolist()
    assert first == pytest.approx(99 * (1 / 4.5 - 1 / 1.5) / 2, rel=1e-5)
    assert second == pytest.approx(99 * (1 / 4.5) / 2, rel=1e-5)


def test_worse_performance_is_a_larger_test_error_with_dropout() -> None:
    """If this failed, a benefit would count as harm, or a middle size be asked.

    100 examples: 40 - 48, 42 - 49, 46 - 50 images; 500: the reverse.
    """
    effects = CLAIM.estimate(STUDIES)[HARM]
    part = CLAIM.parts[HARM]
    points = np.array([8, 7, 4]) * 100 / 99
    assert [name for name in effects if name.endswith("points")] == [
        "100 examples, points",
        "500 examples, points",
    ]
    assert list(effects["100 examples, points"].values) == pytest.approx(-points)
    assert list(effects["500 examples, points"].values) == pytest.approx(points)
    assert effects["100 examples, points"].images is not None
    assert part.criterion.distance(effects["100 examples, points"].estimate()) < 0
    assert part.criterion.distance(effects["500 examples, points"].estimate()) > 0
    assert part.some


def test_unstable_is_a_wider_spread_with_dropout() -> None:
    """If this failed, the stabler arm would be called unstable, or means be compared.

    100 examples: 40, 42, 46 spread wider than 48, 49, 50; 500: the reverse.
    """
    effects = CLAIM.estimate(STUDIES)[HARM]
    part = CLAIM.parts[HARM]
    expected = spread_ratio(errors([0, 2, 6]), errors([0, 1, 2])).values
    assert list(effects["100 examples, spread"].values) == pytest.approx(expected)
    assert list(effects["500 examples, spread"].values) == pytest.approx(
        [-value for value in expected]
    )
    assert part.criterion.distance(effects["100 examples, spread"].estimate()) > 0
    assert part.criterion.distance(effects["500 examples, spread"].estimate()) < 0
    assert part.some


def test_unstable_or_worse_at_one_small_size_is_enough() -> None:
    """If this failed, the sentence's or would be an and, or a middle size would be asked.

    At 100 examples dropout errs on 5 images fewer. At 500 it has four times the spread and the
    same mean in the first study, 5 images more and the same spread in the second, and the same
    mean and spread in the third.
    """
    assert CLAIM.parts[HARM].some
    assert list(CLAIM.estimate(STUDIES)[HARM]) == [
        "100 examples, points",
        "500 examples, points",
        "100 examples, spread",
        "500 examples, spread",
    ]

    calm = [20 + step for step in (-4, -3, -2, -1, 0, 0, 1, 2, 3, 4)]
    better = [count - 5 for count in calm]
    unstable = [20 + 4 * (count - 20) for count in calm]
    worse = [count + 5 for count in calm]
    assert harm_of(calm, unstable, better) == "supported"
    assert harm_of(calm, worse, better) == "supported"
    assert harm_of(calm, calm[::-1], better) == "not resolved"


def test_dropout_that_errs_less_and_is_stabler_everywhere_is_no_harm() -> None:
    """If this failed, harm would be found in arms that are better in both ways.

    With dropout errors are lower by 10 images, and spread a quarter as wide.
    """
    wild = [50 + 4 * step for step in (-4, -3, -2, -1, 0, 0, 1, 2, 3, 4)]
    calm = [40 + step for step in (-4, -3, -2, -1, 0, 0, 1, 2, 3, 4)]
    assert harm_of(wild, calm, calm) == "not found"


def test_the_pseudo_values_of_three_seeds() -> None:
    """If this failed, the jackknife would weigh the whole and its parts wrongly.

    First 0, 2, 6 with variance 28/3, second 0, 1, 2 with variance 1: theta = log(28/3) / 2. Two
    values spread by their difference: without seed 0 the ratio is 4 / 1, without seed 1 6 / 2,
    without seed 2 2 / 1. Pseudo-values: 3 theta - 2 log 4, 3 theta - 2 log 3, 3 theta - 2 log 2.
    """
    effect = spread_ratio(errors([0, 2, 6]), errors([0, 1, 2]))
    three_theta = 1.5 * math.log(28 / 3)
    expected = [three_theta - 2 * math.log(ratio) for ratio in (4, 3, 2)]
    assert list(effect.values) == pytest.approx(expected)
    assert list(effect.seeds) == [0, 1, 2]
    assert effect.images is None


def test_units_and_levels_do_not_matter_to_the_ratio_of_spreads() -> None:
    """If this failed, errors in percent and as shares would differ in their spread.

    A factor of one arm adds its logarithm to every value; a factor of both, or a constant, nothing.
    """
    source = np.random.default_rng(1)
    first, second = source.normal(5, 1, (2, 6))
    values = np.array(spread_ratio(errors(first), errors(second)).values)
    both = spread_ratio(errors(7 * first), errors(7 * second)).values
    shifted = spread_ratio(errors(first + 9), errors(second)).values
    tripled = spread_ratio(errors(3 * first), errors(second)).values
    turned = spread_ratio(errors(second), errors(first)).values
    assert list(both) == pytest.approx(values)
    assert list(shifted) == pytest.approx(values)
    assert list(tripled) == pytest.approx(values + math.log(3))
    assert list(turned) == pytest.approx(-values)


def test_only_seeds_of_both_arms_count_in_a_spread() -> None:
    """If this failed, an arm with more seeds would be compared on examples of its own."""
    more = Errors(pd.Series([0.0, 2, 6, 99], index=[0, 1, 2, 3]), {})
    assert spread_ratio(more, errors([0, 1, 2])) == spread_ratio(
        errors([0, 2, 6]), errors([0, 1, 2])
    )


@pytest.mark.parametrize(
    ("first", "second"), [([1, 2], [1, 3]), ([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [5, 5, 5])]
)
def test_too_few_seeds_and_no_spread_are_no_numbers(
    first: list[float], second: list[float]
) -> None:
    """If this failed, arms without spread would decide by a logarithm of nearly 0."""
    assert all(math.isnan(value) for value in spread_ratio(errors(first), errors(second)).values)


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_intervals_of_the_ratio_of_spreads_cover_it(correlation: float) -> None:
    """If this failed, a 95 % interval would hold less, or much more, than it says.

    2,000 experiments of 20 seeds with normal errors, whose arms share a part, such as the examples
    of their seed; the standard error of the coverage is 0.5 %.
    """
    source = np.random.default_rng(0)
    covered = 0
    experiments = 2_000

    for _ in range(experiments):
        shared, first, second = source.standard_normal((3, 20))
        part = math.sqrt(correlation) * shared
        own = math.sqrt(1 - correlation)
        effect = spread_ratio(errors(part + own * first), errors(part + own * second))
        ci = effect.estimate().interval()
        covered += ci.low <= 0 <= ci.high

    assert 0.93 <= covered / experiments <= 0.96


def test_the_context_has_both_scales_and_the_choices() -> None:
    """If this failed, choices would be printed with another arm, or a size be left out."""
    lines = CLAIM.context_lines(STUDIES)
    names = [line.partition(" examples:")[0] for line in lines]
    assert names == ["100", "500", "5,000", "10,000", "50,000"]
    assert "benefit +6.40 (" in lines[0]  # (8 + 7 + 4) / 3 of 99 images
    assert "log ratio +0.138 (" in lines[0]  # log of 48.5 / 40.5, 49.5 / 42.5 and 50.5 / 46.5
    assert "standard deviation over seeds 1.01 / 3.09 points" in lines[0]
    assert "median error 49.49 / 42.42 %" in lines[0]  # 49 and 42 of 99 images
    assert lines[0].endswith("chosen lr 0.004 / lr 0.002, rate 0.2")


def test_the_figure_shows_both_scales_by_size() -> None:
    """If this failed, sizes would be out of order, or a benefit have the wrong sign."""
    error, points, ratio = CLAIM.draw(STUDIES).axes
    lines = {str(line.get_label()): list(line.get_ydata()) for line in error.lines}
    image = 100 / 99
    assert list(error.lines[0].get_xdata()) == list(COUNTS)
    assert lines["no dropout"][0] == pytest.approx(49 * image)
    assert lines["dropout"][-1] == 0
    assert list(points.lines[0].get_ydata())[-2:] == pytest.approx([1.5 * image, 2 * image])
    assert list(ratio.lines[0].get_ydata())[-2:] == pytest.approx([math.log(3) / 2, math.log(5)])


def test_missing_sizes_are_named() -> None:
    """If this failed, a contrast would be decided on the sizes that are there."""
    for size in (100, 10000):
        others = [network for network in NETS if network["data.train_size"] != size]
        with pytest.raises(ResultsMissing, match=f"no results with data.train_size={size}"):
            CLAIM.estimate({"dataset_size": runs(*others, **VALUES)})

    without_dropout = [network for network in NETS if network["arm"] != "dropout, n = 500"]
    with pytest.raises(ResultsMissing, match="no results with arm=dropout, n = 500"):
        CLAIM.estimate({"dataset_size": runs(*without_dropout, **VALUES)})


def test_sizes_and_networks_that_collapsed_are_named_beside_the_answer() -> None:
    """If this failed, no reader could tell what was small, or that an arm's mean hides a failure.

    Three of 99 images are 3.03 %, 60 are 60.61 %.
    """
    networks = [*NETS, *nets(1000, [3, 3, 3, 60], [3, 3, 3, 3])]
    compared, *failed = CLAIM.remarks({"dataset_size": runs(*networks, **VALUES)})
    assert compared == (
        "the smallest sizes are 100 and 500 examples, the middle ones 5,000 and 10,000, compared "
        "over the 2 seeds that all of them have"
    )
    assert failed == [
        "1,000 examples, without dropout: 1 of 4 networks ended at more than 2 times the median "
        "error (60.6 %)"
    ]
