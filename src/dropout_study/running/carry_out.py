"""Carrying out jobs: skip what is recorded, train what is missing, never stop other jobs.

Jobs whose networks are trained together are an assignment each. A job that is skipped imports
neither torch nor Lightning.
"""

import dataclasses
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.condition import condition_digest, condition_name
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import masked
from dropout_study.running.job import RETRY_FILE, STOP_FILE, Job, JobState, condition_of
from dropout_study.running.job_log import LOG_FILE, logged_in
from dropout_study.running.packs import Assignment
from dropout_study.system.processes import in_words, is_alive, now_ms, repeat_every
from dropout_study.system.termination import Stopped, Terminated, raised
from dropout_study.tracking import provenance, tags
from dropout_study.tracking.record import RECORD_FILE, Record, RunStatus

if TYPE_CHECKING:
    from dropout_study.running.run import Run

FAILED_FAST = "another job failed (fail_fast=true)"
ORPHANED = "the process of the sweep has gone"
PAUSE_SECONDS = 2.0
"""Between two looks at what another process is at work on."""
SAVE_SECONDS = 1.0
"""Between two writes of the job's file while it runs."""

log = logging.getLogger(__name__)


@dataclass
class Recorded:
    """What a store holds of the condition of a job.

    Attributes:
        missing: wanted seeds that are neither complete nor being trained.
        metrics: final metrics of every complete seed of the stage, in the order of the seeds.
        source: which commits, and which other code, gave the wanted seeds that are complete.
        other_code: the code that computed some of the complete seeds, if not the present code.
        trainers: which processes train wanted seeds now; empty if none does.
    """

    missing: list[int]
    metrics: list[dict[str, float]] = field(default_factory=list)
    source: str = ""
    other_code: list[str] = field(default_factory=list)
    trainers: str = ""


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
        self.config: Config | None = None
        self.has_trained = False
        self._writing = threading.Lock()
        self._end_is_saved = False

    def read(self) -> None:
        """Read the configuration, and find out whether there is anything to do.

        Raises:
            ConfigError: for the first value that cannot be used.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.save()

        if _is_settled(self.composed):
            self.job.name = str(self.composed.study.arm)
            self.job.enter(JobState.SKIPPED, "its tuning is settled")
            return

        self.config = read.read_config(self.composed)
        self.job.name = condition_name(self.config)

    def save(self) -> None:
        """Write the file of the job, which two threads do, until it holds how the job ended."""
        with self._writing:
            if not self._end_is_saved:
                has_ended = self.job.has_ended  # asked first: the other thread may end it now
                self.job.save(self.folder)
                self._end_is_saved = has_ended


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

    with _logged_in(folders, sweep):
        tasks = [task for each in assignments if (task := _begin(each, sweep))]

        def beat() -> None:
            if watched and _has_gone(watched):
                (watched / STOP_FILE).write_text(ORPHANED, encoding="utf-8")

            for task in _open(tasks):
                task.save()

        with _interruptible(tasks, sweep, in_worker):
            for task in tasks:
                with _ending([task], sweep):
                    task.read()

            with repeat_every(SAVE_SECONDS, beat):
                _carry_out(_open(tasks), sweep)

    if watched and _has_gone(watched):
        # A worker of joblib would wait for more jobs for minutes.
        os.kill(os.getpid(), signal.SIGTERM)


def _logged_in(folders: Sequence[Path], sweep: Path | None) -> AbstractContextManager[None]:
    """Keep the logs of jobs of a sweep off the terminal, where the progress line is."""
    if sweep is None:
        return nullcontext()

    logging.raiseExceptions = False  # the job itself reports a full disk

    return logged_in(folders)


def _begin(assignment: Assignment, sweep: Path | None) -> Task | None:
    """The job as this process carries it out; None if there is nothing to do in this pass."""
    composed = assignment.composed
    condition = condition_of(composed, assignment.name)
    uri = str(composed.tracking.uri)
    deaths = _deaths_so_far(assignment.folder, sweep, condition, uri)

    return None if deaths is None else Task(assignment, condition, deaths)


def _open(tasks: Sequence[Task]) -> list[Task]:
    """The jobs that have not ended."""
    return [task for task in tasks if not task.job.has_ended]


def _carry_out(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Train jobs together unless one of their processes has died, and each alone that is left."""
    is_safe = not any(task.job.deaths for task in tasks)

    if len(tasks) > 1 and is_safe and not tasks[0].composed.dry_run:
        _train_together(tasks, sweep)

    for task in _open(tasks):
        with _logged_in([task.folder], sweep), _ending([task], sweep):
            _train_or_skip(task, sweep)


@contextmanager
def _ending(tasks: Sequence[Task], sweep: Path | None) -> Iterator[None]:
    """What goes wrong in the block ends the jobs; how they stand is written down."""
    try:
        yield
    except Stopped as stopped:
        for task in _open(tasks):
            task.job.enter(JobState.STOPPED, str(stopped))
    except Exception as error:
        for task in _open(tasks):
            task.job.enter(JobState.FAILED, _sentence(error, task.folder))

    _write_down(tasks, sweep)


def _write_down(tasks: Sequence[Task], sweep: Path | None) -> None:
    """Write the files of jobs, and that of the sweep if a failure stops it."""
    for task in tasks:
        with suppress(OSError):
            task.save()
            if sweep and task.composed.fail_fast and task.job.state == JobState.FAILED:
                (sweep / STOP_FILE).touch()


@contextmanager
def _interruptible(tasks: Sequence[Task], sweep: Path | None, in_worker: bool) -> Iterator[None]:
    """If the process is asked to end in the block, its jobs say so.

    Raises:
        KeyboardInterrupt, SystemExit: the jobs were interrupted.
    """
    try:
        with raised():
            yield
    except BaseException as error:
        ended = _open(tasks)

        for task in ended:
            _interrupt(task.job, error, in_worker, bool(task.composed.fail_fast))

        _write_down(ended, sweep)

        if any(task.job.state == JobState.INTERRUPTED for task in ended) or not ended:
            raise


def _is_settled(composed: DictConfig) -> bool:
    """Whether an arm has no candidate among those that extend the grids of other arms."""
    study = composed.study
    is_extension = study.stage == TUNING and bool(study.chosen)

    return is_extension and str(study.arm) not in json.loads(study.chosen)


def _sweep_to_watch(sweep: Path | None, in_worker: bool, dry_run: bool) -> Path | None:
    """The sweep with whose process a job ends; None if the job outlives it, as under SLURM."""
    outlives = os.environ.get("SUBMITIT_EXECUTOR") == "slurm"
    return sweep if in_worker and not outlives and not dry_run else None


def _has_gone(sweep: Path) -> bool:
    """Whether the process of a sweep was on this machine, and no longer is."""
    if not (sweep / RECORD_FILE).exists():
        return False

    return not is_alive(Record.load(sweep).tags, now_ms())


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


def _deaths_so_far(folder: Path, sweep: Path | None, condition: str, uri: str) -> int | None:
    """How often the process of a job has died; None if there is nothing to do in this pass.

    | the job that the folder holds | result |
    | --- | --- |
    | none, or one of another condition | 0 |
    | one of another condition, and a process is at work on it | ConfigError |
    | has ended | None |
    | has died, and another job is retried | None |
    | has died, and is retried; or was interrupted | its deaths |
    | has begun, and its process has gone | its deaths + 1; its run is marked as failed |
    | has begun, and its process is at work | waits until that changes |
    """
    while job := Job.load(folder):
        if job.condition != condition:
            if job.is_active:
                process = in_words(job.process)
                raise ConfigError(
                    f"{folder} cannot be used: {process} is at work there on {job.name}."
                )
            return 0

        is_retried = job.state == JobState.DIED and _is_retried(folder, sweep)
        if job.has_ended or (job.state == JobState.DIED and not is_retried):
            return None

        if is_retried or job.state == JobState.INTERRUPTED:
            return job.deaths

        if job.is_dead:
            _mark_failed(folder, uri)
            return job.deaths + 1

        time.sleep(PAUSE_SECONDS)  # its process has outlived the launcher that began it

    return 0


def _is_retried(folder: Path, sweep: Path | None) -> bool:
    """Whether a sweep retries the job of a folder now."""
    if sweep is None or not (sweep / RETRY_FILE).exists():
        return False
    return folder.samefile((sweep / RETRY_FILE).read_text(encoding="utf-8"))


def _mark_failed(folder: Path, uri: str) -> None:
    """End the run of a job whose process has gone."""
    from dropout_study.tracking.recorder import mark_dead_job_failed
    from dropout_study.tracking.store import Store, quiet_mlflow

    quiet_mlflow()

    # The job itself reports a full disk, and an address that cannot be used.
    with suppress(OSError, ConfigError):
        mark_dead_job_failed(folder, Store(uri))


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
        recorded = _look_up(config, wanted)
        _note(job, recorded)

        if config.dry_run:
            return _plan(config, job, recorded)

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
        with _ending([task], sweep):
            _stop_if_asked(sweep)
            config = cast("Config", task.config)
            recorded = _look_up(config, config.seeds)
            _note(task.job, recorded)
            if recorded.missing:
                wanted[task] = recorded

    if len(wanted) < 2:
        return

    from dropout_study.running.run import remove_checkpoints, train_together
    from dropout_study.tracking.recorder import heartbeat

    with _ending(list(wanted), sweep):
        runs = _begin_runs(list(wanted), sweep)
        if not runs:
            return

        all_runs = list(runs.values())
        watch = _watch(list(runs), sweep)

        with heartbeat({run.folder: run.run_id for run in all_runs}, all_runs[0].store):
            train_together(all_runs, watch)

            for task, run in runs.items():
                with _logged_in([task.folder], sweep), _ending([task], sweep):
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
        with _logged_in([task.folder], sweep), _ending([task], sweep), suppress(Taken):
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


def _look_up(config: Config, wanted: list[int]) -> Recorded:
    """What the store holds of a condition; nothing if it is away or training is forced.

    Raises:
        ConfigError: the store refuses this process.
    """
    from dropout_study.tracking.lookup import look_up
    from dropout_study.tracking.store import UNREACHABLE, Store, quiet_mlflow, refuses

    quiet_mlflow()
    store = Store(config.tracking.uri)
    if config.rerun or (config.dry_run and not store.exists):
        return Recorded(wanted)

    try:
        seeds = look_up(store, config.study.name, condition_digest(config))
    except UNREACHABLE as error:
        if refuses(error):
            raise ConfigError(
                f"tracking.uri={store.shown} refuses this process: set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD where it runs."
            ) from error

        # Networks that are trained twice are tagged as duplicates when they are recorded.
        log.warning("the store cannot be queried: %s", masked(str(error)))
        return Recorded(wanted)

    missing = seeds.missing(wanted)
    if config.study.stage == TUNING:
        missing = [seed for seed in missing if seed not in seeds.diverged]

    complete = [seeds.complete[seed] for seed in wanted if seed in seeds.complete]
    running = [
        seeds.running[seed]
        for seed in wanted
        if seed in seeds.running and seed not in seeds.complete
    ]
    averaged = [
        run
        for seed, run in sorted(seeds.complete.items())
        if seed in wanted or run.data.tags.get(tags.STAGE, FINAL) == config.study.stage
    ]
    origin = provenance.origin([run.data.tags for run in complete]) if complete else "diverged"
    processes = {in_words(run.data.tags) for run in running}

    return Recorded(
        missing=missing,
        metrics=[run.data.metrics for run in averaged],
        other_code=provenance.other_code(run.data.tags for run in averaged),
        source=f"{origin}; rerun=true trains again",
        trainers=f"being trained by {' and '.join(sorted(processes))}" if processes else "",
    )


def _plan(config: Config, job: Job, recorded: Recorded) -> None:
    """Estimate how long training would take, if there is anything to train."""
    if not recorded.missing:
        return job.enter(JobState.SKIPPED, recorded.trainers or recorded.source)

    from dropout_study.running.estimate import estimate

    config.seeds = recorded.missing
    job.estimate = estimate(config)
    return job.enter(JobState.PLANNED)


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


def _sentence(error: Exception, folder: Path) -> str:
    """Why a job failed; the traceback of an unforeseen error goes into the log."""
    if isinstance(error, ConfigError):
        return masked(str(error))

    # A run that has failed has logged the traceback itself.
    if not (folder / RECORD_FILE).exists() or Record.load(folder).status != RunStatus.FAILED:
        logging.getLogger("traceback").error("the job failed", exc_info=error)

    return masked(f"{type(error).__name__}: {error} (the traceback is in {folder / LOG_FILE})")
