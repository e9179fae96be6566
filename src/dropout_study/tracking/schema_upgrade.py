"""SQLite stores of other versions of MLflow, and stores that have moved with their artifacts.

MLflow offers no public interface for either. This module knows where it keeps its migrations
(`mlflow/store/db_migrations`), the table that names the schema (`alembic_version`), and the columns
that hold absolute places (`experiments.artifact_location`, `runs.artifact_uri`). Tested on MLflow
3.17.2.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from dropout_study.config.schema import ConfigError

ARTIFACTS = "mlartifacts"
"""The folder beside a SQLite store that takes the files of runs."""


def is_outdated(database: Path) -> bool:
    """Whether a store has another schema than this MLflow's, or has moved with its artifacts."""
    revision = _revision(database)
    if revision is None:
        return False

    return revision != _migrations().get_current_head() or bool(_moved_artifacts(database))


def upgrade(database: Path, uri: str) -> None:
    """Bring an older store to the schema of this MLflow, and keep a copy of it.

    Args:
        database: the file.
        uri: its absolute address.

    Raises:
        ConfigError: the store belongs to a newer MLflow, or MLflow cannot upgrade it.
    """
    revision = _revision(database)
    if revision is None or revision == _migrations().get_current_head():
        return

    _refuse_newer(revision, uri)
    copy = _copy(database, revision)
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise ConfigError(
            f"tracking.uri={uri} cannot be upgraded to the schema of this MLflow: {reason}; "
            f"see {copy}."
        )

    print(
        f"{database} was upgraded to the schema of MLflow {mlflow.__version__}; "
        f"the old one is {copy}."
    )


def follow_artifacts(database: Path) -> None:
    """Correct the absolute places of artifacts in a store that was moved or copied with them."""
    current = database.parent / ARTIFACTS
    moved = _moved_artifacts(database)
    update_experiments = "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?"
    update_runs = "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?) WHERE run_uuid = ?"

    with closing(sqlite3.connect(database)) as connection, connection:
        for place, runs in moved.items():
            rows = [(place, current.as_uri(), run) for run in runs]
            connection.execute(update_experiments, (current.as_uri(), place))
            connection.executemany(update_runs, rows)

    for place in moved:
        print(
            f"The store has moved: its artifacts are in {current} now, no longer in {_path(place)}."
        )


@cache
def _migrations() -> ScriptDirectory:
    """Every schema that this MLflow can bring a database to."""
    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))


def _revision(database: Path) -> str | None:
    """The schema of a store; None if MLflow has yet to create it, or the file is something else."""
    if not database.exists():
        return None

    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.DatabaseError):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None

    return None


def _refuse_newer(revision: str, uri: str) -> None:
    """Refuse a schema that this MLflow does not know.

    Raises:
        ConfigError: it does not.
    """
    try:
        _migrations().get_revision(revision)
    except CommandError as error:
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: a newer MLflow than {mlflow.__version__} has "
            f"written it (schema {revision}); install that version, or name another store."
        ) from error


def _copy(database: Path, revision: str) -> Path:
    """Copy a store to a file beside it that is named by its schema."""
    copy = database.with_name(f"{database.name}.{revision}")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)

    return copy


def _moved_artifacts(database: Path) -> dict[str, list[str]]:
    """Outdated places of artifacts -> the runs whose files have moved with the store.

    A place is outdated if it is gone, or if files of its runs are beside the store. In the second
    case runs without files have moved, too. A place that is not called `mlartifacts` was chosen by
    a user, and is left alone.
    """
    current = database.parent / ARTIFACTS
    select_places = (
        "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?"
    )
    select_runs = "SELECT run_uuid FROM runs WHERE instr(artifact_uri, ? || '/') = 1"
    moved = {}

    with closing(sqlite3.connect(database)) as connection:
        for (place,) in connection.execute(select_places, (f"file:%/{ARTIFACTS}",)).fetchall():
            folder = _path(place)
            if folder.resolve() == current.resolve():
                continue

            runs = [run for (run,) in connection.execute(select_runs, (place,))]

            beside = {run for run in runs if (current / run).exists()}
            if beside:
                moved[place] = [run for run in runs if run in beside or not _exists(folder / run)]
            elif not _exists(folder):
                moved[place] = []  # the files of its runs may come back, as on a drive

    return moved


def _path(uri: str) -> Path:
    """The path of a file URI."""
    return Path(unquote(urlsplit(uri).path))


def _exists(path: Path) -> bool:
    """Whether a path exists; False where this process may not look, where `Path.exists` raises."""
    return os.path.exists(path)  # noqa: PTH110
