"""What MLflow's pages show of a study first: the columns and charts that matter, as a saved view of its experiment.

MLflow keeps a view as JSON in a tag of the experiment; a page opens it by its key, and lists it
under "Views".
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.entities import Run

from dropout_study.tracking.store import VIEW, Store

TAG = f"mlflow.sharedViewState.{VIEW}"
ERROR = "metrics.`test/error/weight_scaling`"
NLL = "metrics.`test/nll/weight_scaling`"
INTERVAL = "tags.`interval`"
UNITS = "model.units"
MOST = 6  # params shown
FOLDED = (
    "test/",
    "train/",
    "val/",
    "mc/",
)  # beginnings of what the charts of the view already show, or nobody asks for


def refresh(store: Store, experiment: str) -> None:
    """Bring the view of an experiment up to date with its cohorts."""
    cohorts = store.search(experiment, "tags.role = 'cohort'")
    wanted = view(cohorts)
    if store.client.get_experiment(experiment).tags.get(TAG) != wanted:
        store.client.set_experiment_tag(experiment, TAG, wanted)


def view(cohorts: Sequence[Run]) -> str:
    """The view as MLflow keeps it: what varies between the cohorts, their errors, their curves."""
    params = varied([run.data.params for run in cohorts])
    metrics = {key for run in cohorts for key in run.data.metrics} or {"val/error"}
    columns = [ERROR, INTERVAL, NLL, *(f"params.`{key}`" for key in params if key != UNITS)]
    columns += [
        f"tags.`{tag}`"
        for tag in ("arm", "candidate")
        if any(tag in run.data.tags for run in cohorts)
    ]

    state = {
        "searchFilter": "tags.role = 'cohort'",
        "orderByKey": ERROR,
        "orderByAsc": True,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict.fromkeys(columns, 125),
        "runsHiddenMode": "FIRST_20_RUNS",
        "runListHidden": True,  # by the charts, which get its room; an arrow at the side brings it back
        "compareRunCharts": list(
            _charts([key for key in params if _numeric(key, cohorts)], metrics)
        ),
        "compareRunSections": _sections(metrics),
        "isAccordionReordered": True,
    }

    return json.dumps(
        {"name": "Results", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}
    )


def varied(of_runs: Sequence[dict[str, str]]) -> list[str]:
    """The params that differ between runs, the number of units first."""
    keys = dict.fromkeys(key for params in of_runs for key in params)
    found = [key for key in keys if len({params.get(key) for params in of_runs}) > 1]
    return sorted(found, key=lambda key: key != UNITS)[:MOST]


def _numeric(key: str, cohorts: Iterable[Run]) -> bool:
    """Whether a param is a number wherever it is known."""
    try:
        return all(float(run.data.params.get(key, "0")) >= 0 for run in cohorts)
    except ValueError:
        return False


def _charts(numbers: list[str], metrics: set[str]) -> Iterable[dict[str, Any]]:
    """Curves by update and by number of masks, test errors, and how they depend on the params that are numbers."""
    error = "test/error/weight_scaling"

    if "val/error" in metrics:
        yield _line("val/error", scaleType="log")

    if "mc/error" in metrics:
        yield _line("mc/error", xAxisScaleType="log")

    yield _chart("BAR", metricKey=error, runsCountToCompare=20)

    if numbers:
        yield _chart("PARALLEL", selectedParams=numbers, selectedMetrics=[error], showAllRuns=True)
        of = {
            "xaxis": {"key": numbers[0], "type": "PARAM"},
            "yaxis": {"key": error, "type": "METRIC"},
        }
        yield _chart("SCATTER", **of, runsCountToCompare=100)


def _line(metric: str, **scale: str) -> dict[str, Any]:
    """A curve as it is: MLflow would smooth it."""
    return _chart(
        "LINE",
        metricKey=metric,
        selectedMetricKeys=[metric],
        lineSmoothness=0,
        xAxisKey="step",
        **scale,
    )


def _chart(kind: str, **settings: Any) -> dict[str, Any]:
    name = settings.get("metricKey", kind)
    return {
        "type": kind,
        "uuid": name,
        "metricSectionId": VIEW,
        "deleted": False,
        "isGenerated": True,
        **settings,
    }


def _sections(metrics: set[str]) -> list[dict[str, Any]]:
    """The charts above, then MLflow's own for every group of metrics, of which those nobody looks for are folded."""
    groups = sorted({key.rpartition("/")[0] for key in metrics})
    own = [group for group in groups if not f"{group}/".startswith(FOLDED)]
    folded = [group for group in groups if group not in own]
    shown = [
        ("Results", VIEW, True),
        *((group, group, True) for group in own),
        *((g, g, False) for g in folded),
    ]

    return [
        {
            "name": name,
            "uuid": uuid,
            "display": display,
            "isReordered": True,
            "deleted": False,
            "isGenerated": True,
        }
        for name, uuid, display in shown
    ]
