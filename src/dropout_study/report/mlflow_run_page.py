"""What the page of a run shows at a glance: a figure of its curves and a table of its seeds."""

import json
import math
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pandas as pd

from dropout_study.analysis import figures
from dropout_study.measures.statistics import interval, range_of
from dropout_study.tracking.record import TABLE, Record

FIGURE = "curves.svg"
BESIDE = ("train/", "val/", "mc/")  # beginnings of curves of which one alone is drawn
LABELS = {  # of axes
    "val/error": ("update", "validation error (%)"),
    "mc/error": ("number of masks", "test error (%), Monte Carlo"),
}


def write(record: Record, folder: Path) -> list[str]:
    """Write figure and table into the run's folder; returns the names of the files."""
    (folder / TABLE).write_text(json.dumps(table(record)), encoding="utf-8")
    of = curves(record)
    names = [key for key in of if key in LABELS or not key.startswith(BESIDE)]
    if not names:
        return [TABLE]

    with figures.style():
        sheet, axes = figures.panels(len(names), columns=4)
        for axis, key in zip(axes, names, strict=True):
            figures.line(axis, of[key], "", label=False, within=range_of(key))
            step, value = LABELS.get(key, ("step", key))
            axis.set(xlabel=step, ylabel=value, xscale="log" if key.startswith("mc/") else "linear")

        count = len(record.successful)
        sheet.suptitle(
            f"mean and 95 % interval over {count} seeds" if count > 1 else "one seed", fontsize=9
        )
        (folder / FIGURE).write_bytes(figures.svg(figures.finish(sheet)))

    return [FIGURE, TABLE]


def curves(record: Record) -> dict[str, pd.DataFrame]:
    """The curves of the seeds that did not fail: a row a step, a column a seed."""
    keys = dict.fromkeys(key for seed in record.successful for key in seed.curves)
    return {
        key: pd.DataFrame(
            {
                s.seed: {step: y for step, y, _ in s.curves[key]}
                for s in record.successful
                if key in s.curves
            }
        )
        for key in keys
    }


def table(record: Record) -> dict[str, list[object]]:
    """The final metrics as MLflow keeps tables: a row a metric, then mean, deviation, 95 % interval, and each seed."""
    keys = dict.fromkeys(key for seed in record.successful for key in seed.metrics)
    columns = [
        "metric",
        "mean",
        "sd",
        "95 % low",
        "95 % high",
        *(f"seed {seed.seed}" for seed in record.successful),
    ]

    return {"columns": list(columns), "data": [[key, *_row(record, key)] for key in keys]}


def _row(record: Record, key: str) -> Iterator[float | None]:
    summary = astuple(interval(record.values(key)).within(range_of(key)))[:4]
    for value in (*summary, *(seed.metrics.get(key, math.nan) for seed in record.successful)):
        yield float(f"{value:.5g}") if math.isfinite(value) else None
