"""What tuning has chosen, and the validation errors that it was chosen by."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Studies
from dropout_study.analysis.runs import Runs
from dropout_study.analysis.tuning import validation_errors
from dropout_study.report.scopes import ERROR, tunable

RATE = "optimizer.lr"
MAX_COLUMNS = 2
LABEL_HEIGHT = 0.14  # inches, of the label of a line
CAPTION = (
    "Tuning: mean validation error of every candidate against its learning rate (of several "
    "candidates with one rate, a line joins the best); the large mark is the chosen one. "
    "Candidates that diverged are left out."
)


@dataclass(frozen=True)
class Choice:
    """What tuning has chosen for an arm.

    Attributes:
        study: of the arm.
        arm: its name.
        candidates: how many are recorded with all their seeds, or diverged; those included that
            extended the grid.
        chosen: the settings that were tuned, with their chosen values.
        error: mean validation error of the chosen candidate, in percent.
    """

    study: str
    arm: str
    candidates: int
    chosen: str
    error: str


def choices(tuning: Studies, final: Studies) -> list[Choice]:
    """What was chosen, for every arm of every study that tunes.

    Args:
        tuning: the candidates.
        final: the runs with what was chosen.
    """
    return [
        _choice(study, arm, candidates, final[study])
        for study, runs in tuning.items()
        for arm, candidates in _by_arm(runs, final[study])
    ]


def tuning_figure(tuning: Studies, final: Studies) -> Figure:
    """Validation error against learning rate: one panel per study, one line per arm.

    Candidates that were drawn, each with a rate of its own and with other settings, are points.

    Args:
        tuning: the candidates.
        final: the runs with what was chosen.
    """
    arms = max(len(set(runs.frame["arm"])) for runs in tuning.values())
    height = max(3.2, 1.0 + LABEL_HEIGHT * arms)
    sheet, panels = figures.panels(len(tuning), MAX_COLUMNS, height)

    for axes, (study, runs) in zip(panels, tuning.items(), strict=True):
        by_arm = dict(_by_arm(runs, final[study]))
        looks = figures.looks(list(by_arm))

        for arm, candidates in by_arm.items():
            shown = candidates[candidates[ERROR] < math.inf]
            _draw(axes, looks[arm], arm, shown, _is_chosen(shown, arm, final[study]))

        axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="validation error (%)")
        axes.set_title(study, fontsize=9, loc="left")

    return figures.finish(sheet)


def _by_arm(runs: Runs, final: Runs) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each arm of the final runs with its candidates: their settings and mean validation errors.

    A candidate that diverged has an infinite error; one that lacks the run of a seed is left out,
    since the others alone may look good.
    """
    judged = set(final.frame["arm"])

    for arm, nets in runs.by("arm").items():
        if arm in judged:
            yield arm, _candidates(nets.frame)


def _candidates(rows: pd.DataFrame) -> pd.DataFrame:
    """The candidates of an arm that have a run of every seed, one row each."""
    errors = validation_errors(rows)
    groups = rows.assign(**{ERROR: errors}).groupby("candidate", sort=True)
    candidates = groups[tunable(rows)].first().assign(**{ERROR: groups[ERROR].mean()})
    has_all_seeds = groups["seed"].nunique() == rows["seed"].nunique()

    return candidates[has_all_seeds]


def _tuned(candidates: pd.DataFrame) -> list[str]:
    """The settings in which candidates differ."""
    return [key for key in tunable(candidates) if candidates[key].nunique(dropna=False) > 1]


def _is_chosen(candidates: pd.DataFrame, arm: str, final: Runs) -> "pd.Series[bool]":
    """Whether each candidate has the settings of the arm's final runs."""
    chosen = final.where(arm=arm).frame.iloc[0]
    matches = pd.Series(True, index=candidates.index)

    for key in _tuned(candidates):
        matches &= candidates[key] == chosen[key]

    return matches


def _choice(study: str, arm: str, candidates: pd.DataFrame, final: Runs) -> Choice:
    is_chosen = _is_chosen(candidates, arm, final)
    network = final.where(arm=arm).frame.iloc[0]
    settings = [f"{key} {_number(network[key])}" for key in _tuned(candidates)]
    errors = candidates.loc[is_chosen, ERROR]
    error = f"{errors.iloc[0]:.2f} %" if len(errors) else ""

    return Choice(study, arm, len(candidates), ", ".join(settings), error)


def _draw(
    axes: Axes,
    look: figures.Look,
    arm: str,
    candidates: pd.DataFrame,
    is_chosen: "pd.Series[bool]",
) -> None:
    rates = candidates[RATE].astype(float)
    drawn = rates.is_unique and len(_tuned(candidates)) > 1

    if drawn:
        axes.plot(rates, candidates[ERROR], look["marker"], color=look["color"], alpha=0.6,
                  markersize=4, label=arm)  # fmt: skip
    else:
        best = candidates.groupby(RATE)[ERROR].min()
        axes.plot(best.index.to_numpy(dtype=float), best, **look, label=arm)

    chosen = candidates[is_chosen]
    axes.plot(chosen[RATE].astype(float), chosen[ERROR], look["marker"], color=look["color"],
              markersize=10, markeredgecolor="black", label="_chosen")  # fmt: skip

    end = candidates.iloc[int(rates.to_numpy().argmax())]
    figures.label_end(axes, arm, (float(end[RATE]), float(end[ERROR])), look["color"])


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
