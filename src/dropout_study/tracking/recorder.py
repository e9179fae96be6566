"""MLflow: recording a job's folder into a store.

`record` is the only writer of runs. It may be called any number of times for a folder: it finds the
run by the record's id and adds what is missing. FINISHED does not mean complete here; the tag
`complete=true` does, and it is written last.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import absolute, database_file, masked, without_credentials
from dropout_study.measures.statistics import PERCENT, interval, range_of
from dropout_study.system.locks import file_lock
from dropout_study.system.processes import every, now_ms
from dropout_study.tracking import lookup, store
from dropout_study.tracking.lookup import COMPLETE, HEARTBEAT, RECORD_ID
from dropout_study.tracking.packing import pack_curve
from dropout_study.tracking.record import FILE, TABLE, UNRECORDED, Record, SeedRecord

log = logging.getLogger(__name__)

PARENT = "mlflow.parentRunId"
WHOLE = ""  # in the place of a seed: the run of the record itself
LOCK = "record.lock"
BEAT = 30.0  # seconds between two signs of life
DIED = "its process died without a word: killed, or out of memory"
BATCH = 900  # metrics at a time: MLflow takes a thousand values, and tags go with the first
OF_SEEDS = (
    "config_digest",
    "training_digest",
    lookup.RERUN,
    "git.commit",
    "budget",
    "arm",
    "candidate",
)
PACKED = "mlflow.dropout."  # a tag with this beginning is data for `results`, which MLflow's pages do not show
LONGEST = 8_000  # characters of a tag
SHOWN = "mlflow.loggedArtifacts"  # the tag that names the files that MLflow's pages show as tables
WITH_INTERVAL = (
    "test/"  # beginning of the metrics whose interval is a metric, too; the table has all
)


def record(folder: Path, uri: str) -> str:
    """Bring the run of a job's folder in the store up to date; return its id.

    Raises:
        ConfigError: its experiment was deleted.
        MlflowException: its run was deleted, which stays so.
    """
    uri = absolute(uri)
    # A server has no lock: two processes might create the same run while one waits for it to come
    # back.
    with store.guard(uri), file_lock(folder / LOCK):
        saved = Record.load(folder)
        store.make_ready(uri)
        client = MlflowClient(uri)
        number = store.experiment_id(client, saved.experiment)
        number = number or store.prepare(uri, saved.experiment, saved.description)
        run_id = _record(client, number, saved, folder)

        if saved.status != "RUNNING":
            (folder / UNRECORDED).unlink(missing_ok=True)

    return run_id


def try_to_record(folder: Path, uri: str) -> str | None:
    """Record a folder if the store takes it; if not, a later `sync` will. Returns the run's id, if it did."""
    try:
        return record(folder, uri)
    except (*store.UNREACHABLE, ConfigError) as error:
        reason = masked(str(error))
        log.warning("%s is not recorded (python scripts/sync.py tries again): %s", folder, reason)
        return None


@contextmanager
def heartbeat(folder: Path, uri: str, run_id: str | None) -> Iterator[None]:
    """Leave signs of life in a folder and at its run, if the store has taken it, as long as the block runs."""

    def beat() -> None:
        os.utime(folder / FILE)
        if run_id:
            with store.guard(absolute(uri)):
                MlflowClient(absolute(uri)).set_tag(run_id, HEARTBEAT, str(now_ms()))

    with every(BEAT, beat):
        yield


def bury(folder: Path, uri: str, interrupted: bool = False) -> None:
    """Say in the record of a job whose process has gone, here and in the store, that it failed or was interrupted."""
    if (folder / FILE).exists() and (saved := Record.load(folder)).status == "RUNNING":
        if interrupted:
            saved.end("KILLED", "interrupted")
        else:
            saved.fail(DIED)

        saved.save(folder)
        try_to_record(folder, uri)


def sync(folders: Iterable[Path], uri: str) -> list[str]:
    """Record those of some folders that the store still lacks; what nobody is at work on is KILLED.

    Records that belong to another store are left alone; a store that has moved is not another one.
    Returns the names of the runs that were recorded.
    """
    names = []

    for folder in folders:
        if not os.path.exists(folder / UNRECORDED) or not os.path.exists(folder / FILE):  # noqa: PTH110
            continue  # or it is not ours to read, where `Path.exists` would raise

        saved = Record.load(folder)
        if _belongs_elsewhere(saved.store, absolute(uri), folder):
            continue

        if saved.abandoned(folder):
            saved.end("KILLED", "its process is gone")
            saved.save(folder)

        if saved.status != "RUNNING" and try_to_record(folder, uri):
            names.append(saved.name)

    return names


def download(run_id: str, uri: str, folder: Path) -> None:
    """Fetch all files of a cohort's run into a folder.

    Raises:
        ConfigError: the store has no such run, or it is deleted, or not that of a cohort.
    """
    try:
        store.make_ready(absolute(uri))
        client = MlflowClient(absolute(uri))
        _check_cohort(client, client.get_run(run_id))
        client.download_artifacts(run_id, "", str(folder))
    except store.UNREACHABLE as error:
        reason = masked(str(error).splitlines()[0])
        raise ConfigError(
            f"run={run_id} is neither a checkpoint nor a run of {masked(uri)}: {reason}"
        ) from error


def _check_cohort(client: MlflowClient, run: Run) -> None:
    """Refuse a run that holds no networks; say what it is, and which run to name instead."""
    run_id = run.info.run_id
    name = run.info.run_name
    tags = run.data.tags

    if _is_deleted(run):
        reason = f"was deleted; restore it first: {store.restoring(client, 'run', run_id)}"
    elif "seed" in tags and PARENT in tags:
        reason = f"is one network of a cohort ({name}); evaluate the cohort: run={tags[PARENT]}"
    elif tags.get("role") == "sweep":
        mine = f"tags.sweep = '{tags[RECORD_ID]}'"
        reason = f"is a {name}; evaluate one of its cohorts, which MLflow finds by {mine}"
    elif tags.get("role") != "cohort":
        reason = f"({name}) holds no networks; evaluate a cohort, the run of one condition"
    else:
        return

    raise ConfigError(f"run={run_id} {reason}")


def _belongs_elsewhere(recorded: str, uri: str, folder: Path) -> bool:
    """Whether the store of a folder's record is another than that of an address.

    A project that was moved took both with it, and left nothing behind.
    """
    there = database_file(recorded)
    here = database_file(uri)
    if not (there and here):
        return without_credentials(recorded) != masked(uri)

    inside = folder.absolute().is_relative_to(here.parent)
    moved = there.name == here.name and inside and not there.parent.exists()

    return there != here and not moved


def _record(client: MlflowClient, number: str, saved: Record, folder: Path) -> str:
    runs = _runs(client, number, saved.id)
    whole = runs.get(WHOLE)
    if whole and _is_deleted(whole):
        command = store.restoring(client, "run", whole.info.run_id)
        raise MlflowException(
            f"its run {whole.info.run_id} was deleted there; to restore it: {command}"
        )

    parent = _open(client, number, saved, saved.name, saved.tags | {"role": saved.role}, whole)

    for seed in saved.seeds:
        before = runs.get(str(seed.seed))
        if before and _is_deleted(before):
            continue

        tags = {PARENT: parent, "role": "seed", "seed": str(seed.seed)}
        tags |= {"data_digest": seed.data_digest}
        tags |= {key: saved.tags[key] for key in OF_SEEDS if key in saved.tags}
        run_id = _open(client, number, saved, f"{saved.name}, seed {seed.seed}", tags, before)
        status = saved.status_of(seed)
        reason = seed.failure or saved.reason
        _log(
            client,
            run_id,
            _seed_metrics(saved, seed),
            _packed(seed) | _outcome(saved, status, reason),
        )
        _close(client, run_id, saved, status, before)

    outcome = _at_a_glance(saved, folder) | _outcome(saved, saved.status, saved.reason)

    for artifact in saved.artifacts:
        if (folder / artifact).exists():
            client.log_artifact(parent, str(folder / artifact))

    _log(client, parent, _cohort_metrics(saved), outcome)
    _close(client, parent, saved, saved.status, whole)

    if saved.status != "RUNNING" and "config_digest" in saved.tags:
        lookup.settle(client, number, saved.tags["config_digest"])

    return parent


def _runs(client: MlflowClient, experiment_id: str, record_id: str) -> dict[str, Run]:
    """The runs of a record that are in the store already, by seed, and that of the whole.

    Deleted ones are included.
    """
    found = store.search(client, experiment_id, f"tags.{RECORD_ID} = '{record_id}'", ViewType.ALL)
    found.sort(key=lambda run: not _is_deleted(run))  # of two the one that is there
    return {run.data.tags.get("seed", WHOLE): run for run in found}


def _is_deleted(run: Run) -> bool:
    return bool(run.info.lifecycle_stage == "deleted")


def _open(
    client: MlflowClient,
    experiment_id: str,
    saved: Record,
    name: str,
    tags: dict[str, str],
    run: Run | None,
) -> str:
    """The id of a run of the record, created if there is none with what is known at the start."""
    if run is None:
        run = client.create_run(experiment_id, saved.started_ms, tags | {RECORD_ID: saved.id}, name)

    run_id = str(run.info.run_id)
    params = saved.params | _units(saved)
    # Whoever created a run that exists may not have got this far.
    if not params.keys() <= run.data.params.keys():
        client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])

    if saved.dataset and not (run.inputs and run.inputs.dataset_inputs):
        client.log_inputs(
            run_id, [DatasetInput(_dataset(saved), [InputTag("mlflow.data.context", "training")])]
        )

    return run_id


def _units(saved: Record) -> dict[str, str]:
    """The number of hidden units: a param that is a number, which MLflow's charts can lay on an axis."""
    widths = saved.params.get("model.widths")
    return {"model.units": str(sum(map(int, widths.split("x"))))} if widths else {}


def _at_a_glance(saved: Record, folder: Path) -> dict[str, str]:
    """The interval of the test error in words, and which of the files is a table."""
    tags = {}

    if len(errors := saved.values("test/error/weight_scaling")) > 1:
        of = interval(errors).within(PERCENT)
        tags = {"interval": f"{of.low:.2f} to {of.high:.2f}"}

    return tags | (
        {SHOWN: json.dumps([{"path": TABLE, "type": "table"}])} if (folder / TABLE).exists() else {}
    )


def _dataset(saved: Record) -> Dataset:
    return Dataset(
        name=saved.dataset["name"],
        digest=saved.dataset["digest"],
        source_type="local",
        source=json.dumps({"uri": saved.dataset["source"]}),
        profile=json.dumps({"train_size": saved.dataset["train_size"]}),
    )


def _log(
    client: MlflowClient, run_id: str, values: Iterable[Metric], tags: Mapping[str, str]
) -> None:
    """Log tags and metrics in batches; a store keeps one of two equal points, so repeating does no harm."""
    values = list(values)
    first = [RunTag(key, value) for key, value in tags.items()]
    client.log_batch(run_id, metrics=values[:BATCH], tags=first)

    for start in range(BATCH, len(values), BATCH):
        client.log_batch(run_id, metrics=values[start : start + BATCH])


def _outcome(saved: Record, status: str, reason: str) -> dict[str, str]:
    """Tags that say how a run ended, once it has."""
    if status == "RUNNING":
        return {}
    return {"wall_seconds": f"{saved.seconds:.1f}"} | (
        {"reason": reason} if status != "FINISHED" else {}
    )


def _close(
    client: MlflowClient, run_id: str, saved: Record, status: str, before: Run | None
) -> None:
    """Set the status and, last of all, the tag that says the run is complete."""
    if status == "RUNNING":
        return

    client.set_terminated(run_id, status, saved.ended_ms)

    if status == "FINISHED":
        if before and "reason" in before.data.tags:  # it was taken for dead
            client.delete_tag(run_id, "reason")
        client.set_tag(run_id, COMPLETE, "true")


def _seed_metrics(saved: Record, seed: SeedRecord) -> list[Metric]:
    """Curves, and the final metrics that are not the last point of one."""
    points = [
        Metric(key, value, time_ms, update)
        for key, curve in seed.curves.items()
        for update, value, time_ms in curve
    ]
    return points + _final(saved, {k: v for k, v in seed.metrics.items() if k not in seed.curves})


def _packed(seed: SeedRecord) -> dict[str, str]:
    """Curves and misclassified images as text: thousands of runs can be read with one request."""
    curves = {
        f"curve/{key}": pack_curve([(step, value) for step, value, _ in curve])
        for key, curve in seed.curves.items()
        if not key.startswith("train/")
    }
    wrong = {f"wrong/{rule}": text for rule, text in seed.wrong.items()}
    pictures = {f"picture/{name}": text for name, text in seed.pictures.items()}

    return {
        PACKED + key: text
        for key, text in (curves | wrong | pictures).items()
        if len(text) <= LONGEST
    }


def _cohort_metrics(saved: Record) -> list[Metric]:
    """Mean curves over the seeds; final metrics as mean, those on test data with their 95 % interval."""
    points = []
    seeds = saved.whole or saved.seeds
    for key in {key for seed in seeds for key in seed.curves}:
        for same in zip(*(seed.curves[key] for seed in seeds if key in seed.curves), strict=True):
            mean = sum(value for _, value, _ in same) / len(same)
            points.append(Metric(key, _short(mean), same[0][2], same[0][0]))

    summary: dict[str, float] = {}

    for key in dict.fromkeys(key for seed in saved.whole for key in seed.metrics):
        of = interval(saved.values(key)).within(range_of(key))

        if not any(key in seed.curves for seed in saved.whole):
            summary[key] = _short(of.mean)

        if of.n > 1 and key.startswith(WITH_INTERVAL):
            summary |= {f"{key}_low": _short(of.low), f"{key}_high": _short(of.high)}

    return points + _final(saved, summary)


def _short(value: float) -> float:
    """Five digits, which a column has room for; the values of the seeds are kept to the last one."""
    return float(f"{value:.5g}")


def _final(saved: Record, values: dict[str, float]) -> list[Metric]:
    time_ms = saved.evaluated_ms or saved.ended_ms or saved.started_ms
    return [Metric(key, value, time_ms, 0) for key, value in values.items()]
