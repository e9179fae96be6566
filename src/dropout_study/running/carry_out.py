"""Carrying out one job: skip what is recorded, train what is missing, never stop other jobs.

A job that is skipped imports neither torch nor Lightning.
"""

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.condition import condition_digest, condition_name
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import masked
from dropout_study.running.job import RETRY_FILE, STOP_FILE, Job, JobState, condition_of
from dropout_study.system.processes import in_words, is_alive, now_ms, repeat_every
from dropout_study.system.termination import Stopped, Terminated, raised
from dropout_study.tracking import provenance, tags
from dropout_study.tracking.record import RECORD_FILE, Record, RunStatus

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


def carry_out(
    composed: DictConfig,
    folder: Path,
    name: str,
    sweep: Path | None,
    in_worker: bool = False,
) -> None:
    """Carry out one job; whatever goes wrong is left in its folder, and the sweep continues.

    Args:
        composed: Hydra's configuration.
        folder: that of the job.
        name: what to call the job until its condition is known.
        sweep: the folder of its sweep, whose progress line reports on the job.
        in_worker: whether the process of a launcher does the job, and not the one that was started.

    Raises:
        ConfigError: another process is at work on another condition in the folder.
        KeyboardInterrupt, SystemExit: the job was interrupted.
    """
    if sweep:
        _log_to_files_only()

    condition = condition_of(composed, name)
    deaths = _deaths_so_far(folder, sweep, condition, str(composed.tracking.uri))
    if deaths is None:
        return

    job = Job(name, deaths=deaths, condition=condition)
    watched = _sweep_to_watch(sweep, in_worker, bool(composed.dry_run))

    def beat() -> None:
        if watched and _has_gone(watched):
            (watched / STOP_FILE).write_text(ORPHANED, encoding="utf-8")
        job.save(folder)

    try:
        with raised():
            job.save(folder)
            if _is_settled(composed):
                job.name = str(composed.study.arm)
                job.enter(JobState.SKIPPED, "its tuning is settled")
                return

            config = read.read_config(composed)
            job.name = condition_name(config)

            with repeat_every(SAVE_SECONDS, beat):
                _train_or_skip(config, job, folder, sweep)
    except Stopped as stopped:
        job.enter(JobState.STOPPED, str(stopped))
    except Exception as error:
        job.enter(JobState.FAILED, _sentence(error, folder))
    except BaseException as error:
        _interrupt(job, error, in_worker, bool(composed.fail_fast))
        if job.state == JobState.INTERRUPTED:
            raise
    finally:
        with suppress(OSError):
            job.save(folder)
            if sweep and composed.fail_fast and job.state == JobState.FAILED:
                (sweep / STOP_FILE).touch()

    if watched and _has_gone(watched):
        # A worker of joblib would wait for more jobs for minutes.
        os.kill(os.getpid(), signal.SIGTERM)


def _log_to_files_only() -> None:
    """Keep the log of a job of a sweep off the terminal, where the progress line is."""
    root = logging.getLogger()
    root.handlers = [
        handler for handler in root.handlers if isinstance(handler, logging.FileHandler)
    ]
    logging.raiseExceptions = False  # the job itself reports a full disk


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


def _train_or_skip(config: Config, job: Job, folder: Path, sweep: Path | None) -> None:
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
    wanted = config.seeds
    has_trained = False

    while True:
        _stop_if_asked(sweep)
        recorded = _look_up(config, wanted)
        job.set_results(recorded.metrics)
        job.seeds = recorded.missing
        job.other_code = recorded.other_code

        if config.dry_run:
            return _plan(config, job, recorded)

        if recorded.missing and has_trained:
            seeds = recorded.missing
            reason = f"seeds {seeds} are missing: the process that trained them has died."
            return job.enter(JobState.FAILED, reason)

        if recorded.missing:
            record = _train(config, job, folder, sweep)
            has_trained = record is not None
            if record and record.reason and not _counts_as_worst(config, record):
                return job.enter(JobState.FAILED, record.reason)
            if record and not recorded.trainers:
                return job.enter(JobState.DONE, record.reason)
        elif recorded.trainers:
            job.enter(JobState.WAITING, recorded.trainers)
            time.sleep(PAUSE_SECONDS)
        elif has_trained:
            return job.enter(JobState.DONE)
        else:
            return job.enter(JobState.SKIPPED, recorded.source)


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


def _train(config: Config, job: Job, folder: Path, sweep: Path | None) -> Record | None:
    """Train and record the missing seeds; None if another process has begun them meanwhile.

    Raises:
        Stopped: the sweep is stopped.
    """
    from dropout_study.running.reservation import Taken
    from dropout_study.running.run import run_cohort
    from dropout_study.training.module import Diverged

    config.seeds = job.seeds
    job.enter(JobState.RUNNING)

    try:
        record = run_cohort(config, folder, sweep, _watch(config, job, sweep))
    except Taken:
        return None
    except Diverged:
        record = Record.load(folder)
        if not _counts_as_worst(config, record):
            raise

    job.add_results(seed.metrics for seed in record.successful)

    return record


def _watch(config: Config, job: Job, sweep: Path | None) -> Callable[[int], None]:
    """What training calls with the number of updates: note the progress, stop if asked."""

    def watch(update: int) -> None:
        job.share = update / config.budget.updates
        _stop_if_asked(sweep)

    return watch


def _sentence(error: Exception, folder: Path) -> str:
    """Why a job failed; the traceback of an unforeseen error goes into the log."""
    if isinstance(error, ConfigError):
        return masked(str(error))

    # A run that has failed has logged the traceback itself.
    if not (folder / RECORD_FILE).exists() or Record.load(folder).status != RunStatus.FAILED:
        logging.getLogger("traceback").error("the job failed", exc_info=error)

    return masked(f"{type(error).__name__}: {error} (the traceback is in {folder / 'train.log'})")
