"""Weight scaling where it approximates."""

import numpy as np
import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.weight_scaling_approximate import WeightScalingApproximate
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = WeightScalingApproximate()


def pair(arm: str, seed: int, scaled: list[int], geometric: list[int]) -> Columns:
    """A net on a pair of digits, with the images that each rule misclassifies."""
    return row(
        arm,
        seed,
        misclassified("weight_scaling", scaled),
        misclassified("exact_geometric", geometric),
        {"test/nll/weight_scaling": 0.5, "test/nll/exact_geometric": 0.25},
        {"divergence/kl_geometric": 0.01, "divergence/disagreement_geometric": 0.25},
        curve("val/error", {10: 2.0}),
    )


def shape(arm: str, widths: str, error: float) -> Columns:
    """An enumerated net of some shape."""
    measured: Columns = {
        "exact/weight_scaling_error": error,
        "exact/kl": error / 10,
        "exact/units": 8.0,
        "model.widths": widths,
        "digest": f"{arm} {widths}",
    }
    return row(arm, 100, measured)


STUDIES = {
    "exact": runs(
        pair("relu, [1, 7]", 100, scaled=[1, 1, 0, 0], geometric=[1, 0, 0, 0]),
        pair("relu, [1, 7]", 101, scaled=[1, 1, 1, 0], geometric=[1, 0, 0, 0]),
        pair("tanh, [3, 8]", 100, scaled=[0, 0, 0, 0], geometric=[1, 0, 0, 0]),
        pair("tanh, [3, 8]", 101, scaled=[0, 0, 0, 0], geometric=[1, 0, 0, 0]),
        gate=5,
    ),
    "enumerable": runs(
        shape("relu", "8", error=0.0),
        shape("relu", "4x4", error=0.5),
        shape("tanh", "4x4", error=1e-14),
        shape("linear", "4x4", error=0.0),
    ),
}


def test_worse_scaling_is_not_close_and_better_scaling_is() -> None:
    """If this failed, weight scaling that loses 25 to 50 points would approximate the ensemble."""
    effects = CLAIM.estimate(STUDIES)["close"]
    criterion = CLAIM.parts["close"].criterion
    assert list(effects["1 or 7 (ReLU)"].values) == [25, 50]
    assert list(effects["3 or 8 (tanh)"].values) == [-25, -25]
    assert criterion.distance(effects["1 or 7 (ReLU)"].estimate()) < 0
    assert criterion.distance(effects["3 or 8 (tanh)"].estimate()) > 0


def test_no_deep_nonlinear_net_may_be_exact() -> None:
    """If this failed, nets of one layer or linear ones, which are exact, would fail the check."""
    counts = CLAIM.check(STUDIES)["not exact"]
    criterion = CLAIM.checks["not exact"].criterion
    assert {kind: list(effect.values) for kind, effect in counts.items()} == {
        "relu": [0],
        "tanh": [1],
    }
    assert criterion.holds(counts["relu"])
    assert not criterion.holds(counts["tanh"])


def test_larger_nets_are_compared_by_their_pool_of_sampled_masks() -> None:
    """If this failed, a share would be printed as percent, or the sign turned: 0 - 25 points."""
    pool = row(
        "hidden 0.5",
        100,
        misclassified("weight_scaling", [0, 0, 0, 0]),
        curve("blocks/error", {1: 50.0, 1000: 25.0}),
        {"pool/error_geometric": 25.0, "wrong/pool_geometric": np.array([1, 0, 0, 0])},
        {"pool/kl_geometric": 0.01, "pool/disagreement_geometric": 0.25},
    )
    lines = CLAIM.context_lines(STUDIES | {"sampling": runs(pool)})
    assert lines[-1] == (
        "hidden 0.5, 1,000 sampled masks: weight scaling minus geometric mean -25.000 points of "
        "test error; KL to weight scaling 0.01 nats, other classes on 25.00 % of images"
    )


def test_the_figure_shows_divergences() -> None:
    """If this failed, the divergence of linear nets, which is 0, would be drawn among them."""
    (axes,) = CLAIM.draw(STUDIES).axes
    divergences = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}
    assert divergences == {"relu": pytest.approx([0.05]), "tanh": pytest.approx([1e-15])}


def test_missing_results_are_named() -> None:
    """If this failed, a study without deep nets would hold a check on none."""
    shallow = runs(shape("relu", "8", error=0.0))
    with pytest.raises(ResultsMissing, match="no results of two layers"):
        CLAIM.check(STUDIES | {"enumerable": shallow})

    with pytest.raises(ResultsMissing, match="no results of study enumerable"):
        CLAIM.check({"exact": STUDIES["exact"]})
