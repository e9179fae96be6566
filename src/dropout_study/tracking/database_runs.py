"""Runs in a database, many of them in one transaction.

MLflow's client takes six requests per run, each of up to four transactions. A pack of jobs has
hundreds of runs, so this module writes the same rows itself. It knows MLflow's tables
(`mlflow.store.tracking.dbmodels.models`), and what its client writes into them. Tested on MLflow
3.17.2.
"""

import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar, cast

from mlflow.entities import Dataset
from mlflow.store.tracking.dbmodels import models
from mlflow.utils.uri import append_to_uri_path
from sqlalchemy import Select, Table, and_, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from dropout_study.tracking import run_content, run_links, tags
from dropout_study.tracking.database_lock import connect
from dropout_study.tracking.packing import MAX_TAG_LENGTH
from dropout_study.tracking.record import Record, Role, RunStatus
from dropout_study.tracking.run_content import RunContent
from dropout_study.tracking.run_links import Neighbours

RUNS, TAGS, PARAMS, METRICS, LATEST, EXPERIMENTS, DATASETS, INPUTS, INPUT_TAGS = (
    cast("Table", cast("Any", model).__table__)
    for model in (
        models.SqlRun,
        models.SqlTag,
        models.SqlParam,
        models.SqlMetric,
        models.SqlLatestMetric,
        models.SqlExperiment,
        models.SqlDataset,
        models.SqlInput,
        models.SqlInputTag,
    )
)
IDS_PER_QUERY = 500
"""Ids in one query; databases bound the parameters of a query, the oldest SQLite at 999."""
LARGEST = 1.7976931348623157e308
"""What MLflow stores for an infinite value."""

Row = dict[str, Any]
T = TypeVar("T")


@dataclass
class StoredRun:
    """A run of a record, as far as a recorder needs it.

    Attributes:
        run_id: its id.
        is_deleted: whether a user has deleted it.
        is_running: whether it is there as one that runs.
        is_complete: whether everything of it is there.
        resumed: how often it had been resumed when it was written.
        description: what its page shows.
        digest: that of the description as it was written.
    """

    run_id: str
    is_deleted: bool
    is_running: bool
    is_complete: bool = False
    resumed: int = 0
    description: str = ""
    digest: str = ""


@dataclass
class Batch:
    """Runs to be written in one transaction.

    Attributes:
        content: run id -> what the run holds.
        experiments: run id -> the id of its experiment.
        old: the ids of the runs that exist; the others are created.
        resumed: those of them that have been resumed since they were written.
    """

    content: dict[str, RunContent] = field(default_factory=dict)
    experiments: dict[str, int] = field(default_factory=dict)
    old: set[str] = field(default_factory=set)
    resumed: set[str] = field(default_factory=set)

    def add_record(
        self,
        experiment: str,
        record: Record,
        folder: Path,
        stored: Mapping[str | None, StoredRun],
        neighbours: Neighbours,
    ) -> str:
        """Add the runs of a record, but for those that were deleted; return the id of the cohort's.

        Args:
            experiment: the id of the experiment.
            record: the record.
            folder: that of the record.
            stored: seed -> existing run; the others are created.
            neighbours: other runs that the page of the run links to.
        """
        existing = stored.get(None)
        content = run_content.cohort_run(record, folder)
        parent = self._add(experiment, existing, content)
        seeds = {}

        for seed in record.seeds:
            run = stored.get(str(seed.seed))
            if not (run and run.is_deleted):
                of_seed = run_content.seed_run(record, seed, experiment, parent)
                seeds[seed.seed] = self._add(experiment, run, of_seed)

        if existing is None or run_links.is_unchanged(existing.description, existing.digest):
            content.outcome.update(
                run_links.describe_run(record, experiment, parent, seeds, neighbours)
            )

        return parent

    def _add(self, experiment: str, stored: StoredRun | None, content: RunContent) -> str:
        """Add one run, which is created if there is none; return its id."""
        run_id = stored.run_id if stored else uuid.uuid4().hex
        self.content[run_id] = content
        self.experiments[run_id] = int(experiment)

        if stored:
            self.old.add(run_id)
            if stored.resumed < content.resumed:
                self.resumed.add(run_id)

        return run_id


@contextmanager
def transaction(uri: str) -> Iterator[Connection]:
    """A connection to a database; what the block writes is there whole, or not at all."""
    with connect(uri) as connection, connection.begin():
        yield connection


def find_runs(
    connection: Connection, records: Iterable[Record]
) -> dict[str, dict[str | None, StoredRun]]:
    """The runs of records, deleted ones included: record id -> seed -> run.

    The run of a cohort or a sweep has the seed None.
    """
    runs: dict[str, dict[str | None, StoredRun]] = {saved.id: {} for saved in records}
    began = _runs_that_began(connection, {saved.started_ms for saved in records})
    described = (tags.DESCRIPTION, tags.DESCRIPTION_DIGEST)
    keys = (tags.RECORD_ID, tags.SEED, tags.COMPLETE, tags.RESUMED, *described)
    labels = _tags_of(connection, began, keys)

    for run_id, stored in began.items():
        of_run = labels.get(run_id, {})
        of_record = runs.get(of_run.get(tags.RECORD_ID, ""), {})
        number = of_run.get(tags.SEED)
        stored.is_complete = of_run.get(tags.COMPLETE) == "true"
        stored.resumed = int(of_run.get(tags.RESUMED, "0"))
        stored.description = of_run.get(tags.DESCRIPTION, "")
        stored.digest = of_run.get(tags.DESCRIPTION_DIGEST, "")
        if number not in of_record or not stored.is_deleted:
            of_record[number] = stored  # a run that exists replaces a deleted one

    return runs


def find_neighbours(connection: Connection, records: Collection[Record]) -> dict[str, Neighbours]:
    """The runs of other records that the pages of some link to: record id -> runs."""
    sweep_of = {saved.id: saved.tags.get(tags.SWEEP, "") for saved in records}
    sweeps = _sweep_runs(connection, set(sweep_of.values()) - {""})
    found = {saved.id: Neighbours(sweeps.get(sweep_of[saved.id], "")) for saved in records}

    for saved in records:
        if saved.role == Role.SWEEP and saved.has_ended:
            found[saved.id] = Neighbours(cohorts=_cohorts_of_sweep(connection, saved.id))

    return found


def _sweep_runs(connection: Connection, record_ids: Collection[str]) -> dict[str, str]:
    """The runs of sweeps that were not deleted: record id -> run id."""
    record, role = TAGS.alias(), TAGS.alias()
    is_sweep = and_(role.c.run_uuid == record.c.run_uuid, role.c.key == tags.ROLE)
    query = (
        select(record.c.value, record.c.run_uuid)
        .join(role, is_sweep)
        .join(RUNS, RUNS.c.run_uuid == record.c.run_uuid)
        .where(record.c.key == tags.RECORD_ID, role.c.value == Role.SWEEP)
        .where(RUNS.c.lifecycle_stage == "active")
    )

    return {
        record_id: run_id
        for portion in _portions(record_ids)
        for record_id, run_id in _rows(connection, query.where(record.c.value.in_(portion)))
    }


def _cohorts_of_sweep(connection: Connection, record_id: str) -> dict[str, str]:
    """The runs of the cohorts of a sweep that were not deleted, the first first: run id -> name.

    Args:
        connection: to the database.
        record_id: that of the sweep.
    """
    query = (
        select(RUNS.c.run_uuid, RUNS.c.name)
        .join(TAGS, RUNS.c.run_uuid == TAGS.c.run_uuid)
        .where(TAGS.c.key == tags.SWEEP, TAGS.c.value == record_id)
        .where(RUNS.c.lifecycle_stage == "active")
        .order_by(RUNS.c.start_time)
    )

    return dict(_rows(connection, query))


def _runs_that_began(connection: Connection, times: Collection[int]) -> dict[str, StoredRun]:
    """The runs that began at some times, in milliseconds since the epoch: run id -> run.

    To pass over the times of all runs takes a tenth of the time of their tags, whose values have no
    index.
    """
    query = select(RUNS.c.run_uuid, RUNS.c.lifecycle_stage, RUNS.c.status)
    runs = {}

    for portion in _portions(times):
        rows = _rows(connection, query.where(RUNS.c.start_time.in_(portion)))
        for run_id, stage, status in rows:
            runs[run_id] = StoredRun(run_id, stage == "deleted", status == RunStatus.RUNNING)

    return runs


def _tags_of(
    connection: Connection, run_ids: Collection[str], keys: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Some tags of some runs: run id -> key -> text."""
    query = select(TAGS.c.run_uuid, TAGS.c.key, TAGS.c.value).where(TAGS.c.key.in_(keys))
    labels: dict[str, dict[str, str]] = {}

    for portion in _portions(run_ids):
        for run_id, key, text in _rows(connection, query.where(TAGS.c.run_uuid.in_(portion))):
            labels.setdefault(run_id, {})[key] = text

    return labels


def runs_of_condition(connection: Connection, experiment: str, digest: str) -> list[str]:
    """The ids of the runs of a condition in an experiment.

    Args:
        connection: to the database.
        experiment: its id.
        digest: that of the condition.
    """
    query = (
        select(TAGS.c.run_uuid)
        .join(RUNS, RUNS.c.run_uuid == TAGS.c.run_uuid)
        .where(TAGS.c.key == tags.CONDITION_DIGEST, TAGS.c.value == digest)
        .where(RUNS.c.experiment_id == int(experiment))
    )

    return list(connection.scalars(query))


def shared_conditions(
    connection: Connection, digests: Collection[str], record_ids: Collection[str]
) -> set[str]:
    """The conditions that have runs of other records, or runs that are tagged as duplicates.

    Args:
        connection: to the database.
        digests: those of the conditions.
        record_ids: the records whose conditions they are.
    """
    condition, record, duplicate = TAGS.alias(), TAGS.alias(), TAGS.alias()
    of_record = and_(record.c.run_uuid == condition.c.run_uuid, record.c.key == tags.RECORD_ID)
    of_duplicate = and_(
        duplicate.c.run_uuid == condition.c.run_uuid, duplicate.c.key == tags.DUPLICATE
    )
    query = (
        select(condition.c.value, record.c.value, duplicate.c.value)
        .join(record, of_record)
        .outerjoin(duplicate, of_duplicate)
        .where(condition.c.key == tags.CONDITION_DIGEST)
    )
    own = set(record_ids)

    return {
        digest
        for portion in _portions(digests)
        for digest, record_id, is_duplicate in _rows(
            connection, query.where(condition.c.value.in_(portion))
        )
        if record_id not in own or is_duplicate
    }


def write_runs(connection: Connection, batch: Batch) -> None:
    """Create runs and bring them up to date, but for the tag that they are complete."""
    _create_runs(connection, batch)
    _resume_runs(connection, batch)
    _end_runs(connection, batch)

    params = [row for run_id, run in batch.content.items() for row in _texts(run_id, run.params)]
    _merge(connection, PARAMS, params, batch.old, replaces=False)
    outcomes = {run_id: run.outcome for run_id, run in batch.content.items()}
    set_tags(connection, outcomes, batch.old)
    _write_metrics(connection, batch)
    _write_inputs(connection, batch)


def set_tags(
    connection: Connection, labels: Mapping[str, Mapping[str, str]], old: Collection[str]
) -> None:
    """Set tags of runs.

    Args:
        connection: to the database.
        labels: run id -> tags.
        old: the runs that may have such tags already.
    """
    rows = [row for run_id, own in labels.items() for row in _texts(run_id, own)]
    _merge(connection, TAGS, rows, old, replaces=True)


def _create_runs(connection: Connection, batch: Batch) -> None:
    """Create the runs that are new, with the tags that they have from the start."""
    query = select(EXPERIMENTS.c.experiment_id, EXPERIMENTS.c.artifact_location).where(
        EXPERIMENTS.c.experiment_id.in_(set(batch.experiments.values()))
    )
    places = dict(_rows(connection, query))
    runs = []
    labels: list[Row] = []

    for run_id in batch.content.keys() - batch.old:
        run = batch.content[run_id]
        number = batch.experiments[run_id]
        runs.append(_new_run(run_id, number, places[number], run))
        labels += _texts(run_id, run.tags | {tags.RUN_NAME: run.name})

    _insert(connection, RUNS, runs)
    _insert(connection, TAGS, labels)


def _new_run(run_id: str, experiment: int, place: str, run: RunContent) -> Row:
    """The row of a run, as MLflow's client makes it.

    Args:
        run_id: its id.
        experiment: the id of its experiment.
        place: where the files of the experiment are.
        run: what the run holds.
    """
    return {
        "run_uuid": run_id,
        "experiment_id": experiment,
        "name": run.name,
        "artifact_uri": cast("Any", append_to_uri_path)(place, run_id, "artifacts"),
        "status": str(RunStatus.RUNNING),
        "start_time": run.started_ms,
        "lifecycle_stage": "active",
        "user_id": "unknown",
        "source_type": "UNKNOWN",
        "source_name": "",
        "source_version": "",
        "entry_point_name": "",
    }


def _resume_runs(connection: Connection, batch: Batch) -> None:
    """Let runs that were interrupted run again, with the tags of the process at work on them."""
    query = update(RUNS).values(status=str(RunStatus.RUNNING))
    for ids in _portions(batch.resumed):
        outcome = and_(TAGS.c.key.in_(run_content.OUTCOME_TAGS), TAGS.c.run_uuid.in_(ids))
        connection.execute(query.where(RUNS.c.run_uuid.in_(ids)))
        connection.execute(delete(TAGS).where(outcome))

    labels = {run_id: batch.content[run_id].changing_tags for run_id in batch.resumed}
    set_tags(connection, labels, batch.resumed)


def _end_runs(connection: Connection, batch: Batch) -> None:
    """Set the status of the runs that have ended."""
    ended = [
        {"id": run_id, "status": str(run.status), "end_time": run.ended_ms}
        for run_id, run in batch.content.items()
        if run.status != RunStatus.RUNNING
    ]
    if ended:
        connection.execute(update(RUNS).where(RUNS.c.run_uuid == bindparam("id")), ended)

    # A run may have been taken for dead before it finished.
    finished = [
        run_id for run_id in batch.old if batch.content[run_id].status == RunStatus.FINISHED
    ]
    for ids in _portions(finished):
        reasons = and_(TAGS.c.key == tags.REASON, TAGS.c.run_uuid.in_(ids))
        connection.execute(delete(TAGS).where(reasons))


def _write_metrics(connection: Connection, batch: Batch) -> None:
    """Write the points of metrics, and which point of each key is the last one."""
    every = [row for run_id, run in batch.content.items() for row in _points(run_id, run)]
    points = _without_repeated(connection, every, batch)
    _merge(connection, METRICS, points, batch.old, replaces=False)

    latest = {(row["run_uuid"], row["key"]): row for row in _stored(connection, LATEST, batch.old)}
    order = itemgetter("step", "timestamp", "value")
    for row in points:
        key = row["run_uuid"], row["key"]
        if key not in latest or order(row) > order(latest[key]):
            latest[key] = row

    _merge(connection, LATEST, latest.values(), batch.old, replaces=True)


def _without_repeated(connection: Connection, points: Sequence[Row], batch: Batch) -> Sequence[Row]:
    """Points without those that a resumed run had recorded before, at another time."""
    runs = [run_id for run_id in batch.old if batch.content[run_id].resumed]
    if not runs:
        return points

    point_of = itemgetter("run_uuid", "key", "step", "value", "is_nan")
    stored = set(map(point_of, _stored(connection, METRICS, runs)))

    return [row for row in points if point_of(row) not in stored]


def _points(run_id: str, run: RunContent) -> Iterator[Row]:
    """The rows of the metrics of a run."""
    for metric in run.metrics:
        is_nan = math.isnan(metric.value)

        yield {
            "run_uuid": run_id,
            "key": metric.key,
            "value": 0.0 if is_nan else max(-LARGEST, min(LARGEST, float(metric.value))),
            "timestamp": metric.timestamp,
            "step": metric.step,
            "is_nan": is_nan,
        }


def _write_inputs(connection: Connection, batch: Batch) -> None:
    """Note which data runs were trained on, where that is not noted yet."""
    noted = _runs_with_inputs(connection, batch.old)
    datasets: dict[tuple[int, str], str] = {}
    inputs = []
    labels = []

    for run_id, run in batch.content.items():
        if run.dataset is None or run_id in noted:
            continue

        key = batch.experiments[run_id], run.dataset.dataset.digest
        if key not in datasets:
            datasets[key] = _dataset_id(connection, batch.experiments[run_id], run.dataset.dataset)

        row = {
            "input_uuid": uuid.uuid4().hex,
            "source_type": "DATASET",
            "source_id": datasets[key],
            "destination_type": "RUN",
            "destination_id": run_id,
        }
        inputs.append(row)
        labels += [
            {"input_uuid": row["input_uuid"], "name": label.key, "value": label.value}
            for label in run.dataset.tags
        ]

    _insert(connection, INPUTS, inputs)
    _insert(connection, INPUT_TAGS, labels)


def _runs_with_inputs(connection: Connection, run_ids: Collection[str]) -> set[str]:
    """The runs of which the database has the data that they were trained on."""
    query = select(INPUTS.c.destination_id).where(INPUTS.c.destination_type == "RUN")
    noted: set[str] = set()

    for ids in _portions(run_ids):
        noted |= set(connection.scalars(query.where(INPUTS.c.destination_id.in_(ids))))

    return noted


def _dataset_id(connection: Connection, experiment: int, dataset: Dataset) -> str:
    """The id of a data set in an experiment, which gets it if it has none such."""
    query = select(DATASETS.c.dataset_uuid).where(
        DATASETS.c.experiment_id == experiment,
        DATASETS.c.name == dataset.name,
        DATASETS.c.digest == dataset.digest,
    )
    if stored := connection.scalar(query):
        return str(stored)

    dataset_id = uuid.uuid4().hex
    row = {
        "dataset_uuid": dataset_id,
        "experiment_id": experiment,
        "name": dataset.name,
        "digest": dataset.digest,
        "dataset_source_type": dataset.source_type,
        "dataset_source": dataset.source,
        "dataset_schema": dataset.schema,
        "dataset_profile": dataset.profile,
    }
    _insert(connection, DATASETS, [row])

    return dataset_id


def _texts(run_id: str, texts: Mapping[str, str]) -> Iterator[Row]:
    """The rows of tags or params of a run; a text that is too long for one is cut."""
    for key, text in texts.items():
        yield {"run_uuid": run_id, "key": key, "value": text[:MAX_TAG_LENGTH]}


def _merge(
    connection: Connection,
    table: Table,
    rows: Iterable[Row],
    run_ids: Collection[str],
    replaces: bool,
) -> None:
    """Insert the rows whose keys a table lacks.

    Args:
        connection: to the database.
        table: one of those whose rows belong to runs.
        rows: of which the last of those with one key counts.
        run_ids: the runs that may have rows in the table.
        replaces: whether rows that differ replace the stored ones.
    """
    names = [column.name for column in table.primary_key]
    key_of = itemgetter(*names)
    wanted = {key_of(row): row for row in rows}
    stored = {key_of(row): row for row in _stored(connection, table, run_ids)}

    changed = [key for key in wanted if key in stored and stored[key] != wanted[key]]
    if replaces and changed:
        is_row = and_(*(table.c[name] == bindparam(f"old_{name}") for name in names))
        keys = [
            {f"old_{name}": part for name, part in zip(names, key, strict=True)} for key in changed
        ]
        connection.execute(delete(table).where(is_row), keys)
        stored = {key: row for key, row in stored.items() if key not in set(changed)}

    _insert(connection, table, [row for key, row in wanted.items() if key not in stored])


def _stored(connection: Connection, table: Table, run_ids: Collection[str]) -> Iterator[Row]:
    """The rows of some runs in a table."""
    for ids in _portions(run_ids):
        query = select(table).where(table.c.run_uuid.in_(ids))
        yield from map(dict, connection.execute(query).mappings())


def _rows(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows that answer a query."""
    yield from map(tuple, connection.execute(query))


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, if there are any."""
    if rows:
        connection.execute(insert(table), rows)


def _portions(ids: Collection[T]) -> Iterator[list[T]]:
    """Ids in portions that a query takes."""
    every = list(ids)
    for start in range(0, len(every), IDS_PER_QUERY):
        yield every[start : start + IDS_PER_QUERY]
