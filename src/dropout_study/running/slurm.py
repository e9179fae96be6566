"""The queue of a SLURM cluster: which jobs of a sweep are still in it.

submitit asks SLURM's accounts (`sacct`). Where none are kept, it would wait for a killed job for
ever, and log two warnings at every look.
"""

import os
import subprocess
import sys
import time
from functools import cached_property

from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob
from tqdm import tqdm

LOOK_SECONDS = 20
"""Between two looks at the queue, which all users of a cluster share."""
IN_QUEUE = "PENDING"
NOT_IN_QUEUE = "COMPLETED"
"""States as submitit knows them: it waits for the first, and not for the second."""


class QueueWatcher(SlurmInfoWatcher):
    """Tells submitit whether a job has ended, by SLURM's accounts or else by its queue.

    Attributes:
        jobs: the ids of all jobs that this process has submitted.
    """

    def __init__(self) -> None:
        super().__init__(delay_s=600)  # as submitit's own
        self.jobs: set[str] = set()
        self._queue: set[str] | None = None
        self._looked = 0.0

    def register_job(self, job_id: str) -> None:
        """Add a job, which the last look at the queue did not see."""
        super().register_job(job_id)
        self.jobs.add(job_id)
        self._queue = None

    def get_state(self, job_id: str, mode: str = "standard") -> str:
        """The state of a job: with accounts SLURM's, else one of the two above."""
        if self._keeps_accounts:
            return super().get_state(job_id, mode)

        if self._queue is None or time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()

        is_gone = self._queue is not None and job_id not in self._queue

        return NOT_IN_QUEUE if is_gone else IN_QUEUE

    def _look(self) -> None:
        """Read the queue; where the controller does not answer, what was read before stays."""
        command = ["squeue", f"--user={os.getuid()}", "--array", "--noheader", "--format=%i"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self._looked = time.monotonic()

        if done.returncode == 0:
            self._queue = set(done.stdout.split())

    @cached_property
    def _keeps_accounts(self) -> bool:
        """Whether the cluster keeps accounts; says once that it does not."""
        try:
            command = ["sacct", "--noheader", "--jobs=1"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            answer = "sacct is not installed"
        else:
            if done.returncode == 0:
                return True
            answer = " ".join(done.stderr.split()) or "sacct fails"

        line = f"SLURM keeps no accounts here ({answer}): the sweep looks at its queue instead."
        tqdm.write(line, file=sys.stderr)

        return False


def watch_queue() -> None:
    """Let submitit ask a `QueueWatcher` for the jobs that this process submits."""
    if not isinstance(SlurmJob.watcher, QueueWatcher):
        SlurmJob.watcher = QueueWatcher()


def wait_for_queue() -> None:
    """Wait until all jobs that this process has submitted have left the queue."""
    watcher = SlurmJob.watcher

    if isinstance(watcher, QueueWatcher):
        while not all(watcher.is_done(job) for job in watcher.jobs):
            time.sleep(1)
