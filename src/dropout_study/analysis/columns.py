"""The columns of a table of results and their allowed cells; damaged tables are refused."""

import math
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, is_dataclass
from typing import get_type_hints

import numpy as np
import pandas as pd

from dropout_study.config.names import DATASETS, STAGES
from dropout_study.config.schema import Config
from dropout_study.measures.statistics import ANYTHING, Range, range_of
from dropout_study.tracking.packing import unpack, unpack_curve, unpack_picture

BUDGETS = ("smoke", "laptop", "paper")  # ascending
TEXT = (
    "study",
    "condition",
    "digest",
    "training_digest",
    "data_digest",
    "arm",
    "stage",
    "budget",
    "commit",
    "code",
    "run",
    "model.widths",
    "rules",
    "probes",
    "mc.per_image",
)
PARAMS = (
    "data.",
    "model.",
    "regularizer.",
    "optimizer.",
    "schedule.",
    "trainer.",
    "budget.",
    "mc.",
)
EVALUATION = ("rules", "probes", "bag")
REQUIRED = (
    "study",
    "budget",
    "condition",
    "seed",
    "digest",
    "training_digest",
    "data.name",
    "data.train_size",
    "model.name",
    "budget.updates",
)
"""Columns that every row fills."""
TEST_IMAGES = ("data.name", "data.classes", "data.reserve")
"""Settings that choose the test images."""
IDENTITY = ["study", "digest", "seed"]
"""Columns that identify a network."""
ROUNDING = 1e-6  # by which a measure may lie outside its range
CURVE_PRECISION = 1e-5  # relative, of a value in a packed curve, which has six digits
SHOWN_LENGTH = 40  # characters of a cell that a message shows


@dataclass(frozen=True)
class Kind:
    """What the cells of a column can be: a test of their text, and the same in words."""

    allows: Callable[[str], bool]
    words: str


def check(cells: pd.DataFrame, studies: Collection[str] = ()) -> None:
    """Refuse a table that is damaged.

    Args:
        cells: text, empty where there is nothing; the index is the line in the file.
        studies: the allowed names of studies; any name if empty.

    Raises:
        ValueError: in one sentence, with line, column, and what a cell can be.
    """
    _check_names(list(map(str, cells)))

    if not len(cells):
        raise ValueError("it has a header and no rows")

    for column in REQUIRED:
        for line in cells.index[cells[column] == ""]:
            raise ValueError(f"line {line}, column {column}: the cell is empty")

    for column in map(str, cells):
        kind = _kind(column, studies)
        for line, text in _filled(cells, column):
            if not kind.allows(text):
                raise ValueError(
                    f"line {line}, column {column}: {text[:SHOWN_LENGTH]!r} is not {kind.words}"
                )

    _check_networks(cells)
    _check_images(cells)
    _check_curves(cells)


def _check_names(columns: list[str]) -> None:
    if duplicates := [column for column in columns if columns.count(column) > 1]:
        raise ValueError(f"line 1: there are two columns {duplicates[0]}")

    if missing := [column for column in REQUIRED if column not in columns]:
        raise ValueError(f"line 1: there is no column {', '.join(missing)}")

    names = {*TEXT, *EVALUATION, "seed", "candidate", "era"}
    if unknown := [c for c in columns if not (c in names or c.startswith(PARAMS) or "/" in c)]:
        listed = ", ".join(sorted(names))
        allowed = f"{listed}, a setting such as model.name, or a measure such as val/error"
        raise ValueError(
            f"line 1: {unknown[0][:SHOWN_LENGTH]!r} is no column of results, which are {allowed}"
        )


def _check_networks(cells: pd.DataFrame) -> None:
    """Refuse two rows of one network."""
    for line in cells.index[cells.duplicated(IDENTITY)]:
        matches = (cells[IDENTITY] == cells.loc[line, IDENTITY]).all(axis=1)
        first = cells.index[matches][0]
        columns = ", ".join(IDENTITY)
        raise ValueError(f"line {line}, columns {columns}: it repeats the network of line {first}")


def _check_images(cells: pd.DataFrame) -> None:
    """Refuse packed results with different numbers of test images for one choice of them."""
    columns = [column for column in TEST_IMAGES if column in cells]
    choices = dict(zip(cells.index, cells[columns].itertuples(index=False), strict=True))
    lengths: dict[tuple[str, ...], tuple[int, int]] = {}  # first line of a choice, its images

    for column in (column for column in map(str, cells) if column.startswith("wrong/")):
        for line, text in _filled(cells, column):
            images = len(unpack(text))
            first, expected = lengths.setdefault(choices[line], (line, images))

            if images != expected:
                difference = f"it has {images} test images, and line {first} has {expected}"
                raise ValueError(f"line {line}, column {column}: {difference}")


def _check_curves(cells: pd.DataFrame) -> None:
    """Refuse a metric that differs from the last point of the curve of the same name."""
    for column in (column for column in map(str, cells) if f"curve/{column}" in cells):
        curves = dict(_filled(cells, f"curve/{column}"))

        for line, text in _filled(cells, column):
            last = unpack_curve(curves[line])[-1][1] if line in curves else float(text)
            if not math.isclose(float(text), last, rel_tol=CURVE_PRECISION, abs_tol=1e-12):
                difference = (
                    f"{text[:SHOWN_LENGTH]!r} is not {last:g}, the last point of curve/{column}"
                )
                raise ValueError(f"line {line}, column {column}: {difference}")


def _filled(cells: pd.DataFrame, column: str) -> Iterator[tuple[int, str]]:
    """Line and text of the filled cells of a column."""
    lines = cells.index.tolist()
    texts = cells[column].tolist()
    return ((line, text) for line, text in zip(lines, texts, strict=True) if text)


def _kind(column: str, studies: Collection[str]) -> Kind:
    """What the cells of a column can be."""
    match column.partition("/"):
        case ("study", "", "") if studies:
            return _one_of(studies)
        case ("budget", "", ""):
            return _one_of(BUDGETS)
        case ("stage", "", ""):
            return _one_of(STAGES)
        case ("data.name", "", ""):
            return _one_of(DATASETS)
        case ("era", "", ""):
            return _number((1.0, math.inf))
        case ("seed", "", ""):
            return Kind(_is_seed, "a whole number from 0 to 4294967295")
        case ("candidate", "", ""):
            return _number((0.0, math.inf))
        case (_, "", ""):
            return _number(ANYTHING) if column in NUMBERS else Kind(lambda _: True, "text")
        case ("curve", _, name):
            possible = range_of(name)
            words = "a complete curve, `step:value step:value`"
            return Kind(lambda text: _is_curve(text, possible), words)
        case ("wrong", _, _):
            return Kind(_is_shares, "packed, one share per test image: it was cut or changed")
        case ("picture", _, _):
            return Kind(_is_picture, "a packed picture: it was cut or changed")

    return _number(range_of(column))


def _numeric_settings() -> set[str]:
    """The settings that are numbers, by the schema of the configuration."""
    groups = {
        group: (kind, *kind.__subclasses__())
        for group, kind in get_type_hints(Config).items()
        if isinstance(kind, type) and is_dataclass(kind)
    }
    settings = {
        f"{group}.{key}"
        for group, kinds in groups.items()
        for kind in kinds
        for key, hint in get_type_hints(kind).items()
        if hint in (int, float, int | None, float | None)
    }

    return {"bag"} | settings


NUMBERS = _numeric_settings()


def _one_of(names: Collection[str]) -> Kind:
    return Kind(lambda text: text in names, f"one of {', '.join(names)}")


def _number(possible: Range) -> Kind:
    low, high = possible
    limits = [f"at least {low:g}"] if math.isfinite(low) else []
    limits += [f"at most {high:g}"] if math.isfinite(high) else []
    words = ", ".join(["a finite number", *limits])

    return Kind(lambda text: _is_number(text, possible), words)


def _is_number(text: str, possible: Range) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False

    low, high = possible
    return math.isfinite(value) and low - ROUNDING <= value <= high + ROUNDING


def _is_seed(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**32


def _is_curve(text: str, possible: Range) -> bool:
    try:
        points = unpack_curve(text)
    except ValueError:
        return False
    return len(points) > 0 and all(_is_number(str(value), possible) for _, value in points)


def _is_shares(text: str) -> bool:
    try:
        shares = unpack(text)
    except (ValueError, zlib.error):
        return False
    return len(shares) > 0 and bool((shares <= 1).all())


def _is_picture(text: str) -> bool:
    try:
        return bool(np.isfinite(unpack_picture(text)).all())
    except (ValueError, zlib.error):
        return False
