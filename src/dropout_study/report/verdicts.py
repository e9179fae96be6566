"""From results to verdicts: each claim is decided at the largest budget with complete runs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import (
    CONTRADICTED,
    DOUBTS,
    NOT_CONTROLLED,
    NOT_RESOLVED,
    SUPPORTED,
    Asked,
    Check,
    Decision,
    Doubt,
    Part,
    together,
)
from dropout_study.analysis.criteria import decide as decide_questions
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, needing_columns
from dropout_study.claims import CLAIMS, FAMILIES
from dropout_study.config.names import DATASETS
from dropout_study.config.studies import Study
from dropout_study.report.scopes import ClaimRuns, Scope, options, other_data, runs_at, scopes

NEEDS_MNIST = "needs MNIST"
NO_RUNS = "runs missing"
SMOKE = "smoke"
"""The budget that only tests the machinery."""

Effects = Mapping[str, Mapping[str, Effect]]
"""Part or check -> case -> effect."""


@dataclass
class Outcome:
    """The verdict on a claim, and what it rests on.

    Attributes:
        claim: the claim.
        verdict: supported, contradicted, not resolved, not found; holds or fails for a claim of
            checks alone; needs MNIST, or runs missing.
        reason: what is missing, or what it would take.
        scope: budget and data set of the runs.
        runs: that decided, by stage.
        effects: of parts and checks.
        half: of parts, at half the updates; empty without such runs.
        decisions: part or check -> decision.
        adjusted: the p value that carries the verdict, adjusted for all parts of its family.
        unsettled: part -> what the half-budget control does not confirm.
        left_out: what was trained and is not compared, each with the reason.
        remarks: what a reader of the answer has to know besides.
        options: of the command that produces the runs, `reproduce`.
    """

    claim: Claim
    verdict: str
    reason: str = ""
    scope: Scope = field(default_factory=lambda: Scope("", ""))
    runs: ClaimRuns = field(default_factory=ClaimRuns)
    effects: Effects = field(default_factory=dict)
    half: Effects = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    adjusted: float = math.nan
    unsettled: Mapping[str, Doubt] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    remarks: Sequence[str] = ()
    options: str = ""

    @property
    def shown(self) -> str:
        """The verdict as it is shown everywhere: `supported, size not settled`."""
        return self.show(", ".join(filter(None, (self.verdict, self.doubt))))

    @property
    def doubt(self) -> str:
        """What half the updates leave open of the verdict; empty if nothing.

        Of the parts whose outcome makes the verdict: all that support a claim, those that
        contradict it.
        """
        names = [name for name, each in self.decisions.items() if each.outcome == self.verdict]
        return self._doubt_on(self.verdict, names)

    def shown_of(self, part: str) -> str:
        """The outcome of a part, as it is shown; on data that are too small, the verdict."""
        if self.verdict == NEEDS_MNIST:
            return self.shown

        outcome = self.decisions[part].outcome
        return self.show(", ".join(filter(None, (outcome, self._doubt_on(outcome, [part])))))

    def _doubt_on(self, verdict: str, parts: Sequence[str]) -> str:
        """The gravest doubt on some parts, if there is an outcome to doubt."""
        names = {self.unsettled[part].name for part in parts if part in self.unsettled}
        decided = verdict in (SUPPORTED, CONTRADICTED)

        return next((name for name in DOUBTS if name in names), "") if decided else ""

    def show(self, verdict: str) -> str:
        """A verdict on the claim as it is shown: seconds of training are no evidence."""
        return f"{SMOKE}: {verdict}" if self.scope.budget == SMOKE else verdict

    @property
    def studies(self) -> Studies:
        """The final runs, which decide."""
        return self.runs.final

    @property
    def own_runs(self) -> Runs:
        """The final runs of the claim's own study."""
        return self.studies[self.claim.studies[0]]

    @property
    def where(self) -> str:
        """Budget and data sets; the number of training examples if one unusual one is shared."""
        budget, data = self.scope.budget, self.scope.data
        frame = self.own_runs.frame
        names = [data, *frame.get("data.name", pd.Series(dtype=str)).dropna()]
        words = [budget, *dict.fromkeys(names)]
        sizes = frame.get("data.train_size", pd.Series(dtype=float)).dropna().unique()

        if len(sizes) == 1 and sizes[0] != DATASETS[data].train:
            words.append(f"{int(sizes[0]):,} training examples")

        return ", ".join(words)

    @property
    def beside(self) -> list[str]:
        """What stands beside the answer: remarks, and what was not compared."""
        return [*self.remarks, *self.left_out]

    @property
    def decided(self) -> bool:
        """Whether there are runs to decide on."""
        return self.verdict != NO_RUNS


def decide(results: pd.DataFrame, chosen: Sequence[str] = ()) -> list[Outcome]:
    """The outcomes of the claims.

    Args:
        results: of all studies, as `analysis.results` reads them.
        chosen: ids of claims; all of them if empty.
    """
    outcomes = [_measured(claim, results) for claim in CLAIMS.values()]
    decide_together([outcome for outcome in outcomes if outcome.decided])

    return [outcome for outcome in outcomes if not chosen or outcome.claim.id in chosen]


def _measured(claim: Claim, results: pd.DataFrame) -> Outcome:
    """The effects at the first scope whose runs are complete; else what is missing at the last."""
    reason = f"there are no results of study {claim.studies[0]}"

    for scope in scopes(claim, results):
        try:
            return _measured_at(scope, claim, results)
        except ResultsMissing as error:
            reason = f"{error} ({scope})"

    return Outcome(claim, NO_RUNS, reason, options=options(claim))


def _measured_at(scope: Scope, claim: Claim, results: pd.DataFrame) -> Outcome:
    """The effects at a scope, not decided yet.

    Raises:
        ResultsMissing: some runs are not there.
    """
    with needing_columns():
        runs = runs_at(scope, claim, results)
        effects = claim.estimate(runs.final) | claim.check(runs.final)
        half = _effects_at_half(claim, runs) if runs.half else {}
        left_out = claim.left_out(runs.final)
        remarks = claim.remarks(runs.final)

    return Outcome(
        claim=claim,
        verdict=NOT_RESOLVED,
        scope=scope,
        runs=runs,
        effects=effects,
        half=half,
        left_out=left_out,
        remarks=remarks,
        options=options(claim, scope.budget, other_data(scope, claim)),
    )


def _effects_at_half(claim: Claim, runs: ClaimRuns) -> Effects:
    """The effects at half the updates; no case of any part if nothing can be compared there."""
    try:
        return claim.estimate(runs.half)
    except ResultsMissing:
        return {name: {} for name in claim.parts}


def decide_together(outcomes: Sequence[Outcome]) -> None:
    """Decide all questions of some claims, and note the verdicts.

    p values are adjusted for all parts of a family of claims. Runs at the smoke budget are no
    evidence, and are adjusted apart.
    """
    for family in FAMILIES:
        members = [outcome for outcome in outcomes if outcome.claim in family]
        _decide_as_one([outcome for outcome in members if outcome.scope.budget != SMOKE])
        _decide_as_one([outcome for outcome in members if outcome.scope.budget == SMOKE])


def _decide_as_one(outcomes: Sequence[Outcome]) -> None:
    """Decide all questions of some claims with p values adjusted for all of their parts."""
    asked = {
        (outcome.claim.id, name): Asked(question, outcome.effects[name], _control(name, outcome))
        for outcome in outcomes
        for name, question in questions(outcome.claim).items()
    }
    decisions = decide_questions(asked)

    for outcome in outcomes:
        names = questions(outcome.claim)
        outcome.decisions = {name: decisions[outcome.claim.id, name] for name in names}
        verdict = together(outcome.decisions)
        outcome.verdict = _verdict(verdict.outcome, outcome)
        outcome.reason = verdict.reason
        outcome.adjusted = verdict.adjusted
        outcome.unsettled = {**verdict.unsettled, **dict(_incomplete_controls(outcome))}


def _control(name: str, outcome: Outcome) -> Mapping[str, Effect]:
    """The effects at half the updates; none if a case lacks its own, or seeds to compare by."""
    half = outcome.half.get(name, {})
    comparable = all(
        case in half and set(effect.seeds) & set(half[case].seeds)
        for case, effect in outcome.effects[name].items()
    )

    return half if comparable else {}


def _incomplete_controls(outcome: Outcome) -> Iterator[tuple[str, Doubt]]:
    """The parts that have cases without a control, each with what is missing."""
    for name, half in outcome.half.items():
        effects = outcome.effects[name]

        if missing := [case for case in effects if case not in half]:
            reason = f"half the updates give no effect for {'; '.join(missing)}"
            yield name, Doubt(NOT_CONTROLLED, reason)
            continue

        apart = [case for case in effects if _seeds_differ(effects[case], half[case])]
        if apart:
            seeds = "no common seeds at half the updates and at all"
            yield name, Doubt(NOT_CONTROLLED, f"{seeds} for {'; '.join(apart)}")


def _seeds_differ(effect: Effect, half: Effect) -> bool:
    """Whether two effects have seeds, and none in common."""
    has_seeds = bool(effect.seeds) or bool(half.seeds)
    return has_seeds and not set(effect.seeds) & set(half.seeds)


def questions(claim: Claim) -> dict[str, Part | Check]:
    """The parts of a claim, and its checks behind them."""
    return {**claim.parts, **claim.checks}


def _verdict(verdict: str, outcome: Outcome) -> str:
    """The verdict; small data sets that leave a claim of MNIST open are named as the reason."""
    default_data = Study.load(outcome.claim.studies[0]).default_data
    too_small = outcome.scope.data == "digits" and default_data != "digits"

    return NEEDS_MNIST if verdict == NOT_RESOLVED and too_small else verdict
