"""Effects: what a seed and what a test image contribute."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from dropout_study.analysis.compare import compare
from dropout_study.analysis.runs import (
    Effect,
    Errors,
    ResultsMissing,
    Runs,
    competent,
    minus,
    weighted,
    weighted_logs,
)
from dropout_study.measures.statistics import crossed, over_seeds


def errors(seed: int, rate: float, seeds: tuple[int, ...] = (0, 1, 2), images: int = 50) -> Errors:
    """Errors of networks that misclassify images at a rate."""
    source = np.random.default_rng(seed)
    wrong = {one: (source.random(images) < rate).astype(float) for one in seeds}

    return Errors(pd.Series({one: 100 * share.mean() for one, share in wrong.items()}), wrong)


def stacked(values: Errors, seeds: tuple[int, ...] = (0, 1, 2)) -> NDArray[np.float64]:
    """The misclassified images in percent, seeds x images."""
    return 100 * np.array([values.wrong[seed] for seed in seeds])


def test_a_difference_of_errors_is_estimated_over_seeds_and_images() -> None:
    """If this failed, intervals would leave out the test images, or pair the wrong seeds."""
    plain = errors(1, 0.3)
    dropout = errors(2, 0.2, seeds=(2, 1, 7, 0))
    effect = plain.minus(dropout)
    table = stacked(plain) - stacked(dropout)
    estimate = effect.estimate()

    assert list(effect.seeds) == [0, 1, 2]
    assert effect.values == pytest.approx(table.mean(axis=1).tolist())
    assert effect.images == pytest.approx(table)
    assert (estimate.se, estimate.df) == pytest.approx((crossed(table).se, crossed(table).df))
    assert effect.estimate() is estimate


def test_the_value_of_a_seed_is_the_measured_one_whatever_its_images_add_up_to() -> None:
    """If this failed, an effect that is linearized over images would have another mean than the
    values that the report shows.
    """
    effect = Effect([1.0, 2.0, 4.0], images=np.array([[0.0, 1.0], [5.0, 6.0], [0.0, 3.0]]))
    expected = crossed(np.array([[0.5, 1.5], [1.5, 2.5], [2.5, 5.5]]))
    assert effect.estimate().mean == pytest.approx(7 / 3)
    assert effect.estimate().se == pytest.approx(expected.se)


def test_an_effect_without_images_is_estimated_over_seeds() -> None:
    """If this failed, NLL and other measures would have no interval."""
    effect = minus(pd.Series({0: 3.0, 1: 5.0, 2: 1.0}), pd.Series({1: 1.0, 2: 2.0}))
    assert effect == Effect([4.0, -1.0], [1, 2])
    assert effect.estimate() == over_seeds([4.0, -1.0])


def test_the_difference_of_two_effects_pairs_seeds_and_images() -> None:
    """If this failed, the half-budget control would compare different networks."""
    final = errors(1, 0.3).minus(errors(2, 0.2))
    half = errors(3, 0.3, seeds=(1, 2)).minus(errors(4, 0.2, seeds=(1, 2)))
    change = final.minus(half)
    assert final.images is not None
    assert half.images is not None
    assert list(change.seeds) == [1, 2]
    assert change.images == pytest.approx(final.images[1:] - half.images)
    assert change.values == pytest.approx(
        [final.values[1] - half.values[0], final.values[2] - half.values[1]]
    )

    fewer_images = errors(3, 0.3, images=20).minus(errors(4, 0.2, images=20))
    assert final.minus(fewer_images).images is None

    with pytest.raises(ResultsMissing, match="no seed in common"):
        final.minus(Effect([1.0]))


def test_an_effect_refuses_seeds_and_images_that_are_not_its_own() -> None:
    """If this failed, values would be paired with other seeds without a word."""
    with pytest.raises(ValueError, match="2 values of 3 seeds"):
        Effect([1.0, 2.0], [0, 1, 2])
    with pytest.raises(ValueError, match="2 values and 3 rows"):
        Effect([1.0, 2.0], [0, 1], np.zeros((3, 4)))


def test_a_weighted_sum_is_that_of_values_and_of_images() -> None:
    """If this failed, a contrast of several conditions would have the interval of another."""
    terms = [(0.5, errors(1, 0.3)), (0.5, errors(2, 0.4)), (-1.0, errors(3, 0.2))]
    effect = weighted(terms)
    expected = sum(weight * stacked(values) for weight, values in terms)
    assert effect.images == pytest.approx(expected, abs=1e-5)
    assert effect.values == pytest.approx(expected.mean(axis=1).tolist())


def test_logarithms_are_exact_per_seed_and_linear_per_image() -> None:
    """If this failed, the interval of a log ratio would leave out the images, or be that of points.

    Moving one image from right to wrong changes the log by what the image contributes, nearly.
    """
    plain = errors(1, 0.3, images=2_000)
    dropout = errors(2, 0.2, images=2_000)
    effect = weighted_logs([(1.0, plain), (-1.0, dropout)])
    ratio = (plain.percent[0] + 0.025) / (dropout.percent[0] + 0.025)
    assert effect.values[0] == pytest.approx(math.log(ratio))
    assert effect.images is not None

    image = int(np.flatnonzero((plain.wrong[0] == 1) & (dropout.wrong[0] == 0))[0])
    wrong = plain.wrong[0].copy()
    wrong[image] = 0
    changed = Errors(pd.Series({0: 100 * wrong.mean()}), {0: wrong})
    without = weighted_logs([(1.0, changed), (-1.0, dropout)])
    change = effect.values[0] - without.values[0]
    assert change == pytest.approx(effect.images[0, image] / 2_000, rel=0.01)


def test_a_net_without_errors_has_a_logarithm() -> None:
    """If this failed, a perfect seed on few images would make a claim undecidable."""
    perfect = Errors(pd.Series({0: 0.0, 1: 0.0}), {0: np.zeros(50), 1: np.zeros(50)})
    plain = errors(1, 0.3, seeds=(0, 1))
    effect = weighted_logs([(1.0, plain), (-1.0, perfect)])
    assert all(math.isfinite(value) for value in effect.values)
    assert math.isfinite(effect.estimate().se)


def test_conditions_with_different_test_images_are_not_compared() -> None:
    """If this failed, image 7 of one data set would be paired with image 7 of another."""
    with pytest.raises(ResultsMissing, match="different images: 20 and 50"):
        errors(1, 0.3).minus(errors(2, 0.2, images=20))


def networks(validation: dict[str, list[float]]) -> Runs:
    """Networks of several conditions with their validation errors."""
    rows = [
        {"digest": name, "condition": name, "arm": name, "seed": seed, "val/error": error}
        for name, values in validation.items()
        for seed, error in enumerate(values)
    ]

    return Runs(pd.DataFrame(rows), {})


def test_conditions_that_do_not_solve_their_task_are_left_out_and_named() -> None:
    """If this failed, a claim would be decided by nets at 50 % error."""
    runs = networks({"good": [3.0, 4.0], "bad": [3.0, 7.5], "edge": [5.0, 5.0]})
    chosen, left_out = competent(runs, 5.0)
    assert set(chosen.frame["digest"]) == {"good", "edge"}
    assert left_out == ["bad is left out: mean validation error 5.25 %, above 5 %"]

    with pytest.raises(ResultsMissing, match="no condition has a mean validation error of at most"):
        competent(runs, 1.0)


def measured(name: str, values: Errors) -> list[dict[str, object]]:
    """The rows of a condition in a table of results."""
    return [
        {
            "digest": name,
            "arm": name,
            "seed": seed,
            "test/error/weight_scaling": values.percent[seed],
            "test/nll/weight_scaling": values.percent[seed] / 30,
            "wrong/weight_scaling": values.wrong[seed],
        }
        for seed in values.percent.index
    ]


def test_any_two_conditions_are_compared_as_claims_compare_them() -> None:
    """If this failed, `compare` would show another interval than the report."""
    plain, dropout = errors(1, 0.3), errors(2, 0.2)
    runs = Runs(pd.DataFrame(measured("none", plain) + measured("dropout", dropout)), {})
    none, with_dropout = runs.where(arm="none"), runs.where(arm="dropout")

    comparison = compare(none, with_dropout)
    expected = plain.minus(dropout).estimate()
    assert comparison.estimate == expected
    assert comparison.p == expected.p_differs()
    assert "3 seeds and 50 test images" in str(comparison)

    nll = compare(none, with_dropout, metric="nll")
    assert nll.effect.values == pytest.approx([value / 30 for value in comparison.effect.values])
    assert nll.estimate.images is None

    same = compare(none, none)
    assert same.p == 1
    assert "no number of seeds or test images would be enough" in str(same)
    assert "needed" in compare(with_dropout, none).what_it_takes

    with pytest.raises(ResultsMissing, match="test/error/monte_carlo was not measured"):
        compare(none, with_dropout, rule="monte_carlo")
    with pytest.raises(ResultsMissing, match="several conditions"):
        compare(runs, none)


def test_without_images_errors_are_compared_over_seeds() -> None:
    """If this failed, results that kept no images could not be compared at all."""
    runs = Runs(
        pd.DataFrame(measured("none", errors(1, 0.3)) + measured("dropout", errors(2, 0.2))), {}
    )
    frame = runs.frame.drop(columns="wrong/weight_scaling")
    bare = Runs(frame, {})
    comparison = compare(bare.where(arm="none"), bare.where(arm="dropout"))
    assert comparison.estimate.images is None
    assert comparison.estimate == over_seeds(list(comparison.effect.values))
