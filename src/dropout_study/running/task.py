"""A job that has begun: its file, its log, and how it ends whatever happens."""

import dataclasses
import json
import logging
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.condition import condition_name
from dropout_study.config.names import TUNING
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import masked
from dropout_study.running.job import FAILED_FAST, Job, JobState, ask_to_stop, stop_reason
from dropout_study.running.job_log import LOG_FILE, logged_in
from dropout_study.running.packs import Assignment
from dropout_study.running.recorded import Recorded
from dropout_study.running.watch import Watch
from dropout_study.system.processes import now_ms
from dropout_study.system.termination import Stopped, Terminated, raised
from dropout_study.tracking.record import RECORD_FILE, Record, RunStatus


class Task:
    """An assignment that has begun.

    Attributes:
        composed: Hydra's configuration.
        folder: that of the job.
        job: how it stands.
        config: the condition, once it is read.
        has_trained: whether it has been trained here.
    """

    def __init__(self, assignment: Assignment, condition: str, deaths: int) -> None:
        self.composed = assignment.composed
        self.folder = assignment.folder
        self.job = Job(assignment.name, deaths=deaths, condition=condition)
        self.config: Config
        self.has_trained = False
        self._writing = threading.Lock()
        self._end_is_saved = False

    def read(self) -> None:
        """Read the configuration, and find out whether there is anything to do.

        Raises:
            ConfigError: for the first value that cannot be used.
        """
        self.job.started_ms = now_ms()  # jobs that are carried out one by one begin in turn
        self.folder.mkdir(parents=True, exist_ok=True)
        self.save()

        if _is_settled(self.composed):
            self.job.name = str(self.composed.study.arm)
            self.job.enter(JobState.SKIPPED, "its tuning is settled")
            return

        self.config = read.read_config(self.composed)
        self.job.name = condition_name(self.config)

    def note(self, recorded: Recorded) -> None:
        """Note what a store holds of the condition."""
        self.job.set_results(recorded.metrics)
        self.job.validation = list(recorded.validation)
        self.job.seeds = recorded.missing
        self.job.other_code = recorded.other_code

    def config_of_missing(self) -> Config:
        """The condition with the seeds that are missing."""
        return dataclasses.replace(self.config, seeds=list(self.job.seeds))

    def note_end(self, record: Record, recorded: Recorded) -> None:
        """Note how the networks that have been trained here stand.

        Args:
            record: that of their run.
            recorded: what the store held before.
        """
        self.has_trained = True
        self.job.add_results(seed.metrics for seed in record.successful)
        self.job.validation += [
            math.inf if seed.failure else seed.metrics.get("val/error", math.inf)
            for seed in record.seeds
        ]

        if record.reason and not self.counts_as_worst(record):
            self.job.enter(JobState.FAILED, record.reason)
        elif not recorded.trainers:
            self.job.enter(JobState.DONE, record.reason)

    def counts_as_worst(self, record: Record) -> bool:
        """Whether the failure of a run is a result: a candidate that diverges is the worst."""
        return self.config.study.stage == TUNING and record.failed_by_divergence

    def save(self) -> None:
        """Write the file of the job, which two threads do, until it holds how the job ended."""
        with self._writing:
            if not self._end_is_saved:
                has_ended = self.job.has_ended  # asked first: the other thread may end it now
                self.job.save(self.folder)
                self._end_is_saved = has_ended


def unended(tasks: Sequence[Task]) -> list[Task]:
    """The jobs that have not ended."""
    return [task for task in tasks if not task.job.has_ended]


def stop_if_asked(sweep: Path | None) -> None:
    """Stop the jobs if their sweep is stopped.

    Raises:
        Stopped: it is.
    """
    if reason := stop_reason(sweep):
        raise Stopped(reason)


def watching(tasks: Sequence[Task]) -> Watch:
    """What training and evaluation report to; the files of the jobs say how far they are."""
    return Watch([task.job for task in tasks], tasks[0].config.budget.updates)


def logged(folders: Sequence[Path], sweep: Path | None) -> AbstractContextManager[None]:
    """Keep the logs of jobs of a sweep off the terminal, where the progress line is."""
    if sweep is None:
        return nullcontext()

    logging.raiseExceptions = False  # the job itself reports a full disk

    return logged_in(folders)


@contextmanager
def ending(tasks: Sequence[Task], sweep: Path | None) -> Iterator[None]:
    """What goes wrong in the block ends the jobs; how they stand is written down."""
    try:
        yield
    except Stopped as stopped:
        for task in unended(tasks):
            task.job.enter(JobState.STOPPED, str(stopped))
    except Exception as error:
        for task in unended(tasks):
            task.job.enter(JobState.FAILED, _sentence(error, task.folder))

    _write_down(tasks, sweep)


def _write_down(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Write the files of jobs, and that of the sweep if a failure stops it."""
    for task in tasks:
        with suppress(OSError):
            task.save()
            if sweep and task.composed.fail_fast and task.job.state == JobState.FAILED:
                ask_to_stop(sweep, FAILED_FAST)


@contextmanager
def interruptible(tasks: Sequence[Task], sweep: Path | None, in_worker: bool) -> Iterator[None]:
    """If the process is asked to end in the block, its jobs say so.

    Raises:
        KeyboardInterrupt, SystemExit: the jobs were interrupted.
    """
    try:
        with raised():
            yield
    except BaseException as error:
        left = unended(tasks)

        for task in left:
            _interrupt(task.job, error, in_worker, bool(task.composed.fail_fast))

        _write_down(left, sweep)

        if any(task.job.state == JobState.INTERRUPTED for task in left) or not left:
            raise


def _interrupt(job: Job, error: BaseException, in_worker: bool, fail_fast: bool) -> None:
    """Set the state of a job that ended by an exception that is not an error."""
    if in_worker and isinstance(error, Terminated):
        job.die("its process was asked to end", fail_fast)
    elif isinstance(error, SystemExit) and not error.code:
        # If it were raised, it would end the sweep with exit code 0.
        reason = "SystemExit: something called sys.exit() before the job was done"
        job.enter(JobState.FAILED, reason)
    else:  # Ctrl-C, or a scheduler, which may start the job again
        job.enter(JobState.INTERRUPTED, "interrupted")


def _is_settled(composed: DictConfig) -> bool:
    """Whether an arm has no candidate among those that extend the grids of other arms."""
    study = composed.study
    is_extension = study.stage == TUNING and bool(study.chosen)

    return is_extension and str(study.arm) not in json.loads(study.chosen)


def _sentence(error: Exception, folder: Path) -> str:
    """Why a job failed; the traceback of an unforeseen error goes into the log."""
    if isinstance(error, ConfigError):
        return masked(str(error))

    # A run that has failed has logged the traceback itself.
    if not (folder / RECORD_FILE).exists() or Record.load(folder).status != RunStatus.FAILED:
        logging.getLogger("traceback").error("the job failed", exc_info=error)

    return masked(f"{type(error).__name__}: {error} (the traceback is in {folder / LOG_FILE})")
