"""The tables of `scripts/status.py`."""

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table

from dropout_study.running.job import JobState
from dropout_study.running.progress import duration
from dropout_study.running.sweep_state import (
    NOT_BEGUN,
    JobLine,
    SweepState,
    count_states,
    shown,
)

UNKNOWN = "unknown"


def table_of_sweeps(sweeps: Sequence[SweepState]) -> Table:
    """Sweeps in a line each, as far as their jobs have begun or ended."""
    table = Table()

    for heading in ("sweep", "state", "jobs"):
        table.add_column(heading, overflow="fold")

    table.add_column("time", justify="right")
    table.add_column("left", justify="right")

    for sweep in sweeps:
        numbers = (duration(sweep.seconds), time_left(sweep))
        table.add_row(shown(sweep.folder), sweep.state, count_states(sweep.lines), *numbers)

    return table


def table_of_jobs(sweep: SweepState) -> Table:
    """The jobs of a sweep in a line each, grouped by the machine that carries them out."""
    table = Table()
    table.add_column("condition")
    table.add_column("state")

    for heading in ("done", "time", "left"):
        table.add_column(heading, justify="right")

    for heading in ("host", "reason"):
        table.add_column(heading)

    for _, lines in groupby(sorted(sweep.lines, key=_host), key=_host):
        for line in lines:
            table.add_row(line.name, line.state, *_progress(line), line.host, line.reason)

        table.add_section()

    return table


def hosts_in_words(sweep: SweepState) -> list[str]:
    """What the jobs of each machine do, in a line per machine, if there are several."""
    begun = sorted((line for line in sweep.lines if line.host), key=_host)
    hosts = {host: count_states([*lines]) for (_, host), lines in groupby(begun, key=_host)}

    return [f"{host}: {counts}" for host, counts in hosts.items()] if len(hosts) > 1 else []


def sweep_in_words(sweep: SweepState) -> str:
    """How a sweep stands, in one line."""
    parts = [sweep.state, count_states(sweep.lines), f"{duration(sweep.seconds)} so far"]

    if sweep.is_running:
        parts.append(f"time left: {time_left(sweep)}")
    else:
        parts[-1] = f"took {duration(sweep.seconds)}"

    return f"{shown(sweep.folder)}: {'; '.join(parts)}"


def time_left(sweep: SweepState) -> str:
    """How long the rest of a sweep takes, as far as that is known."""
    if not sweep.is_running:
        return "-"

    return UNKNOWN if sweep.left is None else duration(sweep.left)


def _host(line: JobLine) -> tuple[bool, str]:
    """The machine of a job; jobs without one come last."""
    return not line.host, line.host


def _progress(line: JobLine) -> tuple[str, str, str]:
    """The share of a job that is done, its time, and what is left of it."""
    if line.state == NOT_BEGUN:
        return "-", "-", "-"

    runs = line.state == JobState.RUNNING
    left = (UNKNOWN if line.left is None else duration(line.left)) if runs else "-"

    return f"{100 * line.share:.0f} %", duration(line.seconds), left
