"""Recording the folders of jobs into a store.

`record_all` is the only writer of runs. It may be called any number of times for a folder: it finds
the runs by the id of the record, and adds what they lack. The status FINISHED does not mean that a
run is complete; the tag `complete=true` does, and it is written last.
"""

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException

from dropout_study.config.folder import command
from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import database_file, masked, without_credentials
from dropout_study.system.locks import file_lock
from dropout_study.system.processes import now_ms, repeat_every
from dropout_study.tracking import run_content, run_links, tags
from dropout_study.tracking.database_runs import (
    Batch,
    StoredRun,
    find_neighbours,
    find_runs,
    set_tags,
    shared_conditions,
    transaction,
    write_runs,
)
from dropout_study.tracking.lookup import tag_duplicates
from dropout_study.tracking.record import RECORD_FILE, UNRECORDED, Record, Role, RunStatus
from dropout_study.tracking.run_content import RunContent
from dropout_study.tracking.run_links import Neighbours
from dropout_study.tracking.store import UNREACHABLE, Store

log = logging.getLogger(__name__)

WHOLE_RECORD = ""
"""Key of the run of a cohort or a sweep among the runs of its seeds."""
LOCK_FILE = "record.lock"
HEARTBEAT_SECONDS = 30.0
"""Between two signs of life; a process counts as dead after `processes.MAX_SILENCE_SECONDS`."""
PROCESS_DIED = "its process died without a word: killed, or out of memory"
METRICS_PER_REQUEST = 900
"""MLflow takes 1,000 values per request, metrics and tags together."""
TAGS_PER_REQUEST = 50
"""MLflow takes 100 tags per request, and a server 1 MB, of which 50 of the longest are 0.4 MB."""


def record(folder: Path, store: Store) -> str:
    """Bring the runs of a job's folder in a store up to date; return the id of the cohort's run.

    Raises:
        ConfigError: the experiment was deleted.
        MlflowException: the run was deleted, which is not undone; or the store refuses.
    """
    return record_all([folder], store)[0]


def record_all(folders: Sequence[Path], store: Store) -> list[str]:
    """Bring the runs of the folders of several jobs up to date under one lock.

    Returns:
        the ids of the runs of the cohorts, in the order of the folders.

    Raises:
        ConfigError: an experiment was deleted.
        MlflowException: a run was deleted, which is not undone; or the store refuses. Other folders
            may have been recorded.
    """
    with ExitStack() as held:
        held.enter_context(store.lock())

        # A server has no lock. Without those of the folders two processes might create the same run
        # while one of them waits for the server to come back.
        for folder in sorted(folders):
            held.enter_context(file_lock(folder / LOCK_FILE))

        records = {folder: Record.load(folder) for folder in folders}
        store.make_ready()
        experiments = _experiments(store, records.values())
        write = _write_to_database if store.is_database else _write_to_server
        run_ids, deleted = write(store, experiments, records)

        for folder in run_ids:
            if records[folder].status != RunStatus.RUNNING:
                (folder / UNRECORDED).unlink(missing_ok=True)

    for run_id in deleted:
        command = store.restore_command("run", run_id)
        raise MlflowException(f"its run {run_id} was deleted there; to restore it: {command}")

    return [run_ids[folder] for folder in folders]


def try_to_record(folder: Path, store: Store) -> str | None:
    """Record a folder and return the run's id; None if the store is away, for a later `sync`."""
    return try_to_record_all([folder], store)[0]


def try_to_record_all(folders: Sequence[Path], store: Store) -> list[str | None]:
    """Record several folders and return the ids of their runs, or None for each if that fails."""
    try:
        return [*record_all(folders, store)]
    except (*UNREACHABLE, ConfigError) as error:
        reason = masked(str(error))
        names = ", ".join(str(folder) for folder in folders if (folder / UNRECORDED).exists())
        again = command("sync")
        log.warning("%s: not recorded (%s tries again): %s", names, again, reason)
        return [None] * len(folders)


@contextmanager
def heartbeat(runs: Mapping[Path, str | None], store: Store) -> Iterator[None]:
    """Leave signs of life in the folders of jobs and at their runs while the block runs.

    Args:
        runs: folder of a record -> the id of its run, or None if the store has not taken the run;
            runs may be added.
        store: where the runs are.
    """

    def beat() -> None:
        begun = dict(runs)

        for folder in begun:
            os.utime(folder / RECORD_FILE)

        run_ids = [run_id for run_id in begun.values() if run_id]
        with store.lock():
            _set_tag(store, run_ids, tags.HEARTBEAT, str(now_ms()))

    with repeat_every(HEARTBEAT_SECONDS, beat):
        yield


def end_dead_job(folder: Path, store: Store, interrupted: bool = False) -> None:
    """End the run of a job whose process has gone, in its record and in the store.

    What the process had ended, and could not record any more, is recorded from its folder.

    Args:
        folder: that of the job; nothing is done if it has no record.
        store: where the run is.
        interrupted: the job was interrupted, and did not fail.
    """
    if not (folder / RECORD_FILE).exists():
        return

    saved = Record.load(folder)

    if saved.status == RunStatus.RUNNING:
        if interrupted:
            saved.end(RunStatus.KILLED, "interrupted")
        else:
            saved.fail(PROCESS_DIED)

        saved.save(folder)

    if _has_unrecorded(folder):
        try_to_record(folder, store)


def sync(folders: Iterable[Path], store: Store) -> list[str]:
    """Record every finished folder that a store is missing; return the names of the runs.

    Runs whose process has gone are marked as KILLED. Records of another store are left alone; a
    store that has moved is not another one.
    """
    names = []

    for folder in folders:
        if not _has_unrecorded(folder):
            continue

        saved = Record.load(folder)
        if _belongs_elsewhere(saved.store, store, folder):
            continue

        if saved.is_abandoned(folder):
            saved.end(RunStatus.KILLED, "its process is gone")
            saved.save(folder)

        if saved.status != RunStatus.RUNNING and try_to_record(folder, store):
            names.append(saved.name)

    return names


def is_deleted_record(saved: Record, store: Store) -> bool:
    """Whether a user has deleted the run of a record, or that of one of its seeds."""
    experiment = store.experiment(saved.experiment)
    if experiment is None:
        return False

    if not store.is_database:
        return any(map(is_deleted, _existing_runs(store, experiment, saved.id).values()))

    with transaction(store.uri) as connection:
        return any(run.is_deleted for run in find_runs(connection, [saved])[saved.id].values())


def is_deleted(run: Run) -> bool:
    """Whether a user has deleted a run, which can be restored."""
    return bool(run.info.lifecycle_stage == "deleted")


def _has_unrecorded(folder: Path) -> bool:
    """Whether a folder holds a record that its store lacks, and that this process may read."""
    # `Path.exists` would raise in a folder of another user.
    return all(os.path.exists(folder / name) for name in (UNRECORDED, RECORD_FILE))  # noqa: PTH110


def _belongs_elsewhere(recorded: str, store: Store, folder: Path) -> bool:
    """Whether the record in a folder belongs to another store.

    A project that was moved took both with it: the file has the same name, is above the folder, and
    nothing is left in the old place.

    Args:
        recorded: the address in the record.
        store: the store to compare.
        folder: that of the record.
    """
    recorded_file = database_file(recorded)
    file = database_file(store.uri)
    if not (recorded_file and file):
        return without_credentials(recorded) != store.shown

    has_moved = (
        recorded_file.name == file.name
        and folder.absolute().is_relative_to(file.parent)
        and not recorded_file.parent.exists()
    )

    return recorded_file != file and not has_moved


def _experiments(store: Store, records: Iterable[Record]) -> dict[str, str]:
    """The experiments of records, which are created where they are missing: name -> id."""
    descriptions = {saved.experiment: saved.description for saved in records}

    return {
        name: store.experiment(name) or store.prepare(name, description)
        for name, description in descriptions.items()
    }


def _write_to_database(
    store: Store, experiments: Mapping[str, str], records: Mapping[Path, Record]
) -> tuple[dict[Path, str], list[str]]:
    """Bring the runs of records up to date, those of all records in one transaction.

    Returns:
        folder -> the id of its run, which was written unless the store has later news; and the
        runs that were not, since a user has deleted them.
    """
    batch = Batch()
    run_ids = {}
    outdated = {}
    deleted = []

    with transaction(store.uri) as connection:
        stored = find_runs(connection, records.values())
        neighbours = find_neighbours(connection, records.values())

        for folder, saved in records.items():
            runs = stored[saved.id]
            cohort = runs.get(None)
            if cohort and cohort.is_deleted:
                deleted.append(cohort.run_id)
            elif cohort and _is_outdated(saved, cohort.is_complete, cohort.resumed):
                outdated[folder] = cohort.run_id
            else:
                run_ids[folder] = batch.add_record(
                    experiments[saved.experiment], saved, folder, runs, neighbours[saved.id]
                )

        write_runs(connection, batch)

    for folder, run_id in run_ids.items():
        _log_artifacts(store, run_id, records[folder], folder)

    finished = [run_id for run_id, run in batch.content.items() if run.status == RunStatus.FINISHED]
    _set_tag(store, finished, tags.COMPLETE, "true")
    written = [records[folder] for folder in run_ids]
    suspected = [saved for saved in written if _may_be_duplicate(saved, stored[saved.id].get(None))]
    _tag_shared_conditions(store, experiments, suspected)

    return run_ids | outdated, deleted


def _is_outdated(saved: Record, is_complete: bool, resumed: int) -> bool:
    """Whether a store has later news of a run than a record of it.

    A run that was resumed has records in several folders, each as its process left it.

    Args:
        saved: the record.
        is_complete: whether everything of the run is in the store.
        resumed: how often the run had been resumed when the store got its last news.
    """
    return saved.status != RunStatus.FINISHED and (is_complete or resumed > saved.resumed)


def _may_be_duplicate(saved: Record, stored: StoredRun | None) -> bool:
    """Whether the networks of a record that has ended may have been trained elsewhere, too.

    A process reserves seeds under the lock of the database. So no other process has trained them as
    long as the run was there as one that runs, unless training was forced.

    Args:
        saved: the record.
        stored: the run of its cohort as it was stored before; None if it was not.
    """
    if saved.status == RunStatus.RUNNING or tags.CONDITION_DIGEST not in saved.tags:
        return False

    is_reserved = stored is not None and stored.is_running
    return not is_reserved or tags.RERUN in saved.tags


def _tag_shared_conditions(
    store: Store, experiments: Mapping[str, str], records: Sequence[Record]
) -> None:
    """Tag duplicates in the conditions of records that share them with others."""
    ended = {saved.tags[tags.CONDITION_DIGEST]: experiments[saved.experiment] for saved in records}
    if not ended:
        return

    with transaction(store.uri) as connection:
        shared = shared_conditions(connection, ended, {saved.id for saved in records})

    for digest in shared:
        tag_duplicates(store, ended[digest], digest)


def _set_tag(store: Store, run_ids: Sequence[str], key: str, text: str) -> None:
    """Set one tag of several runs."""
    if store.is_database:
        with transaction(store.uri) as connection:
            set_tags(connection, {run_id: {key: text} for run_id in run_ids}, run_ids)
        return

    for run_id in run_ids:
        store.client.set_tag(run_id, key, text)


def _write_to_server(
    store: Store, experiments: Mapping[str, str], records: Mapping[Path, Record]
) -> tuple[dict[Path, str], list[str]]:
    """As `_write_to_database`, with MLflow's requests, of which each is for one run."""
    run_ids = {}
    deleted = []

    for folder, saved in records.items():
        experiment = experiments[saved.experiment]
        runs = _existing_runs(store, experiment, saved.id)
        existing = runs.get(WHOLE_RECORD)
        labels = existing.data.tags if existing else {}
        is_complete = labels.get(tags.COMPLETE) == "true"

        if existing and is_deleted(existing):
            deleted.append(existing.info.run_id)
        elif existing and _is_outdated(saved, is_complete, _resumed(existing)):
            run_ids[folder] = existing.info.run_id
        else:
            run_ids[folder] = _write_record(store, experiment, saved, folder, runs)

    return run_ids, deleted


def _write_record(
    store: Store, experiment: str, saved: Record, folder: Path, runs: Mapping[str, Run]
) -> str:
    """Bring the run of a record and those of its seeds up to date; return the id of the first."""
    existing = runs.get(WHOLE_RECORD)
    content = run_content.cohort_run(saved, folder)
    existing = _resume_run(store, content, existing)
    parent = _open_run(store, experiment, content, existing)
    seeds = {}

    for seed in saved.seeds:
        run = runs.get(str(seed.seed))
        if not (run and is_deleted(run)):
            of_seed = run_content.seed_run(saved, seed, experiment, parent)
            run = _resume_run(store, of_seed, run)
            seeds[seed.seed] = _open_run(store, experiment, of_seed, run)
            _close_run(store, seeds[seed.seed], of_seed, run)

    stored = existing.data.tags if existing else {}
    digest = stored.get(tags.DESCRIPTION_DIGEST, "")
    if run_links.is_unchanged(stored.get(tags.DESCRIPTION, ""), digest):
        neighbours = _neighbours(store, experiment, saved)
        described = run_links.describe_run(saved, experiment, parent, seeds, neighbours)
        if described[tags.DESCRIPTION_DIGEST] != digest:
            _log(store, parent, [], described)

    _log_artifacts(store, parent, saved, folder)
    _close_run(store, parent, content, existing)

    if saved.status != RunStatus.RUNNING and tags.CONDITION_DIGEST in saved.tags:
        tag_duplicates(store, experiment, saved.tags[tags.CONDITION_DIGEST])

    return parent


def _neighbours(store: Store, experiment: str, saved: Record) -> Neighbours:
    """The runs of other records that the page of a run links to."""
    if saved.role == Role.SWEEP and saved.has_ended:
        trained = f"tags.{tags.SWEEP} = '{saved.id}' and tags.{tags.ROLE} = '{Role.COHORT}'"
        cohorts = store.search(experiment, trained)
        return Neighbours(cohorts={run.info.run_id: run.info.run_name for run in cohorts})

    if tags.SWEEP not in saved.tags:
        return Neighbours()

    sweep = store.search(experiment, f"tags.{tags.RECORD_ID} = '{saved.tags[tags.SWEEP]}'")

    return Neighbours(sweep=sweep[0].info.run_id) if sweep else Neighbours()


def _log_artifacts(store: Store, run_id: str, saved: Record, folder: Path) -> None:
    """Copy the files of a record, as far as there are any, to its run."""
    for artifact in saved.artifacts:
        if (folder / artifact).exists():
            store.client.log_artifact(run_id, str(folder / artifact))


def _existing_runs(store: Store, experiment: str, record_id: str) -> dict[str, Run]:
    """The runs of a record that are in the store, by seed; `WHOLE_RECORD` is that of the cohort.

    Deleted runs are included.
    """
    runs = store.search(experiment, f"tags.{tags.RECORD_ID} = '{record_id}'", ViewType.ALL)
    runs.sort(key=lambda run: not is_deleted(run))  # a run that exists replaces a deleted one
    return {run.data.tags.get(tags.SEED, WHOLE_RECORD): run for run in runs}


def _resume_run(store: Store, content: RunContent, run: Run | None) -> Run | None:
    """Let a run that was resumed run again, with the tags of the process at work on it.

    Args:
        store: takes the run.
        content: what the run holds.
        run: the existing run; None if there is none.

    Returns:
        the run as it is then.
    """
    if run is None or _resumed(run) >= content.resumed:
        return run

    run_id = run.info.run_id
    store.client.update_run(run_id, str(RunStatus.RUNNING))

    for key in run_content.OUTCOME_TAGS:
        if key in run.data.tags:
            store.client.delete_tag(run_id, key)

    _log(store, run_id, [], content.changing_tags)

    return store.client.get_run(run_id)


def _resumed(run: Run) -> int:
    """How often a run was resumed after an interruption."""
    return int(run.data.tags.get(tags.RESUMED, "0"))


def _open_run(store: Store, experiment: str, content: RunContent, run: Run | None) -> str:
    """The id of a run with everything that it holds from the start.

    Args:
        store: takes the run.
        experiment: its id.
        content: what the run holds.
        run: the existing run; None creates it.
    """
    if run is None:
        run = store.client.create_run(experiment, content.started_ms, content.tags, content.name)

    run_id = str(run.info.run_id)

    # The process that created an existing run may not have got this far.
    if not content.params.keys() <= run.data.params.keys():
        params = [Param(key, text) for key, text in content.params.items()]
        store.client.log_batch(run_id, params=params)

    if content.dataset and not (run.inputs and run.inputs.dataset_inputs):
        store.client.log_inputs(run_id, [content.dataset])

    return run_id


def _close_run(store: Store, run_id: str, content: RunContent, existing: Run | None) -> None:
    """Log the results of a run, set its status and, last of all, the tag that it is complete."""
    metrics = content.metrics
    if existing and content.resumed:
        metrics = _without_repeated(store, run_id, metrics)

    _log(store, run_id, metrics, content.outcome)

    if content.status == RunStatus.RUNNING:
        return

    store.client.set_terminated(run_id, str(content.status), content.ended_ms)

    if content.status == RunStatus.FINISHED:
        # It may have been taken for dead before it finished.
        if existing and tags.REASON in existing.data.tags:
            store.client.delete_tag(run_id, tags.REASON)
        store.client.set_tag(run_id, tags.COMPLETE, "true")


def _without_repeated(store: Store, run_id: str, metrics: Sequence[Metric]) -> list[Metric]:
    """Points without those that a resumed run had recorded before, at another time."""
    stored = {
        (point.key, point.step, point.value)
        for key in {metric.key for metric in metrics}
        for point in store.client.get_metric_history(run_id, key)
    }

    return [point for point in metrics if (point.key, point.step, point.value) not in stored]


def _log(store: Store, run_id: str, metrics: Sequence[Metric], labels: Mapping[str, str]) -> None:
    """Log tags and metrics, some per request; a store keeps one of two equal points."""
    run_tags = [RunTag(key, text) for key, text in labels.items()]
    requests = max(
        math.ceil(len(metrics) / METRICS_PER_REQUEST),
        math.ceil(len(run_tags) / TAGS_PER_REQUEST),
    )

    for number in range(requests):
        of_metrics = slice(number * METRICS_PER_REQUEST, (number + 1) * METRICS_PER_REQUEST)
        of_tags = slice(number * TAGS_PER_REQUEST, (number + 1) * TAGS_PER_REQUEST)
        store.client.log_batch(run_id, metrics=metrics[of_metrics], tags=run_tags[of_tags])
