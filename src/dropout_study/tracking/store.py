"""An MLflow store made ready before any job starts: its schema, its experiment, its lock."""

import logging
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import DATABASES, absolute, database_file, masked
from dropout_study.system.locks import file_lock
from dropout_study.tracking.database_lock import TRIES, connect, database_lock, dialect

UNREACHABLE = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)
"""What a store raises when it is away, broken or refuses."""
NOTE = "mlflow.note.content"  # the tag that is shown as description, in Markdown
VIEW = "results"
"""The key of the saved view with which pages of experiments open; `views` writes it."""
RUNS_PER_REQUEST = 5_000
ARTIFACTS = "mlartifacts"
"""The folder beside a SQLite store that takes the files of runs."""
ROOM = 100 * 2**20  # bytes that must be free before a run starts

# MLflow sets its own levels when it is imported; its notes on creating tables are not for the
# reader.
for name in ("mlflow", "alembic"):
    logging.getLogger(name).setLevel(logging.WARNING)
# Of a database that fails MLflow would print pages; who asks it says so in a sentence.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def prepare(uri: str, experiment: str, description: str) -> str:
    """Create or upgrade the store and create the experiment, if need be; return the experiment's id.

    One that exists takes a new description, in Markdown, if there is one.

    Raises:
        ConfigError: the store cannot be opened, or belongs to another version of MLflow.
    """
    uri = absolute(uri)

    try:
        with guard(uri), _impatient():
            make_ready(uri)
            return _experiment(uri, experiment, description)
    except UNREACHABLE as error:
        reason = masked(str(error).splitlines()[0])
        raise ConfigError(
            f"tracking.uri={masked(uri)}: the store cannot be opened: {reason}"
        ) from error


def make_ready(uri: str) -> None:
    """Give a SQLite store the schema of this MLflow and its artifacts; reach another database.

    A SQLite store that needs nothing is only read.

    Raises:
        ConfigError: the store belongs to a newer MLflow.
        SQLAlchemyError, sqlite3.Error, OSError: it cannot be opened.
    """
    database = database_file(uri)
    if database is None:
        _reach(uri)
        return

    schema = _revision(database)
    if schema and (schema != _schemas().get_current_head() or _moves(database)):
        with guard(uri):
            _upgrade(uri, database)
            _follow_artifacts(database)


def _reach(uri: str) -> None:
    """Connect to a database once, for which MLflow would try almost two minutes."""
    if uri.startswith(DATABASES):
        with closing(connect(uri)):
            pass


def guard(uri: str) -> AbstractContextManager[object]:
    """Keep other processes out of a store that is addressed directly; whoever does so may do it again.

    SQLite is locked by a file beside it, PostgreSQL and MySQL by an advisory lock of the database.
    Servers that are reached by http, and other databases, do without.

    Raises:
        ConfigError: the folder of the store does not exist.
    """
    if dialect(uri) in TRIES:
        return database_lock(uri)

    database = database_file(uri)
    if database is None:
        return nullcontext()

    if not database.parent.is_dir():
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: there is no folder {database.parent}; create it first."
        )

    return file_lock(database.with_name(f"{database.name}.lock"))


def check_room(folder: Path, key: str) -> None:
    """Refuse to start where results could not be written.

    Args:
        folder: exists, or will.
        key: what names it on the command line.

    Raises:
        ConfigError: the folder is read-only, cannot be created, or its disk is nearly full.
    """
    place = folder.absolute()

    try:
        place = _nearest(place)
        tempfile.TemporaryFile(
            dir=place
        ).close()  # the rights do not tell of file systems that are read-only
    except OSError as error:
        reason = f"{place}: {error.strerror}"
        raise ConfigError(f"{folder} cannot be written: {reason}; choose another {key}.") from error

    free = shutil.disk_usage(place).free
    if free < ROOM:
        raise ConfigError(
            f"{folder} cannot be written: its disk has {free / 2**20:.0f} MiB left, and {ROOM / 2**20:.0f} are needed."
        )


def _nearest(place: Path) -> Path:
    """The folder itself, or the nearest one above it that exists.

    Raises:
        OSError: there cannot be such a folder, as where a name is too long; `Path.exists` hides
            that from Python 3.14 on.
    """
    with suppress(FileNotFoundError):
        place.stat()
        return place

    return _nearest(place.parent)


def exists(uri: str) -> bool:
    """Whether there is a store; to ask a SQLite store anything would create it."""
    database = database_file(uri)
    return database is None or database.exists()


def refuses(error: Exception) -> bool:
    """Whether a server is there and does not let this process in."""
    refusals = ("UNAUTHENTICATED", "PERMISSION_DENIED")
    return isinstance(error, MlflowException) and error.error_code in refusals


def experiment_id(client: MlflowClient, name: str) -> str | None:
    """The id of an experiment, if there is one.

    Raises:
        ConfigError: it was deleted; the message says how to restore it.
    """
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        raise ConfigError(
            f"study.name={name} cannot be used: the store holds a deleted experiment of that name; "
            f"restore it ({restoring(client, 'experiment', found.experiment_id)}), or choose another study.name."
        )

    return str(found.experiment_id) if found else None


def restoring(client: MlflowClient, kind: str, number: str) -> str:
    """The command that restores a deleted `experiment` or `run`."""
    uri = shlex.quote(masked(client.tracking_uri))
    return f"MLFLOW_TRACKING_URI={uri} mlflow {kind}s restore --{kind}-id {number}"


def search(
    client: MlflowClient,
    experiment: str,
    condition: str = "",
    stage: int = ViewType.ACTIVE_ONLY,
) -> list[Run]:
    """All runs of an experiment that meet a condition, the oldest first: a request per thousands of runs.

    Args:
        client: of the store.
        experiment: its id.
        condition: in MLflow's language of filters.
        stage: `ViewType.ALL` for deleted runs, too.
    """
    runs: list[Run] = []
    order = ["attributes.start_time ASC"]
    token = None

    while True:
        some = client.search_runs([experiment], condition, stage, RUNS_PER_REQUEST, order, token)
        runs += some
        token = some.token
        if not token:
            return runs


def link(uri: str, experiment: str) -> str:
    """The line that opens the results in a browser."""
    if uri.startswith("http"):
        return f"{masked(uri).rstrip('/')}/{page(experiment)}"

    command = f"mlflow ui --backend-store-uri {shlex.quote(masked(uri))}"
    return f"{command}   then http://127.0.0.1:5000/{page(experiment)}"


def page(experiment: str) -> str:
    """Where MLflow's pages show the results of an experiment; its own entry is an overview for language models."""
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"


def _experiment(uri: str, name: str, description: str) -> str:
    client = MlflowClient(uri)
    if found := experiment_id(client, name):
        if description and client.get_experiment(found).tags.get(NOTE) != description:
            client.set_experiment_tag(found, NOTE, description)
        return found

    database = database_file(uri)
    folder = database.parent if database else Path.cwd()
    # A server chooses for itself; a database would take a folder relative to each process's own.
    artifacts = None if uri.startswith("http") else (folder / ARTIFACTS).as_uri()
    tags = {NOTE: description, "mlflow.experimentKind": "custom_model_development"}

    with suppress(
        MlflowException
    ):  # another start was faster, or the look-up below says what is wrong
        client.create_experiment(name, artifacts, tags)

    if found := experiment_id(client, name):
        return found

    raise MlflowException(f"the experiment {name} could not be created")


def _upgrade(uri: str, database: Path) -> None:
    """Bring an older SQLite store to the schema of this MLflow, keeping a copy; refuse a newer one."""
    revision = _revision(database)
    scripts = _schemas()
    if revision is None or revision == scripts.get_current_head():
        return

    try:
        scripts.get_revision(revision)
    except CommandError as error:
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: a newer MLflow than {mlflow.__version__} has written it "
            f"(schema {revision}); install that version, or name another store."
        ) from error

    copy = database.with_name(f"{database.name}.{revision}")
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)

    command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        raise ConfigError(
            f"tracking.uri={uri} cannot be upgraded to the schema of this MLflow: {last}; see {copy}."
        )

    print(
        f"{database} was upgraded to the schema of MLflow {mlflow.__version__}; the old one is {copy}."
    )


@cache
def _schemas() -> ScriptDirectory:
    """Every schema that this MLflow knows."""
    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))


def _follow_artifacts(database: Path) -> None:
    """Let runs find their files after a store was moved or copied: MLflow notes absolute places."""
    here = database.parent / ARTIFACTS
    moves = _moves(database)
    experiments = "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?"
    of_runs = "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?) WHERE run_uuid = ?"

    with closing(sqlite3.connect(database)) as connection, connection:
        for place, runs in moves.items():
            connection.execute(experiments, (here.as_uri(), place))
            connection.executemany(of_runs, [(place, here.as_uri(), run) for run in runs])

    for place in moves:
        print(f"The store has moved: its artifacts are in {here} now, no longer in {_path(place)}.")


def _moves(database: Path) -> dict[str, list[str]]:
    """Noted places that hold no longer -> the runs whose files came along with the store.

    A place holds no longer if it is gone, or if files of its runs are beside the store; then so are
    those of the runs that have none yet. One that is not called `mlartifacts` was somebody's
    choice.
    """
    here = database.parent / ARTIFACTS
    moves = {}
    noted = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?"
    inside = "SELECT run_uuid FROM runs WHERE instr(artifact_uri, ? || '/') = 1"

    with closing(sqlite3.connect(database)) as connection:
        for (place,) in connection.execute(noted, (f"file:%/{ARTIFACTS}",)).fetchall():
            there = _path(place)
            if there.resolve() == here.resolve():
                continue

            runs = [run for (run,) in connection.execute(inside, (place,))]

            came = {run for run in runs if (here / run).exists()}
            if came:
                moves[place] = [run for run in runs if run in came or not _there_is(there / run)]
            elif not _there_is(there):
                moves[place] = []  # it may come back, as a drive does

    return moves


def _path(uri: str) -> Path:
    """The path of a file URI."""
    return Path(unquote(urlsplit(uri).path))


def _there_is(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  # `Path.exists` raises where one may not look


def _revision(database: Path) -> str | None:
    """The schema that a SQLite store has; nothing if MLflow has to create it, or to say what else it is."""
    if not database.exists():
        return None

    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.DatabaseError):
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found[0]) if found else None

    return None


@contextmanager
def _impatient() -> Iterator[None]:
    """Ask a server that does not answer once more only: a mistyped address should be told at once."""
    usual = os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"

    try:
        yield
    finally:
        if usual is None:
            del os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]
        else:
            os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = usual
