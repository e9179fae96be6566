"""A saved view for the page of a study in MLflow: the columns and charts that matter.

MLflow keeps a view as JSON in a tag of the experiment; a page opens it by its key, and lists it
under "Views". The format is the internal state of MLflow's user interface: it is not documented,
and may change with any version. It was written for, and is tested on, MLflow 3.17.2
(`tests/end_to_end/test_mlflow_ui.py` opens the page in a browser). All of it stands in this module;
the address that opens a view is `tracking.store.page_path`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import Run

from dropout_study.config.names import FINAL
from dropout_study.tracking.record import Role
from dropout_study.tracking.run_content import SYSTEM
from dropout_study.tracking.store import VIEW, Store
from dropout_study.tracking.tags import ARM, CANDIDATE, ROLE, STAGE

TAG = f"mlflow.sharedViewState.{VIEW}"
COHORTS = f"tags.{ROLE} = '{Role.COHORT}'"  # a filter of runs
ERROR = "test/error/weight_scaling"
NLL = "test/nll/weight_scaling"
UNITS = "model.units"
MAX_PARAMS = 6
"""Columns of params, so that the view fits into a tag of 5,000 characters."""
COLUMN_WIDTH = 125  # pixels
MAX_BARS = 20
MAX_POINTS = 100
BY_UPDATE = "Curves by update"
BY_MASKS = "Curves by number of masks"
CURVES = {"val/error": BY_UPDATE, "mc/error": BY_MASKS, "blocks/error": BY_MASKS}
"""Curve -> its section, whose name says what a step is."""
FOLDED_GROUPS = ("test/", "train/", "val/", "mc/", "blocks/")
"""Prefixes of metrics to fold: already charted above, or rarely needed."""


def refresh(store: Store, experiment: str) -> None:
    """Bring the view of an experiment up to date with its cohorts.

    Args:
        store: which holds the experiment.
        experiment: its id.
    """
    wanted = view(store.search(experiment, COHORTS))
    if store.client.get_experiment(experiment).tags.get(TAG) != wanted:
        store.client.set_experiment_tag(experiment, TAG, wanted)


def view(cohorts: Sequence[Run]) -> str:
    """The view as MLflow keeps it: varied params, errors and curves of the cohorts."""
    params = varied_params([run.data.params for run in cohorts])
    numeric = [key for key in params if _is_numeric(key, cohorts)]
    recorded = {key for run in cohorts for key in run.data.metrics}
    metrics = {key for key in recorded if not key.startswith(SYSTEM)} or {"val/error"}
    columns = _columns(params, cohorts)

    state = {
        "searchFilter": COHORTS,
        "orderByKey": _metric(ERROR),
        "orderByAsc": True,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict.fromkeys(columns, COLUMN_WIDTH),
        "runsHiddenMode": "FIRST_20_RUNS",
        "runListHidden": True,  # the charts get its room; an arrow at the side brings it back
        "compareRunCharts": list(_charts(numeric, metrics)),
        "compareRunSections": _sections(metrics),
        "isAccordionReordered": True,
    }
    saved = {"name": "Results", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}

    return json.dumps(saved)


def varied_params(runs: Sequence[dict[str, str]]) -> list[str]:
    """The params that differ between runs, at most `MAX_PARAMS`, the number of units first.

    >>> varied_params([{"lr": "1", "seed": "0"}, {"lr": "2", "seed": "0"}])
    ['lr']

    Args:
        runs: params of each run.
    """
    keys = dict.fromkeys(key for params in runs for key in params)
    varied = [key for key in keys if len({params.get(key) for params in runs}) > 1]

    return sorted(varied, key=lambda key: key != UNITS)[:MAX_PARAMS]


def _metric(key: str) -> str:
    return f"metrics.`{key}`"


def _columns(params: Sequence[str], cohorts: Sequence[Run]) -> list[str]:
    """The columns of the list of runs."""
    shown_params = [f"params.`{key}`" for key in params if key != UNITS]
    shown_tags = [
        f"tags.`{tag}`"
        for tag in (STAGE, ARM, CANDIDATE)
        if {run.data.tags.get(tag) for run in cohorts} - {None, FINAL}
    ]

    return [_metric(ERROR), "tags.`interval`", _metric(NLL), *shown_params, *shown_tags]


def _is_numeric(key: str, cohorts: Sequence[Run]) -> bool:
    """Whether a param is a number, at least 0, wherever it is recorded."""
    try:
        return all(float(run.data.params.get(key, "0")) >= 0 for run in cohorts)
    except ValueError:
        return False


def _charts(numeric_params: Sequence[str], metrics: set[str]) -> Iterator[dict[str, Any]]:
    """Curves by update and by number of masks, test errors, and test errors by numeric params."""
    for metric, section in CURVES.items():
        if metric in metrics:
            scale = "scaleType" if section == BY_UPDATE else "xAxisScaleType"
            yield _line(metric, section, **{scale: "log"})

    yield _chart("BAR", metricKey=ERROR, runsCountToCompare=MAX_BARS)

    if numeric_params:
        yield _chart(
            "PARALLEL", selectedParams=numeric_params, selectedMetrics=[ERROR], showAllRuns=True
        )
        yield _chart(
            "SCATTER",
            xaxis={"key": numeric_params[0], "type": "PARAM"},
            yaxis={"key": ERROR, "type": "METRIC"},
            runsCountToCompare=MAX_POINTS,
        )


def _line(metric: str, section: str, **scale: str) -> dict[str, Any]:
    """A curve without the smoothing that MLflow applies by default."""
    return _chart(
        "LINE",
        metricSectionId=section,
        metricKey=metric,
        selectedMetricKeys=[metric],
        lineSmoothness=0,
        xAxisKey="step",
        **scale,
    )


def _chart(kind: str, **settings: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": settings.get("metricKey", kind),
        "metricSectionId": VIEW,
        "deleted": False,
        "isGenerated": True,
        **settings,
    }


def _sections(metrics: set[str]) -> list[dict[str, Any]]:
    """The charts above, then MLflow's own charts for every group of metrics, some folded."""
    groups = sorted({key.rpartition("/")[0] for key in metrics})
    folded = [group for group in groups if f"{group}/".startswith(FOLDED_GROUPS)]
    open_groups = [group for group in groups if group not in folded]

    return [
        _section("Results", VIEW, unfolded=True),
        *(_section(name, name, unfolded=True) for name in _sections_of_curves(metrics)),
        *(_section(group, group, unfolded=True) for group in open_groups),
        *(_section(group, group, unfolded=False) for group in folded),
    ]


def _sections_of_curves(metrics: set[str]) -> list[str]:
    """What the steps of curves are, which MLflow calls `Step` at every axis."""
    return list(dict.fromkeys(name for metric, name in CURVES.items() if metric in metrics))


def _section(name: str, key: str, unfolded: bool) -> dict[str, Any]:
    return {
        "name": name,
        "uuid": key,
        "display": unfolded,
        "isReordered": True,
        "deleted": False,
        "isGenerated": True,
    }
