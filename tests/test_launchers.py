"""Sweeps through real launchers."""

from collections.abc import Callable

import joblib
import pytest
from mlflow.entities import Run
from starting import Script

Runs = Callable[[], list[Run]]
SMALL = ("budget=smoke", "seeds=[0]", "rules=[weight_scaling]")


@pytest.mark.parametrize(("launcher", "rates"), [("joblib", 2), ("submitit_local", 1), ("ray", 1)])
def test_jobs_at_once_on_a_store_that_does_not_exist_are_all_recorded(
    train: Script, runs: Runs, launcher: str, rates: int
) -> None:
    """If this failed, a parallel sweep would lose runs to a race, as it does where each job creates the store."""
    jobs = 2 * rates
    grid = ("model.widths=[4],[5]", "model.hidden_rate=" + ",".join(str(i / 10) for i in range(rates)))
    done = train.alone("-m", f"hydra/launcher={launcher}", *grid, *SMALL, OMP_NUM_THREADS="")
    assert done.returncode == 0, done.stderr
    cohorts = [run for run in runs() if run.data.tags["role"] == "cohort"]
    assert len({(run.data.params["model.widths"], run.data.params["model.hidden_rate"]) for run in cohorts}) == jobs
    assert len(cohorts) == jobs
    assert {run.data.tags.get("complete") for run in runs()} == {"true"}
    threads = {run.data.tags["device"].split(", ")[1] for run in cohorts}
    share = 1 if launcher == "ray" else max(1, joblib.cpu_count() // min(jobs, joblib.cpu_count()))
    assert threads == {f"{share} threads"}, "together the jobs have as many threads as there are cores"
    assert f"[{jobs}/{jobs}]" in done.stdout
