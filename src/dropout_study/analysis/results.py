"""Results read back: one row for each network that counts, from any MLflow store or from the file of a report."""

import csv
import hashlib
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropout_study.analysis.columns import TEXT, check
from dropout_study.config.schema import ConfigError
from dropout_study.tracking import tags

if TYPE_CHECKING:  # results of a file need no MLflow
    from mlflow.entities import Run

    from dropout_study.tracking.store import Store


NAMES = {  # tag -> column
    tags.CONDITION_DIGEST: "digest",
    tags.ARM: "arm",
    tags.CANDIDATE: "candidate",
    tags.BUDGET: "budget",
    tags.SEED: "seed",
    tags.COMMIT: "commit",
    tags.CODE: "code",
    tags.TRAINING_DIGEST: "training_digest",
    tags.DATA_DIGEST: "data_digest",
    tags.RUN_NAME: "condition",
    tags.PARENT: "run",
}
DERIVED = "model.units"  # from the widths, for MLflow's charts


def from_store(store: "Store", studies: Sequence[str]) -> pd.DataFrame:
    """Read the networks of some studies that count; a study without runs has no rows."""
    import mlflow

    from dropout_study.tracking.lookup import authoritative_runs

    store.make_ready()
    mlflow.set_tracking_uri(store.uri)
    frames = []

    for study in studies:
        found = store.client.get_experiment_by_name(study)
        if not found or found.lifecycle_stage == "deleted":
            continue

        number = found.experiment_id
        if runs := authoritative_runs(store.search(number)):
            rows = pd.DataFrame([_row(run) for run in runs.values()]).dropna(axis=1, how="all")
            frames.append(typed(_without_ends(rows).assign(study=study, experiment=number)))

    return pd.concat(frames, ignore_index=True) if frames else empty()


def empty() -> pd.DataFrame:
    """No results."""
    return pd.DataFrame(columns=["study", "budget", "seed", "data.name"])


def _row(run: "Run") -> dict[str, str | float]:
    """The run of a seed, with columns named as in the file."""
    labels = run.data.tags
    row = {NAMES[tag]: text for tag, text in labels.items() if tag in NAMES}
    row |= {
        tag.removeprefix(tags.PACKED): text
        for tag, text in labels.items()
        if tag.startswith(tags.PACKED)
    }
    row |= {key: text for key, text in run.data.params.items() if key != DERIVED}
    row["condition"] = row["condition"].removesuffix(f", seed {labels[tags.SEED]}")

    return row | run.data.metrics


def _without_ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the last points of curves, which are metrics to MLflow.

    Those of validation stay: candidates are chosen by them.
    """
    ends = [column for column in map(str, rows) if f"curve/{column}" in rows]
    return rows.drop(columns=[column for column in ends if not column.startswith("val/")])


def from_file(file: Path, studies: Collection[str] = ()) -> pd.DataFrame:
    """Read what `to_file` has written, if it is whole.

    Args:
        file: a checksum beside it is compared, if there is one.
        studies: the names that a study can have; without any, every name will do.

    Raises:
        ConfigError: the file cannot be read, is something else, or was cut or changed; the message
            names line and column.
    """
    try:
        content = file.read_bytes()
        cells = _cells(content)
        check(cells, studies)
        _compare(content, checksum(file))
    except OSError as error:
        raise ConfigError(f"results={file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"results={file} cannot be read: {error}.") from error

    return typed(cells.mask(cells == "").reset_index(drop=True))


def checksum(file: Path) -> Path:
    """Where the checksum of a file stands, as `sha256sum` writes and checks it."""
    return file.with_name(f"{file.name}.sha256")


def _cells(content: bytes) -> pd.DataFrame:
    """The cells as text, by the line in which a row ends.

    Raises:
        ValueError: it is no table, or a row is shorter or longer than the header.
    """
    try:
        reader = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    except UnicodeDecodeError as error:
        raise ValueError("it is not a file of text") from error

    try:
        (_, header), *rows = [(reader.line_num, row) for row in reader if row] or [(0, [])]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error

    if not header:
        raise ValueError("it is empty")

    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {line}: it has {len(row)} cells, and the header {len(header)}")

    lines = [line for line, _ in rows]

    return pd.DataFrame([row for _, row in rows], index=lines, columns=header, dtype=object)


def _compare(content: bytes, sums: Path) -> None:
    """Refuse a file that differs from its checksum.

    Raises:
        ValueError: it does.
    """
    if sums.exists() and sums.read_text(encoding="utf-8").split()[:1] != [_sum(content)]:
        raise ValueError(
            f"it is not the file of which {sums.name} was written, so rows may be cut or changed; "
            f"if you changed them yourself, remove {sums.name}"
        )


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def to_file(runs: pd.DataFrame, file: Path) -> list[Path]:
    """Write results as a table that can be read by anything, in an order of its own, numbers to the last digit.

    What belongs to one store alone (ids of runs and experiments) is left out. Returns the file, and
    that of its checksum.
    """
    first = ["study", "budget", "condition", "arm", "candidate", "seed", "digest", "commit", "code"]
    columns = [c for c in first if c in runs] + sorted(
        set(map(str, runs)) - {*first, "run", "experiment"}
    )
    ordered = runs.sort_values(["study", "budget", "digest", "seed"], kind="stable")[columns]
    content = ordered.to_csv(index=False, lineterminator="\n").encode()
    sums = checksum(file)

    sums.unlink(missing_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)
    sums.write_text(f"{_sum(content)}  {file.name}\n", encoding="utf-8")

    return [file, sums]


def typed(runs: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers; names, packed results and whatever is not a number as text."""
    columns: dict[str, Any] = {}

    for column in runs:
        text = column in TEXT or str(column).startswith(("wrong/", "curve/", "picture/"))
        columns[str(column)] = _objects(runs[column]) if text else _numbers(runs[column])

    return pd.DataFrame(columns)


def _numbers(values: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(values)
    except (ValueError, TypeError):
        return _objects(values)


def _objects(values: pd.Series) -> pd.Series:
    """Text as plain objects, all columns of which pandas selects rows from at once: claims do so hundreds of times."""
    return values.astype(object).where(values.notna(), None)
