"""One job: a condition that is skipped if its results are recorded, trained if not, and never stops the others.

What becomes of it stands in a small file in its folder, which the sweep's progress line and final table read.
A job that is skipped imports neither torch nor Lightning.
"""

import dataclasses
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from dropout_study import config as schema
from dropout_study.addresses import absolute, masked
from dropout_study.config import Config
from dropout_study.processes import alive, every, identity, now_ms
from dropout_study.record import FILE as RECORD
from dropout_study.record import Record

FILE = "job.json"
STOP = "stop"  # in the sweep's folder: a job has failed, and fail_fast was asked for
TURN = "turn"  # in the sweep's folder: the folder of the one job that is tried again after its process has died
WELL = ("done", "skipped", "planned")  # the ends of jobs that leave nothing to do
PATIENCE = 2.0  # seconds between two looks at a job that another process is at work on

log = logging.getLogger(__name__)


@dataclass
class Job:
    """How a job stands.

    Attributes:
        state: `running`, `waiting` (another process trains the same), `interrupted`, `died`, or one of the ends:
            `done`, `skipped`, `planned` (dry run), `failed`, `stopped`.
        reason: why it was skipped, failed or stopped.
        share: share of the updates that are done.
        errors: test error (percent) of every complete seed under weight scaling.
        nlls: negative log-likelihood (nats) likewise.
        seeds: the seeds to train.
        estimate: seconds that training would take (dry run).
        deaths: how often its process has died.
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
    process: dict[str, str] = field(default_factory=identity)
    started_ms: int = field(default_factory=now_ms)
    beat_ms: int = field(default_factory=now_ms)

    @property
    def ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in (*WELL, "failed", "stopped")

    @property
    def dead(self) -> bool:
        """Whether its process has gone before it ended."""
        return self.state in ("running", "waiting") and not alive(self.process, self.beat_ms)

    @property
    def seconds(self) -> float:
        """Wall time so far, or until its end."""
        return (self.beat_ms - self.started_ms) / 1000

    def end(self, state: str, reason: str = "") -> None:
        """Set the final state."""
        self.state, self.reason = state, reason

    def add(self, metrics: Iterable[dict[str, float]]) -> None:
        """Count the results of seeds."""
        for of_seed in metrics:
            self.errors.append(of_seed["test/error/weight_scaling"])
            self.nlls.append(of_seed["test/nll/weight_scaling"])

    def save(self, folder: Path) -> None:
        """Write the file whole or not at all."""
        self.beat_ms = now_ms()
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Job":
        """Read the file of a folder."""
        return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))


def carry_out(composed: DictConfig, folder: Path, name: str, sweep: Path | None) -> None:
    """Do one job; whatever goes wrong is left in its folder, so that the rest of a sweep goes on.

    Args:
        composed: Hydra's configuration.
        folder: the job's own.
        name: what to call the job as long as its condition is not known.
        sweep: the folder of its sweep, which tells what happens in a line for all jobs.
    """
    if sweep:
        root = logging.getLogger()
        root.handlers = [handler for handler in root.handlers if isinstance(handler, logging.FileHandler)]
    deaths = _earlier(folder, sweep, str(composed.tracking.uri))
    if deaths is None:
        return
    job = Job(name, deaths=deaths)
    job.save(folder)
    try:
        config = schema.read(composed)
        job.name = schema.condition(config)
        with every(1, lambda: job.save(folder)):
            _attempt(config, job, folder, sweep)
    except Exception as error:
        job.end("failed", _sentence(error, folder))
    except BaseException:  # Ctrl-C, or the scheduler, which may start the job again
        job.end("interrupted", "interrupted")
        raise
    finally:
        job.save(folder)
        if sweep and composed.fail_fast and job.state == "failed":
            (sweep / STOP).touch()


def _earlier(folder: Path, sweep: Path | None, uri: str) -> int | None:
    """How often the job's process has died; nothing if an earlier pass over the sweep has dealt with the job."""
    while (folder / FILE).exists():
        job = Job.load(folder)
        if job.ended or (job.state == "died" and not _has_turn(folder, sweep)):
            return None
        if job.state in ("died", "interrupted"):
            return job.deaths
        if job.dead:
            from dropout_study.tracking import bury

            bury(folder, uri)
            return job.deaths + 1
        time.sleep(PATIENCE)  # it outlived the launcher that began it
    return 0


def _has_turn(folder: Path, sweep: Path | None) -> bool:
    if sweep is None or not (sweep / TURN).exists():
        return False
    return (sweep / TURN).read_text(encoding="utf-8") == str(folder)


def _attempt(config: Config, job: Job, folder: Path, sweep: Path | None) -> None:
    """Train the seeds that are missing, as one cohort; wait for those that another process is training."""
    wanted, trained = config.seeds, False
    while not (sweep and (sweep / STOP).exists()):
        running = _look_up(config, wanted, job)
        if config.dry_run:
            return _plan(config, job) if job.seeds else job.end("skipped", running or job.reason)
        if job.seeds and trained:  # the folder holds the results of the others
            return job.end("failed", f"seeds {job.seeds} are missing: the process that trained them has died.")
        if job.seeds:
            config.seeds = job.seeds
            trained = _train(config, job, folder, sweep)
            if trained and (not running or job.state != "done"):
                return None
        elif running:
            job.end("waiting", running)
            time.sleep(PATIENCE)
        else:
            return job.end("done") if trained else job.end("skipped", job.reason)
    return job.end("stopped", "another job failed (fail_fast=true)")


def _look_up(config: Config, wanted: list[int], job: Job) -> str:
    """Take what is recorded into the job's results, and leave it the rest; say who trains what is under way."""
    from mlflow.tracking import MlflowClient

    from dropout_study.identity import look_up
    from dropout_study.store import UNREACHABLE, exists

    job.errors, job.nlls, job.seeds = [], [], wanted
    uri = absolute(config.tracking.uri)
    if config.rerun or (config.dry_run and not exists(uri)):
        return ""
    try:
        known = look_up(MlflowClient(uri), config.study.name, schema.digest(config))
    except UNREACHABLE as error:  # what is trained twice is sorted out when it is recorded
        log.warning("the store cannot be asked what it holds: %s", masked(str(error)))
        return ""
    job.add(run.data.metrics for _, run in sorted(known.complete.items()))
    job.seeds = known.missing(wanted)
    commits = {run.data.tags.get("git.commit", "unknown")[:7] for seed, run in known.complete.items() if seed in wanted}
    job.reason = f"recorded at commit {' and '.join(sorted(commits))} (rerun=true trains again)"
    running = [run.data.tags for seed, run in known.running.items() if seed in wanted and seed not in known.complete]
    others = {f"{tags['host']}, process {tags['pid']}" for tags in running}
    return f"being trained by {' and '.join(sorted(others))}" if others else ""


def _plan(config: Config, job: Job) -> None:
    """How long training would take."""
    from dropout_study.experiment import estimate

    config.seeds = job.seeds
    job.estimate = estimate(config)
    job.end("planned")


def _train(config: Config, job: Job, folder: Path, sweep: Path | None) -> bool:
    """Train and record the cohort; whether nobody else had begun it in the meantime."""
    from dropout_study.experiment import Stopped, Taken, run

    def watch(update: int) -> None:
        job.share = update / config.budget.updates
        if sweep and (sweep / STOP).exists():
            raise Stopped("another job failed (fail_fast=true)")

    job.end("running")
    try:
        record = run(config, folder, sweep, watch)
    except Taken:
        return False
    except Stopped as stopped:
        job.end("stopped", str(stopped))
        return True
    job.add(seed.metrics for seed in record.whole)
    job.end("failed" if record.reason else "done", record.reason)
    return True


def _sentence(error: Exception, folder: Path) -> str:
    """Why a job failed; the traceback of what nobody foresaw goes into the log."""
    if isinstance(error, schema.ConfigError):
        return masked(str(error))
    if not (folder / RECORD).exists() or Record.load(folder).status != "FAILED":  # else the run has logged it
        logging.getLogger("traceback").error("the job failed", exc_info=error)
    return masked(f"{type(error).__name__}: {error} (the traceback is in {folder / 'train.log'})")
