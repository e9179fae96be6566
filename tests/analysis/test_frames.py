"""Recorded results as data frames for one's own analysis."""

from pathlib import Path

import pandas as pd
import pytest

import dropout_study
from dropout_study.analysis.runs import ResultsMissing
from dropout_study.config.schema import ConfigError
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


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """If this failed, an empty frame would be plotted as nothing, or a store be created."""
    with pytest.raises(ConfigError, match="study=capacit has no results in sqlite"):
        dropout_study.results(f"sqlite:///{tmp_path}/none.db", "capacit")

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ResultsMissing, match="val/eror was not measured"):
        dropout_study.curves(pd.DataFrame({"seed": [0], "curve/val/error": [[1.0]]}), "val/eror")
