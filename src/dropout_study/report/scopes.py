"""Where a claim can be decided: the budgets and data sets at which all its runs are there."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd

from dropout_study.analysis.arms import per_arm
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.runs import ResultsMissing, Runs
from dropout_study.config.names import FINAL, HALF, STAGES, TUNING
from dropout_study.config.planned import Planned, planned_seeds
from dropout_study.config.studies import DEFAULT_BUDGET, Study, in_order

ERROR = "val/error"
TUNABLE = ("optimizer.", "model.", "regularizer.")
"""How settings begin that a candidate may have of its own."""
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
        ResultsMissing: conditions of a stage, or seeds of them, are not there. Deciding on a part
            of them would choose the verdict.
    """
    results = per_arm(results[results["study"].isin(claim.studies)])
    by_stage: dict[str, dict[str, Runs]] = {stage: {} for stage in STAGES}

    for name in claim.studies:
        study = _study_at(scope, claim, name)
        rows = _rows(study, results)
        tuning = _tuning_rows(study, results)

        if name in claim.optional and not _is_recorded(study, results):
            continue

        for stage in stages(study):
            at_stage = study.at(study.budget, study.data, stage)
            in_stage = rows[stage_of(rows) == stage]

            if stage == TUNING:
                _check_tuned(at_stage, in_stage)
            else:
                in_stage = _of_present_choice(at_stage, in_stage, tuning)
                _check_complete(at_stage, in_stage)

            by_stage[stage][name] = _as_runs(in_stage, study)

    half = {**by_stage[FINAL], **by_stage[HALF]} if by_stage[HALF] else {}

    return ClaimRuns(by_stage[FINAL], half, by_stage[TUNING])


def stages(study: Study) -> list[str]:
    """The stages of a study: `tuning` if it has candidates, and those of its grid."""
    later = study.grid.get("study.stage", FINAL).split(",")
    return [TUNING, *later] if study.candidates else later


def options(claim: Claim, budget: str = DEFAULT_BUDGET, data: str | None = None) -> str:
    """What is typed behind `reproduce` for the runs of a claim, and the report.

    Args:
        claim: whose studies are run.
        budget: of the runs.
        data: the data set, if it is another than the studies' own.
    """
    studies = ",".join(in_order(claim.studies))
    other_data = [f"data={data}"] if data else []

    return shlex.join([f"studies=[{studies}]", f"budget={budget}", *other_data])


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


def _is_recorded(study: Study, results: pd.DataFrame) -> bool:
    """Whether a study has runs at its budget, on whatever data."""
    return bool(((results["study"] == study.name) & (results["budget"] == study.budget)).any())


def _tuning_rows(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """The rows of the candidates that a study's settings are chosen from."""
    tuned = study.tuned
    if not tuned:
        return results.iloc[:0]

    rows = _rows(tuned.at(study.budget, study.data), results)

    return rows[stage_of(rows) == TUNING]


def stage_of(rows: pd.DataFrame) -> pd.Series:
    """The stage of each row; runs from before stages existed are final."""
    if "stage" not in rows:
        return pd.Series(FINAL, index=rows.index, dtype=object)

    return rows["stage"].fillna(FINAL)


def _check_tuned(study: Study, rows: pd.DataFrame) -> None:
    """Refuse to decide on arms that nothing was chosen for; not every candidate has to be there.

    Raises:
        ResultsMissing: an arm has no candidate with all its seeds.
    """
    arms = _labels(rows)["arm"]

    for condition, seeds in _planned(study).items():
        if complete_candidates(rows[arms == condition.arm], seeds).empty:
            raise ResultsMissing(
                f"study {study.name}, stage {study.stage}: no candidate of {condition} has all "
                "seeds"
            )


def complete_candidates(rows: pd.DataFrame, seeds: Collection[int]) -> pd.DataFrame:
    """The rows of an arm's candidates that have a validation error for each of some seeds."""
    if ERROR not in rows or "candidate" not in rows:
        return rows.iloc[:0]

    measured = rows[rows[ERROR].notna() & rows["seed"].isin(seeds)]
    recorded = measured.groupby(["candidate", "digest"])["seed"].transform("nunique")

    return measured[recorded == len(seeds)]


def _of_present_choice(study: Study, rows: pd.DataFrame, tuning: pd.DataFrame) -> pd.DataFrame:
    """The rows of what is planned, each arm with one set of values.

    Where an arm has several, from before and after its tuning was extended, those with the values
    of its best candidate count.

    Args:
        study: in a later stage.
        rows: of that stage.
        tuning: those of its candidates; empty if nothing is tuned.

    Raises:
        ResultsMissing: an arm has several, and none of them, or more than one, is that choice.
    """
    lines: dict[Planned, list[int]] = {}

    for line, label in zip(rows.index, _condition_labels(study, rows), strict=True):
        lines.setdefault(Planned(*label), []).append(line)

    kept: list[int] = []

    for condition in _planned(study):
        nets = rows.loc[lines.get(condition, [])]
        if nets["digest"].nunique() > 1:
            nets = _chosen(nets, _best_candidate(study, condition, tuning))

        if nets["digest"].nunique() != 1 and len(nets):
            names = "; ".join(sorted(set(nets["condition"])))
            raise ResultsMissing(
                f"several conditions are recorded for {condition} of study {study.name}, "
                f"stage {study.stage}: {names}; delete the runs of all but one of them"
            )

        kept += list(nets.index)

    return rows.loc[kept]


def _best_candidate(study: Study, condition: Planned, tuning: pd.DataFrame) -> "pd.Series | None":
    """The settings of the arm's candidate with the lowest mean validation error, if it is tuned."""
    if not study.tuned:
        return None

    stage = study.tuned.at(study.budget, study.data, TUNING)
    rows = tuning[_labels(tuning)["arm"] == condition.arm]
    seeds = _planned(stage).get(Planned(condition.arm, 0), set())
    complete = complete_candidates(rows, seeds)
    if complete.empty:
        return None

    candidates = complete.sort_values("candidate").groupby("digest", sort=False)
    best = candidates[ERROR].mean().idxmin()  # the first of several equal ones, as tuning chooses
    varied = [key for key in tunable(rows) if rows[key].nunique(dropna=False) > 1]

    return complete[complete["digest"] == best].iloc[0][varied]


def _chosen(nets: pd.DataFrame, choice: "pd.Series | None") -> pd.DataFrame:
    """The networks with the chosen values; all of them if that leaves none."""
    if choice is None:
        return nets

    matches = pd.Series(True, index=nets.index)
    for key, value in choice.items():
        matches &= (nets[key] == value) | (nets[key].isna() & pd.isna(value))

    return nets[matches] if matches.any() else nets


def tunable(rows: pd.DataFrame) -> list[str]:
    """The columns of settings that a candidate may have of its own."""
    return [column for column in map(str, rows) if column.startswith(TUNABLE)]


def _check_complete(study: Study, rows: pd.DataFrame) -> None:
    """Refuse to decide on a part of the conditions of a study in a stage, or of their seeds.

    Raises:
        ResultsMissing: some are not there, as those of a network that diverged.
    """
    planned = _planned(study)
    recorded: dict[Planned, set[int]] = {}

    for label, seed in zip(_condition_labels(study, rows), rows["seed"], strict=True):
        recorded.setdefault(Planned(*label), set()).add(int(seed))

    lacking = {
        condition: sorted(seeds - recorded.get(condition, set()))
        for condition, seeds in planned.items()
        if not seeds <= recorded.get(condition, set())
    }

    if lacking:
        condition, seeds = next(iter(lacking.items()))
        others = len(lacking) - 1
        further = f"; {others} more {'lacks' if others == 1 else 'lack'} some" if others else ""
        raise ResultsMissing(
            f"study {study.name}, stage {study.stage}: {len(lacking)} of {len(planned)} conditions "
            f"are incomplete; {condition} lacks seeds {_in_words(seeds)}{further}"
        )


def _in_words(seeds: Sequence[int]) -> str:
    """Sorted seeds, the first and the last of them if they follow one another.

    >>> _in_words([100, 101, 102]), _in_words([100, 102, 103]), _in_words([103, 107])
    ('100 to 102', '100, 102, 103', '103, 107')
    """
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 2 and last - first == len(seeds) - 1:
        return f"{first} to {last}"

    return ", ".join(map(str, seeds))


def _condition_labels(study: Study, rows: pd.DataFrame) -> list[tuple[str, int]]:
    """The condition of each row. Only where a grid has candidates do they set conditions apart."""
    labels = _labels(rows)
    if "study.candidate" not in study.grid:
        labels["candidate"] = 0

    return [(arm, int(candidate)) for arm, candidate in labels.itertuples(index=False)]


def _labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Arm and candidate of each row, empty and 0 where a run has no such tag."""
    empty: dict[str, Any] = {"arm": "", "candidate": 0}
    columns = {
        name: (rows[name].where(rows[name].notna(), value) if name in rows else value)
        for name, value in empty.items()
    }

    return pd.DataFrame(columns, index=rows.index)


def _planned(study: Study) -> dict[Planned, set[int]]:
    return _planned_at(study.name, study.budget, study.data, study.stage)


@cache  # several claims read a study
def _planned_at(
    name: str, budget: str, data: str | None, stage: str | None
) -> dict[Planned, set[int]]:
    return planned_seeds(Study.load(name).at(budget, data, stage))


def _as_runs(rows: pd.DataFrame, study: Study) -> Runs:
    # The last digit of a sum depends on the order.
    rows = rows.sort_values(["condition", "digest", "seed"])
    return Runs(rows.dropna(axis=1, how="all").copy(), study.values)
