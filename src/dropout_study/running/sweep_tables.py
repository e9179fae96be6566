"""The tables that a sweep ends with."""

from collections.abc import Sequence

from rich.table import Table

from dropout_study.config.condition import apart
from dropout_study.measures.statistics import (
    PERCENT,
    SEEDS_OF_INTERVAL,
    interval,
    spread_in_words,
)
from dropout_study.running.job import Job, JobState
from dropout_study.running.progress import duration

OTHER_CODE = "‡"


def results_of_jobs(jobs: Sequence[Job]) -> Table:
    """Error and NLL under weight scaling per condition: mean and 95 % interval over its seeds.

    Of few seeds, their errors stand in place of the interval.
    """
    spread = spread_heading([len(job.errors) for job in jobs])
    caption = "test data, weight scaling; means over all recorded seeds"
    shared, names = apart([job.name for job in jobs])
    table = Table(title=shared or None, caption=caption + note_on_code(jobs))
    _add_columns(table, "condition", "seeds", "test error %", spread, "NLL (nats)", "time")

    for name, job in zip(names, jobs, strict=True):
        error = interval(job.errors)
        nll = interval(job.nlls)
        errors = spread_in_words(job.errors, PERCENT)
        spent = "recorded" if job.state == JobState.SKIPPED else duration(job.seconds)
        numbers = (f"{error.n}{mark(job)}", f"{error.mean:.2f}", errors, f"{nll.mean:.4f}", spent)
        table.add_row(name, *numbers)

    return table


def plan_of_jobs(jobs: Sequence[Job]) -> Table:
    """What a sweep would train and evaluate, and for how long, for a dry run."""
    lacking = sum(bool(job.seeds) and not job.estimate for job in jobs)
    total = duration(sum(job.estimate for job in jobs))
    counted = f"for {len(jobs) - lacking} of {len(jobs)} jobs" if lacking else "in all"
    caption = f"about {total} {counted}, one job after the other"
    shared, names = apart([job.name for job in jobs])
    table = Table(title=shared or None, caption=caption + note_on_code(jobs))
    _add_columns(table, "condition", "seeds to train", "recorded", "time")

    for name, job in zip(names, jobs, strict=True):
        spent = duration(job.estimate) if job.estimate else "-"
        table.add_row(name, str(len(job.seeds)), f"{len(job.errors)}{mark(job)}", spent)

    return table


def spread_heading(seeds: Sequence[int]) -> str:
    """What stands above intervals over seeds, or the values of few seeds.

    Args:
        seeds: how many there are, by row.
    """
    few = [number < SEEDS_OF_INTERVAL for number in seeds]
    if all(few):
        return "errors of seeds"

    return "95 % interval or errors of seeds" if any(few) else "95 % interval"


def mark(job: Job) -> str:
    """The sign of a number of seeds some of which were computed by other code."""
    return OTHER_CODE if job.other_code else ""


def note_on_code(jobs: Sequence[Job]) -> str:
    """What the sign means, where it stands."""
    digests = sorted({digest for job in jobs for digest in job.other_code})
    if not digests:
        return ""

    codes = ", ".join(digests)
    note = f"some seeds were computed by other code ({codes}); rerun=true trains them again"

    return f"; {OTHER_CODE} {note}"


def failures_of_jobs(jobs: Sequence[Job]) -> Table:
    """The jobs that failed or were stopped, and why."""
    table = Table(title=f"{len(jobs)} did not finish")

    for heading in ("condition", "state", "reason"):
        table.add_column(heading)

    for job in jobs:
        table.add_row(job.name, job.state, job.reason)

    return table


def _add_columns(table: Table, condition: str, *numbers: str) -> None:
    """Head a table: names on the left, numbers on the right of their columns."""
    table.add_column(condition)

    for heading in numbers:
        table.add_column(heading, justify="right")
