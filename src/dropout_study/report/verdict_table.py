"""The table of verdicts: its columns and its explanations, for terminal, pages and MLflow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dropout_study.analysis.claim import MARKS
from dropout_study.analysis.criteria import CONTRADICTED, IMAGE_ERRORS, INCONCLUSIVE, SUPPORTED
from dropout_study.report.rows import Row, decisive
from dropout_study.report.verdicts import NEEDS_MNIST, Outcome

Item = TypeVar("Item")
SIGNS = {SUPPORTED: "✔", CONTRADICTED: "✘", INCONCLUSIVE: "?", NEEDS_MNIST: "?"}
COLOURS = {SUPPORTED: "green", CONTRADICTED: "red", INCONCLUSIVE: "yellow", NEEDS_MNIST: "yellow"}
"""Of verdicts; a claim without runs, or at the smoke budget, has neither sign nor colour."""
TITLE = "Deep Learning, section 7.12, claim by claim"
INTRODUCTION = (
    "Each claim has a criterion that was written down before the runs, and is decided by a 95 % "
    "interval over paired seeds. Contradicted and inconclusive are results like any other. Rates "
    "are probabilities of dropping a unit (the book and Srivastava et al. state the probability of "
    "keeping it); errors are percent of test images, their differences are points."
)


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column of a table: its heading, the text of a cell, and whether cells are numbers."""

    heading: str
    cell: Callable[[Item], str]
    number: bool = False


@dataclass(frozen=True)
class Explanation:
    """What a sign or a heading means."""

    term: str
    meaning: str


def sign(shown: str) -> str:
    """What stands before a verdict as it is shown."""
    return SIGNS.get(shown, "·")


def footnotes(outcome: Outcome) -> str:
    """`*` if the adjusted p would overturn the verdict, `†` if a network was under-trained."""
    overturned = "*" if outcome.overturned else ""
    under_trained = "†" if outcome.convergence_warnings else ""
    return overturned + under_trained


def _verdict(outcome: Outcome) -> str:
    return f"{sign(outcome.shown)} {outcome.shown}{footnotes(outcome)}"


def _criterion(outcome: Outcome) -> str:
    """The criterion of the decisive effect, or why there is none."""
    return decisive(outcome).criterion if outcome.decided else outcome.reason


def _published(outcome: Outcome) -> str:
    """The first published number, with its mark."""
    if not outcome.claim.published:
        return ""

    first = outcome.claim.published[0]
    return f"{first.value} [{first.mark}]"


def _if_decided(cell: Callable[[Outcome], str]) -> Callable[[Outcome], str]:
    return lambda outcome: cell(outcome) if outcome.decided else ""


COLUMNS: list[Column[Outcome]] = [
    Column("claim", lambda outcome: outcome.claim.id),
    Column("verdict", _verdict),
    Column("effect", _if_decided(lambda outcome: decisive(outcome).effect), number=True),
    Column("95 % interval", _if_decided(lambda outcome: decisive(outcome).interval), number=True),
    Column("criterion", _criterion),
    Column("seeds", _if_decided(lambda outcome: str(outcome.seeds)), number=True),
    Column("budget", _if_decided(lambda outcome: outcome.where)),
    Column("published", _published),
]
"""Of the table of verdicts; pages show the claim as a link, and colour the verdict."""

EFFECT_COLUMNS: list[Column[Row]] = [
    Column("part", lambda row: row.part),
    Column("case", lambda row: row.case),
    Column("effect", lambda row: row.effect, number=True),
    Column("95 % interval", lambda row: row.interval, number=True),
    Column("test-set resolution", lambda row: row.resolution, number=True),
    Column("criterion", lambda row: row.criterion),
    Column("verdict", lambda row: row.verdict),
]
"""Of the table of a claim's effects; pages add the sign of a verdict."""


def explanations(outcomes: Sequence[Outcome]) -> list[Explanation]:
    """What the signs and headings of the tables mean, as far as they occur."""
    entries = [
        Explanation(
            "effect",
            "the one that decided, with its 95 % interval over seeds (or timing rounds); of exact "
            "claims, the largest deviation",
        ),
        Explanation(
            "test-set resolution",
            f"{IMAGE_ERRORS:g} standard errors of the difference over the test images, which all "
            "seeds share; an effect nearer than this to the limit of its criterion is inconclusive",
        ),
    ]

    if any(outcome.overturned for outcome in outcomes):
        entries.append(
            Explanation(
                "*",
                "Holm's adjustment for the number of claims would make the verdict inconclusive; "
                "the unadjusted interval decides",
            )
        )

    if any(outcome.convergence_warnings for outcome in outcomes):
        entries.append(
            Explanation(
                "†",
                "at least one compared network was under-trained: its validation error still fell, "
                "or the same network reached a lower one with more updates (the learning rate is "
                "annealed to zero, so a flat curve proves nothing; longer runs from other studies "
                "are used as a check)",
            )
        )

    if any(outcome.budget == "smoke" for outcome in outcomes):
        entries.append(
            Explanation(
                "smoke",
                "trained for seconds, to test the machinery; such verdicts say nothing about "
                "dropout",
            )
        )

    marks = "; ".join(f"{mark} {meaning}" for mark, meaning in MARKS.items())
    entries.append(
        Explanation(
            "published",
            f"how well a number was verified is marked: {marks}. None was checked against the "
            "publisher's own copy",
        )
    )

    return entries


def terminal_table(outcomes: Sequence[Outcome]) -> Table:
    """The verdicts for a terminal."""
    absent = {column.heading for column in EFFECT_COLUMNS} - {c.heading for c in COLUMNS}
    entries = [entry for entry in explanations(outcomes) if entry.term not in absent]
    caption = "\n".join(f"{entry.term}: {entry.meaning}" for entry in entries)
    table = Table(title=TITLE, caption=escape(caption), caption_justify="left")

    for column in COLUMNS:
        table.add_column(column.heading, justify="right" if column.number else "left")

    for outcome in outcomes:
        colour = COLOURS.get(outcome.shown, "dim")
        cells = {column.heading: escape(column.cell(outcome)) for column in COLUMNS}
        cells["verdict"] = f"[{colour}]{cells['verdict']}[/]"
        table.add_row(*cells.values())

    return table


def verdict_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The verdicts as a table of text, one row per claim."""
    return pd.DataFrame(
        [{column.heading: column.cell(outcome) for column in COLUMNS} for outcome in outcomes]
    )
