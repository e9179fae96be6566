"""How a claim is decided: criteria with reasons, parts, and all parts of all claims together."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dropout_study.analysis.runs import Effect, ResultsMissing
from dropout_study.measures.statistics import Estimate, Interval, holm, needed, twice

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
NOT_RESOLVED = "not resolved"
NOT_FOUND = "not found"
HOLDS = "holds"
FAILS = "fails"
NOT_SETTLED = "not settled"
NOT_CONTROLLED = "not controlled"
SIZE_NOT_SETTLED = "size not settled"
DOUBTS = (NOT_SETTLED, NOT_CONTROLLED, SIZE_NOT_SETTLED)
"""What half the updates can leave open, the gravest first: an outcome, all, the size of effects."""

ALPHA = 0.05
"""Bounds the chance that any part is supported, or any contradicted, where nothing is there."""

RATIO = "times"
"""The unit of ratios."""

ONE_SEED = "one seed has no interval"
NO_VALUE = "some seeds have no value"
ON_THE_LIMIT = "the effect lies on the limit"

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Better:
    """The true mean is above the margin.

    >>> Better(0.1, "a tenth of the plain net's error").in_words("points")
    'above 0.1 points'

    Attributes:
        margin: in the unit of the effect.
        reason: why this margin.
    """

    margin: float
    reason: str

    def p_support(self, estimate: Estimate) -> float:
        """One-sided p value for a mean above the margin."""
        return estimate.p_above(self.margin)

    def p_contradiction(self, estimate: Estimate) -> float:
        """One-sided p value for a mean below the margin."""
        return estimate.p_below(self.margin)

    def distance(self, estimate: Estimate) -> float:
        """How far the mean is on the supporting side; negative on the other."""
        return estimate.mean - self.margin

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        return f"above {_quantity(self.margin, unit)}"


@dataclass(frozen=True)
class NotWorse:
    """The true mean is below the margin: an effect that counts as harm is at most this large.

    >>> NotWorse(0.3, "the smallest difference that anyone has published").in_words("points")
    'below 0.3 points'

    Attributes:
        margin: in the unit of the effect.
        reason: why this margin.
    """

    margin: float
    reason: str

    def p_support(self, estimate: Estimate) -> float:
        """One-sided p value for a mean below the margin."""
        return estimate.p_below(self.margin)

    def p_contradiction(self, estimate: Estimate) -> float:
        """One-sided p value for a mean above the margin."""
        return estimate.p_above(self.margin)

    def distance(self, estimate: Estimate) -> float:
        """How far the mean is on the supporting side; negative on the other."""
        return self.margin - estimate.mean

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        return f"below {_quantity(self.margin, unit)}"


@dataclass(frozen=True)
class Within:
    """The true mean lies within centre ± margin.

    >>> Within(0.05, -0.5, "a tenth of the slope").in_words()
    'within -0.5 ± 0.05'

    Attributes:
        margin: in the unit of the effect.
        centre: in the unit of the effect.
        reason: why this margin.
    """

    margin: float
    centre: float
    reason: str

    def p_support(self, estimate: Estimate) -> float:
        """The larger of the two one-sided p values: the mean is above one limit, below the other.

        Two one-sided tests (Schuirmann 1987).
        """
        return max(estimate.p_above(self._low), estimate.p_below(self._high))

    def p_contradiction(self, estimate: Estimate) -> float:
        """Twice the smaller p value for a mean below the lower, or above the upper limit."""
        return twice(min(estimate.p_below(self._low), estimate.p_above(self._high)))

    def distance(self, estimate: Estimate) -> float:
        """How far the mean is from the nearer limit; negative outside."""
        return self.margin - abs(estimate.mean - self.centre)

    def holds(self, effect: Effect) -> bool:
        """Whether the mean lies within the limits: a check is no test."""
        return self.distance(effect.estimate()) >= 0

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        centre = f"{self.centre:g} " if self.centre else ""
        return f"within {centre}± {_quantity(self.margin, unit)}"

    @property
    def _low(self) -> float:
        return self.centre - self.margin

    @property
    def _high(self) -> float:
        return self.centre + self.margin


@dataclass(frozen=True)
class Exact:
    """No value may exceed a tolerance.

    >>> Exact(1e-12, "rounding of float64").holds(Effect([0.0, -1e-15]))
    True

    Attributes:
        tolerance: in the unit of the effect.
        reason: why this tolerance.
    """

    tolerance: float
    reason: str

    def holds(self, effect: Effect) -> bool:
        """Whether every value is within the tolerance; nan is not."""
        return all(abs(value) <= self.tolerance for value in effect.values)

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        if self.tolerance == 0:
            return "exactly 0"

        return f"at most {_quantity(self.tolerance, unit)} in absolute value"


@dataclass(frozen=True)
class Measured:
    """The interval over repeated timings lies below (or above) a bound.

    Timings are those of one machine, so the outcome has no p value.

    >>> Measured(below=1.5, reason="dropout adds a factor of 1.1").decide(Effect([1.1, 1.2, 1.1]))
    'supported'

    Attributes:
        below: upper bound in the unit of the effect.
        above: lower bound in the unit of the effect.
        reason: why these bounds.
    """

    below: float = math.inf
    above: float = -math.inf
    reason: str = ""

    def decide(self, effect: Effect) -> str:
        """Supported if the 95 % interval is within the bounds, contradicted if it is outside."""
        ci = effect.estimate().interval()

        if self.above < ci.low and ci.high < self.below:
            return SUPPORTED

        if ci.high < self.above or ci.low > self.below:
            return CONTRADICTED

        return NOT_RESOLVED

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        limits = []

        if math.isfinite(self.above):
            limits.append(f"above {_quantity(self.above, unit)}")

        if math.isfinite(self.below):
            limits.append(f"below {_quantity(self.below, unit)}")

        return " and ".join(limits)


Tested = Better | NotWorse | Within
"""Criteria with p values."""


@dataclass(frozen=True)
class Answers:
    """What a part says in words about its cases, by their outcome.

    In each text `{}` stands for the size of the effect with its unit, without sign, and `{value}`
    for the effect itself. A part without texts is one whose answer another part gives.

    Attributes:
        supported: the clause if a case is supported.
        contradicted: the clause if it is contradicted.
        unresolved: the clause if it is neither.
    """

    supported: str = ""
    contradicted: str = ""
    unresolved: str = ""

    @classmethod
    def always(cls, text: str) -> "Answers":
        """The same clause, whatever the outcome."""
        return cls(text, text, text)


@dataclass(frozen=True)
class Part:
    """One empirical question of a claim.

    Attributes:
        measure: what is measured, as a reader would say it.
        criterion: for each of the part's cases.
        unit: of the effects; empty if they have none.
        some: whether one supported case is enough; otherwise all cases have to be supported.
        settled_within: how far the effect at half the updates may be from the final one, in the
            unit of the effects; None if only the outcomes are compared.
        answers: in words.
        axis: what is written below an axis of effects; made from the unit if empty.
    """

    measure: str
    criterion: Tested | Measured
    unit: str = "points"
    some: bool = False
    settled_within: float | None = None
    answers: Answers = Answers()
    axis: str = ""

    @property
    def criterion_in_words(self) -> str:
        """The criterion with its unit and scope: `above 0 points, in at least one case`."""
        scope = ", in at least one case" if self.some else ""
        return self.criterion.in_words(self.unit) + scope

    def interval(self, estimate: Estimate) -> Interval:
        """The interval of an effect as it is shown: that of a ratio has no negative values."""
        ci = estimate.interval()
        return ci.within((0.0, math.inf)) if self.unit == RATIO else ci

    def __str__(self) -> str:
        return f"{self.measure}: {self.criterion_in_words}"


@dataclass(frozen=True)
class Check:
    """One question that mathematics answers: if it fails, the code is wrong.

    Attributes:
        measure: what is measured, as a reader would say it.
        criterion: for each of the check's cases.
        unit: of the effects; empty if they have none.
    """

    measure: str
    criterion: Exact | Within
    unit: str = ""

    @property
    def criterion_in_words(self) -> str:
        """The criterion with its unit."""
        return self.criterion.in_words(self.unit)

    def __str__(self) -> str:
        return f"{self.measure}: {self.criterion_in_words}"


@dataclass(frozen=True)
class Asked:
    """A question with the effects that answer it.

    Attributes:
        question: a part or a check.
        effects: case -> effect, at least one.
        half: the same at half the updates; empty where that was not run.
    """

    question: Part | Check
    effects: Mapping[str, Effect]
    half: Mapping[str, Effect] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One case of a question, decided as if the question had no other claims beside it.

    Attributes:
        estimate: of the effect.
        outcome: supported, contradicted or not resolved, after Holm's adjustment for the cases of
            the part; holds or fails in a check.
        p_support: adjusted for the cases of the part; nan if nothing is tested.
        p_contradiction: the same for the contradiction.
    """

    estimate: Estimate
    outcome: str
    p_support: float = math.nan
    p_contradiction: float = math.nan


@dataclass(frozen=True)
class Doubt:
    """What the half-budget control does not confirm.

    Attributes:
        name: one of `DOUBTS`.
        reason: why not, in words.
        cases: that it is about; empty if it is about the part as a whole.
    """

    name: str
    reason: str
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settling:
    """Whether a contrast is the same at half the updates.

    Attributes:
        doubt: what is not confirmed; None if the contrast is settled.
        changes: case -> the effect at all updates minus that at half of them, common seeds.
    """

    doubt: Doubt | None = None
    changes: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """The outcome of a question, and what it rests on.

    Attributes:
        outcome: supported, contradicted, not resolved or not found; holds or fails for a check.
        cases: case -> estimate and its own outcome.
        p_support: of the part; nan if nothing is tested.
        p_contradiction: of the part; nan if nothing is tested, or if nothing can contradict it.
        adjusted_support: by Holm for all parts that are decided together.
        adjusted_contradiction: the same for the contradiction.
        reason: why it is not resolved, and what it would take.
        settling: the half-budget control; None where half the updates were not run.
    """

    outcome: str
    cases: Mapping[str, Case]
    p_support: float = math.nan
    p_contradiction: float = math.nan
    adjusted_support: float = math.nan
    adjusted_contradiction: float = math.nan
    reason: str = ""
    settling: Settling | None = None

    @property
    def adjusted(self) -> float:
        """The adjusted p value that carries the outcome; nan if none does."""
        carrying = {SUPPORTED: self.adjusted_support, CONTRADICTED: self.adjusted_contradiction}
        return carrying.get(self.outcome, math.nan)


def decide(asked: Mapping[Key, Asked]) -> dict[Key, Decision]:
    """The decisions on the questions of all claims.

    The parts form two families, one of supports and one of contradictions. Holm's adjustment keeps
    the chance of any false support at 5 %, and that of any false contradiction.

    >>> part = Part("gain", Better(0.0, "any gain"))
    >>> effects = {"wide": Effect([1.0, 1.1, 0.9])}
    >>> decide({("capacity", "gain"): Asked(part, effects)})["capacity", "gain"].outcome
    'supported'

    Args:
        asked: any key, such as claim and part -> question with its effects.
    """
    p_values = {key: _p_values(question) for key, question in asked.items()}
    supports = _holm({key: support for key, (support, _) in p_values.items()})
    contradictions = _holm({key: contradiction for key, (_, contradiction) in p_values.items()})
    level = _level(list(supports.values()))
    level_of_contradiction = _level(list(contradictions.values()))
    decisions = {}

    for key, question in asked.items():
        if isinstance(question.question, Check):
            decisions[key] = _check(question.question, question.effects)
            continue

        part = question.question
        cases = _cases(part, question.effects)
        outcome = _outcome(part, cases, supports[key], contradictions[key])
        levels = (level, level_of_contradiction)
        reason = _what_it_takes(part, cases, levels) if outcome in (NOT_RESOLVED, NOT_FOUND) else ""

        decisions[key] = Decision(
            outcome=outcome,
            cases=cases,
            p_support=p_values[key][0],
            p_contradiction=p_values[key][1],
            adjusted_support=supports[key],
            adjusted_contradiction=contradictions[key],
            reason=reason,
            settling=settling(part, question.effects, question.half) if question.half else None,
        )

    return decisions


def _check(check: Check, effects: Mapping[str, Effect]) -> Decision:
    cases = {}

    for name, effect in effects.items():
        outcome = HOLDS if check.criterion.holds(effect) else FAILS
        cases[name] = Case(effect.estimate(), outcome)

    failed = [name for name, case in cases.items() if case.outcome == FAILS]
    reason = f"not {check.criterion_in_words} ({'; '.join(failed)})" if failed else ""

    return Decision(FAILS if failed else HOLDS, cases, reason=reason)


def _p_values(asked: Asked) -> tuple[float, float]:
    """The p values of support and of contradiction of a question; nan where nothing is tested.

    All cases needed: the largest p supports (intersection-union test), the smallest times their
    number contradicts (Bonferroni). Some: the smallest times their number supports, and nothing
    contradicts.
    """
    part = asked.question
    if isinstance(part, Check) or isinstance(part.criterion, Measured):
        return math.nan, math.nan

    estimates = [effect.estimate() for effect in asked.effects.values()]
    supports = [part.criterion.p_support(estimate) for estimate in estimates]
    contradictions = [part.criterion.p_contradiction(estimate) for estimate in estimates]

    if part.some:
        return _smallest_times(supports), math.nan

    return _largest(supports), _smallest_times(contradictions)


def _outcome(
    part: Part, cases: Mapping[str, Case], adjusted_support: float, adjusted_contradiction: float
) -> str:
    if isinstance(part.criterion, Measured):
        return _outcome_without_p(part, [case.outcome for case in cases.values()])

    if adjusted_support <= ALPHA:
        return SUPPORTED

    if adjusted_contradiction <= ALPHA:
        return CONTRADICTED

    if part.some and all(_contradicted_alone(part, case) for case in cases.values()):
        return NOT_FOUND

    return NOT_RESOLVED


def _outcome_without_p(part: Part, outcomes: Sequence[str]) -> str:
    """The outcome of a part from those of its cases."""
    supported = [outcome == SUPPORTED for outcome in outcomes]
    contradicted = [outcome == CONTRADICTED for outcome in outcomes]

    if any(supported) if part.some else all(supported):
        return SUPPORTED

    if part.some:
        return NOT_FOUND if all(contradicted) else NOT_RESOLVED

    return CONTRADICTED if any(contradicted) else NOT_RESOLVED


def _contradicted_alone(part: Part, case: Case) -> bool:
    """Whether a case is on the other side of the limit, tested by itself."""
    if isinstance(part.criterion, Measured):
        return case.outcome == CONTRADICTED

    return part.criterion.p_contradiction(case.estimate) <= ALPHA


def _cases(part: Part, effects: Mapping[str, Effect]) -> dict[str, Case]:
    """The cases of a part, with Holm's adjustment among them."""
    estimates = {name: effect.estimate() for name, effect in effects.items()}

    if isinstance(part.criterion, Measured):
        return {
            name: Case(estimates[name], part.criterion.decide(effect))
            for name, effect in effects.items()
        }

    criterion = part.criterion
    supports = _holm({name: criterion.p_support(e) for name, e in estimates.items()})
    contradictions = _holm({name: criterion.p_contradiction(e) for name, e in estimates.items()})
    cases = {}

    for name, estimate in estimates.items():
        outcome = NOT_RESOLVED
        if supports[name] <= ALPHA:
            outcome = SUPPORTED
        elif contradictions[name] <= ALPHA:
            outcome = CONTRADICTED

        cases[name] = Case(estimate, outcome, supports[name], contradictions[name])

    return cases


def _holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    return dict(zip(p_values, holm(list(p_values.values())), strict=True))


def _level(adjusted: Sequence[float]) -> float:
    """The level at which the next part of a family would be decided: 0.05 / parts not decided."""
    undecided = [p for p in adjusted if not math.isnan(p) and p > ALPHA]
    return ALPHA / max(1, len(undecided))


def _what_it_takes(part: Part, cases: Mapping[str, Case], levels: tuple[float, float]) -> str:
    """Why a part is open and how many seeds or test images would decide it, in words."""
    if isinstance(part.criterion, Measured):
        reasons = [_no_interval(case) for case in cases.values()]
        return next(filter(None, reasons), "the interval contains the bound")

    sentences = {}

    for name, case in cases.items():
        supported = part.criterion.p_support(case.estimate) <= levels[0]
        if part.some or not supported:
            sentences[name] = _what_a_case_takes(part, case, len(cases), levels)

    if len(cases) == 1:
        return next(iter(sentences.values()), "")

    return "; ".join(f"{name}: {sentence}" for name, sentence in sentences.items())


def _what_a_case_takes(part: Part, case: Case, cases: int, levels: tuple[float, float]) -> str:
    """What would decide one case on the side of the limit where it lies."""
    reason = _no_interval(case)
    if reason or isinstance(part.criterion, Measured):
        return reason

    distance = part.criterion.distance(case.estimate)
    if distance == 0:
        return ON_THE_LIMIT

    supporting = distance > 0
    if part.some and not supporting:
        return "its mean is on the other side of the limit"

    level = levels[0] if supporting else levels[1]
    one_of_many = part.some or not supporting
    numbers = needed(case.estimate, distance, level / cases if one_of_many else level)
    direction = "support" if supporting else "contradict"

    return f"to {direction} it, {numbers}"


def _no_interval(case: Case) -> str:
    """Why a case has no interval; empty if it has one."""
    if not math.isfinite(case.estimate.mean):
        return NO_VALUE

    return ONE_SEED if math.isnan(case.estimate.se) else ""


def settling(part: Part, effects: Mapping[str, Effect], half: Mapping[str, Effect]) -> Settling:
    """The half-budget control: whether a contrast is the same at half the updates.

    Its outcome is not settled if the part alone, over the seeds that both budgets have, has another
    one at half the updates; its size is not if the 95 % interval of the change in a case is not
    within ± `settled_within`.

    Args:
        part: decided at both.
        effects: case -> effect at all updates, with seeds.
        half: case -> effect at half the updates, with seeds.

    Raises:
        ResultsMissing: a case was not run at half the updates, or with no common seed.
    """
    if missing := [name for name in effects if name not in half]:
        raise ResultsMissing(f"half the updates were not run for {'; '.join(missing)}")

    changes = {name: effect.minus(half[name]).estimate() for name, effect in effects.items()}
    doubt = _doubt_on_outcome(part, effects, half) or _doubt_on_size(part, changes)

    return Settling(doubt, changes)


def _doubt_on_outcome(
    part: Part, effects: Mapping[str, Effect], half: Mapping[str, Effect]
) -> Doubt | None:
    """The two outcomes on common seeds, if they differ, and what would decide at half."""
    final = {name: _at_seeds_of(effect, half[name]) for name, effect in effects.items()}
    at_half = {name: _at_seeds_of(half[name], effect) for name, effect in effects.items()}
    outcomes = [_outcome_alone(part, stage) for stage in (at_half, final)]

    if outcomes[0] == outcomes[1]:
        return None

    both = f"{outcomes[0]} after half of the updates and {outcomes[1]} after all of them"
    reason = f"on the same seeds, {both}"
    if outcomes[0] == NOT_RESOLVED:
        takes = _what_it_takes(part, _cases(part, at_half), levels=(ALPHA, ALPHA))
        reason = f"{reason} (after half of them, {takes})"

    return Doubt(NOT_SETTLED, reason)


def _doubt_on_size(part: Part, changes: Mapping[str, Estimate]) -> Doubt | None:
    """The cases whose change may be beyond the limit of a part, and what would settle them."""
    within = part.settled_within
    if within is None:
        return None

    moved = {name: change for name, change in changes.items() if not _stays(change, within)}
    if not moved:
        return None

    takes = {name: _what_settles(change, within, part.unit) for name, change in moved.items()}
    named = [f"{name}: {text}" if len(changes) > 1 else text for name, text in takes.items()]
    change = f"a change by more than {_quantity(within, part.unit)} is not ruled out"
    reason = f"from half of the updates to all, {change} ({'; '.join(named)})"

    return Doubt(SIZE_NOT_SETTLED, reason, tuple(moved))


def _stays(change: Estimate, within: float) -> bool:
    """Whether the interval of a change is within a limit on both sides."""
    ci = change.interval()
    return -within <= ci.low and ci.high <= within


def _what_settles(change: Estimate, within: float, unit: str) -> str:
    """How many seeds or test images would show that a change is within a limit, in words."""
    distance = within - abs(change.mean)
    if distance <= 0:
        moved = float(f"{change.mean:.2g}")
        return f"the mean changed by {_quantity(moved, unit)}"

    return str(needed(change, distance, level=ALPHA / 2) or ONE_SEED)


def _at_seeds_of(effect: Effect, other: Effect) -> Effect:
    """The effect over the seeds that another effect has too."""
    rows = [row for row, seed in enumerate(effect.seeds) if seed in other.seeds]
    images = None if effect.images is None else effect.images[rows]

    return Effect([effect.values[row] for row in rows], [effect.seeds[row] for row in rows], images)


def _outcome_alone(part: Part, effects: Mapping[str, Effect]) -> str:
    """The outcome of a part without adjustment for other parts."""
    support, contradiction = _p_values(Asked(part, effects))
    return _outcome(part, _cases(part, effects), support, contradiction)


@dataclass(frozen=True)
class Verdict:
    """The outcome of a claim.

    Attributes:
        outcome: supported, contradicted, not resolved or not found; holds or fails for a claim
            that consists of checks.
        adjusted: the adjusted p value that carries it; nan if none does.
        reason: of the parts that are open.
        unsettled: name of a part -> what the half-budget control does not confirm.
    """

    outcome: str
    adjusted: float = math.nan
    reason: str = ""
    unsettled: Mapping[str, Doubt] = field(default_factory=dict)


def together(decisions: Mapping[str, Decision]) -> Verdict:
    """The verdict on a claim: contradicted if a part is, supported if all parts are.

    Checks stand apart: they make the verdict only where a claim has no parts.

    >>> together({"a": Decision(SUPPORTED, {}), "b": Decision(CONTRADICTED, {})}).outcome
    'contradicted'

    Args:
        decisions: name of the question -> decision, at least one.
    """
    parts = {name: d for name, d in decisions.items() if d.outcome not in (HOLDS, FAILS)}
    if not parts:
        failed = {name: d for name, d in decisions.items() if d.outcome == FAILS}
        return Verdict(FAILS if failed else HOLDS, reason=_reasons(failed, len(decisions)))

    outcome = _outcome_of_claim([decision.outcome for decision in parts.values()])
    open_parts = {name: d for name, d in parts.items() if d.outcome in (NOT_RESOLVED, NOT_FOUND)}
    unsettled = {
        name: d.settling.doubt for name, d in parts.items() if d.settling and d.settling.doubt
    }

    return Verdict(
        outcome=outcome,
        adjusted=_adjusted_of_claim(outcome, list(parts.values())),
        reason=_reasons(open_parts, len(parts)) if open_parts else "",
        unsettled=unsettled,
    )


def _outcome_of_claim(outcomes: Sequence[str]) -> str:
    if CONTRADICTED in outcomes:
        return CONTRADICTED

    if NOT_RESOLVED in outcomes:
        return NOT_RESOLVED

    if NOT_FOUND in outcomes:
        return NOT_FOUND

    return SUPPORTED


def _adjusted_of_claim(outcome: str, parts: Sequence[Decision]) -> float:
    """The smallest adjusted p value that contradicts, or the largest of those that support."""
    p_values = [d.adjusted for d in parts if d.outcome == outcome and not math.isnan(d.adjusted)]
    if not p_values:
        return math.nan

    return min(p_values) if outcome == CONTRADICTED else max(p_values)


def _reasons(decisions: Mapping[str, Decision], count: int) -> str:
    if count == 1:
        return next(iter(decisions.values())).reason if decisions else ""

    return "; ".join(f"{name}: {decision.reason}" for name, decision in decisions.items())


def _largest(p_values: Sequence[float]) -> float:
    """The largest p value; nan if one of them is, since each case has to be supported."""
    return math.nan if any(math.isnan(p) for p in p_values) else max(p_values)


def _smallest_times(p_values: Sequence[float]) -> float:
    """The smallest p value times their number, at most 1; nan if nothing was tested."""
    tested = [p for p in p_values if not math.isnan(p)]
    return min(1.0, len(p_values) * min(tested)) if tested else math.nan


def _quantity(value: float, unit: str) -> str:
    """A number with its unit, `points` in the singular where it is 1.

    >>> _quantity(1.0, "points"), _quantity(0.5, "points"), _quantity(5.0, "")
    ('1 point', '0.5 points', '5')
    """
    if abs(value) == 1:
        unit = unit.removesuffix("s")

    return f"{value:g} {unit}".rstrip()
