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
