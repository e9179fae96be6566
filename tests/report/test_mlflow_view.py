"""The saved view with which a study's page opens."""

import json
from typing import Any

from mlflow.tracking import MlflowClient

from dropout_study.report import mlflow_view
from dropout_study.tracking.store import VIEW, Store

MAX_TAG_LENGTH = 5_000  # characters


def cohorts(uri: str, *runs: dict[str, str]) -> tuple[MlflowClient, str]:
    """An experiment with a cohort for each set of params."""
    client = MlflowClient(uri)
    number = Store(uri).prepare("capacity", "")

    for params in runs:
        run = client.create_run(number, tags={"role": "cohort"})

        for key, value in params.items():
            client.log_param(run.info.run_id, key, value)

        for key in ("val/error", "test/error/weight_scaling", "removal/error"):
            client.log_metric(run.info.run_id, key, 1.0)

    return client, number


def shown(client: MlflowClient, number: str) -> dict[str, Any]:
    """The state in the tag, which MLflow would take."""
    mlflow_view.refresh(Store(client.tracking_uri), number)
    tag = client.get_experiment(number).tags[f"mlflow.sharedViewState.{VIEW}"]
    assert len(tag) < MAX_TAG_LENGTH
    state: dict[str, Any] = json.loads(json.loads(tag)["state"])

    return state


def test_what_varies_has_a_column_and_numbers_an_axis(uri: str) -> None:
    """If this failed, a table would hide how runs differ, or a chart lay text on an axis."""
    narrow = {
        "model.widths": "8x8",
        "model.units": "16",
        "model.hidden_rate": "0.5",
        "data.pool": "1",
    }
    wide = narrow | {"model.widths": "64x64", "model.units": "128"}
    state = shown(*cohorts(uri, narrow, wide))
    assert state["selectedColumns"][0] == "metrics.`test/error/weight_scaling`"
    assert state["selectedColumns"][3:] == ["params.`model.widths`"]
    charts = {chart["type"]: chart for chart in state["compareRunCharts"]}
    assert list(charts) == ["LINE", "BAR", "PARALLEL", "SCATTER"]
    assert charts["PARALLEL"]["selectedParams"] == ["model.units"]
    sections = {section["name"]: section["display"] for section in state["compareRunSections"]}
    folded = {"test/error": False, "val": False}
    assert sections == {"Results": True, "Curves by update": True, "removal": True} | folded
    assert charts["LINE"]["metricSectionId"] == "Curves by update", "every axis is called Step"


def test_a_study_of_many_params_keeps_to_what_a_tag_can_hold(uri: str) -> None:
    """If this failed, the store would refuse the view, and with it the sweep."""
    many = [{f"regularizer.parameter_{i}": str(value) for i in range(30)} for value in (0, 1)]
    assert len(shown(*cohorts(uri, *many))["selectedColumns"]) == 3 + mlflow_view.MAX_PARAMS


def test_a_study_without_runs_has_a_view_already(uri: str) -> None:
    """If this failed, the link of a sweep would show an error while its first job runs."""
    assert [chart["type"] for chart in shown(*cohorts(uri))["compareRunCharts"]] == ["LINE", "BAR"]
