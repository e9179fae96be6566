"""The enumerated sum, and how fast sampling approaches it."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.arithmetic_ensemble import ArithmeticEnsemble
from support.rows import Columns, curve, row, runs

CLAIM = ArithmeticEnsemble()


def net(arm: str, shape: str, seed: int, slope: float, sum_error: float = 0.0) -> Columns:
    """A net of some shape."""
    distances = {1: 0.4, 100: 0.04} if shape == "8" else {1: 0.2, 100: 0.02}
    measured: Columns = {"exact/mc_slope": slope, "exact/arithmetic_sum_error": sum_error}

    return row(arm, seed, measured, {"digest": shape}, curve("exact/mc_distance", distances))


STUDIES = {
    "enumerable": runs(
        net("relu", "4", 100, slope=-0.4),
        net("relu", "4", 101, slope=-0.6),
        net("relu", "8", 100, slope=-0.5),
        net("relu", "8", 101, slope=-0.6),
        net("tanh", "4", 100, slope=-0.2, sum_error=1e-6),
        net("tanh", "4", 101, slope=-0.3),
    )
}


def test_slopes_are_averaged_by_seed_within_a_kind() -> None:
    """If this failed, four nets of two seeds would count as four seeds, or hide another kind.

    relu: (-0.4 - 0.5) / 2 and (-0.6 - 0.6) / 2.
    """
    slopes = CLAIM.check(STUDIES)["sampling"]
    assert list(slopes["relu"].values) == pytest.approx([-0.45, -0.6])
    assert list(slopes["relu"].seeds) == [100, 101]
    assert list(slopes["tanh"].values) == pytest.approx([-0.2, -0.3])


def test_a_slower_approach_fails_and_minus_one_half_holds() -> None:
    """If this failed, masks that are not independent would pass."""
    criterion = CLAIM.checks["sampling"].criterion
    slopes = CLAIM.check(STUDIES)["sampling"]
    assert criterion.holds(slopes["relu"])  # mean -0.525
    assert not criterion.holds(slopes["tanh"])  # mean -0.25


def test_a_sum_that_is_not_1_fails() -> None:
    """If this failed, the mean of probabilities need not be a distribution."""
    check = CLAIM.checks["a distribution"]
    sums = CLAIM.check(STUDIES)["a distribution"]
    assert check.criterion.holds(sums["relu"])
    assert not check.criterion.holds(sums["tanh"])


def test_the_figure_shows_the_mean_over_shapes() -> None:
    """If this failed, the curve of one shape would stand for a kind: 0.3 is that of both."""
    (axes,) = CLAIM.draw(STUDIES).axes
    lines = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}
    assert lines["relu"] == pytest.approx([0.3, 0.03])


def test_missing_slopes_are_named() -> None:
    """If this failed, a study without its probe would end in a traceback."""
    studies = {"enumerable": runs(row("relu", 100, {"exact/arithmetic_sum_error": 0.0}))}
    with pytest.raises(ResultsMissing, match="exact/mc_slope was not measured"):
        CLAIM.check(studies)
