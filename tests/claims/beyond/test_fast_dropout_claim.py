"""Moments in the place of masks."""

import pytest

from dropout_study.claims.beyond.fast_dropout import FastDropout
from support.rows import Columns, misclassified, row, runs

CLAIM = FastDropout()


def net(arm: str, val_error: float) -> Columns:
    """A net whose fast dropout errs on two of ten images, and all masks on one."""
    return row(
        arm,
        100,
        misclassified("fast_dropout", [1, 1] + 8 * [0]),
        misclassified("exact_geometric", [1, 0] + 8 * [0]),
        {
            "val/error": val_error,
            "moments/kl_geometric_weight_scaling": 0.04,
            "moments/kl_geometric_fast_dropout": 0.01,
            "moments/kl_arithmetic_weight_scaling": 0.5,
            "moments/kl_arithmetic_fast_dropout": 1.0,
        },
    )


STUDIES = {"fast_dropout": runs(net("rate 0.5, [3, 8]", 2), net("rate 0.5, [4, 9]", 9), gate=5)}


def test_distances_are_compared_as_ratios() -> None:
    """If this failed, the sign would be turned, or easy pairs count for nothing.

    0.04 nats to weight scaling and 0.01 to fast dropout: two doublings; 0.5 and 1 from
    the other mean: one doubling less.
    """
    effects = CLAIM.estimate(STUDIES)["nearer to the geometric mean"]
    assert list(effects["3 or 8 (rate 0.5)"].values) == pytest.approx([2])
    criterion = CLAIM.parts["nearer to the geometric mean"].criterion
    assert criterion.distance(effects["3 or 8 (rate 0.5)"].estimate()) > 0
    arithmetic = CLAIM.estimate(STUDIES)["nearer to the arithmetic mean"]
    assert list(arithmetic["3 or 8 (rate 0.5)"].values) == pytest.approx([-1])


def test_nets_that_do_not_solve_their_task_are_left_out() -> None:
    """If this failed, an approximation of nets that have learned nothing would decide."""
    assert list(CLAIM.estimate(STUDIES)["nearer to the arithmetic mean"]) == ["3 or 8 (rate 0.5)"]
    assert len(CLAIM.left_out(STUDIES)) == 1
    (line,) = CLAIM.context_lines(STUDIES)
    assert "fast dropout minus that of all masks +10.000" in line
