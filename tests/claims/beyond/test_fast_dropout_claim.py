"""Moments in the place of masks."""

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
            "test/nll/fast_dropout": 0.5,
            "test/nll/exact_geometric": 0.4,
            "moments/kl_weight_scaling": 0.03,
            "moments/kl_fast_dropout": 0.01,
        },
    )


STUDIES = {"fast_dropout": runs(net("rate 0.5, [3, 8]", 2), net("rate 0.5, [4, 9]", 9), gate=5)}


def test_fast_dropout_is_compared_with_all_masks_and_with_weight_scaling() -> None:
    """If this failed, a sign would be turned. 20 - 10 points, 0.03 - 0.01 nats."""
    effects = CLAIM.estimate(STUDIES)
    assert list(effects["stands for all masks"]["rate 0.5, [3, 8]"].values) == [10]
    nearer = effects["nearer than weight scaling"]["rate 0.5, [3, 8]"]
    assert list(nearer.values) == [0.03 - 0.01]
    assert CLAIM.parts["nearer than weight scaling"].criterion.distance(nearer.estimate()) > 0


def test_nets_that_do_not_solve_their_task_are_left_out() -> None:
    """If this failed, an approximation of nets that have learned nothing would decide."""
    assert list(CLAIM.estimate(STUDIES)["stands for all masks"]) == ["rate 0.5, [3, 8]"]
    assert len(CLAIM.left_out(STUDIES)) == 1
    assert len(CLAIM.context_lines(STUDIES)) == 2
