"""Dropout boosting against dropout and against nothing."""

import math

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.beyond.boosting import Boosting
from support.rows import Columns, misclassified, row, runs

CLAIM = Boosting()


def net(arm: str, seed: int, wrong: list[int], loss: float = 0.25) -> Columns:
    """A net of an arm, which of ten images it misclassifies, and its training loss."""
    settings = {"optimizer.lr": 0.004, "model.hidden_rate": 0.0 if arm == "none" else 0.5}
    return row(
        arm,
        seed,
        misclassified("weight_scaling", wrong),
        {"test/nll/weight_scaling": 0.5, "train/nll/weight_scaling": loss},
        settings,
    )


NONE = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
DROPOUT = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
BOOSTING = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
SAME = "dropout, rate 0.35"
ARMS = {"none": NONE, SAME: DROPOUT, "boosting": BOOSTING}
STUDIES = {"noise": runs(*(net(arm, 100, wrong) for arm, wrong in ARMS.items()))}


def test_boosting_may_save_a_quarter_of_what_dropout_saves() -> None:
    """If this failed, another share would be allowed, or the sign be turned.

    Dropout saves 50 - 10 = 40 points, boosting 50 - 40 = 10: just a quarter. The image that
    boosting alone saves, of those that dropout saves, counts 0.75, each of the others -0.25.
    """
    effects = CLAIM.estimate(STUDIES)
    quarter = effects["almost no effect"]["boosting"]
    assert list(quarter.values) == pytest.approx([0])
    assert quarter.images is not None
    assert quarter.images[0].tolist() == [0, -25, -25, -25, 75, 0, 0, 0, 0, 0]
    criterion = CLAIM.parts["almost no effect"].criterion
    assert criterion.distance(quarter.estimate()) == pytest.approx(0)


def test_dropout_has_to_save_errors_itself() -> None:
    """If this failed, a quarter of nothing would be the limit. 50 - 10 points."""
    effect = CLAIM.estimate(STUDIES)["dropout has one"]["boosting"]
    assert list(effect.values) == [40]
    assert CLAIM.parts["dropout has one"].criterion.distance(effect.estimate()) == 40


@pytest.mark.parametrize(("loss", "is_asked"), [(0.2599, True), (0.2601, False)])
def test_boosting_that_does_not_learn_decides_nothing(loss: float, is_asked: bool) -> None:
    """If this failed, nets that fit nothing would show that the noise does not regularize."""
    nets = [net(arm, 100, wrong, 0.25) for arm, wrong in ARMS.items() if arm != "boosting"]
    studies = {"noise": runs(*nets, net("boosting", 100, BOOSTING, loss))}
    effects = CLAIM.estimate(studies)
    values = [effect.values[0] for cases in effects.values() for effect in cases.values()]
    assert [math.isfinite(value) for value in values] == [is_asked] * 2
    assert bool(CLAIM.left_out(studies)) != is_asked
    assert all(line.startswith("the premise is not met") for line in CLAIM.left_out(studies))


def test_what_boosting_does_by_itself_is_told() -> None:
    """If this failed, 'less than a quarter' would be read as a small gain where there is harm."""
    (said,) = CLAIM.remarks(STUDIES)
    assert said.startswith("boosting itself changes the error by -10.00 points, compared with no")


def test_a_missing_arm_is_named() -> None:
    """If this failed, boosting would be compared with whatever is there."""
    without = {"noise": runs(net("none", 100, NONE), net(SAME, 100, DROPOUT))}
    with pytest.raises(ResultsMissing, match="no results with arm=boosting"):
        CLAIM.estimate(without)


def test_the_context_names_what_was_chosen() -> None:
    """If this failed, nobody could see at which strength an arm was judged."""
    loss, none, dropout, _ = CLAIM.context_lines(STUDIES)
    assert loss == "training loss with boosting minus that without noise: +0 nats"
    assert none == "none: test error 50.00 %, NLL 0.5000 nats; learning rate 0.004"
    assert dropout.endswith("; learning rate 0.004, rate of hidden units 0.5")
    assert CLAIM.draw(STUDIES) is not None
