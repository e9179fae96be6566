"""What the page of a run shows in MLflow: a figure of its curves and a table of its seeds."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from dropout_study.measures.statistics import interval, range_of
from dropout_study.report.line_chart import Panel, line_chart
from dropout_study.tracking.record import FIGURE, TABLE, Record, SeedRecord

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
    keys = dict.fromkeys(key for seed in record.successful for key in seed.curves)
    every = [_panel(key, record.successful) for key in keys if _is_drawn(key)]
    panels = [panel for panel in every if panel.steps]

    if not panels:
        return [TABLE]

    seeds = len(record.successful)
    title = f"mean and 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"
    (folder / FIGURE).write_text(line_chart(title, panels), encoding="utf-8")

    return [FIGURE, TABLE]


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


def _panel(key: str, seeds: Sequence[SeedRecord]) -> Panel:
    """The mean of a curve over the seeds that have it, with its interval."""
    values: dict[int, list[float]] = {}
    for seed in seeds:
        for step, value, _ in seed.curves.get(key, []):
            values.setdefault(step, []).append(value)

    steps = [step for step in sorted(values) if all(map(math.isfinite, values[step]))]
    xlabel, ylabel = AXES.get(key, ("step", key))

    return Panel(
        steps=steps,
        intervals=[interval(values[step]).within(range_of(key)) for step in steps],
        xlabel=xlabel,
        ylabel=ylabel,
        logarithmic=key.startswith(("mc/", "blocks/")),
    )


def _numbers(record: Record, key: str) -> list[float | None]:
    """Summary and values of a metric with five digits; None where there is none."""
    ci = interval(record.values(key)).within(range_of(key))
    of_seeds = [seed.metrics.get(key, math.nan) for seed in record.successful]
    numbers = [ci.mean, ci.sd, ci.low, ci.high, *of_seeds]

    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in numbers]
