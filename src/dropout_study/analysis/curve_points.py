"""The points of curves as networks of their own, so that they are compared like any metric."""

import pandas as pd

from dropout_study.analysis.list_columns import CURVE, steps_of

STEP = "step"
"""The column that holds the step of a point: an update, a number of masks, or a round."""
MASKS = ("mc/", "blocks/", "exact/mc")
UPDATES = ("val/", "train/")
"""How the names of curves begin whose steps are numbers of masks, and of updates."""


def is_curve(networks: pd.DataFrame, metric: str) -> bool:
    """Whether a metric has a value per step."""
    return f"{CURVE}{metric}" in networks


def points(networks: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A row per network and step, with the value there as the metric.

    Each step is a condition of its own: its name ends with the step, and so does its digest.

    Args:
        networks: a row per network; those without the curve have no points.
        metric: a curve, such as `val/error`.
    """
    curve = f"{CURVE}{metric}"
    cells = networks[networks[curve].notna()].drop(columns=metric, errors="ignore")
    long = cells.explode([steps_of(curve), curve], ignore_index=True)
    long = long.rename(columns={steps_of(curve): STEP, curve: metric})
    long = long.astype({STEP: int, metric: float})
    steps = long[STEP].map(name_of)

    return long.assign(
        condition=long["condition"] + ", " + steps, digest=long["digest"] + ", " + steps
    )


def name_of(step: int) -> str:
    """How the name of a point ends."""
    return f"{STEP} {step}"


def step_in_words(metric: str) -> str:
    """What the steps of a curve count.

    >>> step_in_words("mc/error"), step_in_words("val/nll"), step_in_words("cost/dropout")
    ('masks', 'updates', 'step')
    """
    if metric.startswith(MASKS):
        return "masks"

    return "updates" if metric.startswith(UPDATES) else STEP
