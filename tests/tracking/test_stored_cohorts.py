"""Evaluating cohorts that another study has stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from dropout_study.config.schema import Evaluate, Tracking
from dropout_study.dropout.cohort import Cohort
from dropout_study.running.carry_out import carry_out
from dropout_study.running.job import Job
from dropout_study.running.packs import Assignment
from dropout_study.running.reevaluate import reevaluate, results_table
from dropout_study.tracking.store import Store
from support.composing import composed_run

SMALL = ("budget=smoke", "data=digits", "model.widths=[8]", "rules=[weight_scaling]", "trainer=cpu")


@pytest.fixture
def do(tmp_path: Path, uri: str) -> Callable[..., Job]:
    """Carry out a job of a study; return what it left."""
    count = iter(range(10))

    def carry(study: str, *overrides: str) -> Job:
        Store(uri).prepare(study, "")
        folder = tmp_path / study / str(next(count))
        folder.mkdir(parents=True)
        places = [
            f"study={study}",
            f"tracking.uri={uri}",
            f"checkpoint.folder={tmp_path}/checkpoints",
        ]
        composed = composed_run([*SMALL, *places, *overrides])
        carry_out([Assignment(composed, folder, study)], tmp_path / study)

        return Job.load(folder)

    return carry


def of(uri: str, study: str) -> dict[int, Run]:
    client = Store(uri).client
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], "tags.complete = 'true'")

    return {int(run.data.tags["seed"]): run for run in runs if "seed" in run.data.tags}


def test_networks_of_several_cohorts_are_evaluated_as_they_were_trained(
    do: Callable[..., Job], uri: str
) -> None:
    """If this failed, a study that trains nothing would judge networks of other training."""
    assert do("reference", "seeds=[3,1]", "tracking.cohort=true").state == "done"
    # Trains seed 2 alone.
    assert do("reference", "seeds=[1,2]", "tracking.cohort=true").state == "done"
    assert do("units", "seeds=[1,2,3]", "probes=[units]").state == "done"
    trained = of(uri, "reference")
    evaluated = of(uri, "units")
    assert set(trained) == set(evaluated) == {1, 2, 3}
    errors = {seed: run.data.metrics["test/nll/weight_scaling"] for seed, run in trained.items()}
    assert len(set(errors.values())) == 3

    for seed, run in evaluated.items():
        assert run.data.metrics["test/nll/weight_scaling"] == pytest.approx(errors[seed], rel=1e-5)
        assert "units/correlation" in run.data.metrics
        assert run.data.tags["training_digest"] == trained[seed].data.tags["training_digest"]


def test_a_cohort_that_is_not_there_is_missed_in_a_sentence_and_leaves_no_run(
    do: Callable[..., Job], uri: str
) -> None:
    """If this failed, untrained networks would be judged, or the only message be a traceback."""
    missing = do("units", "seeds=[0,1]", "probes=[units]")
    assert missing.state == "failed"
    assert "holds no weights of seeds [0, 1]" in missing.reason
    command = "scripts/train.py -m study=reference budget=smoke data=digits seeds=[0,1]"
    assert missing.reason.endswith(command)
    assert of(uri, "units") == {}


def test_where_one_network_diverged_the_others_are_evaluated(
    do: Callable[..., Job], uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, one diverged seed would prevent every evaluation, or be evaluated itself."""
    original = Cohort.__init__

    def broken(self: Cohort, *of_cohort: Any) -> None:
        original(self, *of_cohort)
        for p in self.parameters():
            p.data[self.seeds.index(1)] = float("inf")

    with monkeypatch.context() as patched:
        patched.setattr(Cohort, "__init__", broken)
        job = do("reference", "seeds=[0,1,2]", "tracking.cohort=true", "probes=[units]")

    assert job.reason.startswith("1 of 3 seeds failed: seed 1 diverged")
    trained = of(uri, "reference")
    assert set(trained) == {0, 2}
    assert all("units/rank" in run.data.metrics for run in trained.values())
    assert do("units", "seeds=[2,0]", "probes=[units]").state == "done"

    for seed, run in of(uri, "units").items():
        expected = trained[seed].data.metrics["units/rank"]
        assert run.data.metrics["units/rank"] == pytest.approx(expected, rel=1e-5)

    folder = tmp_path / "reference" / "0"
    record = reevaluate(
        Evaluate(run=str(folder), rules=["geometric"], tracking=Tracking(uri=uri)), folder
    )
    assert ["test/nll/geometric" in seed.metrics for seed in record.seeds] == [True, False, True]
    assert "over 2 seeds" in str(results_table(record, ["geometric"], []).caption)


def test_the_advice_for_missing_weights_is_not_skipped(do: Callable[..., Job], uri: str) -> None:
    """If this failed, the printed command would skip everything, and the message come back."""
    do("reference", "seeds=[0]")
    without = do("units", "seeds=[0]", "probes=[units]")
    assert without.reason.endswith("data=digits seeds=[0] rerun=true"), (
        "it counts, and its weights were not kept"
    )
    assert do("reference", "seeds=[0]", "tracking.cohort=true", "rerun=true").state == "done"
    assert do("units", "seeds=[0]", "probes=[units]").state == "done"

    client = Store(uri).client

    experiment = client.get_experiment_by_name("reference")
    for cohort in client.search_runs([experiment.experiment_id], "tags.role = 'cohort'"):
        client.delete_run(cohort.info.run_id)  # alone: the runs of its seeds are still there

    deleted = do("units", "seeds=[0]", "probes=[units]", "rerun=true")
    assert deleted.reason.endswith("data=digits seeds=[0]"), (
        "nothing is recorded, so nothing would be skipped"
    )
