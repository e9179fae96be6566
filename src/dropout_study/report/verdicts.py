"""From results to verdicts: every claim decided at the largest budget at which its runs are there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.convergence import warnings
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
from dropout_study.config import studies
from dropout_study.config.names import DATASETS
from dropout_study.measures.statistics import holm

NEEDS_MNIST = "needs MNIST"
NO_RUNS = "no runs yet"


@dataclass
class Outcome:
    """What has become of a claim.

    Attributes:
        claim: which.
        verdict: supported, contradicted, inconclusive, needs MNIST, or no runs yet.
        reason: why it is not decided.
        studies: the runs it was decided on.
        budget: of them.
        data: of them.
        effects: part -> name -> effect.
        decisions: part -> decision.
        p: of the verdict, unadjusted, and adjusted for the number of claims.
        convergence_warnings: reasons to doubt that training was long enough.
        command: what produces the runs.
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
        """The verdict as it is shown wherever it is."""
        return self.show(self.verdict)

    def show(self, verdict: str) -> str:
        """A verdict on the claim as it is shown: after seconds of training it is no evidence."""
        return f"smoke: {verdict}" if self.budget == "smoke" else verdict

    @property
    def where(self) -> str:
        """Budget and data set, and the number of training examples if it is one for all and not the whole set."""
        own = self.studies[self.claim.studies[0]].frame
        sizes = set(own.get("data.train_size", pd.Series(dtype=float)).dropna())
        told = f"{self.budget}, {self.data}"

        if len(sizes) == 1 and (size := int(sizes.pop())) < DATASETS[self.data].train:
            told += f", {size:,} training examples"

        return told

    @property
    def decided(self) -> bool:
        """Whether there are runs to decide on."""
        return self.verdict != NO_RUNS

    @property
    def seeds(self) -> int:
        """The smallest number of seeds (or rounds) that an interval rests on; of exact claims, all seeds."""
        counts = [
            len(effect.values)
            for name, part in self.claim.parts.items()
            for effect in self.effects[name].values()
            if not isinstance(part.criterion, Exact)
        ]
        return min(counts, default=self.studies[self.claim.studies[0]].frame["seed"].nunique())

    @property
    def overturned(self) -> bool:
        """Whether the adjustment for the number of claims would make the verdict inconclusive."""
        return self.verdict in (SUPPORTED, CONTRADICTED) and self.adjusted > ALPHA


def decide(runs: pd.DataFrame, conf: Path, chosen: Sequence[str] = ()) -> list[Outcome]:
    """The outcomes of the claims (of all, by default), each p adjusted for all that could be tested.

    Args:
        runs: results of all studies, as `results` reads them.
        conf: the folder of the configuration.
        chosen: ids of claims.
    """
    outcomes = [_outcome(claim, runs, conf) for claim in CLAIMS.values()]
    for outcome, adjusted in zip(outcomes, holm([outcome.p for outcome in outcomes]), strict=True):
        outcome.adjusted = adjusted

    return [outcome for outcome in outcomes if not chosen or outcome.claim.id in chosen]


def _outcome(claim: Claim, runs: pd.DataFrame, conf: Path) -> Outcome:
    """The outcome at the largest budget, and on MNIST rather than on digits, if the runs are there."""
    missing = f"there are no results of study {claim.studies[0]}"

    for budget, data in _scopes(claim, runs):
        found = _at(claim, runs, conf, budget, data)

        try:
            _check_whole(found[claim.studies[0]], claim.studies[0], conf, budget, data)
            with needing_columns():
                effects = claim.estimate(found)
                late = warnings(claim.trained_conditions(found), runs)
        except ResultsMissing as error:
            missing = f"{error} (budget {budget}{f', {data}' if data else ''})"
            continue

        decisions = {name: part.decide(effects[name]) for name, part in claim.parts.items()}
        whole = together(decisions)
        outcome = Outcome(
            claim, whole.verdict, whole.reason, found, budget, data, effects, decisions, whole.p
        )
        outcome.convergence_warnings = late
        usual = studies.data_of(claim.studies[0], conf, "laptop")
        outcome.command = _commands(claim, conf, budget, data if usual and data != usual else None)

        if whole.verdict == INCONCLUSIVE and data == "digits" and usual != "digits":
            outcome.verdict = (
                NEEDS_MNIST if WITHIN_IMAGES in whole.reason or usual is None else INCONCLUSIVE
            )

        return outcome

    return Outcome(claim, NO_RUNS, missing, command=_commands(claim, conf))


def _scopes(claim: Claim, runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Budgets and data sets of the runs of a claim's own study, the one to prefer first."""
    own = runs[runs["study"] == claim.studies[0]]
    if not len(own):
        return []

    found = set(zip(own["budget"], own["data.name"], strict=True))

    return sorted(
        found, key=lambda scope: (-BUDGETS.index(scope[0]), scope[1] != "mnist", scope[1])
    )


def _at(claim: Claim, runs: pd.DataFrame, conf: Path, budget: str, data: str) -> dict[str, Runs]:
    """The runs of a claim's studies at a budget; on one data set, unless the arms of a study choose theirs."""
    found = {}

    for study in claim.studies:
        of_study = runs[(runs["study"] == study) & (runs["budget"] == budget)]

        if studies.data_of(study, conf, budget):
            of_study = of_study[of_study["data.name"] == data]

        of_study = of_study.sort_values(
            ["digest", "seed"]
        )  # sums depend on the order in their last digit
        if len(of_study) or study == claim.studies[0]:
            found[study] = Runs(
                of_study.dropna(axis=1, how="all").copy(), studies.values(study, conf, budget, data)
            )

    return found


def _check_whole(own: Runs, study: str, conf: Path, budget: str, data: str) -> None:
    """Refuse to decide on some of a study's conditions: which are there must not choose the verdict.

    Raises:
        ResultsMissing: some are not there.
    """
    usual = studies.data_of(study, conf, budget)
    wanted = studies.size(study, conf, budget, data if data != usual else None)
    if (there := own.frame["digest"].nunique()) < wanted:
        raise ResultsMissing(f"{there} of the {wanted} conditions of study {study} are there")


def _commands(claim: Claim, conf: Path, budget: str = "laptop", data: str | None = None) -> str:
    """What produces the runs of a claim, the cohorts it evaluates included."""
    return " && ".join(
        studies.command(study, budget, data) for study in studies.in_order(claim.studies[:1], conf)
    )
