"""The rows of the table of verdicts: what is shown of an effect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.criteria import (
    CONTRADICTED,
    IMAGE_ERRORS,
    INCONCLUSIVE,
    SUPPORTED,
    Exact,
    Part,
)
from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import interval
from dropout_study.report.verdicts import NEEDS_MNIST, Outcome

SIGNS = {SUPPORTED: "✔", CONTRADICTED: "✘", INCONCLUSIVE: "?", NEEDS_MNIST: "?"}
COLOURS = {SUPPORTED: "green", CONTRADICTED: "red", INCONCLUSIVE: "yellow", NEEDS_MNIST: "yellow"}
"""Of what is shown as a verdict; what is none, without runs or at the smoke budget, has neither."""


@dataclass(frozen=True)
class Row:
    """An effect as it is printed; `images` is what it must exceed for the test images to tell it."""

    part: str
    name: str
    value: str
    spread: str
    images: str
    criterion: str
    verdict: str
    p: float


def rows(outcome: Outcome) -> list[Row]:
    """The effects that decided a claim."""
    return [
        _row(name, of, part, effect)
        for name, part in outcome.claim.parts.items()
        for of, effect in outcome.effects.get(name, {}).items()
    ]


def _row(name: str, of: str, part: Part, effect: Effect) -> Row:
    decision = part.criterion.decide(effect)
    images = "" if effect.image_error is None else f"{IMAGE_ERRORS * effect.image_error:.3f}"
    criterion = part.criterion_in_words

    return Row(
        name,
        of,
        number(effect, part),
        spread(effect, part),
        images,
        criterion,
        decision.verdict,
        decision.p,
    )


def number(effect: Effect, part: Part) -> str:
    """An effect: the largest value where exactness is asked for, else the mean."""
    if isinstance(part.criterion, Exact):
        return f"{max(abs(value) for value in effect.values):.2g}"
    return signed(interval(effect.values).mean)


def spread(effect: Effect, part: Part) -> str:
    """The interval of an effect, where there is one."""
    of = interval(effect.values)
    if isinstance(part.criterion, Exact) or of.n < 2:
        return ""

    smaller, larger = sorted((abs(of.low), abs(of.high)))
    if smaller < 0.01 <= larger < 0.1:  # of which `signed` would show five digits and three
        return f"{of.low:+.4f} to {of.high:+.4f}"

    return f"{signed(of.low)} to {signed(of.high)}"


def signed(value: float) -> str:
    """A number with its sign and three digits or so."""
    if math.isnan(value):
        return "-"

    digits = 2 if abs(value) >= 1 else 3 if abs(value) >= 0.01 else 5
    return f"{value:+.{digits}f}"


def decisive(outcome: Outcome) -> Row:
    """The effect that stands for a claim in the table: of those that made the verdict what it is, the least certain."""
    found = [row for row in rows(outcome) if row.spread] or rows(outcome)
    wanted = outcome.verdict if outcome.verdict in (SUPPORTED, CONTRADICTED) else INCONCLUSIVE
    deciding = [row for row in found if row.verdict == wanted] or found

    return max(deciding, key=lambda row: -1.0 if math.isnan(row.p) else row.p)


def sign(shown: str) -> str:
    """What stands before a verdict as it is shown."""
    return SIGNS.get(shown, "·")


def daggers(outcome: Outcome) -> str:
    """What to know of a verdict: `*` adjusted it would fall, `†` its nets were not trained to the end."""
    return "*" * outcome.overturned + "†" * bool(outcome.convergence_warnings)


def published(claim: Claim) -> str:
    """The first published number, with its mark."""
    return f"{claim.published[0].value} [{claim.published[0].mark}]" if claim.published else ""


def table(outcomes: Sequence[Outcome]) -> Table:
    """The verdicts for a terminal."""
    result = Table(
        title="Deep Learning, section 7.12, claim by claim",
        caption="effect: the one that decided, with its 95 % interval over seeds (or timings); * Holm's adjustment for "
        "the number of claims would make the verdict inconclusive; † more training would have served nets that are "
        "compared; smoke: trained for seconds, which says nothing about dropout",
    )

    for heading in (
        "claim",
        "verdict",
        "effect",
        "95 % interval",
        "criterion",
        "seeds",
        "budget",
        "published",
    ):
        result.add_column(heading, justify="right" if heading in ("effect", "seeds") else "left")

    for outcome in outcomes:
        colour = COLOURS.get(outcome.shown, "dim")
        verdict = f"[{colour}]{sign(outcome.shown)} {outcome.shown}{daggers(outcome)}[/]"

        if not outcome.decided:
            cells = ("", "", escape(outcome.reason), "", "", published(outcome.claim))
            result.add_row(outcome.claim.id, verdict, *cells)
            continue

        row = decisive(outcome)
        cells = (
            row.value,
            row.spread,
            row.criterion,
            str(outcome.seeds),
            outcome.where,
            published(outcome.claim),
        )
        result.add_row(outcome.claim.id, verdict, *cells)

    return result
