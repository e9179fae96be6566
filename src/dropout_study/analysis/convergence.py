"""Whether nets were trained long enough: by their curves, and by longer runs of the same nets."""

from collections.abc import Mapping

import pandas as pd

from dropout_study.analysis.runs import Effect, Runs, minus

TAIL_FRACTION = 0.1  # of the updates, over which a validation curve should be flat
MIN_RELATIVE_GAIN = 0.03  # of the error
MIN_GAIN_POINTS = 0.05
SETTINGS = ("data.", "model.", "regularizer.", "optimizer.", "schedule.")


def warnings(conditions: Mapping[str, Runs], results: pd.DataFrame) -> list[str]:
    """Reasons to doubt convergence, one line per finding.

    A learning rate that is annealed to zero flattens every curve, so a flat curve proves nothing.
    Runs of the same network with more updates, in any study, are therefore compared as well.

    Args:
        conditions: name -> networks of one condition.
        results: networks of all studies.
    """
    lines = []

    for name, runs in conditions.items():
        curve = runs.curve("val/error").mean(axis=1).sort_index()
        final_error = curve.iloc[-1]

        if _still_falls(curve):
            lines.append(f"{name}: validation error still fell over the last tenth of the updates")

        for longer in _trained_longer(runs, results):
            gain = _mean(minus(runs.last("val/error"), longer.last("val/error")))
            if is_material(gain, final_error):
                updates = longer.frame["budget.updates"].iloc[0]
                study = longer.frame["study"].iloc[0]
                longer_training = f"with {updates:,} updates (study {study})"
                lower = f"the validation error is {gain:.2f} points lower"
                lines.append(f"{name}: {longer_training} {lower}")

    return lines


def is_material(gain: float, error: float) -> bool:
    """Whether a gain in validation error matters: more than 0.05 points and 3 % of the error.

    >>> is_material(0.04, 1.0), is_material(0.06, 1.0), is_material(0.06, 10.0)
    (False, True, False)

    Args:
        gain: in points.
        error: in percent, after the shorter training.
    """
    return bool(gain > max(MIN_GAIN_POINTS, MIN_RELATIVE_GAIN * error))


def _still_falls(curve: "pd.Series[float]") -> bool:
    """Whether a curve, by update, falls materially over its tail."""
    before_tail = curve[curve.index <= (1 - TAIL_FRACTION) * curve.index[-1]]
    if not len(before_tail):
        return False

    return is_material(before_tail.iloc[-1] - curve.iloc[-1], curve.iloc[-1])


def _mean(effect: Effect) -> float:
    return sum(effect.values) / len(effect.values)


def _trained_longer(runs: Runs, results: pd.DataFrame) -> list[Runs]:
    """The same networks with more updates, one entry per study and number of updates."""
    network = runs.frame.iloc[0]
    matches = results["budget.updates"] > network["budget.updates"]
    matches &= results["seed"].isin(runs.frame["seed"])
    matches &= results["val/error"].notna()

    for key in results.columns[results.columns.str.startswith(SETTINGS)]:
        value = network.get(key)
        matches &= results[key].isna() if pd.isna(value) else results[key] == value

    longer = results[matches].groupby(["budget.updates", "study"])

    return [Runs(frame, runs.values) for _, frame in longer]
