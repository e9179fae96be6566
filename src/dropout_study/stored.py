"""Trained cohorts that a store holds, for studies that evaluate them and train nothing."""

import tempfile
from pathlib import Path

import torch
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study import config as schema
from dropout_study import tracking
from dropout_study.addresses import absolute
from dropout_study.cohort import Cohort, load_weights
from dropout_study.config import Config, ConfigError
from dropout_study.identity import COMPLETE, DUPLICATE, MOST, RECORD_ID
from dropout_study.store import experiment_id

COHORT = "cohort.pt"


@torch.no_grad()
def fill(cohort: Cohort, config: Config) -> None:
    """Give a cohort the weights that the same training in the study `study.cohorts_from` has stored.

    Raises:
        ConfigError: some of the seeds are not there; it names the command that trains them.
    """
    found = _runs(config)
    if missing := [seed for seed in config.seeds if seed not in found]:
        source, budget = config.study.cohorts_from, config.budget.name
        raise ConfigError(
            f"study={config.study.name} evaluates the cohorts of {source}, and the store holds none of seeds {missing} "
            f"for {schema.condition(config)}. Train them first: python scripts/train.py -m study={source} "
            f"budget={budget} data={config.data.name}"
        )
    for run_id in set(found.values()):
        _fill_from(run_id, found, cohort, config)


def _fill_from(run_id: str, found: dict[int, str], cohort: Cohort, config: Config) -> None:
    """Copy the networks that come from one run."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            tracking.download(run_id, config.tracking.uri, Path(folder))
            whole = Cohort(cohort.member(0), schema.load(Path(folder) / "config.yaml").seeds)
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


def _runs(config: Config) -> dict[int, str]:
    """Seed -> the run whose cohort holds its network, for all complete seeds that the store has.

    The cohort itself is not complete where another of its seeds failed.
    """
    client = MlflowClient(absolute(config.tracking.uri))
    if not (number := experiment_id(client, config.study.cohorts_from)):
        return {}
    same = f"tags.training_digest = '{schema.training_digest(config)}'"
    runs = [run for run in client.search_runs([number], same, max_results=MOST) if DUPLICATE not in run.data.tags]
    cohorts = {run.data.tags[RECORD_ID]: run for run in runs if run.data.tags["role"] == "cohort"}
    found: dict[int, str] = {}
    for run in runs:
        cohort = cohorts.get(run.data.tags[RECORD_ID])
        complete = run.data.tags.get(COMPLETE) == "true"
        if "seed" in run.data.tags and complete and cohort and _holds_weights(client, cohort):
            found[int(run.data.tags["seed"])] = str(cohort.info.run_id)
    return found


def _holds_weights(client: MlflowClient, cohort: Run) -> bool:
    return any(file.path == COHORT for file in client.list_artifacts(cohort.info.run_id))
