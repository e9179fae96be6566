"""The one line of a sweep: what is done, failed, skipped and left, the best so far, the time left."""

import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from dropout_study.running.job import Job

EVERY = 0.5  # seconds between two looks at the jobs


def jobs_of(folders: Iterable[Path]) -> dict[Path, Job]:
    """The jobs of some folders that have begun, in order."""
    return {folder: job for folder in folders if (job := Job.load(folder))}


class Progress:
    """Watches the folders of a sweep's jobs, wherever they run, and tells how each ended.

    On a terminal a line at the bottom shows where the sweep stands; without one only the ends of
    jobs are printed.

    Args:
        folders: one per job.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._total = len(folders)
        self._ended: dict[Path, Job] = {}
        self._began = time.monotonic()
        self._stop = threading.Event()
        form = "{percentage:3.0f}% {bar} {desc}"
        self._bar = tqdm(
            total=self._total,
            bar_format=form,
            leave=False,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell what is new, and remove the line."""
        self._stop.set()
        self._thread.join()
        self._look()
        self._bar.close()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            self._look()

    def _look(self) -> None:
        jobs = jobs_of(self._folders)
        for folder, job in jobs.items():
            if job.ended and folder not in self._ended:
                self._ended[folder] = job
                with suppress(OSError):  # of a terminal that was closed
                    tqdm.write(f"[{len(self._ended)}/{self._total}] {told(job)}", file=sys.stdout)
                    sys.stdout.flush()

        self._bar.set_description_str(
            line(list(jobs.values()), self._total, time.monotonic() - self._began), False
        )
        self._bar.n = min(
            self._total, round(sum(1.0 if job.ended else job.share for job in jobs.values()), 2)
        )
        self._bar.refresh()


def told(job: Job) -> str:
    """How a job ended, in one line."""
    match job.state:
        case "done":
            error = sum(job.errors) / len(job.errors)
            return f"{job.name}: {error:.2f} % test error, {len(job.errors)} seeds, {job.seconds:.0f} s"
        case "planned":
            return f"{job.name}: {len(job.seeds)} seeds to train, about {duration(job.estimate)}"

    return f"{job.name}: {'FAILED' if job.state == 'failed' else job.state}, {job.reason}"


def line(jobs: list[Job], total: int, elapsed: float) -> str:
    """Where a sweep stands, in one line.

    Args:
        jobs: those that have begun or ended.
        total: number of all.
        elapsed: seconds since the first began.
    """
    counts = {
        state: sum(job.state == state for job in jobs)
        for state in ("done", "failed", "skipped", "waiting")
    }
    left = total - sum(job.ended for job in jobs)
    parts = [f"{count} {state}" for state, count in counts.items() if count] + [f"{left} left"]

    if finished := [job for job in jobs if job.errors and job.ended]:
        best = min(finished, key=lambda job: sum(job.errors) / len(job.errors))
        parts.append(f"best {sum(best.errors) / len(best.errors):.2f} % ({best.name})")

    trained = sum(1.0 if job.ended else job.share for job in jobs if job.state != "skipped")
    if trained > 0 and left:
        remaining = total - counts["skipped"] - trained
        parts.append(f"{duration(elapsed * remaining / trained)} left")

    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
