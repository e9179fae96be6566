"""Candidates are chosen on validation data; test data cannot take part."""

import math
import re

import pandas as pd
import pytest

from dropout_study.analysis.runs import ResultsMissing, Runs
from dropout_study.analysis.tuning import (
    candidates,
    check_equal,
    find_edge,
    next_candidate,
    select,
    selected,
    without_test,
)
from dropout_study.config.studies import Study
from support.paths import CONF

ROWS = [
    # digest, candidate, seed, validation error, test error
    ("a", 0, 0, 2.0, 0.1),
    ("a", 0, 1, 2.2, 0.1),
    ("b", 1, 0, 1.5, 9.0),
    ("b", 1, 1, 1.7, 9.0),
    ("b", 1, 2, 9.9, 9.0),  # a seed that the other lacks
]
FRAME = pd.DataFrame(
    ROWS, columns=["digest", "candidate", "seed", "val/error", "test/error/weight_scaling"]
)
FRAME["arm"], FRAME["wrong/weight_scaling"] = "L2", "text"


def test_the_lowest_validation_error_over_shared_seeds_wins_whatever_the_test_error() -> None:
    """If this failed, an arm would be tuned on test data, or on a seed of one candidate alone."""
    assert select(without_test(FRAME)) == "b"
    assert set(selected(Runs(FRAME, {}), "L2").frame["digest"]) == {"b"}
    assert candidates(Runs(FRAME, {}), "L2")["error"].tolist() == pytest.approx([2.1, 1.6])


@pytest.mark.parametrize(
    "column", ["test/error/weight_scaling", "wrong/weight_scaling", "mc/error", "units/rank"]
)
def test_selecting_refuses_a_frame_with_test_results(column: str) -> None:
    """If this failed, nothing would keep a choice from looking at test data."""
    frame = without_test(FRAME).assign(**{column: 0})
    with pytest.raises(ValueError, match=f"not on {column}"):
        select(frame)


@pytest.mark.parametrize(
    ("rates", "chosen", "edge", "further"),
    [
        ([1e-3, 2e-3, 4e-3], 1, None, None),
        ([1e-3, 2e-3, 4e-3], 2, "optimizer.lr=0.004 of 0.001 to 0.004", 8e-3),
        ([4e-3, 2e-3, 1e-3], 2, "optimizer.lr=0.001 of 0.001 to 0.004", 5e-4),
        ([1e-3], 0, "optimizer.lr=0.001 of 0.001 to 0.001", 5e-4),
        ([1e-3, 1e-3, 2e-3], 1, "optimizer.lr=0.001 of 0.001 to 0.002", 5e-4),
        ([0.0, 1e-3], 0, None, None),  # there is nothing below 0
        ([0.0], 0, "optimizer.lr=0 of 0 to 0", 0.0),
    ],
)
def test_a_choice_without_a_smaller_and_a_larger_one_lies_on_an_edge(
    rates: list[float], chosen: int, edge: str | None, further: float | None
) -> None:
    """If this failed, an arm would be judged although its best setting was not in its grid."""
    settings = pd.DataFrame({"optimizer.lr": rates, "regularizer.l2": 0.1, "model.widths": "8"})
    found = find_edge(settings, chosen, ["model.hidden_rate", "optimizer.lr"])
    assert (str(found) if found else None) == edge

    values = next_candidate(settings, chosen, {"optimizer.lr": 2})
    assert (values and values["optimizer.lr"]) == further
    assert values is None or values["regularizer.l2"] == 0.1


def test_a_network_that_diverged_is_the_worst_and_not_missing() -> None:
    """If this failed, a rate at which half of the networks diverge could be chosen."""
    diverged = without_test(FRAME).copy()
    diverged.loc[2, "val/error"] = math.inf  # of the better candidate
    assert select(diverged) == "a"


def test_candidates_that_extend_an_arm_are_not_counted() -> None:
    """If this failed, no study could be judged in which one arm had to be extended."""
    further = FRAME[FRAME["digest"] == "b"].assign(digest="c", candidate=2)
    other = FRAME.assign(arm="dropout")
    runs = Runs(pd.concat([FRAME, further, other]), {})
    check_equal(runs, ["L2", "dropout"], initial=2)

    with pytest.raises(ResultsMissing, match=r"fewer candidates than 3: dropout \(2\)"):
        check_equal(runs, ["L2", "dropout"])


def test_of_equal_candidates_the_first_counts() -> None:
    """If this failed, a tie would be broken by chance."""
    tied = without_test(FRAME).assign(**{"val/error": 1.0})
    assert select(tied) == "a"


def test_candidates_without_a_common_seed_are_not_compared() -> None:
    """If this failed, candidates of different seeds would be compared as if paired."""
    apart = without_test(FRAME).iloc[[0, 3]]
    with pytest.raises(ResultsMissing, match="no seed in common"):
        select(apart)


def test_arms_with_fewer_candidates_are_not_compared_yet() -> None:
    """If this failed, a sweep that was stopped half way would be judged with unequal tuning."""
    other = FRAME[FRAME["digest"] == "a"].assign(arm="dropout")
    with pytest.raises(ResultsMissing, match=r"fewer candidates than 2: dropout \(1\)"):
        check_equal(Runs(pd.concat([FRAME, other]), {}), ["L2", "dropout"])


def test_every_arm_has_as_many_different_candidates() -> None:
    """If this failed, an arm would have more chances than another."""
    grid = Study.load("regularizers").grid
    numbers = grid["study.candidate"].split(",")
    arms = grid["arm"].split(",")
    assert len(arms) == 8

    for arm in arms:
        text = (CONF / "arm" / f"{arm}.yaml").read_text(encoding="utf-8")
        lists = [values.split(",") for values in re.findall(r"\$\{candidate:([^}]*)\}", text)]
        assert {len(values) for values in lists} == {len(numbers)} == {6}, arm
        assert len(set(zip(*lists, strict=True))) == 6, arm
