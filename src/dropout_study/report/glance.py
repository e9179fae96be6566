"""The report at a glance: how many networks were trained, for how long, and on what."""

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass

import pandas as pd

from dropout_study.config.names import FINAL, HALF, TUNING
from dropout_study.report.manifest import committed_in_words
from dropout_study.report.origin import code_of, commits_of
from dropout_study.report.scopes import stage_of

STAGES = {TUNING: "to tune", FINAL: "to decide", HALF: "as half-budget control"}
UNKNOWN = "not recorded"
SHORTEST = 0.05
"""Hours that one digit does not round to 0."""


@dataclass(frozen=True)
class Fact:
    """One line of the report's head."""

    term: str
    value: str


@dataclass(frozen=True)
class StudyWork:
    """What a study took.

    Attributes:
        study: its name.
        networks: trained or evaluated, in all stages.
        hours: during which something of it ran; nan if that was not recorded.
        machines: the processors or devices that ran it.
    """

    study: str
    networks: int
    hours: float
    machines: str

    @property
    def hours_in_words(self) -> str:
        """The hours with one digit behind the point; a few minutes are not 0 hours.

        >>> StudyWork("exact", 60, 0.5333, "a processor").hours_in_words
        '0.5'
        >>> StudyWork("cost", 5, 0.0425, "a processor").hours_in_words
        '< 0.1'
        """
        if math.isnan(self.hours):
            return UNKNOWN

        return "< 0.1" if self.hours < SHORTEST else f"{self.hours:.1f}"


def facts(results: pd.DataFrame) -> list[Fact]:
    """Networks, hours, machines, test images, criteria and code; none without networks."""
    if results.empty:
        return []

    commits = ", ".join(commits_of(results))
    lines = [
        Fact("networks", _networks(results)),
        Fact("computing", _computing(results)),
        Fact("test images", _images(results)),
        Fact("criteria", committed_in_words().removeprefix("Criteria: ")),
        Fact("code", f"{code_of(results)} Commits: {commits}."),
    ]

    return [line for line in lines if line.value]


def works(results: pd.DataFrame) -> list[StudyWork]:
    """What each study took, in the order of the results."""
    if results.empty:
        return []

    return [
        StudyWork(str(study), len(rows), hours(rows), _machines(rows))
        for study, rows in results.groupby("study", sort=False)
    ]


def hours(rows: pd.DataFrame) -> float:
    """Hours during which at least one of some networks was trained; nan if not recorded.

    Networks that are trained together, or at the same time, share these hours.

    >>> times = {"started": ["2026-11-26T10:00:00+00:00", "2026-11-26T10:30:00+00:00"],
    ...          "ended": ["2026-11-26T11:00:00+00:00", "2026-11-26T12:00:00+00:00"]}
    >>> hours(pd.DataFrame(times))
    2.0
    """
    if not {"started", "ended"} <= set(rows) or rows["started"].isna().any():
        return float("nan")

    spans = rows[["started", "ended"]].drop_duplicates().apply(pd.to_datetime, utc=True)
    total = pd.Timedelta(0)
    covered = spans["started"].min()

    for began, ended in spans.sort_values("started").itertuples(index=False):
        total += max(ended - max(began, covered), pd.Timedelta(0))
        covered = max(covered, ended)

    return float(total / pd.Timedelta(hours=1))


def _networks(results: pd.DataFrame) -> str:
    stages = stage_of(results)
    counts = [
        f"{count:,} {words}"
        for stage, words in STAGES.items()
        if (count := int((stages == stage).sum()))
    ]
    conditions = results["digest"].nunique()

    return (
        f"{len(results):,} trained or evaluated again, in {results['study'].nunique()} studies and "
        f"{conditions:,} conditions: {', '.join(counts)}"
    )


def _computing(results: pd.DataFrame) -> str:
    """Hours and machines; empty for results from before they were recorded."""
    total = hours(results)
    return "" if math.isnan(total) else f"{total:.1f} hours on {_machines(results)}"


def _machines(rows: pd.DataFrame) -> str:
    """The processors, or the GPUs instead of them."""
    if not {"device", "processor"} <= set(rows):
        return UNKNOWN

    recorded = rows.dropna(subset=["device", "processor"])
    names = {
        str(processor) if "thread" in str(device) else str(device)
        for device, processor in zip(recorded["device"], recorded["processor"], strict=True)
    }

    return ", ".join(sorted(names)) or UNKNOWN


def _images(results: pd.DataFrame) -> str:
    """The fewest and the most test images of a network, from the outcomes per image."""
    outcomes = [column for column in map(str, results) if column.startswith("wrong/")]
    cells = [cell for column in outcomes for cell in results[column]]
    sizes = {len(cell) for cell in cells if isinstance(cell, Sized)}

    return _range(sizes) if sizes else ""


def _range(sizes: Iterable[int]) -> str:
    smallest, largest = min(sizes), max(sizes)
    return f"{smallest:,} to {largest:,} per network" if smallest < largest else f"{largest:,}"
