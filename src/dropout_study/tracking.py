"""MLflow: making a store ready, and recording a job's folder into it.

`record` is the only writer of runs. It may be called any number of times for a folder: it finds the run by
the record's id and adds what is missing. FINISHED does not mean complete here; the tag `complete=true` does,
and it is written last.
"""

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import filelock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from dropout_study.config import ConfigError
from dropout_study.record import Record, SeedRecord
from dropout_study.statistics import interval

RECORD_ID, PARENT, COMPLETE = "record_id", "mlflow.parentRunId", "complete"
# MLflow sets its own levels when it is imported; its notes on creating tables are not for the reader.
for name in ("mlflow", "alembic"):
    logging.getLogger(name).setLevel(logging.WARNING)

BATCH = 1_000  # MLflow takes that many metrics at a time
SQLITE = "sqlite:///"


def absolute(uri: str) -> str:
    """A store's address that means the same from every folder.

    Raises:
        ConfigError: for a store in plain files, which MLflow no longer keeps up.
    """
    if uri.startswith(SQLITE):
        return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
    if "://" not in uri or uri.startswith("file:"):
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: MLflow no longer supports stores of plain files. Use "
            "sqlite:///mlflow.db, another database, or the http address of a server."
        )
    return uri


def prepare(uri: str, experiment: str, description: str) -> str:
    """Create the store and the experiment if they do not exist; return the experiment's id.

    Raises:
        ConfigError: the store cannot be opened.
    """
    uri = absolute(uri)
    if not uri.startswith(SQLITE):
        return _experiment(uri, experiment, description, None)
    database = Path(uri.removeprefix(SQLITE))
    if not database.parent.is_dir():
        raise ConfigError(f"tracking.uri={uri} cannot be used: there is no folder {database.parent}; create it first.")
    # Two first starts at once would both create the schema, and one of them would fail.
    with filelock.FileLock(f"{database}.lock"):
        return _experiment(uri, experiment, description, (database.parent / "mlartifacts").as_uri())


def _experiment(uri: str, name: str, description: str, artifacts: str | None) -> str:
    try:
        client = MlflowClient(uri)
        if not client.get_experiment_by_name(name):
            tags = {"mlflow.note.content": description, "mlflow.experimentKind": "custom_model_development"}
            with suppress(MlflowException):  # another job was faster, or the look-up below says what is wrong
                client.create_experiment(name, artifacts, tags)
        found = client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage == "deleted":
            raise ConfigError(f"study.name={name} cannot be used: the store holds a deleted experiment of that name.")
        return str(found.experiment_id)
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"tracking.uri={uri}: the store cannot be opened: {reason}") from error


def link(uri: str, experiment_id: str) -> str:
    """The line that opens the results in a browser."""
    page = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    if uri.startswith("http"):
        return f"{uri.rstrip('/')}/{page}"
    return f"mlflow ui --backend-store-uri {uri}   then http://127.0.0.1:5000/{page}"


def download(run_id: str, uri: str, folder: Path) -> None:
    """Fetch all files of a run into a folder.

    Raises:
        ConfigError: there is no such run in the store.
    """
    try:
        MlflowClient(absolute(uri)).download_artifacts(run_id, "", str(folder))
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"run={run_id} is neither a checkpoint nor a run of {uri}: {reason}") from error


def record(folder: Path, uri: str) -> str:
    """Bring the run of a job's folder in the store up to date; return its id."""
    saved = Record.load(folder)
    client = MlflowClient(absolute(uri))
    experiment_id = prepare(uri, saved.experiment, saved.description)
    runs = _runs(client, experiment_id, saved.id)
    cohort = _open(client, experiment_id, saved, "cohort", saved.name, {**saved.tags}, runs)
    for seed in saved.seeds:
        tags = {PARENT: cohort, "seed": str(seed.seed), "data_digest": seed.data_digest}
        tags["config_digest"] = saved.tags["config_digest"]
        run_id = _open(client, experiment_id, saved, f"seed {seed.seed}", f"{saved.name}, seed {seed.seed}", tags, runs)
        _log(client, run_id, _seed_metrics(saved, seed))
        _close(client, run_id, saved)
    _log(client, cohort, _cohort_metrics(saved))
    for artifact in saved.artifacts:
        if (folder / artifact).exists():
            client.log_artifact(cohort, str(folder / artifact))
    _close(client, cohort, saved)
    return cohort


def _runs(client: MlflowClient, experiment_id: str, record_id: str) -> dict[str, Run]:
    """The runs of a record that are in the store already, by their role."""
    found = client.search_runs([experiment_id], f"tags.{RECORD_ID} = '{record_id}'", max_results=1_000)
    return {run.data.tags["role"]: run for run in found}


def _open(
    client: MlflowClient,
    experiment_id: str,
    saved: Record,
    role: str,
    name: str,
    tags: dict[str, str],
    runs: dict[str, Run],
) -> str:
    """The id of the run with a role in the record; it is created with what is known at the start."""
    if role in runs:
        run_id = str(runs[role].info.run_id)
    else:
        tags = {**tags, RECORD_ID: saved.id, "role": role}
        run_id = str(client.create_run(experiment_id, saved.started_ms, tags, name).info.run_id)
    # Again for a run that exists: whoever created it may not have got this far.
    client.log_batch(run_id, params=[Param(key, value) for key, value in saved.params.items()])
    client.log_inputs(run_id, [DatasetInput(_dataset(saved), [InputTag("mlflow.data.context", "training")])])
    return run_id


def _dataset(saved: Record) -> Dataset:
    return Dataset(
        name=saved.dataset["name"],
        digest=saved.dataset["digest"],
        source_type="local",
        source=json.dumps({"uri": saved.dataset["source"]}),
        profile=json.dumps({"train_size": saved.dataset["train_size"]}),
    )


def _log(client: MlflowClient, run_id: str, values: Iterable[Metric]) -> None:
    """Log metrics in batches; a store keeps one of two equal points, so repeating does no harm."""
    values = list(values)
    for start in range(0, len(values), BATCH):
        client.log_batch(run_id, metrics=values[start : start + BATCH])


def _close(client: MlflowClient, run_id: str, saved: Record) -> None:
    """Set the status and, last of all, the tag that says the run is complete."""
    if saved.status == "RUNNING":
        return
    tags = {"wall_seconds": f"{saved.seconds:.1f}"} | ({"reason": saved.reason} if saved.reason else {})
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_terminated(run_id, saved.status, saved.ended_ms)
    if saved.status == "FINISHED":
        client.set_tag(run_id, COMPLETE, "true")


def _seed_metrics(saved: Record, seed: SeedRecord) -> list[Metric]:
    points = [
        Metric(key, value, time_ms, update) for key, curve in seed.curves.items() for update, value, time_ms in curve
    ]
    return points + _final(saved, {k: v for k, v in seed.metrics.items() if k not in seed.curves})


def _cohort_metrics(saved: Record) -> list[Metric]:
    """Mean curves over the seeds; final metrics as mean, standard deviation and 95 % interval."""
    points = []
    for key in {key for seed in saved.seeds for key in seed.curves}:
        for same in zip(*(seed.curves[key] for seed in saved.seeds), strict=True):
            mean = sum(value for _, value, _ in same) / len(same)
            points.append(Metric(key, mean, same[0][2], same[0][0]))
    summary: dict[str, float] = {}
    for key in saved.seeds[0].metrics:
        of = interval(saved.values(key))
        if key not in saved.seeds[0].curves:
            summary[key] = of.mean
        if of.n > 1:
            summary |= {f"{key}_sd": of.sd, f"{key}_low": of.low, f"{key}_high": of.high}
    return points + _final(saved, summary)


def _final(saved: Record, values: dict[str, float]) -> list[Metric]:
    time_ms = saved.evaluated_ms or saved.ended_ms or saved.started_ms
    return [Metric(key, value, time_ms, 0) for key, value in values.items()]
