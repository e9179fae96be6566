"""Results as files: a folder with a table per study, and the checksums of all."""

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dropout_study.analysis import table_files
from dropout_study.analysis.columns import check, check_names, check_scalar
from dropout_study.analysis.list_columns import PICTURE, check_lists, is_list
from dropout_study.analysis.results import FAILURE, of_this_era, typed
from dropout_study.config.condition import ERA
from dropout_study.config.names import FINAL
from dropout_study.config.schema import ConfigError

PARQUET = ".parquet"
"""Ends the name of a file with everything."""
CSV = ".csv"
"""Ends the name of a file with the scalars alone."""
CHECKSUM_LINE = r"(?P<checksum>[0-9a-f]{64})  (?P<name>[\w-]+\.(parquet|csv))"
"""A line of the file with the checksums."""
CHECKSUMS = "SHA256SUMS"
"""The file with the checksums of a folder, which `sha256sum --check` reads."""
FIRST_COLUMNS = (
    "study",
    "budget",
    "condition",
    "arm",
    "candidate",
    "also",
    "stage",
    "seed",
    "digest",
    "era",
    "commit",
    "code",
    "device",
    "processor",
    "started",
    "ended",
    FAILURE,
)
"""Columns that a table begins with."""
IDENTITY = ["study", "digest", "seed"]
"""Columns that identify a network."""
ORDER = ["study", "budget", "digest", "seed"]
"""Columns by which a table is sorted."""


def read(path: Path, studies: Collection[str] = ()) -> pd.DataFrame:
    """Read the present era of what `write` has written; check that it is complete.

    A CSV file gives the same table without lists.

    Args:
        path: a folder with a Parquet file per study, or one file in Parquet or CSV. Checksums
            beside the files are compared, if there are any.
        studies: the allowed names of studies; any name if empty.

    Raises:
        ConfigError: a file cannot be read, is missing, is something else, was cut or changed (the
            message names row and column), or is of another era.
    """
    tables = [_read_file(file, studies) for file in _files(path)]
    networks = pd.concat(tables, ignore_index=True)
    _check_distinct(networks, path)
    runs = of_this_era(typed(networks[_ordered(networks)]))

    if "stage" not in runs:  # as in files from before there were stages
        runs["stage"] = FINAL

    runs["stage"] = runs["stage"].fillna(FINAL)

    if networks.empty or len(runs):
        return runs

    raise ConfigError(
        f"results={path} cannot be used: its networks are of another era than {ERA}, so the same "
        "settings give other numbers now."
    )


def _files(path: Path) -> list[Path]:
    """The file itself, or the Parquet files of a folder, those that its checksums name among them.

    Raises:
        ConfigError: the folder has none.
    """
    if not path.is_dir():
        return [path]

    named = {path / name for name in _checksums(path) if name.endswith(PARQUET)}
    files = sorted({*path.glob(f"*{PARQUET}"), *named})

    if not files:
        raise ConfigError(f"results={path} cannot be read: the folder has no file *{PARQUET}.")

    return files


def _check_distinct(networks: pd.DataFrame, path: Path) -> None:
    """Refuse a folder in which two files hold the same network.

    Raises:
        ConfigError: naming the study.
    """
    repeated = networks[networks[IDENTITY].duplicated()]

    if path.is_dir() and len(repeated):
        study = repeated["study"].iloc[0]
        raise ConfigError(
            f"results={path} cannot be read: two files hold the same networks of study={study}."
        )


def _read_file(file: Path, studies: Collection[str]) -> pd.DataFrame:
    """The checked table of a file.

    Raises:
        ConfigError: naming the file, and what is wrong with it.
    """
    try:
        content = file.read_bytes()
        _compare_checksum(content, file)
        return _parse(content, studies).reset_index(drop=True)
    except OSError as error:
        raise ConfigError(f"results={file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"results={file} cannot be read: {error}.") from error


def _compare_checksum(content: bytes, file: Path) -> None:
    """Refuse a file that differs from its checksum.

    Raises:
        ValueError: it does.
    """
    expected = _checksums(file.parent).get(file.name)

    if expected not in (None, _checksum(content)):
        raise ValueError(
            f"it differs from its checksum in {CHECKSUMS}, so rows may be cut or changed; if you "
            "changed them yourself, remove its line there"
        )


def _checksums(folder: Path) -> dict[str, str]:
    """Name of a file of results -> its checksum, as far as the folder says.

    Raises:
        ConfigError: the file with the checksums is damaged.
    """
    file = folder / CHECKSUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = {line: re.fullmatch(CHECKSUM_LINE, line) for line in lines if line.strip()}

    if damaged := [line for line, match in found.items() if not match]:
        raise ConfigError(f"{file} cannot be read: {damaged[0]!r} is no checksum of a file.")

    return {match["name"]: match["checksum"] for match in found.values() if match}


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _parse(content: bytes, studies: Collection[str]) -> pd.DataFrame:
    """The checked table of a file.

    Raises:
        ValueError: it is damaged.
    """
    if content.startswith(table_files.PARQUET_MARK):
        return _parse_parquet(content, studies)

    cells = table_files.read_csv(content)
    columns = list(map(str, cells))
    check_scalar(columns)
    check_names(columns)
    check(cells, studies)

    return cells.mask(cells == "")


def _parse_parquet(content: bytes, studies: Collection[str]) -> pd.DataFrame:
    """The checked table of a Parquet file.

    Raises:
        ValueError: it is damaged.
    """
    runs = table_files.read_parquet(content)
    columns = list(map(str, runs))
    check_names(columns)

    scalars = runs[[column for column in columns if not is_list(column)]]
    filled = scalars.notna()
    check(scalars.astype(object).map(str).where(filled, ""), studies)
    check_lists(runs)

    for column in columns:
        if column.startswith(PICTURE):
            runs[column] = runs[column].map(np.stack, na_action="ignore")

    return runs


def written_studies(folder: Path) -> set[str]:
    """The studies that `write` has put into a folder, by its checksums."""
    return {Path(name).stem for name in _checksums(folder)}


def write(runs: pd.DataFrame, folder: Path) -> list[Path]:
    """Write results as `STUDY.parquet` and, without lists, as `STUDY.csv`, and their checksums.

    The same results give the same bytes. Numbers keep all digits. Ids of runs and experiments,
    which belong to one store, are left out. Files of studies that an earlier call wrote, and that
    have no results now, are removed.

    Args:
        runs: one row per network.
        folder: is made, if it is not there; each file in it is replaced in one step.

    Returns:
        The files; the last has the checksums.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _checksums(folder)
    contents: dict[str, bytes] = {}

    for study, networks in runs.groupby("study", sort=True):
        table = networks.dropna(axis="columns", how="all").sort_values(ORDER, kind="stable")
        table = table[_ordered(table)].apply(_whole)
        contents[f"{study}{PARQUET}"] = table_files.parquet_bytes(table)
        contents[f"{study}{CSV}"] = table_files.csv_bytes(table)

    # Until the checksums are replaced, they refuse a folder in which this was interrupted.
    for name, content in contents.items():
        _replace(folder / name, content)

    for name in earlier.keys() - contents.keys():
        (folder / name).unlink(missing_ok=True)

    _replace(folder / CHECKSUMS, _as_text(contents))

    return [folder / name for name in (*contents, CHECKSUMS)]


def _ordered(table: pd.DataFrame) -> list[str]:
    """The columns of a table in the order of files, without ids of one store."""
    names = set(map(str, table))
    first = [column for column in FIRST_COLUMNS if column in names]

    return first + sorted(names - {*FIRST_COLUMNS, "run", "experiment"})


def _whole(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A setting as whole numbers, if it has no others: beside other studies it has gaps."""
    is_measure = "/" in str(column.name)

    if is_measure or column.dtype != float or column.isna().any() or (column % 1 != 0).any():
        return column

    return column.astype(int)


def _as_text(contents: Mapping[str, bytes]) -> bytes:
    """The checksums of files as `sha256sum` writes them."""
    lines = [f"{_checksum(content)}  {name}\n" for name, content in contents.items()]
    return "".join(lines).encode()


def _replace(file: Path, content: bytes) -> None:
    """Replace a file in one step."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)
