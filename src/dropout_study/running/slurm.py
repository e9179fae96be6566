"""The queue of a SLURM cluster: which jobs of a sweep are still in it.

submitit asks SLURM's accounts (`sacct`). Where none are kept, it would wait for a killed job for
ever, and log two warnings at every look.
"""

import math
import os
import subprocess
import sys
import time
from functools import cached_property

from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob

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
        self._looked = -math.inf

    def register_job(self, job_id: str) -> None:
        """Add a job, which the last look at the queue did not see."""
        super().register_job(job_id)
        self.jobs.add(job_id)
        self._queue = None
        self._looked = -math.inf

    def get_state(self, job_id: str, mode: str = "standard") -> str:
        """The state of a job: with accounts SLURM's, else one of the two above."""
        if self._keeps_accounts:
            return super().get_state(job_id, mode)

        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._queue = read_queue()
            self._looked = time.monotonic()

        is_gone = self._queue is not None and job_id not in self._queue

        return NOT_IN_QUEUE if is_gone else IN_QUEUE

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
        print(line, file=sys.stderr)

        return False


def read_queue() -> set[str] | None:
    """The ids of this user's tasks in the queue; None if the controller does not answer."""
    command = ["squeue", f"--user={os.getuid()}", "--array", "--noheader", "--format=%i"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    return set(done.stdout.split()) if done.returncode == 0 else None


def watch_queue() -> None:
    """Let submitit ask a `QueueWatcher` for the jobs that this process submits."""
    if not isinstance(SlurmJob.watcher, QueueWatcher):
        SlurmJob.watcher = QueueWatcher()


def left_in_queue() -> str:
    """What this process leaves in the queue, in a sentence; empty if that is nothing."""
    watcher = SlurmJob.watcher
    submitted = watcher.jobs if isinstance(watcher, QueueWatcher) else set()
    tasks = submitted & (read_queue() or set())
    if not tasks:
        return ""

    arrays = sorted({task.partition("_")[0] for task in tasks}, key=int)
    left = "1 task stays" if len(tasks) == 1 else f"{len(tasks)} tasks stay"
    removal = f"scancel {' '.join(arrays)}"

    return f"{left} in SLURM's queue, and will be recorded; {removal} removes what is left."


def wait_for_queue() -> None:
    """Wait until all jobs that this process has submitted have left the queue."""
    watcher = SlurmJob.watcher

    if isinstance(watcher, QueueWatcher):
        while not all(watcher.is_done(job) for job in watcher.jobs):
            time.sleep(1)
