"""The columns of a table of results whose cells are lists: outcomes per image, curves, pictures.

A cell is an array, or None where there is nothing:

- `wrong/RULE`: how often each test image was misclassified, `[N]` in [0, 1];
- `curve/KEY`: the values of a curve, `[K]`, at the steps in `steps/KEY`, `[K]`;
- `picture/NAME`: grey values, `[H, W]`.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dropout_study.measures.statistics import Range, range_of
from dropout_study.tracking.packing import unpack, unpack_curve, unpack_picture

WRONG = "wrong/"
STEPS = "steps/"
CURVE = "curve/"
PICTURE = "picture/"
TEST_IMAGES = ("data.name", "data.classes", "data.reserve")
"""Settings that choose the test images."""
LISTS = (WRONG, STEPS, CURVE, PICTURE)
"""The prefixes of the columns of lists."""
ROUNDING = 1e-6
"""By which a measure may lie outside its range."""
CURVE_PRECISION = 1e-5
"""Relative, of a value of a curve, which is stored to six digits."""


def is_list(column: str) -> bool:
    """Whether the cells of a column are lists.

    >>> is_list("curve/val/error"), is_list("val/error")
    (True, False)
    """
    return column.startswith(LISTS)


def steps_of(curve: str) -> str:
    """The column with the steps of the curves in a column.

    >>> steps_of("curve/val/error")
    'steps/val/error'
    """
    return f"{STEPS}{curve.removeprefix(CURVE)}"


def unpack_cells(column: str, text: str) -> dict[str, NDArray[Any]]:
    """The cells that a packed result fills: column -> array; a curve fills two.

    Raises:
        ValueError, zlib.error: the text was cut or changed.
    """
    if column.startswith(WRONG):
        return {column: unpack(text)}

    if column.startswith(PICTURE):
        return {column: unpack_picture(text)}

    points = unpack_curve(text)
    steps = np.array([step for step, _ in points], dtype=np.int64)
    values = np.array([value for _, value in points], dtype=np.float64)

    return {steps_of(column): steps, column: values}


def check_lists(runs: pd.DataFrame) -> None:
    """Refuse a table with damaged lists.

    Args:
        runs: one row per network; the cells of lists are arrays of numbers or None.

    Raises:
        ValueError: in one sentence, with row and column.
    """
    for column in map(str, runs):
        if column.startswith(WRONG):
            _check_shares(runs, column)
        elif column.startswith(CURVE):
            _check_curves(runs, column)
        elif column.startswith(PICTURE):
            _check_pictures(runs, column)

    _check_images(runs)


def _check_shares(runs: pd.DataFrame, column: str) -> None:
    for row, shares in _filled(runs, column):
        if not (len(shares) and _within(shares, (0.0, 1.0))):
            raise ValueError(f"row {row}, column {column}: it is no list of shares from 0 to 1")


def _check_curves(runs: pd.DataFrame, column: str) -> None:
    """Refuse curves without steps, and metrics that differ from the last point of their curve."""
    key = column.removeprefix(CURVE)
    steps = dict(_filled(runs, steps_of(column)))
    metrics = runs[key].to_dict() if key in runs else {}

    for row, values in _filled(runs, column):
        if len(values) != len(steps.get(row, ())):
            missing = f"it has {len(values)} values, and {steps_of(column)} no step for each"
            raise ValueError(f"row {row}, column {column}: {missing}")

        if not (len(values) and _within(values, range_of(key))):
            raise ValueError(f"row {row}, column {column}: it is no list of possible {key}")

        metric = metrics.get(row, math.nan)
        if not (math.isnan(metric) or _is_last(metric, values)):
            difference = f"{metric!r} is not {values[-1]:g}, the last point of {column}"
            raise ValueError(f"row {row}, column {key}: {difference}")


def _is_last(metric: float, values: NDArray[np.float64]) -> bool:
    """Whether a metric is the last point of a curve, to the digits of curves."""
    return math.isclose(metric, values[-1], rel_tol=CURVE_PRECISION, abs_tol=1e-12)


def _check_pictures(runs: pd.DataFrame, column: str) -> None:
    for row, picture in _filled(runs, column):
        widths = {len(line) for line in picture}
        if len(widths) != 1 or not np.isfinite(np.stack(list(picture))).all():
            words = "it is no picture, which has rows of as many finite numbers"
            raise ValueError(f"row {row}, column {column}: {words}")


def _check_images(runs: pd.DataFrame) -> None:
    """Refuse different numbers of test images for one choice of them."""
    columns = [column for column in TEST_IMAGES if column in runs]
    choices = dict(zip(runs.index, runs[columns].astype(str).agg(" ".join, axis=1), strict=True))
    lengths: dict[str, tuple[int, int]] = {}  # first row of a choice, its images

    for column in (column for column in map(str, runs) if column.startswith(WRONG)):
        for row, shares in _filled(runs, column):
            images = len(shares)
            first, expected = lengths.setdefault(choices[row], (row, images))

            if images != expected:
                difference = f"it has {images} test images, and row {first} has {expected}"
                raise ValueError(f"row {row}, column {column}: {difference}")


def _within(values: NDArray[Any], possible: Range) -> bool:
    """Whether all values are finite and within a range."""
    low, high = possible
    inside = (values >= low - ROUNDING) & (values <= high + ROUNDING)

    return bool((inside & np.isfinite(values)).all())


def _filled(runs: pd.DataFrame, column: str) -> Iterator[tuple[int, NDArray[Any]]]:
    """Row and array of the filled cells of a column; none if there is no such column."""
    cells = runs[column].dropna() if column in runs else pd.Series(dtype=object)
    return zip(cells.index.tolist(), cells.tolist(), strict=True)
