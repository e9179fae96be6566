"""Trained cohorts in a store: their files, and their weights for studies that train nothing."""

import tempfile
from pathlib import Path

import torch
from mlflow.entities import Run

from dropout_study.config import condition, read
from dropout_study.config.folder import command
from dropout_study.config.schema import Config, ConfigError
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.tracking import tags
from dropout_study.tracking.lookup import authoritative_runs, cohorts_by_record
from dropout_study.tracking.record import Role
from dropout_study.tracking.recorder import is_deleted
from dropout_study.tracking.store import UNREACHABLE, Store, first_line

CONFIG_FILE = "config.yaml"
"""The configuration of a run, in its folder and among its files in the store."""
WEIGHTS_FILE = "cohort.pt"
"""The weights of a cohort, likewise."""
MODEL_FOLDER = "model"
"""A cohort as a model of MLflow, likewise."""
PLUGIN_FOLDER = "plugins"
"""The source of the plug-ins that a run has used, likewise."""


def download(run_id: str, store: Store, folder: Path) -> None:
    """Download all files of a cohort's run into a folder.

    Raises:
        ConfigError: the store has no such run, or it was deleted, or is not that of a cohort.
    """
    try:
        store.make_ready()
        _check_cohort(store, store.client.get_run(run_id))
        store.client.download_artifacts(run_id, "", str(folder))
    except UNREACHABLE as error:
        raise ConfigError(
            f"run={run_id} is neither a checkpoint nor a run of {store.shown}: {first_line(error)}"
        ) from error


@torch.no_grad()
def load_stored_weights(cohort: Cohort, config: Config, store: Store) -> None:
    """Replace the weights of a cohort by those that a run of `study.cohorts_from` has stored.

    The runs are those of the same training and the same seeds.

    Raises:
        ConfigError: weights of some seeds are missing; the message has the command that trains
            them.
    """
    trained = _trained_seeds(store, config)
    run_ids = {run_id for _, run_id in trained}
    with_weights = {run_id for run_id in run_ids if _has_weights(store, run_id)}
    sources = {seed: run_id for seed, run_id in trained if run_id in with_weights}

    missing = [seed for seed in config.seeds if seed not in sources]
    if missing:
        is_recorded = any(seed in missing for seed, _ in trained)
        raise ConfigError(_advice(config, missing, is_recorded))

    for run_id in {sources[seed] for seed in config.seeds}:
        seeds = [seed for seed in config.seeds if sources[seed] == run_id]
        _copy_weights(run_id, seeds, store, cohort, config)


def _copy_weights(
    run_id: str, seeds: list[int], store: Store, cohort: Cohort, config: Config
) -> None:
    """Copy the networks of some seeds from the files of a run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        try:
            download(run_id, store, folder)
            stored = Cohort(cohort.member(0), read.load_config(folder / CONFIG_FILE).seeds)
            stored.to(next(cohort.parameters()).dtype)
            load_weights(stored, folder / WEIGHTS_FILE, seeds)
        except ValueError as error:
            raise ConfigError(f"the cohort of run {run_id} cannot be evaluated: {error}") from error

    for seed in seeds:
        target = config.seeds.index(seed)
        source = stored.seeds.index(seed)
        for key, parameter in cohort.named_parameters():
            parameter[target] = stored.get_parameter(key)[source]


def _trained_seeds(store: Store, config: Config) -> list[tuple[int, str]]:
    """The seeds that were trained, each with the run of its cohort.

    A seed is there more than once if conditions with the same training differ in their evaluation.
    """
    experiment = store.experiment(config.study.cohorts_from)
    if experiment is None:
        return []

    digest = condition.training_digest(config)
    runs = store.search(experiment, f"tags.{tags.TRAINING_DIGEST} = '{digest}'")
    cohorts = cohorts_by_record(runs)

    return [
        (seed, str(cohorts[run.data.tags[tags.RECORD_ID]].info.run_id))
        for (_, seed), run in authoritative_runs(runs).items()
    ]


def _has_weights(store: Store, run_id: str) -> bool:
    return any(file.path == WEIGHTS_FILE for file in store.client.list_artifacts(run_id))


def _check_cohort(store: Store, run: Run) -> None:
    """Refuse a run without networks.

    Raises:
        ConfigError: what it is, and which run to name instead.
    """
    run_id = run.info.run_id
    name = run.info.run_name
    labels = run.data.tags

    if is_deleted(run):
        reason = f"was deleted; restore it first: {store.restore_command('run', run_id)}"
    elif tags.SEED in labels and tags.PARENT in labels:
        cohort = labels[tags.PARENT]
        reason = f"is one network of a cohort ({name}); evaluate the cohort: run={cohort}"
    elif labels.get(tags.ROLE) == Role.SWEEP:
        cohorts = f"tags.{tags.SWEEP} = '{labels[tags.RECORD_ID]}'"
        reason = f"is a {name}; evaluate one of its cohorts, which MLflow finds by {cohorts}"
    elif labels.get(tags.ROLE) != Role.COHORT:
        reason = f"({name}) holds no networks; evaluate a cohort, the run of one condition"
    else:
        return

    raise ConfigError(f"run={run_id} {reason}")


def _advice(config: Config, seeds: list[int], is_recorded: bool) -> str:
    """What is missing, and the command that trains it; what is recorded would be skipped."""
    source = config.study.cohorts_from
    numbers = ",".join(map(str, seeds))
    again = " rerun=true" if is_recorded else ""

    return (
        f"study={config.study.name} evaluates the cohorts of {source}, and the store holds no "
        f"weights of seeds {seeds} for {condition.condition_name(config)}. "
        f"Train them first: {command('train')} -m "
        f"study={source} budget={config.budget.name} data={config.data.name} seeds=[{numbers}]"
        f"{again}"
    )
