"""Where a claim can be decided: the budgets and data sets at which all its runs are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.runs import ResultsMissing, Runs
from dropout_study.config.names import FINAL, HALF, STAGES, TUNING
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.studies import DEFAULT_BUDGET, Study, in_order

USUAL_DATA = "mnist"
"""The data set of a claim whose study's arms choose theirs."""


@dataclass(frozen=True)
class Scope:
    """A budget and a data set at which a claim can be decided."""

    budget: str
    data: str

    def __str__(self) -> str:
        return f"budget {self.budget}, {self.data}" if self.data else f"budget {self.budget}"


@dataclass(frozen=True)
class ClaimRuns:
    """The runs of a claim's studies, by stage.

    Attributes:
        final: they decide.
        half: the half-budget control; of studies without that stage, the final runs. Empty if no
            study of the claim has it.
        tuning: the candidates, of the studies that have some.
    """

    final: Studies = field(default_factory=dict)
    half: Studies = field(default_factory=dict)
    tuning: Studies = field(default_factory=dict)


def scopes(claim: Claim, results: pd.DataFrame) -> list[Scope]:
    """Where the claim's own study has runs: the largest budget first, and MNIST before others."""
    own = results[results["study"] == claim.studies[0]]
    pairs = set(zip(own["budget"], own["data.name"], strict=True)) if len(own) else set()
    found = [Scope(budget, data) for budget, data in pairs]

    return sorted(
        found,
        key=lambda scope: (-BUDGETS.index(scope.budget), scope.data != USUAL_DATA, scope.data),
    )


def runs_at(scope: Scope, claim: Claim, results: pd.DataFrame) -> ClaimRuns:
    """The runs of all studies and stages of a claim.

    Raises:
        ResultsMissing: conditions of a stage are not there. Deciding on a part of them would choose
            the verdict.
    """
    by_stage: dict[str, dict[str, Runs]] = {stage: {} for stage in STAGES}

    for name in claim.studies:
        study = _study_at(scope, claim, name)
        rows = _rows(study, results)

        for stage in stages(study):
            in_stage = rows[_stage_of(rows) == stage]
            _check_complete(study.at(study.budget, study.data, stage), in_stage)
            by_stage[stage][name] = _as_runs(in_stage, study)

    half = {**by_stage[FINAL], **by_stage[HALF]} if by_stage[HALF] else {}

    return ClaimRuns(by_stage[FINAL], half, by_stage[TUNING])


def stages(study: Study) -> list[str]:
    """The stages of a study: `tuning` if it has candidates, and those of its grid."""
    later = study.grid.get("study.stage", FINAL).split(",")
    return [TUNING, *later] if study.candidates else later


def command(claim: Claim, budget: str = DEFAULT_BUDGET, data: str | None = None) -> str:
    """The command that produces the runs of a claim, and the report.

    Args:
        claim: whose studies are run.
        budget: of the runs.
        data: the data set, if it is another than the studies' own.
    """
    studies = ",".join(in_order(claim.studies))
    other_data = f" data={data}" if data else ""

    return f"python scripts/reproduce.py studies=[{studies}] budget={budget}{other_data}"


def other_data(scope: Scope, claim: Claim) -> str | None:
    """The data set of a scope if it is another than that of the claim's own study."""
    default = Study.load(claim.studies[0]).at(scope.budget).default_data
    return scope.data if default and scope.data != default else None


def _study_at(scope: Scope, claim: Claim, name: str) -> Study:
    """A study of a claim at a scope; one with other data of its own, such as digits, keeps them."""
    usual = Study.load(claim.studies[0]).at(scope.budget).default_data or USUAL_DATA
    default = Study.load(name).at(scope.budget).default_data
    keeps_its_own = default is not None and default != usual
    data = None if keeps_its_own or scope.data == default else scope.data

    return Study.load(name).at(scope.budget, data)


def _rows(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """The rows of a study at its budget, on its data set unless its arms choose theirs."""
    rows = results[(results["study"] == study.name) & (results["budget"] == study.budget)]
    default = study.default_data

    return rows[rows["data.name"] == (study.data or default)] if default else rows


def _stage_of(rows: pd.DataFrame) -> pd.Series:
    """The stage of each row; runs from before stages existed are final."""
    if "stage" not in rows:
        return pd.Series(FINAL, index=rows.index, dtype=object)

    return rows["stage"].fillna(FINAL)


def _check_complete(study: Study, rows: pd.DataFrame) -> None:
    """Refuse to decide on a part of the conditions of a study in a stage.

    Raises:
        ResultsMissing: some are not there.
    """
    if study.stage == TUNING:
        rows = rows[rows["candidate"] < study.candidates]  # without those that extend a grid

    jobs = _jobs(study.grid)
    identity = ["digest", "seed"] if _varies(jobs, "seeds") else ["digest"]
    recorded = len(rows.drop_duplicates(identity)) if len(rows) else 0

    if recorded < len(jobs):
        raise ResultsMissing(
            f"{recorded} of the {len(jobs)} conditions of study {study.name}, "
            f"stage {study.stage}, are there"
        )


def _jobs(grid: Mapping[str, str]) -> list[list[str]]:
    return expand_sweep(parse_overrides([f"{key}={text}" for key, text in grid.items()]))


def _varies(jobs: Sequence[Sequence[str]], key: str) -> bool:
    """Whether a key is an axis of a sweep."""
    typed = {text for job in jobs for text in job if text.startswith(f"{key}=")}
    return len(typed) > 1


def _as_runs(rows: pd.DataFrame, study: Study) -> Runs:
    # The last digit of a sum depends on the order.
    rows = rows.sort_values(["condition", "digest", "seed"])
    return Runs(rows.dropna(axis=1, how="all").copy(), study.values)
