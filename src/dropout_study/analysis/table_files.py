"""Tables of results as the bytes of files: Parquet with everything, CSV with the scalars."""

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dropout_study.analysis.list_columns import PICTURE, STEPS, is_list

PARQUET_MARK = b"PAR1"
"""The first four bytes of a Parquet file."""
COMPRESSION_LEVEL = 19
"""Of zstd, from 1 to 22."""


def parquet_bytes(runs: pd.DataFrame) -> bytes:
    """A table as a Parquet file; the same table gives the same bytes with one version of pyarrow.

    Numbers keep all digits. Shares are stored as lists of doubles: their few different values
    become a dictionary, which makes them smaller than lists of the misclassified images.

    Args:
        runs: columns of numbers, of text, and of arrays (see `list_columns`).
    """
    columns = {column: _arrow(column, runs[column]) for column in map(str, runs)}
    buffer = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        buffer,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        store_schema=False,  # it names the version of pandas
        write_page_checksum=True,
    )

    return buffer.getvalue()


def read_parquet(content: bytes) -> pd.DataFrame:
    """The table of a Parquet file; the index, called `row`, counts from 0 as that of pandas does.

    Raises:
        ValueError: it is no Parquet file, or a column has other types than a table of results.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError("it is no Parquet file, or it was cut or changed") from error

    for field in table.schema:
        _check_type(field)

    runs = table.to_pandas(ignore_metadata=True) if table.num_columns else pd.DataFrame()

    return runs.rename_axis(index="row")


def csv_bytes(runs: pd.DataFrame) -> bytes:
    """The scalars of a table as a CSV file; numbers keep all digits."""
    scalars = [column for column in map(str, runs) if not is_list(column)]
    return runs[scalars].to_csv(index=False, lineterminator="\n").encode()


def read_csv(content: bytes) -> pd.DataFrame:
    """The cells as text; the index, called `line`, is the line in which a row ends.

    Raises:
        ValueError: it is no table, or a row is shorter or longer than the header.
    """
    rows = _csv_rows(content)
    if not rows:
        raise ValueError("it is empty")

    _, header = rows.pop(0)

    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {line}: it has {len(row)} cells, and the header {len(header)}")

    lines = pd.Index([line for line, _ in rows], name="line")

    return pd.DataFrame([row for _, row in rows], index=lines, columns=header, dtype=object)


def _csv_rows(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line in which it ends.

    Raises:
        ValueError: it is no table.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError("it is neither a Parquet file nor a file of text") from error

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def _arrow(column: str, values: "pd.Series[Any]") -> pa.Array:
    """A column as Parquet stores it."""
    if not is_list(column):
        kind = pa.string() if values.dtype == object else None
        return pa.array(values, type=kind, from_pandas=True)

    cells = [cell if isinstance(cell, np.ndarray) else None for cell in values]
    if column.startswith(PICTURE):
        rows = [None if cell is None else list(cell) for cell in cells]
        return pa.array(rows, type=pa.list_(pa.list_(pa.float64())))

    number = pa.int64() if column.startswith(STEPS) else pa.float64()

    return pa.array(cells, type=pa.list_(number))


def _check_type(field: pa.Field) -> None:
    """Refuse a column of other types than a table of results has.

    Raises:
        ValueError: naming column and type.
    """
    depth = 0
    kind = field.type

    while pa.types.is_list(kind) or pa.types.is_large_list(kind):
        depth += 1
        kind = kind.value_type

    expected = (2 if field.name.startswith(PICTURE) else 1) if is_list(field.name) else 0
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    allowed = number or (text and expected == 0)

    if not (pa.types.is_null(field.type) or (allowed and depth == expected)):
        words = ["numbers or text", "lists of numbers", "lists of lists of numbers"][expected]
        raise ValueError(f"column {field.name}: it holds {field.type}, and not {words}")
