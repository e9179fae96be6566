"""Recorded results as data frames for one's own analysis."""

from pathlib import Path

import pandas as pd
import pytest

import dropout_study
from dropout_study.analysis import comparison
from dropout_study.analysis.runs import ResultsMissing
from dropout_study.analysis.selection import select
from dropout_study.config.schema import ConfigError
from support.compared import METRIC, nets
from support.paths import ROOT

RESULTS = ROOT / "report" / "results"
"""The published results."""


def test_a_study_is_a_row_per_network() -> None:
    """If this failed, one's own analysis would mix studies, or read columns of others."""
    networks = dropout_study.results(RESULTS, "enumerable")
    assert set(networks["study"]) == {"enumerable"}
    assert not networks[["condition", "seed"]].duplicated().any()
    assert list(networks.index) == list(range(len(networks)))
    assert networks.notna().any().all()


def test_a_curve_is_a_row_per_network_and_step() -> None:
    """If this failed, a figure of one's own would show other points than were recorded."""
    networks = dropout_study.results(RESULTS, "enumerable")
    curves = dropout_study.curves(networks, "val/error")
    assert list(curves) == ["study", "condition", "arm", "stage", "seed", "step", "value"]

    first = networks.iloc[0]
    own = curves[(curves["condition"] == first["condition"]) & (curves["seed"] == first["seed"])]
    assert list(own["step"]) == list(first["steps/val/error"])
    assert list(own["value"]) == pytest.approx(list(first["curve/val/error"]))
    assert len(curves) == networks["curve/val/error"].map(len).sum()


def test_the_published_results_have_a_name() -> None:
    """If this failed, a notebook would not find the results that an installed wheel carries."""
    named = dropout_study.results("published", "exact")
    pd.testing.assert_frame_equal(named, dropout_study.results(RESULTS, "exact"))


def test_conditions_are_compared_as_the_command_compares_them() -> None:
    """If this failed, a notebook would say other numbers than `scripts/compare.py`, or compare what
    the command refuses.
    """
    networks = pd.DataFrame([*nets(0.0, [1.0, 2.0, 3.0]), *nets(0.5, [2.0, 4.0, 6.0])])
    compared = dropout_study.compare(networks, METRIC, against="rate 0", x="model.hidden_rate")
    rows = comparison.compare(select(networks, METRIC, "model.hidden_rate"), "rate 0", "two-sided")
    pd.testing.assert_frame_equal(compared, comparison.table(rows, "model.hidden_rate"))
    alone = dropout_study.compare(networks, METRIC)
    assert list(alone) == ["condition", "seeds", "mean", "low", "high"]

    fewer = networks.iloc[:-1]
    with pytest.raises(ConfigError, match=r"are missing .* incomplete=True compares them"):
        dropout_study.compare(fewer, METRIC)

    assert list(dropout_study.compare(fewer, METRIC, incomplete=True)["seeds"]) == [3, 2]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """If this failed, an empty frame would be plotted as nothing, or a store be created."""
    with pytest.raises(ConfigError, match="study=capacit has no results in sqlite"):
        dropout_study.results(f"sqlite:///{tmp_path}/none.db", "capacit")

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ResultsMissing, match="val/eror was not measured"):
        dropout_study.curves(pd.DataFrame({"seed": [0], "curve/val/error": [[1.0]]}), "val/eror")
