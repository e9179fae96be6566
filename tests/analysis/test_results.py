"""Results as claims see them: paired by seed, missed in a sentence."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from dropout_study.analysis.list_columns import is_list
from dropout_study.analysis.runs import Errors, ResultsMissing, Runs, minus, needing_columns
from dropout_study.claims import CLAIMS
from dropout_study.config.condition import ERA
from support.tables import curve_columns

FRAME = pd.DataFrame(
    {
        "study": "capacity",
        "budget": "laptop",
        "condition": ["a", "a", "b", "b", "b"],
        "digest": ["a", "a", "b", "b", "b"],
        "era": ERA,
        "training_digest": "c",
        "seed": [1, 0, 0, 1, 2],
        "data.name": "mnist",
        "data.train_size": 100,
        "model.name": "mlp",
        "budget.updates": 20,
        "model.hidden_rate": [0.0, 0.0, 0.5, 0.5, 0.5],
        "test/error/weight_scaling": [50.0, 25.0, 0.0, 25.0, 100.0],
        "wrong/weight_scaling": [
            np.array(wrong, dtype=float)
            for wrong in ([1, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0, 1, 0, 0], [1] * 4)
        ],
    }
    | curve_columns("val/error", ["10:3 20:2", "10:5 20:4", "", "", ""])
)
RUNS = Runs(FRAME, {"rate": 0.5})


def test_errors_are_paired_by_seed_and_judged_on_the_same_images() -> None:
    """If this failed, seed 0 of one arm would be compared with seed 1 of the other.

    Seed 0: 25 - 0, seed 1: 50 - 25. Images: (1 + 1) / 2, (0 + 0) / 2, 0, 0, in percent.
    """
    effect = (
        RUNS.where(model__hidden_rate=0).error().minus(RUNS.where(model__hidden_rate=0.5).error())
    )
    assert effect.values == [25.0, 25.0]


def test_a_measure_is_paired_over_common_seeds() -> None:
    """If this failed, an arm with more seeds would shift the difference."""
    one, other = (
        RUNS.where(model__hidden_rate=r).column("test/error/weight_scaling") for r in (0, 0.5)
    )
    assert minus(other, one).values == [-25.0, -25.0]

    with pytest.raises(ResultsMissing, match="no seed in common"):
        minus(one.loc[[0]], other.loc[[2]])


def test_a_curve_has_a_row_a_step_and_a_column_a_seed() -> None:
    """If this failed, figures would mix steps and seeds."""
    curve = RUNS.where(model__hidden_rate=0).curve("val/error")
    assert curve.loc[20, 0] == 4
    assert RUNS.where(model__hidden_rate=0).at("val/error", 10).to_dict() == {0: 5.0, 1: 3.0}


def test_the_last_point_of_a_curve_has_to_be_asked_for() -> None:
    """If this failed, a claim could take the last layer or member for a summary of all."""
    plain = Runs(FRAME.assign(**{"val/error": [2.0, 4.0, 1.0, 1.0, 1.0]}), {}).where(
        model__hidden_rate=0
    )
    assert plain.last("val/error").to_dict() == {0: 4.0, 1: 2.0}

    with pytest.raises(ValueError, match="val/error is a curve"):
        plain.column("val/error")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: RUNS.where(model__hidden_rate=0.2), "no results with model.hidden_rate=0.2"),
        (lambda: RUNS.where(arm="L2"), "no results with arm=L2"),
        (lambda: RUNS.column("units/rank"), "units/rank was not measured"),
        (
            lambda: RUNS.where(model__hidden_rate=0.5).curve("val/error"),
            "val/error was not measured",
        ),
        (lambda: RUNS.where(model__hidden_rate=0).at("val/error", 15), "not measured at 15"),
        (
            lambda: RUNS.curve("val/error"),
            "several conditions are recorded where one is expected: a; b",
        ),
        (lambda: RUNS.wrong("weight_scaling"), "several conditions are recorded"),
        (
            lambda: minus(RUNS.column("seed"), RUNS.column("seed")),
            "several conditions are recorded",
        ),
        (
            lambda: Runs(FRAME.drop(columns=list(filter(is_list, FRAME))), {}).curve("val/error"),
            "outcomes per image are in the file that ends with .parquet",
        ),
        (lambda: RUNS.error("exact_geometric"), "test/error/exact_geometric was not measured"),
    ],
)
def test_what_is_missing_is_named(ask: Callable[[], object], message: str) -> None:
    """If this failed, a claim without runs would be a KeyError."""
    with pytest.raises(ResultsMissing, match=message):
        ask()


def test_a_column_that_a_claim_needs_is_missed_in_a_sentence() -> None:
    """If this failed, a table without some column would be a page of traceback."""
    with pytest.raises(ResultsMissing, match="there is no column 'arm'"), needing_columns():
        CLAIMS["arithmetic_ensemble"].figure({"enumerable": Runs(FRAME, {})})


def test_errors_of_different_rules_compare_within_a_network() -> None:
    """If this failed, Monte Carlo and weight scaling of one net could not be paired."""
    percent = pd.Series({0: 50.0})
    one = Errors(percent, {0: np.array([1.0, 0.0])})
    other = Errors(percent * 0, {0: np.zeros(2)})
    assert one.minus(other).values == [50.0]


@pytest.mark.parametrize("digests", [["a", "b", "c", "d"], ["d", "c", "b", "a"]])
def test_the_order_of_conditions_does_not_depend_on_their_digests(digests: list[str]) -> None:
    """If this failed, a new era would rewrite the report without any change of a result."""
    frame = pd.DataFrame(
        {
            "digest": digests,
            "seed": 0,
            "arm": ["relu", "tanh", "relu", "relu"],
            "model.widths": ["16", "4", "4x4", "8"],
            "condition": ["w", "x", "y", "z"],
        }
    )
    ordered = [net.frame["condition"].iloc[0] for net in Runs(frame, {}).conditions()]
    assert ordered == ["y", "z", "w", "x"]
