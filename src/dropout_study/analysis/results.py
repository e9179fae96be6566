"""Results as a table with one row per network, read from an MLflow store.

Files give the same table (`results_files`): columns of numbers and of text, and the arrays of
`list_columns`.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropout_study.analysis.arms import ALSO
from dropout_study.analysis.columns import TEXT
from dropout_study.analysis.list_columns import is_list, unpack_cells
from dropout_study.config.condition import ERA
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import ConfigError
from dropout_study.tracking import tags
from dropout_study.tracking.packing import join_parts

if TYPE_CHECKING:  # results of a file need no MLflow
    from mlflow.entities import Run

    from dropout_study.tracking.store import Store


COLUMNS_OF_TAGS = {
    tags.CONDITION_DIGEST: "digest",
    tags.ARM: "arm",
    tags.CANDIDATE: "candidate",
    tags.STAGE: "stage",
    tags.BUDGET: "budget",
    tags.SEED: "seed",
    tags.COMMIT: "commit",
    tags.CODE: "code",
    tags.ERA: "era",
    tags.TRAINING_DIGEST: "training_digest",
    tags.DATA_DIGEST: "data_digest",
    tags.DEVICE: "device",
    tags.PROCESSOR: "processor",
    tags.STARTED: "started",
    tags.ENDED: "ended",
    tags.RUN_NAME: "condition",
    tags.PARENT: "run",
}
"""Tag of a run -> column of the table."""
DERIVED = "model.units"  # from the widths, for MLflow's charts
Arms = dict[tuple[str, str, str], dict[str, int | None]]
"""Network -> the arms that ask for it, with the number of the candidate that it is in each."""
FAILURE = "failure"
"""Column that says why a candidate has no results: its network diverged."""


def from_store(store: "Store", studies: Sequence[str]) -> pd.DataFrame:
    """Read the networks of some studies of the present era, each once.

    A study without runs has no rows. A network of the stage `tuning` that diverged has a row with
    its settings and the reason, and no results: its candidate was tried, and counts.

    Args:
        store: is set as MLflow's store of this process.
        studies: names of experiments.

    Raises:
        ConfigError: a tag with packed results was cut or changed.
    """
    import mlflow

    from dropout_study.tracking.lookup import authoritative_runs, diverged_runs

    store.make_ready()
    mlflow.set_tracking_uri(store.uri)
    frames = []

    for study in studies:
        experiment = store.client.get_experiment_by_name(study)
        if not experiment or experiment.lifecycle_stage == "deleted":
            continue

        number = experiment.experiment_id
        runs = store.search(number)
        complete = authoritative_runs(runs)
        diverged = [run for key, run in diverged_runs(runs).items() if key not in complete]
        tried = [run for run in diverged if run.data.tags.get(tags.STAGE) == TUNING]
        if not (complete or tried):
            continue

        arms = _arms(runs)
        networks = [_row(run, arms) for run in complete.values()]
        networks += [_row_without_results(run, arms) for run in tried]
        rows = pd.DataFrame(networks).dropna(axis=1, how="all")
        rows = _without_last_points(rows).assign(study=study, experiment=number)
        frames.append(typed(rows))

    return of_this_era(pd.concat(frames, ignore_index=True)) if frames else empty()


def of_this_era(runs: pd.DataFrame) -> pd.DataFrame:
    """The networks whose results count: those of the present era (`config.condition.ERA`).

    Networks that were recorded before eras were counted belong to none.
    """
    if "era" not in runs:
        return empty()

    return runs[runs["era"] == ERA].reset_index(drop=True)


def empty() -> pd.DataFrame:
    """No results."""
    return pd.DataFrame(columns=["study", "budget", "seed", "data.name"])


def _row(run: "Run", arms: Arms) -> dict[str, Any]:
    """The run of a seed, with columns named as in the file."""
    labels = run.data.tags
    row: dict[str, Any] = {
        COLUMNS_OF_TAGS[tag]: text for tag, text in labels.items() if tag in COLUMNS_OF_TAGS
    }
    row |= _lists(run)
    row |= _further_arms(labels, arms)
    row |= {key: text for key, text in run.data.params.items() if key != DERIVED}
    row["condition"] = row["condition"].removesuffix(f", seed {labels[tags.SEED]}")
    row.setdefault("stage", FINAL)  # of runs that were recorded before there were stages

    return row | run.data.metrics


def _arms(runs: "Sequence[Run]") -> Arms:
    """The arms that ask for each network: those of all its runs, and those noted on them."""
    arms: Arms = {}

    for run in runs:
        labels = run.data.tags
        if tags.SEED not in labels:
            continue

        of_network = arms.setdefault(_network(labels), {})
        if tags.ARM in labels:
            number = labels.get(tags.CANDIDATE)
            of_network.setdefault(labels[tags.ARM], None if number is None else int(number))

        for tag, text in labels.items():
            if tag.startswith(tags.ALSO):
                arm, noted = json.loads(text)
                of_network.setdefault(arm, noted)

    return arms


def _network(labels: Mapping[str, str]) -> tuple[str, str, str]:
    """Stage, digest of the condition, and seed."""
    return labels.get(tags.STAGE, FINAL), labels[tags.CONDITION_DIGEST], labels[tags.SEED]


def _further_arms(labels: Mapping[str, str], arms: Arms) -> dict[str, str]:
    """The column that `arms.per_arm` reads; none for a network of one arm."""
    of_network = arms[_network(labels)]
    further = [[arm, n] for arm, n in sorted(of_network.items()) if arm != labels.get(tags.ARM)]

    return {ALSO: json.dumps(further)} if further else {}


def _row_without_results(run: "Run", arms: Arms) -> dict[str, Any]:
    """The run of a seed that diverged: what it was, and why it has no results."""
    known = {column: cell for column, cell in _row(run, arms).items() if "/" not in column}
    return known | {FAILURE: run.data.tags[tags.REASON]}


def _lists(run: "Run") -> dict[str, Any]:
    """The curves, outcomes per image and pictures of a run, by column.

    Raises:
        ConfigError: a tag was cut or changed.
    """
    packed = {
        tag.removeprefix(tags.PACKED): text
        for tag, text in run.data.tags.items()
        if tag.startswith(tags.PACKED)
    }
    cells: dict[str, Any] = {}

    for column, text in join_parts(packed).items():
        try:
            cells |= unpack_cells(column, text)
        except (ValueError, zlib.error) as error:
            raise ConfigError(
                f"The run {run.info.run_id} cannot be read: its tag {tags.PACKED}{column} was cut "
                "or changed; delete the run and train it again."
            ) from error

    return cells


def _without_last_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the last points of curves, which MLflow stores as metrics.

    Those of validation curves stay: candidates are chosen by them.
    """
    last_points = [column for column in map(str, rows) if f"curve/{column}" in rows]
    return rows.drop(columns=[column for column in last_points if not column.startswith("val/")])


def typed(runs: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as numbers; names and all others as objects."""
    columns: dict[str, Any] = {}

    for column in map(str, runs):
        is_object = column in TEXT or is_list(column)
        columns[column] = _as_objects(runs[column]) if is_object else _as_numbers(runs[column])

    return pd.DataFrame(columns)


def _as_numbers(values: pd.Series) -> pd.Series:
    """Numbers if all values are numbers, else text."""
    try:
        return pd.to_numeric(values)
    except (ValueError, TypeError):
        return _as_objects(values)


def _as_objects(values: pd.Series) -> pd.Series:
    """Text and arrays as objects, so that pandas keeps all these columns in one block.

    The claims' row selections, hundreds per report, are much faster so.
    """
    return values.astype(object).where(values.notna(), None)
