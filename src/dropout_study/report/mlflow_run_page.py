"""What the page of a run shows in MLflow: a figure of its curves and a table of its seeds."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from dropout_study.analysis.curve_points import step_in_words
from dropout_study.measures.statistics import (
    SEEDS_OF_INTERVAL,
    Interval,
    interval,
    range_of,
)
from dropout_study.report.line_chart import Panel, Point, line_chart
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
    (folder / FIGURE).write_text(line_chart(_title(seeds), panels), encoding="utf-8")

    return [FIGURE, TABLE]


def _title(seeds: int) -> str:
    """What is drawn of so many seeds."""
    if seeds == 1:
        return "one seed"

    if seeds < SEEDS_OF_INTERVAL:
        return f"mean over {seeds} seeds, and each of them"

    return f"mean and 95 % interval over {seeds} seeds"


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
    """The mean of a curve over the seeds that have it: with its interval, or with few seeds."""
    values: dict[int, list[float]] = {}
    for seed in seeds:
        for step, value, _ in seed.curves.get(key, []):
            values.setdefault(step, []).append(value)

    steps = [step for step in sorted(values) if all(map(math.isfinite, values[step]))]
    xlabel, ylabel = AXES.get(key, (step_in_words(key), key))
    are_few = 1 < len(seeds) < SEEDS_OF_INTERVAL

    return Panel(
        steps=steps,
        intervals=[_interval(key, values[step]) for step in steps],
        xlabel=xlabel,
        ylabel=ylabel,
        logarithmic=key.startswith(("mc/", "blocks/")),
        seeds=[_curve(key, seed, steps) for seed in seeds] if are_few else (),
    )


def _interval(key: str, values: Sequence[float]) -> Interval:
    """The interval of a mean; of few seeds the mean alone."""
    if len(values) < SEEDS_OF_INTERVAL:
        return interval([fmean(values)])

    return interval(values).within(range_of(key))


def _curve(key: str, seed: SeedRecord, steps: Sequence[int]) -> list[Point]:
    """The points of a seed's curve at some steps."""
    return [(step, value) for step, value, _ in seed.curves.get(key, []) if step in steps]


def _numbers(record: Record, key: str) -> list[float | None]:
    """Summary and values of a metric with five digits; None where there is none."""
    ci = interval(record.values(key)).within(range_of(key))
    of_seeds = [seed.metrics.get(key, math.nan) for seed in record.successful]
    numbers = [ci.mean, ci.sd, ci.low, ci.high, *of_seeds]

    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in numbers]
