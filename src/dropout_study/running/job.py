"""One job: a condition that is skipped if its results are recorded, trained if not, and never stops the others.

What becomes of it stands in a small file in its folder, which the sweep's progress line and final
table read. A job that is skipped imports neither torch nor Lightning.
"""

import dataclasses
import json
import logging
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import condition, read, schema
from dropout_study.config.condition import condition_name
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import absolute, masked
from dropout_study.system.processes import in_words, is_alive, now_ms, repeat_every, this_process
from dropout_study.system.termination import Terminated, raised
from dropout_study.tracking.record import RECORD_FILE, Record

JOB_FILE = "job.json"
STOP_FILE = "stop"  # in the sweep's folder: why its jobs are not to go on; empty for FAILED_FAST
FAILED_FAST = "another job failed (fail_fast=true)"
ORPHANED = "the process of the sweep has gone"
RETRY_FILE = "turn"  # in the sweep's folder: the folder of the one job that is tried again after its process has died
SUCCESSFUL_STATES = ("done", "skipped", "planned")  # the ends of jobs that leave nothing to do
PAUSE_SECONDS = 2.0  # seconds between two looks at a job that another process is at work on

log = logging.getLogger(__name__)


@dataclass
class Job:
    """How a job stands.

    Attributes:
        state: `running`, `waiting` (another process trains the same), `interrupted`, `died`, or one
            of the ends:
            `done`, `skipped`, `planned` (dry run), `failed`, `stopped`.
        reason: why it was skipped, failed or stopped.
        share: share of the updates that are done.
        errors: test error (percent) of every complete seed under weight scaling.
        nlls: negative log-likelihood (nats) likewise.
        seeds: the seeds to train.
        estimate: seconds that training would take (dry run).
        deaths: how often its process has died.
        condition: what it is to train, see `condition_of`; files of older versions do not say.
    """

    name: str
    state: str = "running"
    reason: str = ""
    share: float = 0.0
    errors: list[float] = field(default_factory=list)
    nlls: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    estimate: float = 0.0
    deaths: int = 0
    condition: str = ""
    process: dict[str, str] = field(default_factory=this_process)
    started_ms: int = field(default_factory=now_ms)
    beat_ms: int = field(default_factory=now_ms)

    @property
    def ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in (*SUCCESSFUL_STATES, "failed", "stopped")

    @property
    def at_work(self) -> bool:
        """Whether another process has begun it and not ended it; the one that asks does not."""
        begun = self.state in ("running", "waiting") and self.process != this_process()
        return begun and is_alive(self.process, self.beat_ms)

    @property
    def dead(self) -> bool:
        """Whether its process has gone before it ended."""
        return self.state in ("running", "waiting") and not self.at_work

    @property
    def seconds(self) -> float:
        """Wall time so far, or until its end."""
        return (self.beat_ms - self.started_ms) / 1000

    def end(self, state: str, reason: str = "") -> None:
        """Set the final state."""
        self.state = state
        self.reason = reason

    def die(self, reason: str, fail_fast: bool) -> None:
        """Its process died: the job is tried once more, unless a failure stops the sweep."""
        self.deaths += 1
        self.end("failed" if self.deaths > 1 or fail_fast else "died", reason)

    def add(self, metrics: Iterable[dict[str, float]]) -> None:
        """Count the results of seeds."""
        for of_seed in metrics:
            self.errors.append(of_seed["test/error/weight_scaling"])
            self.nlls.append(of_seed["test/nll/weight_scaling"])

    def save(self, folder: Path) -> None:
        """Write the file whole or not at all, or on a full disk as well as can be."""
        self.beat_ms = now_ms()
        text = json.dumps(dataclasses.asdict(self))
        partial = folder / f"{JOB_FILE}.partial"

        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / JOB_FILE)
        except OSError:
            partial.unlink(missing_ok=True)
            # The room that the file takes already is enough.
            (folder / JOB_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Job | None":
        """Read the file of a folder, if there is one that is whole."""
        try:
            return cls(**json.loads((folder / JOB_FILE).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def condition_of(composed: DictConfig, name: str) -> str:
    """Study, condition, seeds and store of a job; its name if the configuration cannot be read."""
    try:
        config = read.read_config(composed)
        store = masked(absolute(config.tracking.uri))
        return f"{config.study.name} {condition.condition_digest(config)} {config.seeds} {store}"
    except Exception:  # which the job itself reports
        return name


def carry_out(
    composed: DictConfig,
    folder: Path,
    name: str,
    sweep: Path | None,
    in_worker: bool = False,
) -> None:
    """Do one job; whatever goes wrong is left in its folder, so that the rest of a sweep goes on.

    Args:
        composed: Hydra's configuration.
        folder: the job's own.
        name: what to call the job as long as its condition is not known.
        sweep: the folder of its sweep, which tells what happens in a line for all jobs.
        in_worker: whether a launcher's process does the job, and not the one that was started.

    Raises:
        ConfigError: another process is at work on another condition in the folder.
    """
    if sweep:
        root = logging.getLogger()
        root.handlers = [
            handler for handler in root.handlers if isinstance(handler, logging.FileHandler)
        ]
        logging.raiseExceptions = False  # of a full disk the job's own sentence is enough

    condition = condition_of(composed, name)
    deaths = _earlier(folder, sweep, condition, str(composed.tracking.uri))
    if deaths is None:
        return

    job = Job(name, deaths=deaths, condition=condition)
    outlives = os.environ.get("SUBMITIT_EXECUTOR") == "slurm"  # a sweep that ends, as it should
    watched = sweep if in_worker and not (outlives or composed.dry_run) else None

    def beat() -> None:
        if watched and _has_gone(watched):
            (watched / STOP_FILE).write_text(ORPHANED, encoding="utf-8")
        job.save(folder)

    try:
        with raised():
            job.save(folder)
            config = read.read_config(composed)
            job.name = condition_name(config)

            with repeat_every(1, beat):
                _attempt(config, job, folder, sweep)
    except Exception as error:
        job.end("failed", _sentence(error, folder))
    except BaseException as error:
        _interrupt(job, error, in_worker, bool(composed.fail_fast))
        if job.state == "interrupted":
            raise
    finally:
        with suppress(OSError):
            job.save(folder)
            if sweep and composed.fail_fast and job.state == "failed":
                (sweep / STOP_FILE).touch()

    if watched and _has_gone(watched):
        os.kill(os.getpid(), signal.SIGTERM)  # joblib's workers would wait minutes for more to do


def _interrupt(job: Job, error: BaseException, in_worker: bool, fail_fast: bool) -> None:
    """Set what becomes of a job that ended by an exception that is no error."""
    if in_worker and isinstance(error, Terminated):
        job.die("its process was asked to end", fail_fast)
    elif isinstance(error, SystemExit) and not error.code:
        # Raised, it would end the sweep as if all were well.
        job.end("failed", "SystemExit: something called sys.exit() before the job was done")
    else:  # Ctrl-C, or the scheduler, which may start the job again
        job.end("interrupted", "interrupted")


def _has_gone(sweep: Path) -> bool:
    """Whether the process of a sweep was on this machine, and is no more."""
    return (sweep / RECORD_FILE).exists() and not is_alive(Record.load(sweep).tags, now_ms())


def _earlier(folder: Path, sweep: Path | None, condition: str, uri: str) -> int | None:
    """How often the job's process has died; nothing if an earlier pass over the sweep has dealt with the job."""
    while job := Job.load(folder):
        if job.condition != condition:
            if job.at_work:
                who = in_words(job.process)
                raise ConfigError(f"{folder} cannot be used: {who} is at work there on {job.name}.")
            return 0

        if job.ended or (job.state == "died" and not _has_turn(folder, sweep)):
            return None

        if job.state in ("died", "interrupted"):
            return job.deaths

        if job.dead:
            from dropout_study.tracking.recorder import mark_dead_job_failed
            from dropout_study.tracking.store import Store

            # The job itself reports a full disk or an address that cannot be used.
            with suppress(OSError, ConfigError):
                mark_dead_job_failed(folder, Store(uri))

            return job.deaths + 1

        time.sleep(PAUSE_SECONDS)  # it outlived the launcher that began it

    return 0


def _has_turn(folder: Path, sweep: Path | None) -> bool:
    if sweep is None or not (sweep / RETRY_FILE).exists():
        return False
    return folder.samefile((sweep / RETRY_FILE).read_text(encoding="utf-8"))


def _reason_to_stop(sweep: Path | None) -> str:
    """Why the jobs of a sweep are not to go on, if so."""
    if sweep is None or not (sweep / STOP_FILE).exists():
        return ""
    return (sweep / STOP_FILE).read_text(encoding="utf-8") or FAILED_FAST


def _attempt(config: Config, job: Job, folder: Path, sweep: Path | None) -> None:
    """Train the seeds that are missing, as one cohort; wait for those that another process is training."""
    wanted = config.seeds
    trained = False

    while not _reason_to_stop(sweep):
        running = _look_up(config, wanted, job)

        if config.dry_run:
            return _plan(config, job) if job.seeds else job.end("skipped", running or job.reason)

        if job.seeds and trained:  # the folder holds the results of the others
            return job.end(
                "failed", f"seeds {job.seeds} are missing: the process that trained them has died."
            )

        if job.seeds:
            config.seeds = job.seeds
            trained = _train(config, job, folder, sweep)
            if trained and (not running or job.state != "done"):
                return None
        elif running:
            job.end("waiting", running)
            time.sleep(PAUSE_SECONDS)
        else:
            return job.end("done") if trained else job.end("skipped", job.reason)

    return job.end("stopped", _reason_to_stop(sweep))


def _look_up(config: Config, wanted: list[int], job: Job) -> str:
    """Take what is recorded into the job's results, and leave it the rest; say who trains what is under way."""
    from dropout_study.tracking.lookup import look_up
    from dropout_study.tracking.store import UNREACHABLE, Store, quiet_mlflow, refuses

    quiet_mlflow()

    job.errors = []
    job.nlls = []
    job.seeds = wanted

    store = Store(config.tracking.uri)
    if config.rerun or (config.dry_run and not store.exists):
        return ""

    try:
        known = look_up(store, config.study.name, condition.condition_digest(config))
    except UNREACHABLE as error:  # what is trained twice is sorted out when it is recorded
        if refuses(error):
            raise schema.ConfigError(
                f"tracking.uri={store.shown} refuses this process: set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD where it runs."
            ) from error

        log.warning("the store cannot be asked what it holds: %s", masked(str(error)))
        return ""

    job.add(run_cohort.data.metrics for _, run_cohort in sorted(known.complete.items()))
    job.seeds = known.missing(wanted)
    commits = {
        run_cohort.data.tags.get("git.commit", "unknown")[:7]
        for seed, run_cohort in known.complete.items()
        if seed in wanted
    }
    job.reason = f"recorded at commit {' and '.join(sorted(commits))} (rerun=true trains again)"
    running = [
        run_cohort.data.tags
        for seed, run_cohort in known.running.items()
        if seed in wanted and seed not in known.complete
    ]
    others = {in_words(tags) for tags in running}

    return f"being trained by {' and '.join(sorted(others))}" if others else ""


def _plan(config: Config, job: Job) -> None:
    """How long training would take."""
    from dropout_study.running.estimate import estimate

    config.seeds = job.seeds
    job.estimate = estimate(config)
    job.end("planned")


def _train(config: Config, job: Job, folder: Path, sweep: Path | None) -> bool:
    """Train and record the cohort; whether nobody else had begun it in the meantime."""
    from dropout_study.running.run import Stopped, Taken, run_cohort

    def watch(update: int) -> None:
        job.share = update / config.budget.updates
        if reason := _reason_to_stop(sweep):
            raise Stopped(reason)

    job.end("running")

    try:
        record = run_cohort(config, folder, sweep, watch)
    except Taken:
        return False
    except Stopped as stopped:
        job.end("stopped", str(stopped))
        return True

    job.add(seed.metrics for seed in record.successful)
    job.end("failed" if record.reason else "done", record.reason)

    return True


def _sentence(error: Exception, folder: Path) -> str:
    """Why a job failed; the traceback of what nobody foresaw goes into the log."""
    if isinstance(error, schema.ConfigError):
        return masked(str(error))

    if (
        not (folder / RECORD_FILE).exists() or Record.load(folder).status != "FAILED"
    ):  # else the run has logged it
        logging.getLogger("traceback").error("the job failed", exc_info=error)

    return masked(f"{type(error).__name__}: {error} (the traceback is in {folder / 'train.log'})")
