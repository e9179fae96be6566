"""Trained cohorts that a store holds, for studies that evaluate them and train nothing."""

import tempfile
from pathlib import Path

import torch
from mlflow.tracking import MlflowClient

from dropout_study.config import condition, read
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import absolute
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.tracking import recorder
from dropout_study.tracking.lookup import RECORD_ID, cohorts_of, counted
from dropout_study.tracking.store import experiment_id, search

COHORT = "cohort.pt"


@torch.no_grad()
def fill(cohort: Cohort, config: Config) -> None:
    """Give a cohort the weights that the same training in the study `study.cohorts_from` has stored.

    Raises:
        ConfigError: some of the seeds are not there; it names the command that trains them.
    """
    client = MlflowClient(absolute(config.tracking.uri))
    trained = _trained(client, config)
    kept = {
        run_id for run_id in {run_id for _, run_id in trained} if _holds_weights(client, run_id)
    }

    found = {seed: run_id for seed, run_id in trained if run_id in kept}

    if missing := [seed for seed in config.seeds if seed not in found]:
        recorded = any(seed in missing for seed, _ in trained)
        raise ConfigError(_advice(config, missing, recorded))

    for run_id in set(found.values()):
        _fill_from(run_id, found, cohort, config)


def _fill_from(run_id: str, found: dict[int, str], cohort: Cohort, config: Config) -> None:
    """Copy the networks that come from one run."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            recorder.download(run_id, config.tracking.uri, Path(folder))
            whole = Cohort(cohort.member(0), read.load_config(Path(folder) / "config.yaml").seeds)
            whole.to(next(cohort.parameters()).dtype)
            seeds = [seed for seed in config.seeds if found[seed] == run_id]
            load_weights(whole, Path(folder) / COHORT, seeds)
        except ValueError as error:
            raise ConfigError(f"the cohort of run {run_id} cannot be evaluated: {error}") from error

    for i, seed in enumerate(config.seeds):
        if found[seed] == run_id:
            position = whole.seeds.index(seed)
            for name, parameter in cohort.named_parameters():
                parameter[i] = whole.get_parameter(name)[position]


def _trained(client: MlflowClient, config: Config) -> list[tuple[int, str]]:
    """The seeds that count as trained, each with the run of its cohort."""
    number = experiment_id(client, config.study.cohorts_from)
    if not number:
        return []

    runs = search(client, number, f"tags.training_digest = '{condition.training_digest(config)}'")
    ids = {record: str(cohort.info.run_id) for record, cohort in cohorts_of(runs).items()}

    return [(seed, ids[run.data.tags[RECORD_ID]]) for (_, seed), run in counted(runs).items()]


def _holds_weights(client: MlflowClient, run_id: str) -> bool:
    return any(file.path == COHORT for file in client.list_artifacts(run_id))


def _advice(config: Config, seeds: list[int], recorded: bool) -> str:
    """What is missing, and the command that trains it; what is recorded would be skipped."""
    study, source, budget = config.study.name, config.study.cohorts_from, config.budget.name
    numbers = ",".join(map(str, seeds))
    again = " rerun=true" if recorded else ""

    return (
        f"study={study} evaluates the cohorts of {source}, and the store holds no weights of seeds "
        f"{seeds} for {condition.condition_name(config)}. Train them first: python scripts/train.py -m "
        f"study={source} budget={budget} data={config.data.name} seeds=[{numbers}]{again}"
    )
