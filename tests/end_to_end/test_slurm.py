"""A sweep through a SLURM of one node, started here on loopback: `pytest -m server`.

One of its jobs is killed, one is preempted without a word, and one is asked to end at its time
limit.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import submitit
from joblib import cpu_count
from mlflow.entities import Run
from submitit.slurm.slurm import SlurmJob

from dropout_study.running.job import Job, JobState
from dropout_study.running.slurm import left_in_queue, wait_for_queue, watch_queue
from dropout_study.training.checkpoints import trained_in
from support.background import started, wait_for
from support.scripts import Script
from support.slurm import Slurm, missing_programs

pytestmark = [pytest.mark.server, pytest.mark.timeout(1_800)]
RATES = (0.0, 0.1, 0.2, 0.3)
UPDATES = (2_000, 20_000, 20_001)
SWEEP = (
    "-m",
    "hydra/launcher=submitit_slurm",
    "hydra.launcher.cpus_per_task=1",
    "hydra.launcher.mem_gb=1",
    "hydra.launcher.timeout_min=60",
    "hydra.launcher.signal_delay_s=600",
    "hydra.sweep.dir=sweep",
    "budget=smoke",
    "budget.updates=" + ",".join(map(str, UPDATES)),
    "model.widths=[4]",
    "model.hidden_rate=" + ",".join(map(str, RATES)),
    "seeds=[0]",
    "rules=[weight_scaling]",
    "checkpoint.minutes=0.02",
)
"""Twelve conditions; those with the same number of updates are a pack, and a job of SLURM."""
KILLED, PREEMPTED, LIMITED = (range(4 * pack, 4 * pack + 4) for pack in range(3))


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    missing = missing_programs()
    assert not missing, f"{missing} are missing: apt-get install slurm-wlm munge"
    assert cpu_count() > 1, "two jobs have to run at once"

    with (
        tempfile.TemporaryDirectory() as folder,  # pytest's own are too long for a socket
        Slurm(Path(folder) / "slurm") as slurm,
    ):
        yield slurm


class Sweep:
    """The jobs of the sweep, and those of SLURM that carry them out."""

    def __init__(self, folder: Path, slurm: Slurm) -> None:
        self._folder = folder / "sweep"
        self._checkpoints = folder / "outputs" / "checkpoints"
        self._slurm = slurm

    def job(self, number: int) -> Job | None:
        """A job of the sweep, if it has begun."""
        return Job.load(self._folder / str(number))

    def is_running(self, number: int) -> bool:
        """Whether a process is at work on a job."""
        job = self.job(number)
        return job is not None and job.state == JobState.RUNNING

    def can_resume(self, number: int) -> bool:
        """Whether a job is running, and has written a checkpoint."""
        job = self.job(number)
        if job is None or job.state != JobState.RUNNING:
            return False

        files = self._checkpoints.glob("*.ckpt")
        return any(digest in job.condition for file in files for digest in trained_in(file) or {})

    def process(self, number: int) -> psutil.Process:
        """The process at work on a job."""
        job = self.job(number)
        assert job is not None
        return psutil.Process(int(job.process["pid"]))

    def slurm_id(self, number: int) -> str:
        """The job of SLURM that carries out a job of the first pass; its packs have four each."""
        array = min(int(job.partition("_")[0]) for job in self._slurm.queue())
        return f"{array}_{number // 4}"

    def log(self, number: int) -> str:
        """What a job has logged."""
        return (self._folder / str(number) / "train.log").read_text(encoding="utf-8")


def kill(sweep: Sweep, slurm: Slurm, number: int) -> None:
    """Kill the processes of a job without a word."""
    slurm.run("scancel", "--signal=KILL", f"{sweep.slurm_id(number)}.0")


def limit(sweep: Sweep, slurm: Slurm, number: int, minutes: int) -> None:
    """Change the time limit of a job, which SLURM checks every half a minute."""
    slurm.run("scontrol", "update", f"JobId={sweep.slurm_id(number)}", f"TimeLimit={minutes}")


def hold(sweep: Sweep, numbers: Sequence[int], started_sweep: subprocess.Popen[str]) -> None:
    """Stop the process of each job once it can be resumed, so that none is done too early."""
    waiting = set(numbers)

    def all_are_held() -> bool:
        for number in filter(sweep.can_resume, tuple(waiting)):
            sweep.process(number).suspend()
            waiting.remove(number)
        return not waiting

    wait_for(all_are_held, started_sweep)


def preempt(sweep: Sweep, slurm: Slurm, number: int) -> None:
    """Have SLURM end a stopped job without warning, and begin it again.

    SLURM wakes it and sends SIGTERM, which submitit ignores; seconds later it kills it.
    """
    process = sweep.process(number)
    slurm.run("scontrol", "requeue", sweep.slurm_id(number))

    with suppress(psutil.NoSuchProcess):
        while process.is_running():
            process.suspend()
            time.sleep(0.05)


def reach_limit(sweep: Sweep, slurm: Slurm, number: int) -> None:
    """Let a stopped job reach the minutes before its limit, in which SLURM wakes and warns it."""
    process = sweep.process(number)
    limit(sweep, slurm, number, minutes=10)  # SLURM warns 600 s before, which is now
    process.wait()
    limit(sweep, slurm, number, minutes=60)


def test_a_sweep_is_whole_after_jobs_were_killed_preempted_and_at_their_time_limit(
    slurm: Slurm, tmp_path: Path, runs: Callable[[], list[Run]]
) -> None:
    """If this failed, a cluster would lose conditions, train them twice, or let a sweep hang."""
    sweep = Sweep(tmp_path, slurm)

    with started(tmp_path, *SWEEP, **slurm.variables) as process:
        wait_for(lambda: sweep.is_running(KILLED[-1]), process)
        kill(sweep, slurm, KILLED[0])
        hold(sweep, [PREEMPTED[0], LIMITED[0]], process)
        preempt(sweep, slurm, PREEMPTED[0])
        reach_limit(sweep, slurm, LIMITED[0])
        output, _ = process.communicate()

    assert process.returncode == 0, output
    assert "[12/12]" in output
    assert output.count("SLURM keeps no accounts here") == 1
    assert "sacct error" not in output

    jobs = [sweep.job(number) for number in range(12)]
    assert [job.state for job in jobs if job] == [JobState.DONE] * 12
    deaths = [job.deaths for job in jobs if job]
    assert deaths == [1] * 4 + [0] * 8

    for number in (*PREEMPTED, *LIMITED):
        assert "resuming from" in sweep.log(number)

    check_records(runs())


def test_a_partition_that_does_not_exist_is_said_in_a_sentence(slurm: Slurm, train: Script) -> None:
    """If this failed, the most frequent mistake on a cluster would end in fifty lines."""
    done = train.alone(*SWEEP, "hydra.launcher.partition=none", **slurm.variables)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("SLURM does not take the jobs: invalid partition specified: none;")
    assert "Traceback" not in done.stderr


def test_a_task_that_leaves_the_queue_without_a_result_has_ended(
    slurm: Slurm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If this failed, a sweep would wait for a killed task for ever, or leave one unsaid."""
    for variable, value in slurm.variables.items():
        monkeypatch.setenv(variable, value)

    monkeypatch.setattr(SlurmJob, "watcher", SlurmJob.watcher)
    watch_queue()
    executor = submitit.SlurmExecutor(tmp_path)
    executor.update_parameters(time=60)
    task = executor.submit(time.sleep, 600)
    left = "1 task stays in SLURM's queue, and will be recorded; scancel {} removes what is left."
    assert left_in_queue() == left.format(task.job_id)
    assert not task.done()

    slurm.run("scancel", task.job_id)
    wait_for_queue()
    assert task.done()
    assert left_in_queue() == ""
    assert capsys.readouterr().err.count("SLURM keeps no accounts here") == 1


def check_records(runs: list[Run]) -> None:
    """Each condition is recorded once: a cohort and its one seed."""
    complete = [run for run in runs if run.data.tags.get("complete") == "true"]
    wanted = sorted((str(updates), str(rate)) for updates in UPDATES for rate in RATES)

    for role in ("cohort", "seed"):
        recorded = [
            (run.data.params["budget.updates"], run.data.params["model.hidden_rate"])
            for run in complete
            if run.data.tags["role"] == role
        ]
        assert sorted(recorded) == wanted, role

    assert not any("duplicate" in run.data.tags for run in runs)
    (of_sweep,) = (run for run in runs if run.data.tags["role"] == "sweep")
    assert of_sweep.info.status == "FINISHED"
