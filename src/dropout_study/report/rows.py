"""The effects that decided a claim, as they are printed."""

import math
from dataclasses import dataclass

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    IMAGE_ERRORS,
    INCONCLUSIVE,
    SUPPORTED,
    Exact,
    Measured,
    Part,
)
from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import interval
from dropout_study.report.verdicts import Outcome


@dataclass(frozen=True)
class Row:
    """An effect as it is printed.

    Attributes:
        part: the question that it answers.
        case: what it was measured on.
        effect: the mean over seeds; the largest absolute value where exactness is required.
        interval: of 95 % over seeds; empty where there is none.
        resolution: the smallest distance to a limit that the test images can resolve; empty where
            no test errors are compared.
        criterion: in words.
        verdict: of this effect alone.
        p: nan where nothing is tested.
    """

    part: str
    case: str
    effect: str
    interval: str
    resolution: str
    criterion: str
    verdict: str
    p: float


def rows(outcome: Outcome) -> list[Row]:
    """The effects of all parts of a claim."""
    return [
        _row(name, case, part, effect)
        for name, part in outcome.claim.parts.items()
        for case, effect in outcome.effects.get(name, {}).items()
    ]


def _row(name: str, case: str, part: Part, effect: Effect) -> Row:
    decision = part.criterion.decide(effect)
    exact = isinstance(part.criterion, Exact)
    sign = "" if isinstance(part.criterion, Measured) else "+"  # a ratio has none

    return Row(
        part=name,
        case=case,
        effect=largest(effect) if exact else mean(effect).replace("+", sign),
        interval="" if exact else spread(effect).replace("+", sign),
        resolution=resolution(effect),
        criterion=part.criterion_in_words,
        verdict=decision.verdict,
        p=decision.p,
    )


def mean(effect: Effect) -> str:
    """The mean of an effect over its values."""
    return signed(interval(effect.values).mean)


def largest(effect: Effect) -> str:
    """The largest absolute value of an effect.

    >>> largest(Effect([1.2e-14, -3.44e-14]))
    '3.4e-14'
    """
    return f"{max(abs(value) for value in effect.values):.2g}"


def spread(effect: Effect) -> str:
    """The limits of the interval of an effect; empty for a single value."""
    ci = interval(effect.values)
    if ci.n < 2:
        return ""

    smaller, larger = sorted((abs(ci.low), abs(ci.high)))
    if smaller < 0.01 <= larger < 0.1:  # `signed` would show five digits of one, three of the other
        return f"{ci.low:+.4f} to {ci.high:+.4f}"

    return f"{signed(ci.low)} to {signed(ci.high)}"


def resolution(effect: Effect) -> str:
    """The smallest distance to a limit that the test images can resolve; empty if unknown."""
    return "" if effect.image_error is None else f"{IMAGE_ERRORS * effect.image_error:.3f}"


def signed(value: float) -> str:
    """A number with its sign and about three digits.

    >>> signed(1.234), signed(0.1234), signed(0.001234)
    ('+1.23', '+0.123', '+0.00123')
    """
    if math.isnan(value):
        return "-"

    digits = 2 if abs(value) >= 1 else 3 if abs(value) >= 0.01 else 5
    return f"{value:+.{digits}f}"


def decisive(outcome: Outcome) -> Row:
    """The effect that represents a claim: the least certain of those with the claim's verdict."""
    candidates = [row for row in rows(outcome) if row.interval] or rows(outcome)
    final = outcome.verdict in (SUPPORTED, CONTRADICTED)
    wanted = outcome.verdict if final else INCONCLUSIVE
    deciding = [row for row in candidates if row.verdict == wanted] or candidates

    return max(deciding, key=lambda row: -1.0 if math.isnan(row.p) else row.p)
