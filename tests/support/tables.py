"""Columns of results, written as short text."""

from collections.abc import Sequence
from typing import Any

from dropout_study.analysis.list_columns import steps_of, unpack_cells


def curve_columns(key: str, texts: Sequence[str]) -> dict[str, list[Any]]:
    """The two columns of a curve, from the curve of each network as `step:value step:value`."""
    column = f"curve/{key}"
    cells = [unpack_cells(column, text) if text else {} for text in texts]

    return {name: [cell.get(name) for cell in cells] for name in (steps_of(column), column)}
