"""Searches as one types them: killed, resumed, on several workers."""

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
from mlflow.entities import Run

from support.jobs import jobs_below
from support.scripts import Script

Runs = Callable[[], list[Run]]
SEARCH = (
    "-m",
    "hydra/sweeper=optuna",
    "hydra.sweeper.seeds=[900,901]",
    "hydra.sweeper.batch=2",
    "model.hidden_rate=interval(0,0.8)",
    "optimizer.lr=tag(log,interval(1e-3,1e-1))",
    "model.widths=[4]",
    "budget=smoke",
    "rules=[weight_scaling]",
    "seeds=[0,1]",
)


def cohorts(runs: list[Run], stage: str) -> list[Run]:
    """The complete cohorts of a stage."""
    return [
        run
        for run in runs
        if run.data.tags["role"] == "cohort"
        and run.data.tags["stage"] == stage
        and run.data.tags.get("complete") == "true"
    ]


@pytest.mark.usefixtures("uri")
def test_a_search_that_was_killed_resumes_and_judges_its_best_on_other_seeds(
    train: Script, runs: Runs
) -> None:
    """If this failed, a power cut would cost a search, or its winner be shown with the luck that
    chose it.
    """
    command = (*SEARCH, "hydra.sweeper.n_trials=4")
    killed = train.start(*command)

    try:
        while sum(job.has_ended for job in jobs_below(train.folder)) < 2:
            assert killed.is_alive(), train.stderr.read_text()
            time.sleep(0.05)
    finally:
        killed.kill()
        killed.join()

    done = train(*command)
    assert done.returncode == 0, done.stderr
    tried = cohorts(runs(), "tuning")
    rates = [run.data.params["model.hidden_rate"] for run in tried]
    assert len(set(rates)) == len(rates) == 4, "no candidate is repeated"
    assert not [key for run in tried for key in run.data.metrics if key.startswith("test/")]

    (winner,) = cohorts(runs(), "final")
    best = min(tried, key=lambda run: run.data.metrics["val/error"])
    assert winner.data.params["optimizer.lr"] == best.data.params["optimizer.lr"]
    assert "test/error/weight_scaling" in winner.data.metrics

    validation = f"{best.data.metrics['val/error']:.2f} % validation error on the seeds 900, 901"
    assert validation in done.stdout
    assert "On seeds that did not choose it" in done.stdout

    again = train(*command)
    assert again.returncode == 0, again.stderr
    assert "4 of 4 candidates are known" in again.stdout
    assert "[1/1]" in again.stdout
    assert len(cohorts(runs(), "tuning")) == 4


@pytest.mark.usefixtures("uri")
@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param("joblib", marks=pytest.mark.long),
        pytest.param("submitit_local", marks=pytest.mark.server),  # a minute, as on SLURM
    ],
)
def test_a_worker_that_dies_does_not_end_a_search(train: Script, runs: Runs, launcher: str) -> None:
    """If this failed, one candidate that needs too much memory would end a search of hours."""
    command = (*SEARCH, f"hydra/launcher={launcher}", "hydra.sweeper.n_trials=2", "pack=false")
    search = train.start(*command, "budget.updates=3000", OMP_NUM_THREADS="")

    try:
        while not (begun := [job for job in jobs_below(train.folder) if job.share > 0]):
            assert search.is_alive(), train.stderr.read_text()
            time.sleep(0.05)

        os.kill(int(begun[0].process["pid"]), signal.SIGKILL)
        search.join()
    finally:
        search.kill()

    assert search.exitcode == 0, train.stderr.read_text()
    assert len(cohorts(runs(), "tuning")) == 2, "its job is tried once more"
    assert len(cohorts(runs(), "final")) == 1
    assert re.search(r"\[3/3\]", train.stdout.read_text())
