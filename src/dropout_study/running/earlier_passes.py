"""What an earlier pass, or another process, has left in the folder of a job."""

import os
import time
from contextlib import suppress
from pathlib import Path

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import RETRY_FILE, Job, JobState
from dropout_study.system.processes import in_words

PAUSE_SECONDS = 2.0
"""Between two looks at what another process is at work on."""
RESTARTS = "SLURM_RESTART_COUNT"
"""How often SLURM has begun a task again, which it had ended or whose node had failed."""


def deaths_so_far(folder: Path, sweep: Path | None, condition: str, uri: str) -> int | None:
    """How often the process of a job has died; None if there is nothing to do in this pass.

    | the job that the folder holds | result |
    | --- | --- |
    | none, or one of another condition | 0 |
    | one of another condition, and a process is at work on it | ConfigError |
    | has ended | None |
    | has died, and another job is retried | None |
    | has died, and is retried; or was interrupted | its deaths |
    | has begun, and its process has gone | its deaths + 1; its run is marked as failed |
    | the same, but SLURM begins it again | its deaths; its run is marked as interrupted |
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
            is_interrupted = int(os.environ.get(RESTARTS, "0")) > 0
            _end_run(folder, uri, is_interrupted)
            return job.deaths if is_interrupted else job.deaths + 1

        time.sleep(PAUSE_SECONDS)  # its process has outlived the launcher that began it

    return 0


def _is_retried(folder: Path, sweep: Path | None) -> bool:
    """Whether a sweep retries the job of a folder now."""
    if sweep is None or not (sweep / RETRY_FILE).exists():
        return False

    retried = (sweep / RETRY_FILE).read_text(encoding="utf-8").splitlines()

    return any(folder.samefile(name) for name in retried)


def _end_run(folder: Path, uri: str, interrupted: bool) -> None:
    """End the run of a job whose process has gone, as interrupted or as failed."""
    from dropout_study.tracking.recorder import end_dead_job
    from dropout_study.tracking.store import Store, quiet_mlflow

    quiet_mlflow()

    # The job itself reports a full disk, and an address that cannot be used.
    with suppress(OSError, ConfigError):
        end_dead_job(folder, Store(uri), interrupted)
