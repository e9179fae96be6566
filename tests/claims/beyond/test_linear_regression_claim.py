"""Linear regression with dropped inputs and its ridge twin."""

import pytest

from dropout_study.analysis.criteria import Asked, decide
from dropout_study.claims.beyond.linear_regression import LinearRegression
from support.rows import Columns, row, runs

CLAIM = LinearRegression()


def net(arm: str, loss: float, solution: float) -> Columns:
    return row(arm, 100, {"ridge/loss_error": loss, "ridge/solution_error": solution})


@pytest.mark.parametrize(
    ("loss", "solution", "outcomes"),
    [(1e-15, 1e-14, ["holds", "holds"]), (1e-9, 1e-14, ["fails", "holds"])],
)
def test_every_rate_is_held_to_the_tolerance(
    loss: float, solution: float, outcomes: list[str]
) -> None:
    """If this failed, a penalty of another size would pass at one of the rates."""
    studies = {
        "linear_regression": runs(net("rate 0.2", 0, 0), net("rate 0.8", loss, solution)),
    }
    effects = CLAIM.check(studies)
    asked = {name: Asked(CLAIM.checks[name], cases) for name, cases in effects.items()}
    assert [decision.outcome for decision in decide(asked).values()] == outcomes
