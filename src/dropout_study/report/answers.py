"""The answer to a claim in plain sentences, made of its parts and their cases."""

import math
from collections.abc import Iterator, Sequence

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    FAILS,
    NOT_RESOLVED,
    SUPPORTED,
    Case,
    Decision,
    Part,
)
from dropout_study.report.verdicts import NO_RUNS, SMOKE, Outcome

MOST_NAMES = 4
"""Cases that a sentence names; of more it says how many they are."""
UNMEASURED = "an unknown amount"


def answer(outcome: Outcome) -> str:
    """What the results say on a claim, and which parts half the updates do not confirm."""
    if not outcome.decided:
        return f"{NO_RUNS[:1].upper()}{NO_RUNS[1:]}: {outcome.reason}."

    said = sentences(outcome)
    if outcome.scope.budget == SMOKE:
        said.insert(0, "After seconds of training, which say nothing about dropout:")

    if outcome.unsettled:
        said.append(f"Not settled at half the updates: {', '.join(outcome.unsettled)}.")

    return " ".join(said)


def sentences(outcome: Outcome) -> list[str]:
    """What the results say on a claim: a sentence per part, or one on its checks.

    Args:
        outcome: of a claim with runs; without them there is no sentence.
    """
    parts = [
        (part, outcome.decisions[name])
        for name, part in outcome.claim.parts.items()
        if name in outcome.decisions
    ]
    texts = ["; ".join(clauses(part, decision)) for part, decision in parts]
    if not parts and outcome.decisions:
        texts = [_of_checks(list(outcome.decisions.values()))]

    return [f"{text[:1].upper()}{text[1:]}." for text in texts if text]


def clauses(part: Part, decision: Decision) -> Iterator[str]:
    """A clause for each outcome that cases of a part have, of the part's own outcome first."""
    texts = {
        SUPPORTED: part.answers.supported,
        CONTRADICTED: part.answers.contradicted,
        NOT_RESOLVED: part.answers.unresolved,
    }
    first = decision.outcome if decision.outcome in texts else NOT_RESOLVED

    for outcome in sorted(texts, key=lambda each: each != first):
        cases = {name: case for name, case in decision.cases.items() if case.outcome == outcome}
        if cases and texts[outcome]:
            text = texts[outcome].format(_size(part, list(cases.values())))
            yield text + _names(list(cases), len(decision.cases))


def _size(part: Part, cases: Sequence[Case]) -> str:
    """The smallest and the largest effect without signs: `0.05 to 0.12 points`."""
    sizes = sorted(abs(case.estimate.mean) for case in cases)
    if not all(math.isfinite(size) for size in sizes):
        return UNMEASURED

    ends = dict.fromkeys(_number(size) for size in (sizes[0], sizes[-1]))

    return f"{' to '.join(ends)} {part.unit}".rstrip()


def _number(value: float) -> str:
    """Three digits behind the point below 0.1, two below 10, one above.

    >>> _number(0.0312), _number(1.234), _number(56.78)
    ('0.031', '1.23', '56.8')
    """
    digits = 3 if value < 0.1 else 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value else "0"


def _names(names: Sequence[str], total: int) -> str:
    """The cases of a clause in brackets; nothing where a part has one case."""
    if total == 1:
        return ""

    if len(names) == total:
        return f" (in all {total} cases)"

    listed = ", ".join(names)

    return f" ({listed})" if len(names) <= MOST_NAMES else f" (in {len(names)} of {total} cases)"


def _of_checks(decisions: Sequence[Decision]) -> str:
    failed = sum(decision.outcome == FAILS for decision in decisions)
    if failed:
        return f"{failed} of {len(decisions)} checks fail: the code is wrong"

    return "mathematics settles it, and all checks of the code hold"
