"""The progress line of a sweep, and the line with which each job ends."""

import math
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from dropout_study.running.bottom_line import bar
from dropout_study.running.job import Job, JobState

LOOK_SECONDS = 0.5
"""Between two looks at the jobs."""
COUNTED_STATES = (JobState.DONE, JobState.FAILED, JobState.SKIPPED, JobState.WAITING)
"""The states of which the progress line shows how many jobs have them."""


def jobs_of(folders: Iterable[Path]) -> dict[Path, Job]:
    """The jobs of some folders that have begun, in order."""
    return {folder: job for folder in folders if (job := Job.load(folder))}


class Progress:
    """Watches the folders of a sweep's jobs, wherever they run, and prints how each ended.

    On a terminal a line at the bottom shows the progress of the sweep; otherwise only the ends of
    jobs are printed.

    Args:
        folders: one per job; a search adds those of later jobs.
        total: the number of jobs that there will be.
    """

    def __init__(self, folders: Sequence[Path], total: int) -> None:
        self._folders = folders
        self._total = total
        self._ended: dict[Path, Job] = {}
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._held = ExitStack()
        self._bar = self._held.enter_context(
            bar(total=self._total, bar_format="{percentage:3.0f}% {bar:10} {elapsed}  {desc}")
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Print what is new, and remove the line."""
        self._stop.set()
        self._thread.join()
        self._look()
        self._held.close()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        """Print the jobs that have ended since the last look, and update the line."""
        jobs = jobs_of(self._folders)

        for folder, job in jobs.items():
            if job.has_ended and folder not in self._ended:
                self._ended[folder] = job
                self._print(job)

        begun = list(jobs.values())
        elapsed = time.monotonic() - self._began
        self._bar.set_description_str(progress_line(begun, self._total, elapsed), False)
        self._bar.n = min(self._total, round(sum(job.progress for job in begun), 2))
        self._bar.refresh()

    def _print(self, job: Job) -> None:
        """Print how a job ended, above the line; what was planned stands in the table alone."""
        if job.state == JobState.PLANNED:
            return

        with suppress(OSError):  # the terminal may have been closed
            print(f"[{len(self._ended)}/{self._total}] {outcome_line(job)}", flush=True)


def outcome_line(job: Job) -> str:
    """How a job ended, in one line."""
    match job.state:
        case JobState.DONE:
            data, errors = shown_errors(job)
            if not errors or math.inf in errors:  # of candidates, whose divergence is an answer
                return f"{job.name}: {job.reason}"

            count = len(errors)
            error = sum(errors) / count
            seeds = "1 seed" if count == 1 else f"{count} seeds"
            others = job.together - 1
            beside = f" with {others} other{'s' if others > 1 else ''}" if others else ""
            return f"{job.name}: {error:.2f} % {data} error, {seeds}, {job.seconds:.0f} s{beside}"
        case JobState.FAILED:
            return f"{job.name}: FAILED, {job.reason}"

    return f"{job.name}: {job.state}, {job.reason}"


def progress_line(jobs: Sequence[Job], total: int, elapsed: float) -> str:
    """How far a sweep is, in one line: what a narrow terminal has no room for comes last.

    Args:
        jobs: those that have begun or ended.
        total: the number of all jobs.
        elapsed: seconds since the first began.
    """
    seconds = seconds_left(jobs, total, elapsed)
    parts = [f"{duration(seconds)} left"] if seconds else []

    counts = {state: sum(job.state == state for job in jobs) for state in COUNTED_STATES}
    left = total - sum(job.has_ended for job in jobs)
    parts += [f"{count} {state}" for state, count in counts.items() if count]
    parts.append(f"{left} to do")

    evaluated = [job.evaluated for job in jobs if job.evaluated is not None and not job.has_ended]
    if evaluated:
        shares = ", ".join(f"{100 * share:.0f} %" for share in evaluated)
        parts.append(f"evaluation on test data: {shares}")

    finished = [job for job in jobs if shown_errors(job)[1] and job.has_ended]
    if finished:
        best = min(finished, key=_mean_error)
        parts.append(f"best {_mean_error(best):.2f} % ({best.name})")

    return ", ".join(parts)


def seconds_left(jobs: Sequence[Job], total: int, elapsed: float) -> float | None:
    """How long the rest of a sweep takes at its pace so far; None if there is no pace to tell.

    The pace is what has been trained and evaluated since the sweep began, in jobs. What was
    skipped, failed, or trained before an interruption took none of that time.

    Args:
        jobs: those that have begun or ended.
        total: the number of all jobs.
        elapsed: seconds since the sweep began.
    """
    counted = [job for job in jobs if job.state == JobState.DONE or not job.has_ended]
    done = sum(job.progress_here for job in counted)
    left = total - sum(job.progress for job in jobs)

    return elapsed * left / done if done > 0 and left > 0 else None


def duration(seconds: float) -> str:
    """Seconds in the unit that people would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _mean_error(job: Job) -> float:
    """Mean error over the seeds, in percent."""
    _, errors = shown_errors(job)
    return sum(errors) / len(errors)


def shown_errors(job: Job) -> tuple[str, list[float]]:
    """The errors by which a job is shown, and on which data they were made.

    Candidates of a search have validation errors alone.
    """
    return ("test", job.errors) if job.errors else ("validation", job.validation)
