"""A sweep that is watched, stopped and run again from another terminal."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow.entities import Run

from dropout_study.running.job import Job
from support.jobs import jobs_below
from support.scripts import Script

Runs = Callable[[], list[Run]]
SMALL = ("budget=smoke", "seeds=[0]", "rules=[weight_scaling]", "trainer=cpu")


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.long
@pytest.mark.usefixtures("uri")
@pytest.mark.parametrize(
    ("launcher", "at_once"),
    [
        (["hydra/launcher=basic"], 1),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], 2),
        (["hydra/launcher=submitit_local", "hydra.sweeper.max_batch_size=2"], 2),
        (["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"], 2),
    ],
)
def test_a_sweep_is_seen_stopped_and_run_again(
    launcher: list[str], at_once: int, train: Script, runs: Runs, tmp_path: Path
) -> None:
    """If this failed, `stop` would lose work or leave workers behind, or `retry` not resume."""
    status, stop, retry = (Script(f"{name}.py", tmp_path) for name in ("status", "stop", "retry"))
    typed = (
        *("-m", *launcher, "model.widths=[4],[5],[6]", "hydra.sweep.dir=sweep"),
        *("budget.updates=10000", "pack=false", *SMALL),
    )

    def begun() -> list[Job]:
        return [job for job in jobs_below(tmp_path / "sweep") if job.share > 0]

    with ThreadPoolExecutor() as terminals:
        sweep = terminals.submit(train.alone, *typed)

        while len(begun()) < at_once:
            assert not sweep.done(), sweep.result()
            time.sleep(0.05)

        seen = status("folder=sweep")
        said = stop("folder=sweep")
        stopped = sweep.result()

    assert f"sweep: running; {at_once} running, {3 - at_once} not begun" in seen.stdout
    assert "model.widths=[6]" in seen.stdout, "what has not begun is shown, too"
    assert f"{at_once} running: writes a checkpoint and ends" in said.stdout
    assert stopped.returncode == 1
    assert "3 did not finish" in stopped.stderr
    assert "with the same command" in one_line(stopped.stderr)
    assert [job.state for job in jobs_below(tmp_path / "sweep")] == ["stopped"] * 3
    assert len(list((tmp_path / "outputs" / "checkpoints").glob("*.ckpt"))) == at_once
    assert "stopped; 3 stopped" in one_line(status("folder=sweep").stdout)
    assert stop("folder=sweep").stderr.startswith("folder=sweep cannot be used: its sweep does not")

    again = retry("folder=sweep")
    assert again.returncode == 0, again.stderr
    assert "[3/3]" in again.stdout
    resumed = [
        "resuming from" in (tmp_path / "sweep" / number / "train.log").read_text()
        for number in ("0", "1", "2")
    ]
    assert sorted(resumed) == [False] * (3 - at_once) + [True] * at_once
    assert "finished; 3 done" in one_line(status("folder=sweep").stdout)
    assert "nothing is left to do there (3 done)" in retry("folder=sweep").stderr
    cohorts = [run for run in runs() if run.data.tags["role"] == "cohort"]
    assert {run.info.status for run in cohorts} == {"FINISHED"}
