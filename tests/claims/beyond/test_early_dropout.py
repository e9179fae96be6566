"""Dropout at the beginning of training."""

import pytest

from dropout_study.analysis.criteria import NO_VALUE, NOT_RESOLVED, Asked, decide
from dropout_study.analysis.runs import Runs
from dropout_study.claims.beyond.early_dropout import EarlyDropout
from support.rows import Columns, misclassified, row, runs

CLAIM = EarlyDropout()


def net(arm: str, loss: float, wrong: list[int], seed: int = 100) -> Columns:
    settings = {
        "train/nll/weight_scaling": loss,
        "train/error/weight_scaling": 100 * loss,
        "optimizer.lr": 0.004,
        "model.hidden_rate": 0.1,
    }
    return row(arm, seed, misclassified("weight_scaling", wrong), settings)


def studies(errors_of_whole: int) -> dict[str, Runs]:
    """Nets of two seeds: 20 % errors without dropout, 10 % with early, some with dropout in all."""
    arms = {"none": (0.3, 20), "first updates": (0.2, 10), "all updates": (0.5, errors_of_whole)}
    nets = [
        net(arm, loss, [1] * errors + [0] * (100 - errors), seed)
        for arm, (loss, errors) in arms.items()
        for seed in (100, 101)
    ]
    return {"early_dropout": runs(*nets)}


STUDIES = studies(60)


def test_early_dropout_is_compared_with_none() -> None:
    """If this failed, dropout in all updates would answer for it, or a sign be turned."""
    effects = CLAIM.estimate(STUDIES)
    assert list(effects["fits better"]["first updates"].values) == pytest.approx([0.1] * 2)
    assert list(effects["generalizes better"]["first updates"].values) == [10, 10]

    for part, effect in effects.items():
        assert CLAIM.parts[part].criterion.distance(effect["first updates"].estimate()) > 0


def test_every_arm_is_described_and_drawn() -> None:
    """If this failed, the page would lack dropout in all updates, which decides nothing."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == ["none", "first updates", "all updates"]
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["train error (%)", "test error (%)"]


def test_the_chosen_rate_stands_beside_the_published_one() -> None:
    """If this failed, a gain at another rate would be read as one at the published rate."""
    (said,) = CLAIM.remarks(STUDIES)
    assert said.startswith("validation data chose rate 0.1 for early dropout; the publication has")


@pytest.mark.parametrize(("errors", "change"), [(5, "-15.00"), (21, "+1.00")])
def test_nets_that_do_not_underfit_decide_nothing(errors: int, change: str) -> None:
    """If this failed, a claim on nets that underfit would be decided on others.

    Dropout in all updates lowers the error from 20 to 5 %, or raises it by a single image.
    """
    assert CLAIM.left_out(STUDIES) == []
    spared = studies(errors)
    effects = CLAIM.estimate(spared)

    for part, cases in effects.items():
        decision = decide({part: Asked(CLAIM.parts[part], cases)})[part]
        assert (decision.outcome, decision.reason) == (NOT_RESOLVED, NO_VALUE)

    (said,) = CLAIM.left_out(spared)
    assert said.startswith("the premise is not met, and nothing is decided")
    assert f"changes their test error by {change} " in said
