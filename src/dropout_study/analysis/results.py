"""Results as a table with one row per network, read from an MLflow store or from a file."""

import csv
import hashlib
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropout_study.analysis.columns import TEXT, check
from dropout_study.config.condition import ERA
from dropout_study.config.names import FINAL
from dropout_study.config.schema import ConfigError
from dropout_study.tracking import tags
from dropout_study.tracking.packing import join_parts

if TYPE_CHECKING:  # results of a file need no MLflow
    from mlflow.entities import Run

    from dropout_study.tracking.store import Store


COLUMNS_OF_TAGS = {
    tags.CONDITION_DIGEST: "digest",
    tags.ARM: "arm",
    tags.CANDIDATE: "candidate",
    tags.STAGE: "stage",
    tags.BUDGET: "budget",
    tags.SEED: "seed",
    tags.COMMIT: "commit",
    tags.CODE: "code",
    tags.ERA: "era",
    tags.TRAINING_DIGEST: "training_digest",
    tags.DATA_DIGEST: "data_digest",
    tags.RUN_NAME: "condition",
    tags.PARENT: "run",
}
"""Tag of a run -> column of the table."""
DERIVED = "model.units"  # from the widths, for MLflow's charts


def from_store(store: "Store", studies: Sequence[str]) -> pd.DataFrame:
    """Read the networks of some studies of the present era, each once.

    A study without runs has no rows.

    Args:
        store: is set as MLflow's store of this process.
        studies: names of experiments.
    """
    import mlflow

    from dropout_study.tracking.lookup import authoritative_runs

    store.make_ready()
    mlflow.set_tracking_uri(store.uri)
    frames = []

    for study in studies:
        experiment = store.client.get_experiment_by_name(study)
        if not experiment or experiment.lifecycle_stage == "deleted":
            continue

        number = experiment.experiment_id
        runs = authoritative_runs(store.search(number))
        if not runs:
            continue

        rows = pd.DataFrame([_row(run) for run in runs.values()]).dropna(axis=1, how="all")
        rows = _without_last_points(rows).assign(study=study, experiment=number)
        frames.append(typed(rows))

    return of_this_era(pd.concat(frames, ignore_index=True)) if frames else empty()


def of_this_era(runs: pd.DataFrame) -> pd.DataFrame:
    """The networks whose results count: those of the present era (`config.condition.ERA`).

    Networks that were recorded before eras were counted belong to none.
    """
    if "era" not in runs:
        return empty()

    return runs[runs["era"] == ERA].reset_index(drop=True)


def empty() -> pd.DataFrame:
    """No results."""
    return pd.DataFrame(columns=["study", "budget", "seed", "data.name"])


def _row(run: "Run") -> dict[str, str | float]:
    """The run of a seed, with columns named as in the file."""
    labels = run.data.tags
    row = {COLUMNS_OF_TAGS[tag]: text for tag, text in labels.items() if tag in COLUMNS_OF_TAGS}
    row |= join_parts(
        {
            tag.removeprefix(tags.PACKED): text
            for tag, text in labels.items()
            if tag.startswith(tags.PACKED)
        }
    )
    row |= {key: text for key, text in run.data.params.items() if key != DERIVED}
    row["condition"] = row["condition"].removesuffix(f", seed {labels[tags.SEED]}")
    row.setdefault("stage", FINAL)  # of runs that were recorded before there were stages

    return row | run.data.metrics


def _without_last_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the last points of curves, which MLflow stores as metrics.

    Those of validation curves stay: candidates are chosen by them.
    """
    last_points = [column for column in map(str, rows) if f"curve/{column}" in rows]
    return rows.drop(columns=[column for column in last_points if not column.startswith("val/")])


def from_file(file: Path, studies: Collection[str] = ()) -> pd.DataFrame:
    """Read the present era of a table that `to_file` has written; check that it is complete.

    Args:
        file: a CSV file; a checksum next to it is compared, if there is one.
        studies: the allowed names of studies; any name if empty.

    Raises:
        ConfigError: the file cannot be read, is something else, was cut or changed (the message
            names line and column), or is of another era.
    """
    try:
        content = file.read_bytes()
        cells = _cells(content)
        check(cells, studies)
        _check_sum(content, checksum_file(file))
    except OSError as error:
        raise ConfigError(f"results={file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"results={file} cannot be read: {error}.") from error

    runs = of_this_era(typed(cells.mask(cells == "").reset_index(drop=True)))
    if cells.empty or len(runs):
        return runs

    raise ConfigError(
        f"results={file} cannot be used: its networks are of another era than {ERA}, so the same "
        "settings give other numbers now."
    )


def checksum_file(file: Path) -> Path:
    """The file with the checksum of a file, in the format of `sha256sum`.

    >>> checksum_file(Path("report/results.csv")).name
    'results.csv.sha256'
    """
    return file.with_name(f"{file.name}.sha256")


def _cells(content: bytes) -> pd.DataFrame:
    """The cells as text; the index is the line in which a row ends.

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

    lines = [line for line, _ in rows]

    return pd.DataFrame([row for _, row in rows], index=lines, columns=header, dtype=object)


def _csv_rows(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line in which it ends.

    Raises:
        ValueError: it is no table.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError("it is not a file of text") from error

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def _check_sum(content: bytes, sums: Path) -> None:
    """Refuse a file that differs from its checksum.

    Raises:
        ValueError: it does.
    """
    if not sums.exists():
        return

    expected = sums.read_text(encoding="utf-8").split()[:1]
    if expected != [_sum(content)]:
        raise ValueError(
            f"it differs from the checksum in {sums.name}, so rows may be cut or changed; "
            f"if you changed them yourself, remove {sums.name}"
        )


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def to_file(runs: pd.DataFrame, file: Path) -> list[Path]:
    """Write results as a CSV file with a checksum; the same results give the same bytes.

    Numbers keep all digits. Ids of runs and experiments, which belong to one store, are left out.

    Args:
        runs: one row per network.
        file: is replaced in one step.

    Returns:
        The file, and the file of its checksum.
    """
    first = [
        "study",
        "budget",
        "condition",
        "arm",
        "candidate",
        "stage",
        "seed",
        "digest",
        "era",
        "commit",
        "code",
    ]
    others = sorted(set(map(str, runs)) - {*first, "run", "experiment"})
    columns = [column for column in first if column in runs] + others
    rows = runs.sort_values(["study", "budget", "digest", "seed"], kind="stable")
    content = rows[columns].to_csv(index=False, lineterminator="\n").encode()
    sums = checksum_file(file)

    sums.unlink(missing_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)
    sums.write_text(f"{_sum(content)}  {file.name}\n", encoding="utf-8")

    return [file, sums]


def typed(runs: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as numbers; names, packed results and all others as text."""
    columns: dict[str, Any] = {}

    for column in map(str, runs):
        is_text = column in TEXT or column.startswith(("wrong/", "curve/", "picture/"))
        columns[column] = _as_text(runs[column]) if is_text else _as_numbers(runs[column])

    return pd.DataFrame(columns)


def _as_numbers(values: pd.Series) -> pd.Series:
    """Numbers if all values are numbers, else text."""
    try:
        return pd.to_numeric(values)
    except (ValueError, TypeError):
        return _as_text(values)


def _as_text(values: pd.Series) -> pd.Series:
    """Text as objects, so that pandas keeps all text columns in one block.

    The claims' row selections, hundreds per report, are much faster so.
    """
    return values.astype(object).where(values.notna(), None)
