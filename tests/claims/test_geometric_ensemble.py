"""The geometric mean in place of the arithmetic mean."""

import numpy as np
import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.geometric_ensemble import GeometricEnsemble
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = GeometricEnsemble()


def net(
    arm: str, seed: int, geometric: list[int], arithmetic: list[int], val_error: float = 2.0
) -> Columns:
    """A net with the images that each mean misclassifies."""
    return row(
        arm,
        seed,
        misclassified("exact_geometric", geometric),
        misclassified("exact_arithmetic", arithmetic),
        {"test/nll/exact_geometric": 0.5, "test/nll/exact_arithmetic": 0.25},
        curve("val/error", {10: val_error}),
    )


EXACT = runs(
    net("relu, [1, 7]", 100, geometric=[1, 1, 0, 0], arithmetic=[1, 0, 0, 0]),
    net("relu, [1, 7]", 101, geometric=[1, 0, 0, 0], arithmetic=[1, 0, 0, 0]),
    net("tanh, [3, 8]", 100, geometric=[0, 0, 0, 0], arithmetic=[1, 0, 0, 0]),
    net("tanh, [3, 8]", 101, geometric=[0, 0, 0, 0], arithmetic=[1, 0, 0, 0]),
    net("tanh, [4, 9]", 100, geometric=[1] * 4, arithmetic=[0] * 4, val_error=40.0),
    gate=5,
)
STUDIES = {
    "exact": EXACT,
    "enumerable": runs(row("relu", 100, {"exact/geometric_sum_error": 1e-6})),
}


def test_a_worse_geometric_mean_does_not_stand_in_and_a_better_one_does() -> None:
    """If this failed, the claim would be refuted by a geometric mean that is better.

    relu: 50 - 25 and 25 - 25 points; tanh: 0 - 25 points twice.
    """
    effects = CLAIM.estimate(STUDIES)["stands in"]
    criterion = CLAIM.parts["stands in"].criterion
    assert list(effects["1 or 7 (ReLU)"].values) == [25, 0]
    assert list(effects["3 or 8 (tanh)"].values) == [-25, -25]
    assert criterion.distance(effects["1 or 7 (ReLU)"].estimate()) < 0
    assert criterion.distance(effects["3 or 8 (tanh)"].estimate()) > 0


def test_nets_that_do_not_solve_their_task_are_left_out_and_named() -> None:
    """If this failed, a net at 40 % error would decide, or vanish without a word."""
    assert list(CLAIM.estimate(STUDIES)["stands in"]) == ["1 or 7 (ReLU)", "3 or 8 (tanh)"]
    (left_out,) = CLAIM.left_out(STUDIES)
    assert left_out.startswith("tanh, [4, 9] is left out: mean validation error")
    assert not any("[4, 9]" in line for line in CLAIM.context_lines(STUDIES))


def test_larger_nets_are_compared_by_their_pool_of_sampled_masks() -> None:
    """If this failed, another mean, or the sign, would be printed: 50 - 25 points, 0.5 - 0.25."""
    pool = [
        row(
            "hidden 0.5",
            seed,
            curve("blocks/error", {1: 50.0, 1000: 25.0}),
            {"pool/error_geometric": 50.0, "wrong/pool_geometric": np.array([1, 1, 0, 0])},
            {"pool/error_arithmetic": 25.0, "wrong/pool_arithmetic": np.array([1, 0, 0, 0])},
            {"pool/nll_geometric": 0.5, "pool/nll_arithmetic": 0.25},
        )
        for seed in (100, 101)
    ]
    line = CLAIM.context_lines(STUDIES | {"sampling": runs(*pool)})[-1]
    assert line.startswith("hidden 0.5, 1,000 sampled masks, geometric minus arithmetic mean: +25")
    assert "+0.2500 (+0.2500 to +0.2500) nats" in line


def test_the_sum_over_classes_is_checked_on_the_enumerated_nets() -> None:
    """If this failed, a mean that was not renormalized would count as a distribution."""
    deviations = CLAIM.check(STUDIES)["a distribution"]
    assert not CLAIM.checks["a distribution"].criterion.holds(deviations["relu"])


def test_missing_results_are_named() -> None:
    """If this failed, a rule that was not computed would end in a traceback."""
    solved = row("relu, [1, 7]", 100, curve("val/error", {10: 2.0}))
    with pytest.raises(ResultsMissing, match="test/error/exact_geometric was not measured"):
        CLAIM.estimate({"exact": runs(solved, gate=5)})

    with pytest.raises(ResultsMissing, match="validation error of at most 1 %"):
        CLAIM.estimate({"exact": runs(solved, gate=1)})

    with pytest.raises(ResultsMissing, match="no results of study enumerable"):
        CLAIM.check({"exact": EXACT})
