"""Sweeps through real launchers."""

import os
import signal
import time
from collections.abc import Callable

import joblib
import pytest
from mlflow.entities import Run

from dropout_study.running.carry_out import ORPHANED
from dropout_study.running.job import Job
from dropout_study.system.processes import is_alive, now_ms
from support.jobs import jobs_below
from support.scripts import Script

Runs = Callable[[], list[Run]]
SMALL = ("budget=smoke", "seeds=[0]", "rules=[weight_scaling]")


@pytest.mark.long
@pytest.mark.parametrize(("launcher", "rates"), [("joblib", 2), ("submitit_local", 1), ("ray", 1)])
def test_jobs_at_once_on_a_store_that_does_not_exist_are_all_recorded(
    train: Script, runs: Runs, launcher: str, rates: int
) -> None:
    """If this failed, a parallel sweep would lose runs to a race, as it does where each job creates
    the store.
    """
    jobs = 2 * rates
    grid = (
        "model.widths=[4],[5]",
        "model.hidden_rate=" + ",".join(str(i / 10) for i in range(rates)),
    )
    done = train.alone("-m", f"hydra/launcher={launcher}", *grid, *SMALL, OMP_NUM_THREADS="")
    assert done.returncode == 0, done.stderr
    cohorts = [run for run in runs() if run.data.tags["role"] == "cohort"]
    assert (
        len(
            {
                (run.data.params["model.widths"], run.data.params["model.hidden_rate"])
                for run in cohorts
            }
        )
        == jobs
    )
    assert len(cohorts) == jobs
    assert {run.data.tags.get("complete") for run in runs()} == {"true"}
    threads = {run.data.tags["device"].split(", ")[1] for run in cohorts}
    share = 1 if launcher == "ray" else max(1, joblib.cpu_count() // min(jobs, joblib.cpu_count()))
    assert threads == {f"{share} threads"}, (
        "together the jobs have as many threads as there are cores"
    )
    assert f"[{jobs}/{jobs}]" in done.stdout


@pytest.mark.long
@pytest.mark.usefixtures("uri")
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_jobs_at_once_see_a_gpu_each(train: Script, runs: Runs, launcher: str) -> None:
    """If this failed, all jobs of a machine would meet on its first GPU, or see none."""
    grid = (f"hydra/launcher={launcher}", "pack=false", "model.widths=[4],[5],[6]")
    done = train.alone("-m", *grid, *SMALL, CUDA_VISIBLE_DEVICES="0,GPU-1")  # torch finds neither
    assert done.returncode == 0, done.stderr
    seen: dict[str, set[str]] = {}

    for run in runs():
        if run.data.tags["role"] == "cohort":
            seen.setdefault(run.data.tags["pid"], set()).add(run.data.tags["gpu"])

    assert all(len(gpus) == 1 for gpus in seen.values()), "a process keeps its GPU"
    assert set.union(*seen.values()) == {"0", "GPU-1"}


@pytest.mark.usefixtures("uri")
@pytest.mark.long
def test_a_worker_neither_ends_its_sweep_nor_outlives_it(train: Script, runs: Runs) -> None:
    """If this failed, SIGTERM to a worker would end the sweep, or workers train on without one."""
    grid = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "model.widths=[4],[5],[6]")
    sweep = train.start("-m", *grid, *SMALL, "budget.updates=1000000")

    def begun(count: int) -> list[Job]:
        while len(jobs := [job for job in jobs_below(train.folder) if job.share > 0]) < count:
            assert sweep.is_alive(), train.stderr.read_text()
            time.sleep(0.05)
        return jobs

    try:
        first, _ = begun(2)
        os.kill(int(first.process["pid"]), signal.SIGTERM)
        states = sorted(job.state for job in begun(3))
    finally:
        sweep.kill()

    assert states == ["died", "running", "running"], "the worker does the third job"

    workers = {job.process["pid"]: job.process for job in jobs_below(train.folder)}
    assert len(workers) == 2

    while any(is_alive(worker, now_ms()) for worker in workers.values()):
        time.sleep(0.05)

    reasons = [run.data.tags["reason"] for run in runs() if run.data.tags["role"] == "cohort"]
    assert sorted(reasons) == ["interrupted", ORPHANED, ORPHANED]
