"""Whether nets were trained for long enough: whether the error still fell, and what more updates gave elsewhere."""

from collections.abc import Mapping

import pandas as pd

from dropout_study.analysis.runs import Runs, minus

LATE = 0.9  # share of the updates behind which a validation curve should have come to rest
FALL = 0.03  # of the error, or points, whichever is larger: what more training may still give
POINTS = 0.05
SETTINGS = ("data.", "model.", "regularizer.", "optimizer.", "schedule.")


def unfinished(compared: Mapping[str, Runs], results: pd.DataFrame) -> list[str]:
    """What speaks against it, a line for each condition that more training would have served.

    A schedule that ends at rate zero brings every curve to rest, finished or not. So the same net
    with more updates, where any study has trained it, is asked too.

    Args:
        compared: name -> networks of one condition.
        results: networks of all studies.
    """
    lines = []

    for name, runs in compared.items():
        curve = runs.curve("val/error").mean(axis=1).sort_index()
        late = curve[curve.index <= LATE * curve.index[-1]]
        if len(late) and _matters(late.iloc[-1] - curve.iloc[-1], curve.iloc[-1]):
            lines.append(f"{name}: validation error still fell over the last tenth of the updates")

        for longer in _trained_longer(runs, results):
            gain = minus(runs.last("val/error"), longer.last("val/error")).values
            mean, updates, study = (
                sum(gain) / len(gain),
                *longer.frame[["budget.updates", "study"]].iloc[0],
            )
            if _matters(mean, curve.iloc[-1]):
                lines.append(
                    f"{name}: {mean:.2f} points less validation error after {updates} updates ({study})"
                )

    return lines


def _matters(gain: float, error: float) -> bool:
    return gain > max(POINTS, FALL * error)


def _trained_longer(runs: Runs, results: pd.DataFrame) -> list[Runs]:
    """The same networks with more updates, a study and number of updates each."""
    row = runs.frame.iloc[0]
    same = results["budget.updates"] > row["budget.updates"]
    same &= results["seed"].isin(runs.frame["seed"]) & results["val/error"].notna()

    for key in results.columns[results.columns.str.startswith(SETTINGS)]:
        same &= results[key].isna() if pd.isna(row.get(key)) else results[key] == row[key]

    return [
        Runs(frame, runs.values) for _, frame in results[same].groupby(["budget.updates", "study"])
    ]
