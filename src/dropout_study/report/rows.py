"""The effects that decided a claim, and the deviations of its checks, as they are printed."""

import math
from dataclasses import dataclass

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    NOT_FOUND,
    NOT_RESOLVED,
    SUPPORTED,
    Case,
    Check,
    Decision,
    Exact,
    Measured,
    Part,
)
from dropout_study.measures.statistics import Estimate, Interval
from dropout_study.report.verdicts import NO_RUNS, Outcome

OPEN = (NOT_RESOLVED, NOT_FOUND)
MET = "criterion met"
MISSED = "criterion missed"
OF_SEVERAL = {SUPPORTED: MET, CONTRADICTED: MISSED}
"""Outcome of a case -> what it is called where one case is enough, so that it decides nothing."""
APART = "judged apart"
"""Beside the outcome of a case whose part is left open among the parts of all claims."""
ROUNDING = 1e-12
"""Smaller numbers are shown as zero."""


@dataclass(frozen=True)
class Row:
    """An effect as it is printed.

    Attributes:
        part: the question that it answers.
        case: what it was measured on.
        effect: the mean over seeds and images.
        interval: of 95 %; empty where there is none.
        p: one-sided, adjusted for the cases of the part; empty where nothing is tested.
        criterion: in words.
        outcome: of this case alone, in words.
        half: the effect at half the updates; empty without such runs.
        settled: what the half-budget control says of this case; empty without it.
        networks: seeds x images.
    """

    part: str
    case: str
    effect: str
    interval: str
    p: str
    criterion: str
    outcome: str
    half: str
    settled: str
    networks: str


@dataclass(frozen=True)
class CheckRow:
    """A check as it is printed.

    Attributes:
        claim: its title.
        claim_id: its id.
        check: what the theorem says of.
        deviation: the largest of all cases.
        tolerance: in words.
        reason: of the tolerance.
        outcome: holds or fails, or that there are no runs.
    """

    claim: str
    claim_id: str
    check: str
    deviation: str
    tolerance: str
    reason: str
    outcome: str


def rows(outcome: Outcome) -> list[Row]:
    """The effects of all parts of a claim; none without a decision."""
    return [
        _row(outcome, name, case)
        for name in outcome.claim.parts
        if name in outcome.decisions
        for case in outcome.decisions[name].cases
    ]


def check_rows(outcome: Outcome) -> list[CheckRow]:
    """The checks of a claim, also without runs."""
    return [_check_row(outcome, name, check) for name, check in outcome.claim.checks.items()]


def decisive(outcome: Outcome) -> Row | None:
    """The effect that represents a claim; none if it has no parts."""
    found = decisive_case(outcome)
    return _row(outcome, *found) if found else None


def decisive_case(outcome: Outcome) -> tuple[str, str] | None:
    """The part and the case whose effect represents a claim; none if it has no parts.

    Of a supported claim the least certain effect, of a contradicted one the most certain, else the
    least certain of those that leave it open.
    """
    candidates = [
        (name, case)
        for name, decision in outcome.decisions.items()
        if name in outcome.claim.parts and _carries(decision, outcome)
        for case in _deciding_cases(outcome.claim.parts[name], decision)
    ]
    if not candidates:
        return None

    return max(candidates, key=lambda candidate: _weight(outcome, *candidate))


def adjusted_p(outcome: Outcome) -> float:
    """The adjusted one-sided p value beside a verdict: of the part that decided, or is open."""
    if not math.isnan(outcome.adjusted):
        return outcome.adjusted

    row = decisive(outcome)

    return outcome.decisions[row.part].adjusted_support if row else math.nan


def _carries(decision: Decision, outcome: Outcome) -> bool:
    """Whether a part has the outcome of its claim, or leaves it open as its claim is."""
    if outcome.verdict in (SUPPORTED, CONTRADICTED):
        return decision.outcome == outcome.verdict

    return decision.outcome in OPEN


def _deciding_cases(part: Part, decision: Decision) -> list[str]:
    """The cases of a part that made its outcome; all of them if none has it alone."""
    wanted = OPEN if decision.outcome in OPEN else (decision.outcome,)
    cases = [name for name, case in decision.cases.items() if case.outcome in wanted]

    if part.some and decision.outcome == SUPPORTED and cases:
        return [min(cases, key=lambda name: decision.cases[name].p_support)]

    return cases or list(decision.cases)


def _weight(outcome: Outcome, name: str, case: str) -> float:
    """How much a case speaks for being shown."""
    decided = outcome.decisions[name].cases[case]

    if outcome.verdict == CONTRADICTED:
        return 0.0 if math.isnan(decided.p_contradiction) else -decided.p_contradiction

    return -1.0 if math.isnan(decided.p_support) else decided.p_support


def _row(outcome: Outcome, name: str, case: str) -> Row:
    part = outcome.claim.parts[name]
    decision = outcome.decisions[name]
    decided = decision.cases[case]
    half = outcome.half.get(name, {}).get(case)
    is_ratio = isinstance(part.criterion, Measured)

    return Row(
        part=name,
        case=case,
        effect=_unsigned(signed(decided.estimate.mean), is_ratio),
        interval=_unsigned(spread(part.interval(decided.estimate)), is_ratio),
        p=p_in_words(_p(decided)),
        criterion=part.criterion_in_words,
        outcome=outcome_in_words(part, decision, case),
        half="" if half is None else _unsigned(signed(half.estimate().mean), is_ratio),
        settled=_settled(decision, case),
        networks=networks(decided.estimate),
    )


def outcome_in_words(part: Part, decision: Decision, case: str) -> str:
    """The outcome of a case.

    Where one case is enough, a case that fails contradicts nothing. Where the part is left open
    among the parts of all claims, what its case would be alone does not count.
    """
    outcome = decision.cases[case].outcome
    if part.some:
        return OF_SEVERAL.get(outcome, outcome)

    is_apart = decision.outcome == NOT_RESOLVED and outcome in (SUPPORTED, CONTRADICTED)
    return f"{APART}: {outcome}" if is_apart else outcome


def _p(case: Case) -> float:
    """The p value of what was found: of the contradiction if there is one, else of the support."""
    return case.p_contradiction if case.outcome == CONTRADICTED else case.p_support


def _settled(decision: Decision, case: str) -> str:
    if decision.settling is None:
        return ""

    doubt = decision.settling.doubt
    is_meant = doubt is not None and (not doubt.cases or case in doubt.cases)

    return doubt.name if doubt and is_meant else "settled"


def _unsigned(text: str, is_ratio: bool) -> str:
    """A text without plus signs, where numbers are ratios."""
    return text.replace("+", "") if is_ratio else text


def _check_row(outcome: Outcome, name: str, check: Check) -> CheckRow:
    decision = outcome.decisions.get(name)

    return CheckRow(
        claim=outcome.claim.title,
        claim_id=outcome.claim.id,
        check=check.measure,
        deviation=_deviation(outcome, name, check) if decision else "",
        tolerance=check.criterion_in_words,
        reason=check.criterion.reason,
        outcome=outcome.show(decision.outcome if decision else NO_RUNS),
    )


def _deviation(outcome: Outcome, name: str, check: Check) -> str:
    """The largest absolute value of all cases; of an interval, the mean farthest from its centre.

    Without sign, since a check asks how far, and with two digits.
    """
    effects = outcome.effects[name].values()

    if isinstance(check.criterion, Exact):
        return f"{max(abs(value) for effect in effects for value in effect.values):.2g}"

    centre = check.criterion.centre
    farthest = max(
        (effect.estimate() for effect in effects), key=lambda found: abs(found.mean - centre)
    )
    limits = spread(farthest.interval())

    return f"{signed(farthest.mean)} ({limits})" if limits else signed(farthest.mean)


def networks(estimate: Estimate) -> str:
    """Seeds and test images of an estimate: `10 x 10,000`."""
    return f"{estimate.seeds} x {estimate.images:,}" if estimate.images else str(estimate.seeds)


def p_in_words(p: float) -> str:
    """A p value with four digits; empty if nothing was tested.

    >>> p_in_words(0.0312), p_in_words(1e-9)
    ('0.0312', '< 0.0001')
    """
    if math.isnan(p):
        return ""

    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def spread(ci: Interval) -> str:
    """The limits of an interval; empty for a single value."""
    if math.isnan(ci.low):
        return ""

    smaller, larger = sorted((abs(ci.low), abs(ci.high)))
    if smaller < 0.01 <= larger < 0.1:  # `signed` would show five digits of one, three of the other
        return f"{ci.low:+.4f} to {ci.high:+.4f}"

    return f"{signed(ci.low)} to {signed(ci.high)}"


def signed(value: float) -> str:
    """A number with its sign and about three digits.

    >>> signed(1.234), signed(0.1234), signed(0.001234)
    ('+1.23', '+0.123', '+0.00123')
    >>> signed(-6.7e-18)
    '0'
    """
    if math.isnan(value) or abs(value) < ROUNDING:
        return "-" if math.isnan(value) else "0"

    digits = 2 if abs(value) >= 1 else 3 if abs(value) >= 0.01 else 5

    return f"{value:+.{digits}f}"
