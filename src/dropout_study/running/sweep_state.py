"""How a sweep stands, read from its folder: for other terminals, and other machines that share it.

Imports neither torch nor MLflow.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import ACTIVE_STATES, SUCCESSFUL_STATES, Job, JobState, stop_reason
from dropout_study.running.progress import seconds_left
from dropout_study.running.sweep_file import SweepFile, find_sweeps
from dropout_study.system.processes import now_ms
from dropout_study.tracking.record import RECORD_FILE, Record, RunStatus

NOT_BEGUN = "not begun"
RUNNING = "running"
STATES = (
    JobState.RUNNING,
    JobState.WAITING,
    JobState.FAILED,
    JobState.DIED,
    JobState.INTERRUPTED,
    JobState.STOPPED,
    NOT_BEGUN,
    JobState.DONE,
    JobState.SKIPPED,
    JobState.PLANNED,
)
"""The states of jobs, in the order in which they are shown."""
ENDS = {
    RunStatus.FINISHED: "finished",
    RunStatus.FAILED: "failed",
    RunStatus.KILLED: "stopped",
}
"""How a sweep ended, in words."""
GONE = "its process has gone"
EVALUATED = "is being evaluated"


@dataclass(frozen=True)
class JobLine:
    """How a job stands, for a line of a table.

    Attributes:
        name: the condition in words, or its overrides until it has begun.
        state: one of `STATES`.
        share: the part of its work that is done, in [0, 1].
        host: the machine that carries it out; empty until it has begun.
        seconds: wall time until its end, or so far.
        left: seconds that it still takes; None if that is not known.
        reason: why it was skipped, waits, failed or was stopped.
    """

    name: str
    state: str
    share: float = 0.0
    host: str = ""
    seconds: float = 0.0
    left: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class SweepState:
    """How a sweep stands.

    Attributes:
        folder: that of the sweep.
        file: what it is made of.
        record: that of the sweep.
        jobs: those of its jobs that have begun, by their folders.
        is_alive: whether its process is at work.
    """

    folder: Path
    file: SweepFile
    record: Record
    jobs: dict[str, Job]
    is_alive: bool

    @classmethod
    def load(cls, folder: Path) -> "SweepState":
        """Read the files of a sweep and its jobs.

        Raises:
            FileNotFoundError: there is no sweep.
        """
        file = SweepFile.load(folder)
        record = Record.load(folder)
        is_alive = record.status == RunStatus.RUNNING and not record.is_abandoned(folder)
        jobs = {place: job for place in file.jobs if (job := Job.load(folder / place))}

        return cls(folder, file, record, jobs, is_alive)

    @property
    def is_running(self) -> bool:
        """Whether its process is at work, or jobs that have outlived it, as under SLURM."""
        return self.is_alive or any(job.is_active for job in self.jobs.values())

    @property
    def state(self) -> str:
        """How it stands, in a few words."""
        if self.is_running:
            word = RUNNING if self.is_alive else f"{RUNNING}, but {GONE}"
            return f"{word}, asked to stop" if stop_reason(self.folder) else word

        return ENDS.get(self.record.status, JobState.DIED)

    @property
    def seconds(self) -> float:
        """Wall time until its end, or so far."""
        ended_ms = self.record.ended_ms
        if ended_ms is None and not self.is_running:
            ended_ms = max([self._beat_ms, *(job.beat_ms for job in self.jobs.values())])

        return ((ended_ms or now_ms()) - self.record.started_ms) / 1000

    @property
    def _beat_ms(self) -> int:
        """The last sign of life of its process, in milliseconds since the epoch."""
        return int((self.folder / RECORD_FILE).stat().st_mtime * 1000)

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None if there is no pace to tell."""
        if not self.is_running:
            return None

        wanted = self.file.wanted
        begun = [self.jobs[place] for place in wanted if place in self.jobs]

        return seconds_left(begun, len(wanted), self.seconds)

    @property
    def lines(self) -> list[JobLine]:
        """How its jobs stand, in the order of `STATES`."""
        lines = [_line(self.jobs.get(place), name) for place, name in self.file.jobs.items()]
        return sorted(lines, key=lambda line: STATES.index(line.state))

    @property
    def undone(self) -> list[JobLine]:
        """The jobs that leave something to do."""
        return [line for line in self.lines if line.state not in SUCCESSFUL_STATES]


def _line(job: Job | None, name: str) -> JobLine:
    """How a job stands.

    Args:
        job: none if it has not begun.
        name: what it is called until then.
    """
    if job is None:
        return JobLine(name, NOT_BEGUN)

    host = job.process["host"]
    if job.is_dead:
        return JobLine(job.name, JobState.DIED, job.progress, host, job.seconds, reason=GONE)

    if job.state not in ACTIVE_STATES:
        share = 1.0 if job.state in SUCCESSFUL_STATES else job.share
        return JobLine(job.name, job.state, share, host, job.seconds, reason=job.reason)

    seconds = (now_ms() - job.started_ms) / 1000
    left = seconds_left([job], 1, seconds)
    reason = EVALUATED if job.is_trained and not job.reason else job.reason

    return JobLine(job.name, job.state, job.progress, host, seconds, left, reason)


def load_sweep(folder: str) -> SweepState:
    """How the sweep of a folder stands.

    Raises:
        ConfigError: there is no sweep.
    """
    try:
        return SweepState.load(Path(folder).absolute())
    except FileNotFoundError:
        running = [shown(each.folder) for each in load_sweeps(Path("outputs")) if each.is_running]
        hint = f"the running ones are {' and '.join(running)}" if running else "none runs below"
        raise ConfigError(
            f"folder={folder} cannot be used: there is no sweep; {hint} outputs."
        ) from None


def load_sweeps(root: Path) -> list[SweepState]:
    """How the sweeps below a folder stand: running ones first, then those that ended last."""
    sweeps = [SweepState.load(folder) for folder in find_sweeps(root.absolute())]
    return sorted(sweeps, key=lambda each: (each.is_running, _last_sign(each)), reverse=True)


def _last_sign(sweep: SweepState) -> float:
    """When a sweep ended, or was last at work, in milliseconds since the epoch."""
    return sweep.record.started_ms + 1000 * sweep.seconds


def shown(folder: Path) -> str:
    """A folder as it can be typed here."""
    relative = os.path.relpath(folder)
    return str(folder) if relative.startswith("..") else relative


def count_states(lines: Sequence[JobLine]) -> str:
    """How many jobs have each state, such as `1 running, 3 not begun, 2 done`."""
    states = [line.state for line in lines]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
