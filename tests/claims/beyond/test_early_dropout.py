"""Dropout at the beginning of training."""

import pytest

from dropout_study.claims.beyond.early_dropout import EarlyDropout
from support.rows import Columns, misclassified, row, runs

CLAIM = EarlyDropout()


def net(arm: str, loss: float, wrong: list[int]) -> Columns:
    settings = {
        "train/nll/weight_scaling": loss,
        "train/error/weight_scaling": 100 * loss,
        "optimizer.lr": 0.004,
        "model.hidden_rate": 0.1,
    }
    return row(arm, 100, misclassified("weight_scaling", wrong), settings)


STUDIES = {
    "early_dropout": runs(
        net("none", 0.3, [1, 1, 0, 0]),
        net("first updates", 0.2, [1, 0, 0, 0]),
        net("all updates", 0.5, [1, 1, 1, 0]),
    )
}


def test_early_dropout_is_compared_with_none() -> None:
    """If this failed, dropout in all updates would answer for it, or a sign be turned."""
    effects = CLAIM.estimate(STUDIES)
    assert list(effects["fits better"]["first updates"].values) == pytest.approx([0.1])
    assert list(effects["generalizes better"]["first updates"].values) == [25]

    for part, effect in effects.items():
        assert CLAIM.parts[part].criterion.distance(effect["first updates"].estimate()) > 0


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, the page would lack dropout in all updates, which decides nothing."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == ["none", "first updates", "all updates"]
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["train error (%)", "test error (%)"]


def test_nets_that_do_not_underfit_are_said_to_miss_the_premise() -> None:
    """If this failed, a claim on nets that underfit would be decided on others, unseen.

    Dropout in all updates raises the training loss from 0.3 to 0.5, or lowers it to 0.1.
    """
    assert CLAIM.left_out(STUDIES) == []
    overfit = runs(
        net("none", 0.3, [1]), net("first updates", 0.2, [1]), net("all updates", 0.1, [1])
    )
    (said,) = CLAIM.left_out({"early_dropout": overfit})
    assert said.startswith("the premise is not met")
    assert said.endswith("by -0.2000 nats")
