"""Evaluating cohorts that another study has stored."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CONF
from hydra import compose, initialize_config_dir
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.jobs import Job, carry_out
from dropout_study.store import prepare

SMALL = ("budget=smoke", "data=digits", "model.widths=[8]", "rules=[weight_scaling]", "trainer=cpu")


@pytest.fixture
def do(tmp_path: Path, uri: str) -> Callable[..., Job]:
    """Carry out a job of a study; return what it left."""
    count = iter(range(10))

    def carry(study: str, *overrides: str) -> Job:
        prepare(uri, study, "")
        folder = tmp_path / study / str(next(count))
        folder.mkdir(parents=True)
        places = [f"study={study}", f"tracking.uri={uri}", f"checkpoint.folder={tmp_path}/checkpoints"]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            carry_out(compose("train", [*SMALL, *places, *overrides]), folder, study, tmp_path / study)
        return Job.load(folder)

    return carry


def of(uri: str, study: str) -> dict[int, Run]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], "tags.complete = 'true'")
    return {int(run.data.tags["seed"]): run for run in runs if "seed" in run.data.tags}


def test_networks_of_several_cohorts_are_evaluated_as_they_were_trained(do: Callable[..., Job], uri: str) -> None:
    """If this failed, a study that trains nothing would judge other networks than those that were trained."""
    assert do("capacity", "seeds=[3,1]", "tracking.cohort=true").state == "done"
    assert do("capacity", "seeds=[1,2]", "tracking.cohort=true").state == "done"  # trains seed 2 alone
    assert do("co_adaptation", "seeds=[1,2,3]", "probes=[units]").state == "done"
    trained, evaluated = of(uri, "capacity"), of(uri, "co_adaptation")
    assert set(trained) == set(evaluated) == {1, 2, 3}
    errors = {seed: run.data.metrics["test/nll/weight_scaling"] for seed, run in trained.items()}
    assert len(set(errors.values())) == 3
    for seed, run in evaluated.items():
        assert run.data.metrics["test/nll/weight_scaling"] == pytest.approx(errors[seed], rel=1e-5)
        assert "units/correlation" in run.data.metrics
        assert run.data.tags["training_digest"] == trained[seed].data.tags["training_digest"]


def test_a_cohort_that_is_not_there_is_missed_in_a_sentence_and_leaves_no_run(do: Callable[..., Job], uri: str) -> None:
    """If this failed, untrained networks would be judged, or a traceback be all there is to read."""
    do("capacity", "seeds=[0]")  # without weights
    job = do("co_adaptation", "seeds=[0,1]", "probes=[units]")
    assert job.state == "failed"
    assert "holds none of seeds [0, 1]" in job.reason
    assert "scripts/train.py -m study=capacity budget=smoke data=digits" in job.reason
    assert of(uri, "co_adaptation") == {}
