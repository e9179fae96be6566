"""What the page of a run shows in MLflow: a figure of its curves and a table of its seeds."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dropout_study.analysis import figures
from dropout_study.measures.statistics import interval, range_of
from dropout_study.tracking.record import TABLE, Record, SeedRecord

FIGURE = "curves.svg"
AXES = {
    "val/error": ("update", "validation error (%)"),
    "mc/error": ("number of masks", "test error (%), Monte Carlo"),
    "blocks/error": ("number of masks", "test error (%), Monte Carlo"),
}
"""Curve -> labels of its axes."""
ONE_CURVE_GROUPS = ("train/", "val/", "mc/", "blocks/")
"""Prefixes of curves of which only those in `AXES` are drawn."""
SUMMARY_COLUMNS = ("mean", "sd", "95 % low", "95 % high")


def write_run_page(record: Record, folder: Path) -> list[str]:
    """Write table and figure into the run's folder.

    Returns:
        The names of the files; without curves to draw there is no figure.
    """
    (folder / TABLE).write_text(json.dumps(seeds_table(record)), encoding="utf-8")
    drawn = {key: curve for key, curve in curves(record).items() if _is_drawn(key)}

    if not drawn:
        return [TABLE]

    (folder / FIGURE).write_bytes(_figure(drawn, len(record.successful)))

    return [FIGURE, TABLE]


def curves(record: Record) -> dict[str, pd.DataFrame]:
    """The curves of the successful seeds: one row per step, one column per seed."""
    keys = dict.fromkeys(key for seed in record.successful for key in seed.curves)
    return {key: _curve(key, record.successful) for key in keys}


def seeds_table(record: Record) -> dict[str, list[object]]:
    """The final metrics in MLflow's format for tables.

    One row per metric: mean, standard deviation, 95 % interval, and the value of each seed.
    """
    seeds = record.successful
    keys = dict.fromkeys(key for seed in seeds for key in seed.metrics)
    names = [f"seed {seed.seed}" for seed in seeds]

    return {
        "columns": ["metric", *SUMMARY_COLUMNS, *names],
        "data": [[key, *_numbers(record, key)] for key in keys],
    }


def _is_drawn(key: str) -> bool:
    return key in AXES or not key.startswith(ONE_CURVE_GROUPS)


def _curve(key: str, seeds: Sequence[SeedRecord]) -> pd.DataFrame:
    by_seed = {}

    for seed in seeds:
        if key in seed.curves:
            by_seed[seed.seed] = {step: value for step, value, _ in seed.curves[key]}

    return pd.DataFrame(by_seed)


def _figure(drawn: dict[str, pd.DataFrame], seeds: int) -> bytes:
    title = f"mean and 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"

    with figures.style():
        sheet, axes = figures.panels(len(drawn), columns=4)

        for axis, (key, curve) in zip(axes, drawn.items(), strict=True):
            figures.line(axis, curve, "", label=False, within=range_of(key))
            xlabel, ylabel = AXES.get(key, ("step", key))
            xscale = "log" if key.startswith(("mc/", "blocks/")) else "linear"
            axis.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale)

        sheet.suptitle(title, fontsize=9)

        return figures.svg(figures.finish(sheet))


def _numbers(record: Record, key: str) -> list[float | None]:
    """Summary and values of a metric with five digits; None where there is none."""
    ci = interval(record.values(key)).within(range_of(key))
    of_seeds = [seed.metrics.get(key, math.nan) for seed in record.successful]
    numbers = [ci.mean, ci.sd, ci.low, ci.high, *of_seeds]

    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in numbers]
