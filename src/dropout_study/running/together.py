"""The jobs of a pack: trained as one cohort; before and after, each as if alone.

Imports neither torch nor Lightning before there is something to train.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_study.running.job import JobState
from dropout_study.running.packs import Assignment, config_of
from dropout_study.running.recorded import Recorded, look_up_job
from dropout_study.running.shared_arms import note_arm
from dropout_study.running.task import Task, ending, logged, stop_if_asked, unended, watching
from dropout_study.running.watch import Report, Watch
from dropout_study.system.termination import Stopped

if TYPE_CHECKING:
    from dropout_study.config.schema import Config
    from dropout_study.running.checkpoint import Checkpoint
    from dropout_study.running.run import Run

log = logging.getLogger(__name__)


def train_pack(tasks: Sequence[Task], pack: Sequence[Assignment], sweep: Path | None) -> None:
    """Train the missing seeds of several jobs as one cohort; evaluate and record each job.

    Jobs that have not ended then are left to be carried out alone: those with seeds that another
    process trains, and all if they cannot be trained together.

    Args:
        tasks: the jobs that have not ended.
        pack: all jobs of the pack.
        sweep: the folder of the sweep.
    """
    wanted = _look_up(tasks, sweep)
    if not wanted:
        return

    from dropout_study.running.checkpoint import Checkpoint
    from dropout_study.running.run import measured
    from dropout_study.tracking.recorder import heartbeat
    from dropout_study.tracking.store import Store

    configs = [config for job in pack if (config := config_of(job.composed))]
    store = Store(configs[0].tracking.uri)
    beating: dict[Path, str | None] = {}

    with ending(list(wanted), sweep), heartbeat(beating, store):
        missing = {task: task.config_of_missing() for task in wanted}
        checkpoint = Checkpoint.find(configs, list(missing.values()))
        runs = _begin(missing, checkpoint, beating, sweep)

        with measured(runs.values()):
            watch = watching(list(runs)) if runs else None
            if not (watch and _train(runs, checkpoint, sweep, watch)):
                return

            _complete_all(runs, wanted, sweep, watch)

        if all(task.has_trained or run.record.failed_by_divergence for task, run in runs.items()):
            checkpoint.remove()


def _look_up(tasks: Sequence[Task], sweep: Path | None) -> dict[Task, Recorded]:
    """The jobs with missing seeds, and what the store holds of them; others are skipped."""
    wanted: dict[Task, Recorded] = {}

    for task in tasks:
        with ending([task], sweep):
            stop_if_asked(sweep)
            recorded = look_up_job(task.config, task.config.seeds)
            task.note(recorded)
            note_arm(task.config, recorded.runs)

            if recorded.missing:
                wanted[task] = recorded
            elif not recorded.trainers:
                task.job.enter(JobState.SKIPPED, recorded.source)

    return wanted


def _begin(
    missing: "Mapping[Task, Config]",
    checkpoint: "Checkpoint",
    beating: dict[Path, str | None],
    sweep: Path | None,
) -> "dict[Task, Run]":
    """Reserve the seeds of jobs, without those that others have begun to train.

    Args:
        missing: job -> its condition, with the seeds that are missing.
        checkpoint: of the pack.
        beating: takes the folder of each run, and its id.
        sweep: the folder of the sweep.
    """
    from dropout_study.data.datasets import load_images
    from dropout_study.running.reservation import Taken
    from dropout_study.running.run import begin

    images = load_images(next(iter(missing.values())).data)
    networks = sum(len(config.seeds) for config in missing.values())
    runs: dict[Task, Run] = {}

    for task, config in missing.items():
        with logged([task.folder], sweep), ending([task], sweep), suppress(Taken):
            run = begin(config, task.folder, sweep, images, networks, checkpoint)
            task.job.together = len(missing)
            beating[run.folder] = run.run_id
            runs[task] = run

    return runs


def _train(
    runs: "dict[Task, Run]", checkpoint: "Checkpoint", sweep: Path | None, watch: Watch
) -> bool:
    """Train the networks of some runs; whether that was possible.

    Args:
        runs: of the jobs with missing seeds.
        checkpoint: of the pack.
        sweep: the folder of the sweep.
        watch: notes how far they are.
    """
    from dropout_study.running.run import train_together

    try:
        train_together(list(runs.values()), checkpoint, sweep, watch)
    except Stopped as stopped:
        for task in unended(list(runs)):
            task.job.enter(JobState.STOPPED, str(stopped))
        return False
    except Exception:  # it is in the log of each job
        log.warning("the pack cannot be trained as one cohort; each job is carried out alone")
        for task in runs:
            task.job.together = 1
        return False

    return True


def _complete_all(
    runs: "dict[Task, Run]", wanted: Mapping[Task, Recorded], sweep: Path | None, watch: Watch
) -> None:
    """Test, evaluate and record trained jobs, one by one.

    Args:
        runs: of the jobs.
        wanted: what the store held of each before.
        sweep: the folder of the sweep.
        watch: notes how far they are.
    """
    from dropout_study.running.outcome import ended_together

    records = [(run.record, run.folder) for run in runs.values()]
    store = next(iter(runs.values())).store

    # An interruption ends those, too, whose turn has not come.
    with ended_together(records, store):
        for number, (task, run) in enumerate(runs.items()):
            with logged([task.folder], sweep), ending([task], sweep):
                _complete(task, run, watch.report_on(number))
                task.note_end(run.record, wanted[task])


def _complete(task: Task, run: "Run", report: Report) -> None:
    """Test, evaluate and record a trained job."""
    from dropout_study.running.run import complete
    from dropout_study.training.module import Diverged

    try:
        complete(run, report)
    except Diverged:
        if not task.counts_as_worst(run.record):
            raise
