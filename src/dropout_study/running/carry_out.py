"""Carrying out jobs: skip what is recorded, train what is missing, never stop other jobs.

A job that is skipped imports neither torch nor Lightning.
"""

import dataclasses
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_study.running.earlier_passes import PAUSE_SECONDS, deaths_so_far
from dropout_study.running.job import JobState, ask_to_stop, condition_of
from dropout_study.running.packs import Assignment
from dropout_study.running.recorded import look_up_job
from dropout_study.running.shared_arms import note_arm
from dropout_study.running.task import (
    Task,
    ending,
    interruptible,
    logged,
    stop_if_asked,
    unended,
    watching,
)
from dropout_study.running.together import train_pack
from dropout_study.system.processes import is_alive, now_ms, repeat_every
from dropout_study.tracking.record import RECORD_FILE, Record

if TYPE_CHECKING:
    from dropout_study.config.schema import Config

ORPHANED = "the process of the sweep has gone"
SAVE_SECONDS = 1.0
"""Between two writes of the job's file while it runs."""


def carry_out(
    assignments: Sequence[Assignment], sweep: Path | None, in_worker: bool = False
) -> None:
    """Carry out a job, or those of a pack; after a death of their process, one by one.

    Whatever goes wrong with a job is left in its folder, and the others continue.

    Args:
        assignments: the jobs.
        sweep: the folder of their sweep, whose progress line reports on them.
        in_worker: whether the process of a launcher does the jobs, and not the one that was
            started.

    Raises:
        ConfigError: another process is at work on another condition in a folder.
        KeyboardInterrupt, SystemExit: the jobs were interrupted.
    """
    watched = _sweep_to_watch(sweep, in_worker, dry_run=bool(assignments[0].composed.dry_run))
    tasks = [task for each in assignments if (task := _task_of(each, sweep))]

    if any(task.job.deaths for task in tasks):
        # A job begins when its turn comes, so that a second death is that of one job alone.
        for task in tasks:
            deaths = task.job.deaths
            _carry_out([task], [], sweep, in_worker, watched)
            if task.job.deaths > deaths:  # this process is asked to end
                break
    else:
        _carry_out(tasks, assignments, sweep, in_worker, watched)

    if watched and _has_gone(watched):
        # A worker of joblib would wait for more jobs for minutes.
        os.kill(os.getpid(), signal.SIGTERM)


def _task_of(assignment: Assignment, sweep: Path | None) -> Task | None:
    """The job as this process carries it out; None if there is nothing to do in this pass."""
    composed = assignment.composed
    condition = condition_of(composed, assignment.name)
    uri = str(composed.tracking.uri)
    deaths = deaths_so_far(assignment.folder, sweep, condition, uri)

    return None if deaths is None else Task(assignment, condition, deaths)


def _carry_out(
    tasks: Sequence[Task],
    pack: Sequence[Assignment],
    sweep: Path | None,
    in_worker: bool,
    watched: Path | None,
) -> None:
    """Carry out jobs that begin at the same time.

    Args:
        tasks: the jobs.
        pack: those that may be trained together.
        sweep: the folder of their sweep.
        in_worker: whether the process of a launcher does the jobs.
        watched: the sweep with whose process they end.
    """

    def beat() -> None:
        if watched and _has_gone(watched):
            ask_to_stop(watched, ORPHANED)

        for task in unended(tasks):
            task.save()

    folders = [task.folder for task in tasks]

    with logged(folders, sweep), interruptible(tasks, sweep, in_worker):
        for task in tasks:
            with ending([task], sweep):
                task.read()

        with repeat_every(SAVE_SECONDS, beat):
            _plan_or_train(unended(tasks), pack, sweep)


def _plan_or_train(tasks: Sequence[Task], pack: Sequence[Assignment], sweep: Path | None) -> None:
    """Plan the jobs of a dry run; else train them together, and alone what is left of them."""
    if tasks and tasks[0].composed.dry_run:
        _plan(tasks, sweep)
        return

    if len(pack) > 1:
        train_pack(tasks, pack, sweep)

    for task in unended(tasks):
        with logged([task.folder], sweep), ending([task], sweep):
            _train_or_skip(task, sweep)


def _sweep_to_watch(sweep: Path | None, in_worker: bool, dry_run: bool) -> Path | None:
    """The sweep with whose process a job ends; None if the job outlives it, as under SLURM."""
    outlives = os.environ.get("SUBMITIT_EXECUTOR") == "slurm"
    return sweep if in_worker and not outlives and not dry_run else None


def _has_gone(sweep: Path) -> bool:
    """Whether the process of a sweep was on this machine, and no longer is."""
    if not (sweep / RECORD_FILE).exists():
        return False

    return not is_alive(Record.load(sweep).tags, now_ms())


def _train_or_skip(task: Task, sweep: Path | None) -> None:
    """Train the seeds that are missing as one cohort; wait for those that another process trains.

    What is done until the state is final, by the seeds that are wanted:

    | some are missing | others are being trained | trained here before | action |
    | --- | --- | --- | --- |
    | yes | | no | train them; `done`, unless others are being trained |
    | yes | | yes | `failed`: their process died, and the folder holds the results of others |
    | no | yes | | `waiting` |
    | no | no | yes | `done` |
    | no | no | no | `skipped` |

    Raises:
        Stopped: the sweep is stopped.
    """
    job = task.job

    while True:
        stop_if_asked(sweep)
        recorded = look_up_job(task.config, task.config.seeds)
        task.note(recorded)
        note_arm(task.config, recorded.runs)

        if recorded.missing and task.has_trained:
            seeds = recorded.missing
            reason = f"seeds {seeds} are missing: the process that trained them has died."
            return job.enter(JobState.FAILED, reason)

        if recorded.missing:
            record = _train(task, sweep)
            if record:
                task.note_end(record, recorded)
            if job.has_ended:
                return None
        elif recorded.trainers:
            job.enter(JobState.WAITING, recorded.trainers)
            time.sleep(PAUSE_SECONDS)
        elif task.has_trained:
            return job.enter(JobState.DONE)
        else:
            return job.enter(JobState.SKIPPED, recorded.source)


def _plan(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Estimate how long training would take, where there is anything to train."""
    wanted: dict[Task, Config] = {}

    for task in tasks:
        with logged([task.folder], sweep), ending([task], sweep):
            recorded = look_up_job(task.config, task.config.seeds)
            task.note(recorded)

            if recorded.missing:
                wanted[task] = dataclasses.replace(task.config, seeds=recorded.missing)
            else:
                task.job.enter(JobState.SKIPPED, recorded.trainers or recorded.source)

    for task, config in wanted.items():
        with logged([task.folder], sweep), ending([task], sweep):
            from dropout_study.running.estimate import estimate

            task.job.estimate = estimate(config, list(wanted.values()))
            task.job.enter(JobState.PLANNED)


def _train(task: Task, sweep: Path | None) -> Record | None:
    """Train and record the missing seeds; None if another process has begun them meanwhile.

    Raises:
        Stopped: the sweep is stopped.
    """
    from dropout_study.running.reservation import Taken
    from dropout_study.running.run import run_cohort
    from dropout_study.training.module import Diverged

    task.job.enter(JobState.RUNNING)

    try:
        return run_cohort(task.config_of_missing(), task.folder, sweep, watching([task]))
    except Taken:
        return None
    except Diverged:
        record = Record.load(task.folder)
        if not task.counts_as_worst(record):
            raise

        return record
