"""How one job of a sweep stands: a small file in its folder, which other processes read.

The sweep's progress line and final table are made of these files. Imports neither torch nor MLflow.
"""

import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import condition, read
from dropout_study.config.uri import absolute, masked
from dropout_study.system.processes import is_alive, now_ms, this_process

JOB_FILE = "job.json"
STOP_FILE = "stop"
"""In the folder of a sweep: why its jobs must stop; empty stands for `FAILED_FAST`."""
FAILED_FAST = "another job failed (fail_fast=true)"
RETRY_FILE = "turn"
"""In the folder of a sweep: the folders of the jobs that are retried after their process died."""


class JobState(StrEnum):
    """The states of a job, and what may follow each.

    | state | meaning | next |
    | --- | --- | --- |
    | `running` | its process has begun, and trains | any other but `planned` |
    | `waiting` | another process trains the same seeds | `running` or an end |
    | `interrupted` | by Ctrl-C or a scheduler, which may start it again | `running`, `stopped` |
    | `died` | its process died once; it is retried alone | `running`, `stopped` |
    | `done` | end: all seeds are recorded | |
    | `skipped` | end: all seeds were recorded before | |
    | `planned` | end of a dry run: some seeds would be trained | |
    | `failed` | end: an error, a failed seed, or a second death of its process | |
    | `stopped` | end: the sweep was asked to stop, or interrupted | |
    """

    RUNNING = "running"
    WAITING = "waiting"
    INTERRUPTED = "interrupted"
    DIED = "died"
    DONE = "done"
    SKIPPED = "skipped"
    PLANNED = "planned"
    FAILED = "failed"
    STOPPED = "stopped"


ACTIVE_STATES = (JobState.RUNNING, JobState.WAITING)
"""A process is at work on the job, unless it has died."""
SUCCESSFUL_STATES = (JobState.DONE, JobState.SKIPPED, JobState.PLANNED)
"""The ends that leave nothing to do."""
FAILURES = (JobState.FAILED, JobState.DIED)
"""What is run again where only failures are."""
FINAL_STATES = (*SUCCESSFUL_STATES, JobState.FAILED, JobState.STOPPED)


@dataclass
class Job:
    """How a job stands.

    Attributes:
        name: the condition in words, or the overrides until it is known.
        state: see `JobState`.
        reason: why it was skipped, waits, failed or was stopped.
        share: share of the updates that are done, in [0, 1].
        resumed_at: the share with which its process began; above 0 where it resumed.
        evaluated: share of its evaluation on test data that is done, in [0, 1]; None before it.
        evaluation: the part of its work that this evaluation is, as far as that is foreseen.
        errors: test error (percent) of every complete seed under weight scaling.
        nlls: negative log-likelihood (nats) likewise.
        validation: validation error (percent) of the wanted seeds that are complete; that of a
            candidate's network that diverged is infinite.
        seeds: the seeds to train.
        other_code: the code that computed some of the seeds, where it is not the present code.
        estimate: seconds that training would take (dry run).
        together: how many jobs are trained at once, itself among them.
        deaths: how often its process has died.
        condition: what it trains, see `condition_of`; empty in files of earlier versions.
        process: the process at work on it, see `this_process`.
        started_ms: when it began, in milliseconds since the epoch.
        beat_ms: the last sign of life of its process, likewise.
    """

    name: str
    state: JobState = JobState.RUNNING
    reason: str = ""
    share: float = 0.0
    resumed_at: float = 0.0
    evaluated: float | None = None
    evaluation: float = 0.0
    errors: list[float] = field(default_factory=list)
    nlls: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    other_code: list[str] = field(default_factory=list)
    estimate: float = 0.0
    together: int = 1
    deaths: int = 0
    condition: str = ""
    process: dict[str, str] = field(default_factory=this_process)
    started_ms: int = field(default_factory=now_ms)
    beat_ms: int = field(default_factory=now_ms)

    @property
    def has_ended(self) -> bool:
        """Whether the state is final."""
        return self.state in FINAL_STATES

    @property
    def progress(self) -> float:
        """The part of its work that is done, in [0, 1]."""
        if self.has_ended:
            return 1.0

        return (1.0 - self.evaluation) * self.share + self.evaluation * (self.evaluated or 0.0)

    @property
    def progress_here(self) -> float:
        """The part of its work that its present process has done, in [0, 1]."""
        return self.progress - (1.0 - self.evaluation) * self.resumed_at

    @property
    def is_trained(self) -> bool:
        """Whether its networks are trained, and it has not ended."""
        return not self.has_ended and (self.share >= 1.0 or self.evaluated is not None)

    @property
    def is_active(self) -> bool:
        """Whether another process is at work on it; this one is not while it asks."""
        has_begun = self.state in ACTIVE_STATES and self.process != this_process()
        return has_begun and is_alive(self.process, self.beat_ms)

    @property
    def is_dead(self) -> bool:
        """Whether its process has gone before it ended."""
        return self.state in ACTIVE_STATES and not self.is_active

    @property
    def seconds(self) -> float:
        """Wall time until its end, or so far."""
        return (self.beat_ms - self.started_ms) / 1000

    def enter(self, state: JobState, reason: str = "") -> None:
        """Change the state."""
        self.reason = reason  # first: the file may be written between the two
        self.state = state

    def die(self, reason: str, fail_fast: bool) -> None:
        """Note that its process died; the job is retried once, unless a failure stops the sweep."""
        self.deaths += 1
        has_failed = self.deaths > 1 or fail_fast
        self.enter(JobState.FAILED if has_failed else JobState.DIED, reason)

    def set_results(self, metrics: Iterable[dict[str, float]]) -> None:
        """Replace the results by the final metrics of some seeds."""
        self.errors = []
        self.nlls = []
        self.add_results(metrics)

    def add_results(self, metrics: Iterable[dict[str, float]]) -> None:
        """Add the final metrics of some seeds to the results; candidates of a search have none."""
        for of_seed in metrics:
            if "test/error/weight_scaling" not in of_seed:
                continue

            self.errors.append(of_seed["test/error/weight_scaling"])
            self.nlls.append(of_seed["test/nll/weight_scaling"])

    def save(self, folder: Path) -> None:
        """Write the file whole or not at all; on a full disk overwrite the present one."""
        self.beat_ms = now_ms()
        text = json.dumps(dataclasses.asdict(self))
        partial = folder / f"{JOB_FILE}.partial"

        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / JOB_FILE)
        except OSError:
            partial.unlink(missing_ok=True)
            # The space that the file occupies already is enough.
            (folder / JOB_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Job | None":
        """Read the file of a folder; None if there is none, or if it is damaged."""
        try:
            job = cls(**json.loads((folder / JOB_FILE).read_text(encoding="utf-8")))
            job.state = JobState(job.state)
        except (FileNotFoundError, ValueError, TypeError):
            return None

        return job


def ask_to_stop(sweep: Path, reason: str) -> None:
    """Have the jobs of a sweep stop, wherever they run; the first reason stays.

    Args:
        sweep: the folder of the sweep.
        reason: why.
    """
    file = sweep / STOP_FILE
    if file.exists():
        return

    partial = sweep / f"{STOP_FILE}.{os.getpid()}.partial"  # others may ask, too
    partial.write_text(reason, encoding="utf-8")
    partial.replace(file)


def stop_reason(sweep: Path | None) -> str:
    """Why the jobs of a sweep must stop; empty as long as they need not, and without a sweep."""
    if sweep is None:
        return ""

    try:
        return (sweep / STOP_FILE).read_text(encoding="utf-8") or FAILED_FAST
    except FileNotFoundError:
        return ""


def condition_of(composed: DictConfig, name: str) -> str:
    """Study, condition, seeds and store of a job, as one text that identifies its results.

    Args:
        composed: Hydra's configuration.
        name: what is returned if the configuration cannot be read, which the job itself reports.
    """
    try:
        config = read.read_config(composed)
        store = masked(absolute(config.tracking.uri))
    except Exception:
        return name

    return f"{config.study.name} {condition.condition_digest(config)} {config.seeds} {store}"
