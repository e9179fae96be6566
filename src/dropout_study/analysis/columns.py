"""The scalar columns of a table of results and their allowed cells; damaged tables are refused."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from typing import get_type_hints

import pandas as pd

from dropout_study.analysis.list_columns import LISTS, ROUNDING, is_list
from dropout_study.config.names import DATASETS, STAGES
from dropout_study.config.schema import Config
from dropout_study.measures.statistics import ANYTHING, Range, range_of

BUDGETS = ("smoke", "laptop", "paper")  # ascending
TEXT = (
    "study",
    "condition",
    "digest",
    "training_digest",
    "data_digest",
    "arm",
    "also",
    "stage",
    "budget",
    "commit",
    "code",
    "device",
    "processor",
    "started",
    "ended",
    "failure",
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
    "mask.",
    "terms.",
    "source.",
    "content.",
)
EVALUATION = ("rules", "probes", "metrics", "bag")
OBJECTIVE = "objective"
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
IDENTITY = ["study", "digest", "seed"]
"""Columns that identify a network."""
SHOWN_LENGTH = 40  # characters of a cell that a message shows


@dataclass(frozen=True)
class Kind:
    """What the cells of a column can be: a test of their text, and the same in words."""

    allows: Callable[[str], bool]
    words: str


def check(cells: pd.DataFrame, studies: Collection[str] = ()) -> None:
    """Refuse a table whose scalars are damaged.

    Args:
        cells: text, empty where there is nothing; the index names the place of a row in the file,
            and its own name is the word for that place, `line` or `row`.
        studies: the allowed names of studies; any name if empty.

    Raises:
        ValueError: in one sentence, with line or row, column, and what a cell can be.
    """
    place = cells.index.name

    if not len(cells):
        raise ValueError("it has a header and no rows")

    for column in REQUIRED:
        for line in cells.index[cells[column] == ""]:
            raise ValueError(f"{place} {line}, column {column}: the cell is empty")

    has_plugins = any(str(column).startswith("source.") for column in cells)

    for column in map(str, cells):
        kind = _kind(column, studies, has_plugins)
        for line, text in _filled(cells, column):
            if not kind.allows(text):
                raise ValueError(
                    f"{place} {line}, column {column}: {text[:SHOWN_LENGTH]!r} is not {kind.words}"
                )

    _check_networks(cells)


def check_names(columns: Sequence[str]) -> None:
    """Refuse columns that no table of results has, and tables without the required ones.

    Raises:
        ValueError: naming a column, and the allowed ones.
    """
    if duplicates := [column for column in columns if columns.count(column) > 1]:
        raise ValueError(f"there are two columns {duplicates[0]}")

    if missing := [column for column in REQUIRED if column not in columns]:
        raise ValueError(f"there is no column {', '.join(missing)}")

    names = {*TEXT, *EVALUATION, OBJECTIVE, "seed", "candidate", "era"}
    if unknown := [c for c in columns if not (c in names or c.startswith(PARAMS) or "/" in c)]:
        listed = ", ".join(sorted(names))
        allowed = f"{listed}, a setting such as model.name, or a measure such as val/error"
        raise ValueError(
            f"{unknown[0][:SHOWN_LENGTH]!r} is no column of results, which are {allowed}"
        )


def check_scalar(columns: Sequence[str]) -> None:
    """Refuse columns of lists, which a CSV file cannot hold.

    Raises:
        ValueError: naming one of them.
    """
    if lists := [column for column in columns if is_list(column)]:
        families = ", ".join(LISTS)
        raise ValueError(
            f"column {lists[0]}: columns {families} hold lists, which are in the "
            "file that ends with .parquet"
        )


def _check_networks(cells: pd.DataFrame) -> None:
    """Refuse two rows of one network."""
    place = cells.index.name

    for line in cells.index[cells.duplicated(IDENTITY)]:
        matches = (cells[IDENTITY] == cells.loc[line, IDENTITY]).all(axis=1)
        first = cells.index[matches][0]
        columns = ", ".join(IDENTITY)
        repeated = f"it repeats the network of {place} {first}"
        raise ValueError(f"{place} {line}, columns {columns}: {repeated}")


def _filled(cells: pd.DataFrame, column: str) -> Iterator[tuple[int, str]]:
    """Line and text of the filled cells of a column."""
    lines = cells.index.tolist()
    texts = cells[column].tolist()
    return ((line, text) for line, text in zip(lines, texts, strict=True) if text)


def _kind(column: str, studies: Collection[str], has_plugins: bool) -> Kind:
    """What the cells of a column can be; a plug-in may have added data sets."""
    match column.partition("/"):
        case ("study", "", "") if studies:
            return _one_of(studies)
        case ("budget", "", ""):
            return _one_of(BUDGETS)
        case ("stage", "", ""):
            return _one_of(STAGES)
        case ("data.name", "", "") if not has_plugins:
            return _one_of(DATASETS)
        case ("era", "", ""):
            return _number((1.0, math.inf))
        case ("seed", "", ""):
            return Kind(_is_seed, "a whole number from 0 to 4294967295")
        case ("also", "", ""):
            return Kind(_is_list_of_arms, 'further arms, such as [["dropout", 3]]')
        case ("candidate", "", ""):
            return _number((0.0, math.inf))
        case (_, "", ""):
            is_number = column in NUMBERS and not has_plugins  # whose options are their own
            return _number(ANYTHING) if is_number else Kind(lambda _: True, "text")

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


def _is_list_of_arms(text: str) -> bool:
    """Whether a text is JSON: pairs of a name and the number of a candidate, or null."""
    try:
        pairs = json.loads(text)
    except ValueError:
        return False

    return isinstance(pairs, list) and all(map(_is_arm, pairs))


def _is_arm(pair: object) -> bool:
    match pair:
        case [str(), None | int()]:
            return True

    return False


def _is_seed(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**32
