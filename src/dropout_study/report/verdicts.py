"""From results to verdicts: each claim is decided at the largest budget with complete runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dropout_study.analysis import convergence
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.criteria import (
    ALPHA,
    CONTRADICTED,
    INCONCLUSIVE,
    SUPPORTED,
    WITHIN_IMAGES,
    Decision,
    Exact,
    together,
)
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, needing_columns
from dropout_study.claims import CLAIMS
from dropout_study.config.names import DATASETS
from dropout_study.config.studies import DEFAULT_BUDGET, Study, in_order
from dropout_study.measures.statistics import holm

NEEDS_MNIST = "needs MNIST"
NO_RUNS = "no runs yet"


@dataclass(frozen=True)
class Scope:
    """A budget and a data set at which a claim can be decided."""

    budget: str
    data: str

    def __str__(self) -> str:
        return f"budget {self.budget}, {self.data}" if self.data else f"budget {self.budget}"


@dataclass
class Outcome:
    """The verdict on a claim, and what it rests on.

    Attributes:
        claim: the claim.
        verdict: supported, contradicted, inconclusive, needs MNIST, or no runs yet.
        reason: why it is inconclusive or has no runs.
        studies: the runs that decided.
        budget: of those runs.
        data: their data set.
        effects: part -> case -> effect.
        decisions: part -> decision.
        p: of the verdict, unadjusted; nan if nothing is tested.
        adjusted: the same, adjusted for the number of claims.
        convergence_warnings: reasons to doubt that training was long enough.
        command: produces the runs.
    """

    claim: Claim
    verdict: str
    reason: str = ""
    studies: Studies = field(default_factory=dict)
    budget: str = ""
    data: str = ""
    effects: Mapping[str, Mapping[str, Effect]] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    p: float = math.nan
    adjusted: float = math.nan
    convergence_warnings: Sequence[str] = ()
    command: str = ""

    @property
    def shown(self) -> str:
        """The verdict as it is shown everywhere."""
        return self.show(self.verdict)

    def show(self, verdict: str) -> str:
        """A verdict on the claim as it is shown: seconds of training are no evidence."""
        return f"smoke: {verdict}" if self.budget == "smoke" else verdict

    @property
    def own_runs(self) -> Runs:
        """The runs of the claim's own study."""
        return self.studies[self.claim.studies[0]]

    @property
    def where(self) -> str:
        """Budget and data set; the number of training examples if all runs share an unusual one."""
        scope = f"{self.budget}, {self.data}"
        sizes = self.own_runs.frame.get("data.train_size", pd.Series(dtype=float)).dropna().unique()

        if len(sizes) == 1 and sizes[0] != DATASETS[self.data].train:
            scope += f", {int(sizes[0]):,} training examples"

        return scope

    @property
    def decided(self) -> bool:
        """Whether there are runs to decide on."""
        return self.verdict != NO_RUNS

    @property
    def seeds(self) -> int:
        """The smallest number of seeds (or rounds) behind an interval; all seeds without any."""
        counts = [
            len(effect.values)
            for name, part in self.claim.parts.items()
            for effect in self.effects[name].values()
            if not isinstance(part.criterion, Exact)
        ]

        return min(counts) if counts else self.own_runs.frame["seed"].nunique()

    @property
    def overturned(self) -> bool:
        """Whether the adjustment for the number of claims would make the verdict inconclusive."""
        return self.verdict in (SUPPORTED, CONTRADICTED) and self.adjusted > ALPHA


def decide(results: pd.DataFrame, chosen: Sequence[str] = ()) -> list[Outcome]:
    """The outcomes of the claims, with p values adjusted for all claims that could be tested.

    Args:
        results: of all studies, as `analysis.results` reads them.
        chosen: ids of claims; all of them if empty.
    """
    outcomes = [_outcome(claim, results) for claim in CLAIMS.values()]
    adjusted = holm([outcome.p for outcome in outcomes])

    for outcome, p in zip(outcomes, adjusted, strict=True):
        outcome.adjusted = p

    return [outcome for outcome in outcomes if not chosen or outcome.claim.id in chosen]


def _outcome(claim: Claim, results: pd.DataFrame) -> Outcome:
    """The outcome at the first scope whose runs are complete; else what is missing at the last."""
    reason = f"there are no results of study {claim.studies[0]}"

    for scope in _scopes(claim, results):
        try:
            return _decide_at(scope, claim, results)
        except ResultsMissing as error:
            reason = f"{error} ({scope})"

    return Outcome(claim, NO_RUNS, reason, command=_command(claim))


def _scopes(claim: Claim, results: pd.DataFrame) -> list[Scope]:
    """Where the claim's own study has runs: the largest budget first, and MNIST before others."""
    own = results[results["study"] == claim.studies[0]]
    pairs = set(zip(own["budget"], own["data.name"], strict=True)) if len(own) else set()
    scopes = [Scope(budget, data) for budget, data in pairs]

    return sorted(
        scopes,
        key=lambda scope: (-BUDGETS.index(scope.budget), scope.data != "mnist", scope.data),
    )


def _decide_at(scope: Scope, claim: Claim, results: pd.DataFrame) -> Outcome:
    """The outcome at a scope.

    Raises:
        ResultsMissing: some runs are not there.
    """
    runs = _runs_at(scope, claim, results)
    _check_complete(runs[claim.studies[0]], claim.studies[0], scope)

    with needing_columns():
        effects = claim.estimate(runs)
        doubts = convergence.warnings(claim.trained_conditions(runs), results)

    decisions = {name: part.decide(effects[name]) for name, part in claim.parts.items()}
    decision = together(decisions)
    default_data = Study.load(claim.studies[0]).default_data
    other_data = scope.data if default_data and scope.data != default_data else None

    return Outcome(
        claim=claim,
        verdict=_verdict(decision, scope.data, default_data),
        reason=decision.reason,
        studies=runs,
        budget=scope.budget,
        data=scope.data,
        effects=effects,
        decisions=decisions,
        p=decision.p,
        convergence_warnings=doubts,
        command=_command(claim, scope.budget, other_data),
    )


def _verdict(decision: Decision, data: str, default_data: str | None) -> str:
    """The verdict; small data sets that leave a claim of MNIST open are named as the reason."""
    too_small = decision.verdict == INCONCLUSIVE and data == "digits" and default_data != "digits"
    if too_small and (default_data is None or WITHIN_IMAGES in decision.reason):
        return NEEDS_MNIST

    return decision.verdict


def _runs_at(scope: Scope, claim: Claim, results: pd.DataFrame) -> dict[str, Runs]:
    """The runs of a claim's studies; on all data sets if a study's arms choose theirs."""
    runs = {}

    for study in claim.studies:
        at_scope = Study.load(study).at(scope.budget, scope.data)
        rows = results[(results["study"] == study) & (results["budget"] == scope.budget)]

        if at_scope.default_data:
            rows = rows[rows["data.name"] == scope.data]

        # The last digit of a sum depends on the order.
        rows = rows.sort_values(["condition", "digest", "seed"])
        rows = rows.dropna(axis=1, how="all").copy()

        if len(rows) or study == claim.studies[0]:
            runs[study] = Runs(rows, at_scope.values)

    return runs


def _check_complete(own: Runs, study: str, scope: Scope) -> None:
    """Refuse to decide on a part of a study's conditions, which would choose the verdict.

    Raises:
        ResultsMissing: some conditions are not there.
    """
    at_budget = Study.load(study).at(scope.budget)
    other_data = scope.data if scope.data != at_budget.default_data else None
    expected = at_budget.at(scope.budget, other_data).size
    recorded = own.frame["digest"].nunique()

    if recorded < expected:
        raise ResultsMissing(f"{recorded} of the {expected} conditions of study {study} are there")


def _command(claim: Claim, budget: str = DEFAULT_BUDGET, data: str | None = None) -> str:
    """The commands that produce the runs of a claim, including the cohorts that it evaluates."""
    order = in_order(claim.studies[:1])
    return " && ".join(Study.load(study).at(budget, data).command for study in order)
