"""The tables of verdicts and of checks: columns and explanations, for terminal, pages, MLflow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dropout_study.analysis.claim import MARKS
from dropout_study.analysis.criteria import (
    ALPHA,
    CONTRADICTED,
    FAILS,
    HOLDS,
    NOT_CONTROLLED,
    NOT_FOUND,
    NOT_RESOLVED,
    NOT_SETTLED,
    SIZE_NOT_SETTLED,
    SUPPORTED,
)
from dropout_study.claims import BEYOND, FAMILIES, NOTES
from dropout_study.report.answers import finding, sentences
from dropout_study.report.rows import (
    APART,
    MET,
    CheckRow,
    Row,
    adjusted_p,
    check_rows,
    decisive,
    p_in_words,
)
from dropout_study.report.tuning_curves import Choice
from dropout_study.report.verdicts import NEEDS_MNIST, SMOKE, Outcome

Item = TypeVar("Item")
SIGNS = {
    SUPPORTED: "✔",
    HOLDS: "✔",
    MET: "✔",
    CONTRADICTED: "✘",
    FAILS: "✘",
    NOT_RESOLVED: "?",
    NOT_FOUND: "?",
    NEEDS_MNIST: "?",
}
COLOURS = {"✔": "green", "✘": "red", "?": "yellow"}
"""Of signs; without runs, at the smoke budget, and for a missed criterion there is neither."""
KINDS = {"✔": "supported", "✘": "contradicted", "?": "unresolved"}
"""Sign -> class of a verdict in the page."""
NO_SIGN = "·"
BOOK = "Deep Learning, section 7.12"
INTRODUCTION = (
    f"Tested on small networks: {len(NOTES)} statements from notes on the section, and "
    f"{len(BEYOND)} more of the section and of later papers. Each is split into parts with "
    "criteria that were written down before the runs that decide them. Rates are probabilities of "
    "dropping a unit (the book and Srivastava et al. state the probability of keeping it); errors "
    "are percent of test images, their differences are points. Numbers in the texts are those of "
    "the budget `laptop`, about a day on two cores."
)
UNCONFIRMED = {
    NOT_SETTLED: "on the seeds that both have, a part has another outcome at half the updates",
    NOT_CONTROLLED: "half the updates give nothing to compare a part with",
    SIZE_NOT_SETTLED: "on the seeds that both have, half the updates give no other outcome, but an "
    "effect may have changed by more than was allowed beforehand",
}
"""What the half-budget control does not confirm -> what that means."""
PUBLISHED_NOTE = (
    "Marks say how a number was verified, never against the publisher's own copy: {marks}. "
    "'Context' is another quantity than those of the parts."
).format(marks="; ".join(f"{mark} {meaning}" for mark, meaning in MARKS.items()))
"""Below the published numbers of a claim."""
CHECKS_INTRODUCTION = (
    "Theorems need no evidence: where mathematics settles the answer, the code is checked against "
    "it on networks small enough for all masks."
)


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column of a table: its heading, the text of a cell, and whether cells are numbers."""

    heading: str
    cell: Callable[[Item], str]
    number: bool = False


@dataclass(frozen=True)
class Heading:
    """What stands above the table of verdicts of a family of claims.

    Attributes:
        id: of the heading in the page.
        title: of the table.
        introduction: below the title; empty if there is none.
        figure: name of the figure that shows one effect of each claim.
    """

    id: str
    title: str
    introduction: str
    figure: str


@dataclass(frozen=True)
class Explanation:
    """What a sign or a heading means."""

    term: str
    meaning: str


def sign(shown: str) -> str:
    """What stands before a verdict as it is shown."""
    return SIGNS.get(shown.partition(",")[0], NO_SIGN)


def kind(shown: str) -> str:
    """The class of a verdict in the page: supported, contradicted, unresolved, or open."""
    return KINDS.get(sign(shown), "open")


def with_sign(shown: str) -> str:
    """A verdict with its sign."""
    return f"{sign(shown)} {shown}"


def _adjusted(outcome: Outcome) -> str:
    return p_in_words(adjusted_p(outcome)) if outcome.decided else ""


def _networks(outcome: Outcome) -> str:
    """Seeds and test images of the decisive effect."""
    row = decisive(outcome) if outcome.decided else None
    return row.networks if row else ""


HEADINGS = (
    Heading("verdicts", "Verdicts", "", "summary"),
    Heading(
        "beyond",
        "Beyond the notes",
        "The claims above follow notes on section 7.12; these are further statements of the "
        "section, and what was found since. The same protocol decides, and p values are adjusted "
        "for the parts of this table alone.",
        "summary_beyond",
    ),
)
"""Those of the families of claims, in their order."""

COLUMNS: list[Column[Outcome]] = [
    Column("claim", lambda outcome: outcome.claim.id),
    Column("found", finding),
    Column("verdict", lambda outcome: with_sign(outcome.shown)),
    Column("adjusted p", _adjusted, number=True),
    Column("seeds x images", _networks, number=True),
    Column("budget", lambda outcome: outcome.where if outcome.decided else ""),
]
"""Of the table of verdicts; pages show the claim as a link, and colour the verdict."""

CHECK_COLUMNS: list[Column[CheckRow]] = [
    Column("claim", lambda row: row.claim_id),
    Column("theorem", lambda row: row.check),
    Column("deviation", lambda row: row.deviation, number=True),
    Column("tolerance", lambda row: row.tolerance),
    Column("outcome", lambda row: with_sign(row.outcome)),
]
"""Of the table of checks; pages show the claim as a link, and colour the outcome."""

EFFECT_COLUMNS: list[Column[Row]] = [
    Column("part", lambda row: row.part),
    Column("case", lambda row: row.case),
    Column("effect", lambda row: row.effect, number=True),
    Column("95 % interval", lambda row: row.interval, number=True),
    Column("p", lambda row: row.p, number=True),
    Column("seeds x images", lambda row: row.networks, number=True),
    Column("outcome", lambda row: row.outcome),
    Column("at half the updates", lambda row: row.half, number=True),
    Column("control", lambda row: row.settled),
]
"""Of the table of a claim's effects; pages add the sign of an outcome."""

CHOICE_COLUMNS: list[Column[Choice]] = [
    Column("study", lambda choice: choice.study),
    Column("arm", lambda choice: choice.arm),
    Column("candidates, with extensions", lambda choice: str(choice.candidates), number=True),
    Column("chosen", lambda choice: choice.chosen),
    Column("validation error", lambda choice: choice.error, number=True),
]
"""Of the table of what tuning has chosen."""


def with_parts(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of empirical claims."""
    return [outcome for outcome in outcomes if outcome.claim.parts]


def tables(outcomes: Sequence[Outcome]) -> Iterator[tuple[Heading, list[Outcome]]]:
    """The tables of verdicts that have rows: a heading, and outcomes of one family of claims."""
    for heading, family in zip(HEADINGS, FAMILIES, strict=True):
        if members := [each for each in with_parts(outcomes) if each.claim in family]:
            yield heading, members


def all_checks(outcomes: Sequence[Outcome]) -> list[CheckRow]:
    """The rows of the table of checks."""
    return [row for outcome in outcomes for row in check_rows(outcome)]


def explanations(outcomes: Sequence[Outcome]) -> list[Explanation]:
    """What the words and headings of the tables mean, as far as they occur."""
    entries = [
        Explanation(
            "found",
            "effects as means over seeds; of several cases the smallest and the largest; in "
            "brackets the 95 % interval over seeds and test images, which are both random",
        ),
        Explanation(
            "adjusted p",
            "one-sided, adjusted by Holm for the parts of all claims of a table; a part is decided "
            f"if it is at most {ALPHA:g}",
        ),
    ]

    if any(outcome.verdict == NOT_RESOLVED for outcome in outcomes):
        entries.append(
            Explanation(
                NOT_RESOLVED,
                "neither 'criterion met' nor 'criterion missed' reaches an adjusted p of at most "
                f"{ALPHA:g}; the claim's section says what it would take, such as the number of "
                "seeds that decides with a chance of 80 %, if the measured effect is the true one",
            )
        )

    decided = [outcome for outcome in outcomes if outcome.decided]
    if any(APART in text.lower() for outcome in decided for text in sentences(outcome)):
        entries.append(
            Explanation(
                APART,
                "tested among the cases of its part alone; among the parts of all claims it is "
                "not certain enough to count (tests are one-sided: an interval may reach beyond "
                "the limit that its effect is tested against)",
            )
        )

    doubts = {doubt.name for outcome in outcomes for doubt in outcome.unsettled.values()}
    entries += [Explanation(name, UNCONFIRMED[name]) for name in UNCONFIRMED if name in doubts]

    if any(outcome.scope.budget == SMOKE for outcome in outcomes):
        entries.append(
            Explanation(
                SMOKE,
                "trained for seconds, to test the machinery; such verdicts say nothing about "
                "dropout",
            )
        )

    return entries


def terminal_tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """The verdicts and the checks for a terminal, those that have rows."""
    caption = "\n".join(f"{entry.term}: {entry.meaning}" for entry in explanations(outcomes))

    drawn = [
        _table(
            f"{BOOK}: {heading.title.lower()}",
            COLUMNS,
            members,
            [outcome.shown for outcome in members],
            "verdict",
        )
        for heading, members in tables(outcomes)
    ]

    if drawn:
        drawn[-1].caption = escape(caption)
        drawn[-1].caption_justify = "left"

    if checks := all_checks(outcomes):
        outcomes_of_checks = [row.outcome for row in checks]
        drawn.append(_table("Checks", CHECK_COLUMNS, checks, outcomes_of_checks, "outcome"))

    return drawn


def _table(
    title: str,
    columns: Sequence[Column[Item]],
    items: Sequence[Item],
    shown: Sequence[str],
    coloured: str,
) -> Table:
    """A table for a terminal.

    Args:
        title: above it.
        columns: of the table.
        items: one per row.
        shown: the verdict or outcome of each row.
        coloured: heading of the column that shows it.
    """
    table = Table(title=title)

    for column in columns:
        table.add_column(column.heading, justify="right" if column.number else "left")

    for item, verdict in zip(items, shown, strict=True):
        colour = COLOURS.get(sign(verdict), "dim")
        cells = {column.heading: escape(column.cell(item)) for column in columns}
        cells[coloured] = f"[{colour}]{cells[coloured]}[/]"
        table.add_row(*cells.values())

    return table


def verdict_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The verdicts as a table of text, one row per claim with parts."""
    return _frame(COLUMNS, with_parts(outcomes))


def check_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The checks as a table of text, one row per check."""
    return _frame(CHECK_COLUMNS, all_checks(outcomes))


def _frame(columns: Sequence[Column[Item]], items: Sequence[Item]) -> pd.DataFrame:
    return pd.DataFrame(
        [{column.heading: column.cell(item) for column in columns} for item in items]
    )
