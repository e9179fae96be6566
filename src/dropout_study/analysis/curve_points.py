"""The points of curves, which are compared like any metric, step by step."""

import pandas as pd

from dropout_study.analysis.list_columns import CURVE, WRONG, steps_of
from dropout_study.analysis.runs import Runs

STEP = "step"
"""The column of the step of a point."""
STEPS = {
    "val/": "updates",
    "train/": "updates",
    "mc/": "masks",
    "blocks/": "masks",
    "exact/mc": "masks",
    "bag/": "networks of the bag",
    "removal/": "units removed (%)",
    "corruption/": "severity",
    "units/": "layer",
    "interactions/": "layer",
    "cost/": "round",
}
"""How the names of curves begin -> what their steps are."""
IMAGES = {"blocks/error": ("blocks", "pool_arithmetic"), "mc/error": ("monte_carlo", "monte_carlo")}
"""Curve -> the rules whose misclassified images are those of some masks, and of all of them."""


def is_curve(networks: pd.DataFrame, metric: str) -> bool:
    """Whether a metric has a value per step."""
    return f"{CURVE}{metric}" in networks


def long_form(networks: pd.DataFrame, name: str, value: str) -> pd.DataFrame:
    """A row per network and step, with the value there; none for networks without the curve.

    Args:
        networks: a row per network.
        name: of the curve, such as `val/error`.
        value: the column that holds the values in the result.
    """
    curve = f"{CURVE}{name}"
    cells = networks[networks[curve].notna()].drop(columns=value, errors="ignore")
    long = cells.explode([steps_of(curve), curve], ignore_index=True)
    long = long.rename(columns={steps_of(curve): STEP, curve: value})

    return long.astype({STEP: int, value: float})


def at_steps(nets: Runs, metric: str) -> dict[int, Runs]:
    """Step -> the networks that have it, with the value there as the metric."""
    points = long_form(nets.frame, metric, metric)
    known = points[points[metric].notna()]

    return {int(str(step)): Runs(rows, nets.values) for step, rows in known.groupby(STEP)}


def images_at(nets: Runs, metric: str, step: int, last: int) -> str:
    """The rule whose misclassified images are those of a point; empty where none were kept.

    Args:
        nets: of the point.
        metric: the curve.
        step: of the point.
        last: the last step of the curve.
    """
    if metric not in IMAGES:
        return ""

    some, all_masks = IMAGES[metric]
    rules = (all_masks, f"{some}_{step}") if step == last else (f"{some}_{step}",)

    return next((rule for rule in rules if nets.keeps(f"{WRONG}{rule}")), "")


def step_in_words(metric: str) -> str:
    """What the steps of a curve are.

    >>> step_in_words("mc/error"), step_in_words("corruption/noise")
    ('masks', 'severity')
    """
    return next((words for prefix, words in STEPS.items() if metric.startswith(prefix)), STEP)
