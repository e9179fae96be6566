"""The answer to a claim in plain sentences, made of its parts and their cases."""

import math
from collections.abc import Iterator, Mapping, Sequence

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    DOUBTS,
    FAILS,
    NOT_CONTROLLED,
    NOT_FOUND,
    NOT_RESOLVED,
    NOT_SETTLED,
    SIZE_NOT_SETTLED,
    SUPPORTED,
    Case,
    Decision,
    Part,
)
from dropout_study.report.rows import APART, ROUNDING, decisive_case
from dropout_study.report.verdicts import NO_RUNS, SMOKE, Outcome

MOST_LEADING = 2  # cases with which a clause begins
MOST_NAMES = 4
"""Cases that a sentence names; of more it says how many they are."""
UNMEASURED = "an unknown amount"
UNCONFIRMED = {
    NOT_SETTLED: "Not settled, since half the updates give another outcome: {parts}.",
    NOT_CONTROLLED: "Not controlled by half the updates: {parts}.",
    SIZE_NOT_SETTLED: "Size not settled, since half the updates may give another size: {parts}.",
}
"""What is said of parts that the half-budget control does not confirm."""


def answer(outcome: Outcome) -> str:
    """What the results say on a claim, and which parts half the updates do not confirm."""
    if not outcome.decided:
        return f"{NO_RUNS[:1].upper()}{NO_RUNS[1:]}: {outcome.reason}."

    said = sentences(outcome)
    if outcome.scope.budget == SMOKE and outcome.claim.parts:
        said.insert(0, "After seconds of training, which say nothing about dropout:")

    return " ".join([*said, *doubts(outcome)])


def doubts(outcome: Outcome) -> list[str]:
    """What half the updates do not confirm: outcomes, and sizes of effects."""
    kinds: dict[str, list[str]] = {}
    for part, doubt in outcome.unsettled.items():
        kinds.setdefault(doubt.name, []).append(f"'{part}'")

    return [
        UNCONFIRMED[name].format(parts=", ".join(kinds[name])) for name in DOUBTS if name in kinds
    ]


def finding(outcome: Outcome) -> str:
    """What was found on a claim, in one sentence; empty without runs."""
    if not outcome.decided:
        return ""

    names = list(outcome.claim.headline or outcome.claim.parts)
    decisive = decisive_case(outcome)

    # What leaves a claim open, or contradicts it, is said even where the headline is of others.
    if decisive and outcome.verdict != SUPPORTED and decisive[0] not in names:
        names.insert(0, decisive[0])

    said = "; ".join(filter(None, [*_answers(outcome, names, brief=True), _on_checks(outcome)]))

    return _sentence(said) if said else ""


def sentences(outcome: Outcome) -> list[str]:
    """What the results say on a claim: a sentence per part, and one on checks.

    Args:
        outcome: of a claim with runs; without them there is no sentence.
    """
    texts = [*_answers(outcome, tuple(outcome.claim.parts)), _on_checks(outcome)]
    return [_sentence(text) for text in texts if text]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _on_checks(outcome: Outcome) -> str:
    """What is said of the checks of a claim: that some fail, or that nothing else was asked."""
    checks = [outcome.decisions[name] for name in outcome.claim.checks if name in outcome.decisions]
    failed = sum(decision.outcome == FAILS for decision in checks)

    if failed:
        return f"{failed} of {len(checks)} checks of the code fail"

    if checks and not outcome.claim.parts:
        return "mathematics settles it, and all checks of the code hold"

    return ""


def _answers(outcome: Outcome, names: Sequence[str], brief: bool = False) -> list[str]:
    """What is said of some parts of a claim that are decided, without capitals."""
    return [
        "; ".join(clauses(outcome.claim.parts[name], outcome.decisions[name], brief))
        for name in names
        if name in outcome.decisions
    ]


def clauses(part: Part, decision: Decision, brief: bool = False) -> Iterator[str]:
    """A clause for each outcome that cases of a part have, of the part's own outcome first.

    Where outcomes differ, a clause begins with its cases where `_can_lead` allows it.

    Args:
        part: the question.
        decision: on it.
        brief: whether several cases of another outcome than the part's, with which no clause
            begins, are counted instead of named.
    """
    texts = {
        SUPPORTED: part.answers.supported,
        CONTRADICTED: part.answers.contradicted,
        NOT_RESOLVED: part.answers.unresolved,
    }
    own = CONTRADICTED if decision.outcome == NOT_FOUND else decision.outcome
    outcomes = {
        name: _outcome_of(case, part, own, decision) for name, case in decision.cases.items()
    }

    for outcome in sorted(texts, key=lambda each: each != own):
        cases = {name: decision.cases[name] for name in outcomes if outcomes[name] == outcome}
        if cases and texts[outcome]:
            sizes = _sizes(part, list(cases.values()))
            is_beside = own == NOT_RESOLVED and outcome != own
            text = texts[outcome].format(sizes[0], value=sizes[1])
            leads = len(cases) < len(outcomes) and _can_lead(list(cases))
            most = MOST_NAMES if outcome == own or not brief else 1
            names = "" if leads else _names(list(cases), len(outcomes), most)
            said = ": ".join(filter(None, [names, _interval(cases, texts[outcome], part)]))
            of_cases = f"for {' and '.join(cases)}" if leads else ""
            before = ", ".join(filter(None, [of_cases, APART if is_beside else ""]))
            before += ": " if before else ""
            yield before + text + (f" ({said})" if said else "")


def _can_lead(names: Sequence[str]) -> bool:
    """Whether a clause may begin with some cases: few, and without commas of their own."""
    return len(names) <= MOST_LEADING and not any("," in name for name in names)


def _outcome_of(case: Case, part: Part, own: str, decision: Decision) -> str:
    """What is said of a case: its own outcome, unless that of the part covers it.

    Args:
        case: one of the part.
        part: the question.
        own: the outcome of the part, adjusted for all parts of its family.
        decision: on the part.
    """
    covers_all = own == SUPPORTED and not part.some
    is_the_part = own != NOT_RESOLVED and len(decision.cases) == 1

    return own if covers_all or is_the_part else case.outcome


def _sizes(part: Part, cases: Sequence[Case]) -> tuple[str, str]:
    """The smallest and the largest effect, without and with signs: `0.05 to 0.12 points`."""
    means = [case.estimate.mean for case in cases]
    if not all(map(math.isfinite, means)):
        return UNMEASURED, UNMEASURED

    return _range(sorted(map(abs, means)), part.unit), _range(sorted(means), part.unit)


def _range(ordered: Sequence[float], unit: str) -> str:
    ends = dict.fromkeys(_number(value) for value in (ordered[0], ordered[-1]))
    return f"{' to '.join(ends)} {unit}".rstrip()


def _number(value: float) -> str:
    """Two significant digits, three from 1 on.

    >>> _number(0.0312), _number(1.234), _number(-56.78), _number(0.00021)
    ('0.031', '1.23', '-56.8', '0.00021')
    """
    digits = 3 if abs(value) >= 1 else 2
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) > ROUNDING else "0"


def _interval(cases: Mapping[str, Case], text: str, part: Part) -> str:
    """The numbers that a clause lacks: the interval on one case; of several, their range.

    Args:
        cases: of the clause.
        text: of the clause; an effect in it has no sign if `{}` stands for it.
        part: the question.
    """
    unit = part.unit
    means = sorted(case.estimate.mean for case in cases.values())
    if len(cases) > 1:
        is_comparable = bool(unit) and all(map(math.isfinite, means))
        return f"effects of {_range(means, unit)}" if is_comparable and "{" not in text else ""

    (case,) = cases.values()
    ci = part.interval(case.estimate)
    if not (math.isfinite(ci.mean) and math.isfinite(ci.low)):
        return ""

    if "{}" in text and ci.mean < 0:
        return f"{_number(-ci.high)} to {_number(-ci.low)}"

    limits = f"{_number(ci.low)} to {_number(ci.high)}"

    return limits if "{" in text else f"{_number(ci.mean)}, {limits} {unit}".rstrip()


def _names(names: Sequence[str], total: int, most: int) -> str:
    """The cases of a clause, up to a number by name; nothing where a part has one case."""
    if total == 1:
        return ""

    listed = "; ".join(names) if len(names) <= most else ""

    if len(names) == total:
        counted = "in both cases" if total == 2 else f"in all {total} cases"
        return f"{counted}: {listed}" if listed else counted

    return listed or f"in {len(names)} of {total} cases"
