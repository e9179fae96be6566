"""Carrying out jobs: skip what is recorded, train what is missing, never stop other jobs.

Jobs whose networks are trained together are an assignment each. A job that is skipped imports
neither torch nor Lightning.
"""

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dropout_study.config.names import TUNING
from dropout_study.config.schema import Config
from dropout_study.running.earlier_passes import PAUSE_SECONDS, deaths_so_far
from dropout_study.running.job import STOP_FILE, Job, JobState, condition_of
from dropout_study.running.packs import Assignment
from dropout_study.running.recorded import Recorded, look_up_job
from dropout_study.running.task import Task, ending, interruptible, logged, unended
from dropout_study.system.processes import is_alive, now_ms, repeat_every
from dropout_study.system.termination import Stopped
from dropout_study.tracking.record import RECORD_FILE, Record

if TYPE_CHECKING:
    from dropout_study.running.run import Run

FAILED_FAST = "another job failed (fail_fast=true)"
ORPHANED = "the process of the sweep has gone"
SAVE_SECONDS = 1.0
"""Between two writes of the job's file while it runs."""


def carry_out(
    assignments: Sequence[Assignment], sweep: Path | None, in_worker: bool = False
) -> None:
    """Carry out a job, or several whose networks are trained together.

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
    folders = [assignment.folder for assignment in assignments]
    dry_run = bool(assignments[0].composed.dry_run)
    watched = _sweep_to_watch(sweep, in_worker, dry_run)

    with logged(folders, sweep):
        tasks = [task for each in assignments if (task := _begin(each, sweep))]

        def beat() -> None:
            if watched and _has_gone(watched):
                (watched / STOP_FILE).write_text(ORPHANED, encoding="utf-8")

            for task in unended(tasks):
                task.save()

        with interruptible(tasks, sweep, in_worker):
            for task in tasks:
                with ending([task], sweep):
                    task.read()

            with repeat_every(SAVE_SECONDS, beat):
                _carry_out(unended(tasks), sweep)

    if watched and _has_gone(watched):
        # A worker of joblib would wait for more jobs for minutes.
        os.kill(os.getpid(), signal.SIGTERM)


def _begin(assignment: Assignment, sweep: Path | None) -> Task | None:
    """The job as this process carries it out; None if there is nothing to do in this pass."""
    composed = assignment.composed
    condition = condition_of(composed, assignment.name)
    uri = str(composed.tracking.uri)
    deaths = deaths_so_far(assignment.folder, sweep, condition, uri)

    return None if deaths is None else Task(assignment, condition, deaths)


def _carry_out(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Train jobs together unless one of their processes has died, and each alone that is left."""
    if tasks and tasks[0].composed.dry_run:
        _plan(tasks, sweep)
        return

    if len(tasks) > 1 and not any(task.job.deaths for task in tasks):
        _train_together(tasks, sweep)

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


def _reason_to_stop(sweep: Path | None) -> str:
    """Why the jobs of a sweep must stop; empty if they need not."""
    if sweep is None or not (sweep / STOP_FILE).exists():
        return ""
    return (sweep / STOP_FILE).read_text(encoding="utf-8") or FAILED_FAST


def _stop_if_asked(sweep: Path | None) -> None:
    """Stop the job if its sweep is stopped.

    Raises:
        Stopped: it is.
    """
    if reason := _reason_to_stop(sweep):
        raise Stopped(reason)


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
    config = cast("Config", task.config)
    wanted = config.seeds

    while True:
        _stop_if_asked(sweep)
        recorded = look_up_job(config, wanted)
        _note(job, recorded)

        if recorded.missing and task.has_trained:
            seeds = recorded.missing
            reason = f"seeds {seeds} are missing: the process that trained them has died."
            return job.enter(JobState.FAILED, reason)

        if recorded.missing:
            record = _train(task, sweep)
            if record:
                _note_end(task, record, recorded)
            if job.has_ended:
                return None
        elif recorded.trainers:
            job.enter(JobState.WAITING, recorded.trainers)
            time.sleep(PAUSE_SECONDS)
        elif task.has_trained:
            return job.enter(JobState.DONE)
        else:
            return job.enter(JobState.SKIPPED, recorded.source)


def _train_together(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Train the missing seeds of several jobs as one cohort; evaluate and record each job.

    What ends no job here is left to `_train_or_skip`, such as seeds that others train.
    """
    wanted: dict[Task, Recorded] = {}

    for task in tasks:
        with ending([task], sweep):
            _stop_if_asked(sweep)
            config = cast("Config", task.config)
            recorded = look_up_job(config, config.seeds)
            _note(task.job, recorded)
            if recorded.missing:
                wanted[task] = recorded

    if len(wanted) < 2:
        return

    from dropout_study.running.run import remove_checkpoints, train_together
    from dropout_study.tracking.recorder import heartbeat

    with ending(list(wanted), sweep):
        runs = _begin_runs(list(wanted), sweep)
        if not runs:
            return

        all_runs = list(runs.values())
        watch = _watch(list(runs), sweep)

        with heartbeat({run.folder: run.run_id for run in all_runs}, all_runs[0].store):
            train_together(all_runs, watch)

            for task, run in runs.items():
                with logged([task.folder], sweep), ending([task], sweep):
                    _complete(run)
                    _note_end(task, run.record, wanted[task])

        remove_checkpoints([run.config for run in all_runs])


def _note(job: Job, recorded: Recorded) -> None:
    """What a store holds of the condition of a job."""
    job.set_results(recorded.metrics)
    job.seeds = recorded.missing
    job.other_code = recorded.other_code


def _begin_runs(tasks: Sequence[Task], sweep: Path | None) -> "dict[Task, Run]":
    """The runs of jobs that are trained together, without those that others have begun."""
    from dropout_study.data.datasets import load_images
    from dropout_study.running.reservation import Taken
    from dropout_study.running.run import begin

    configs = {task: cast("Config", task.config) for task in tasks}
    images = load_images(configs[tasks[0]].data)
    networks = sum(len(task.job.seeds) for task in tasks)
    runs = {}

    for task, config in configs.items():
        with logged([task.folder], sweep), ending([task], sweep), suppress(Taken):
            seeds = list(task.job.seeds)
            missing = dataclasses.replace(config, seeds=seeds)
            runs[task] = begin(missing, task.folder, sweep, images, networks)
            task.job.together = len(tasks)

    return runs


def _complete(run: "Run") -> None:
    """Test, evaluate and record a trained job."""
    from dropout_study.running.run import complete
    from dropout_study.training.module import Diverged

    try:
        complete(run)
    except Diverged:
        if not _counts_as_worst(run.config, run.record):
            raise


def _note_end(task: Task, record: Record, recorded: Recorded) -> None:
    """How a job stands whose networks have been trained here."""
    config = cast("Config", task.config)
    task.has_trained = True
    task.job.add_results(seed.metrics for seed in record.successful)

    if record.reason and not _counts_as_worst(config, record):
        task.job.enter(JobState.FAILED, record.reason)
    elif not recorded.trainers:
        task.job.enter(JobState.DONE, record.reason)


def _counts_as_worst(config: Config, record: Record) -> bool:
    """Whether the failure of a run is a result: a candidate that diverges is the worst."""
    return config.study.stage == TUNING and record.failed_by_divergence


def _plan(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Estimate how long training would take, where there is anything to train."""
    wanted: dict[Task, Config] = {}

    for task in tasks:
        with logged([task.folder], sweep), ending([task], sweep):
            _stop_if_asked(sweep)
            config = cast("Config", task.config)
            recorded = look_up_job(config, config.seeds)
            _note(task.job, recorded)

            if recorded.missing:
                wanted[task] = dataclasses.replace(config, seeds=recorded.missing)
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

    config = dataclasses.replace(cast("Config", task.config), seeds=list(task.job.seeds))
    task.job.enter(JobState.RUNNING)

    try:
        return run_cohort(config, task.folder, sweep, _watch([task], sweep))
    except Taken:
        return None
    except Diverged:
        record = Record.load(task.folder)
        if not _counts_as_worst(config, record):
            raise

        return record


def _watch(tasks: Sequence[Task], sweep: Path | None) -> Callable[[int], None]:
    """What training calls with the number of updates: note the progress, stop if asked."""
    updates = cast("Config", tasks[0].config).budget.updates

    def watch(update: int) -> None:
        for task in tasks:
            task.job.share = update / updates

        _stop_if_asked(sweep)

    return watch
