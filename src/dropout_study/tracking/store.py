"""An MLflow store: its address, lock, schema, experiments and runs."""

import logging
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path

from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from dropout_study.config.folder import command
from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import DATABASES, absolute, database_file, masked, other_store
from dropout_study.system.locks import file_lock
from dropout_study.tracking import schema_upgrade, tags
from dropout_study.tracking.database_lock import TRY_LOCK, connect, database_lock, dialect
from dropout_study.tracking.record import Role
from dropout_study.tracking.run_summary import WORKFLOW
from dropout_study.tracking.schema_upgrade import ARTIFACTS

UNREACHABLE = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)
"""What a store raises that is away or broken, or that refuses a request."""
VIEW = "results"
"""The key of the saved view with which the page of an experiment opens."""
RUNS_PER_REQUEST = 5_000
LOCAL_SERVER = "http://127.0.0.1:5000"
"""Where `scripts/ui.py` shows a store that no server serves."""


class Store:
    """A SQLite file, another database, or a server.

    Args:
        uri: the address, as MLflow takes it.
        folder: where a relative path of a SQLite file begins; by default the current folder.

    Attributes:
        uri: the address, which means the same from every folder.

    Raises:
        ConfigError: the address is malformed, no store has such an address, or a driver is missing.
    """

    def __init__(self, uri: str, folder: Path | None = None) -> None:
        self.uri = absolute(uri, folder)
        self._database = database_file(self.uri)

    @property
    def shown(self) -> str:
        """The address without its password, for messages and records."""
        return masked(self.uri)

    @property
    def exists(self) -> bool:
        """Whether a SQLite store has a file, which any request would create; other stores do."""
        return self._database is None or self._database.exists()

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client; it creates a SQLite store that does not exist."""
        return MlflowClient(self.uri)

    def lock(self) -> AbstractContextManager[object]:
        """Inter-process lock of a store that is addressed directly; its holder may take it again.

        SQLite is locked by a file beside it, PostgreSQL and MySQL by an advisory lock of the
        database. A no-op for a server, and for other databases.

        Raises:
            ConfigError: the folder of the store does not exist.
        """
        if dialect(self.uri) in TRY_LOCK:
            return database_lock(self.uri)

        if self._database is None:
            return nullcontext()

        folder = self._database.parent
        if not folder.is_dir():
            raise ConfigError(
                f"tracking.uri={self.uri} cannot be used: there is no folder {folder}; "
                "create it first."
            )

        return file_lock(self._database.with_name(f"{self._database.name}.lock"))

    def prepare(self, experiment: str, description: str) -> str:
        """Create or upgrade the store, and create the experiment; return the experiment's id.

        Args:
            experiment: its name.
            description: in Markdown; replaces that of an existing experiment, unless it is empty.

        Raises:
            ConfigError: the store cannot be opened, or belongs to a newer version of MLflow.
        """
        try:
            with self.lock(), _few_retries():
                self.make_ready()
                return self._create_experiment(experiment, description)
        except UNREACHABLE as error:
            raise ConfigError(
                f"tracking.uri={self.shown}: the store cannot be opened: {first_line(error)}"
            ) from error

    def make_ready(self) -> None:
        """Bring the schema and the artifacts of a SQLite store up to date; connect to a database.

        A SQLite store that is up to date is only read.

        Raises:
            ConfigError: the store belongs to a newer version of MLflow.
            SQLAlchemyError, sqlite3.Error, OSError: it cannot be opened.
        """
        if self._database is None:
            self._connect_once()
        elif schema_upgrade.is_outdated(self._database):
            with self.lock():
                schema_upgrade.upgrade(self._database, self.uri)
                schema_upgrade.follow_artifacts(self._database)

    def experiment(self, name: str) -> str | None:
        """The id of an experiment; None if there is none.

        Raises:
            ConfigError: it was deleted; the message says how to restore it.
        """
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            return None

        number = str(experiment.experiment_id)
        if experiment.lifecycle_stage == "deleted":
            raise ConfigError(
                f"study.name={name} cannot be used: the store holds a deleted experiment of that "
                f"name; restore it ({self.restore_command('experiment', number)}), "
                "or choose another study.name."
            )

        return number

    def last_experiment(self) -> str | None:
        """The id of the experiment of the run that began last, seeds aside; None without runs."""
        numbers = [each.experiment_id for each in self.client.search_experiments()]
        newest = self.client.search_runs(
            numbers,
            f"tags.{tags.ROLE} != '{Role.SEED}'",
            max_results=1,
            order_by=["start_time DESC"],
        )

        return str(newest[0].info.experiment_id) if newest else None

    def studies(self) -> list[str]:
        """The names of the experiments that hold networks."""
        networks = f"tags.{tags.ROLE} = '{Role.SEED}'"

        return sorted(
            each.name
            for each in self.client.search_experiments()
            if self.client.search_runs([each.experiment_id], networks, max_results=1)
        )

    def restore_command(self, kind: str, number: str) -> str:
        """The command that restores a deleted `experiment` or `run`."""
        uri = shlex.quote(self.shown)
        return f"MLFLOW_TRACKING_URI={uri} mlflow {kind}s restore --{kind}-id {number}"

    def search(
        self, experiment: str, condition: str = "", stage: int = ViewType.ACTIVE_ONLY
    ) -> list[Run]:
        """All runs of an experiment that meet a condition, the oldest first.

        Takes one request per 5,000 runs.

        Args:
            experiment: its id.
            condition: in MLflow's language of filters.
            stage: `ViewType.ALL` includes deleted runs.
        """
        runs: list[Run] = []
        order = ["attributes.start_time ASC"]
        token = None

        while True:
            page = self.client.search_runs(
                [experiment], condition, stage, RUNS_PER_REQUEST, order, token
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def page(self, experiment: str) -> str:
        """The address of an experiment's page; of a local store, while `scripts/ui.py` runs.

        Args:
            experiment: its id.
        """
        server = self.shown.rstrip("/") if self.is_server else LOCAL_SERVER
        return f"{server}/{page_path(experiment)}"

    def link(self, name: str, experiment: str) -> str:
        """How to open the page of an experiment: its address on a server, or what to type.

        Args:
            name: of the experiment.
            experiment: its id.
        """
        if self.is_server:
            return self.page(experiment)

        words = [f"page={name}", *other_store(self.shown)]
        return f"{command('ui')} {shlex.join(words)}"

    @property
    def is_database(self) -> bool:
        """Whether this process addresses a database itself, and no server does so for it."""
        return self.uri.startswith(DATABASES)

    @property
    def is_server(self) -> bool:
        """Whether a server holds it."""
        return self.uri.startswith("http")

    def _connect_once(self) -> None:
        """Fail at once where a database is away: MLflow would try for almost two minutes."""
        if self.is_database:
            with closing(connect(self.uri)):
                pass

    def _create_experiment(self, name: str, description: str) -> str:
        """Create an experiment, or describe the existing one; return its id."""
        if number := self.experiment(name):
            self._describe(number, description)
            return number

        labels = {
            tags.DESCRIPTION: description,
            tags.EXPERIMENT_KIND: "custom_model_development",
        }

        # It fails if another process was faster; the next look-up reports any other reason.
        with suppress(MlflowException):
            self.client.create_experiment(name, self._artifact_location(), labels)

        if number := self.experiment(name):
            return number

        raise MlflowException(f"the experiment {name} could not be created")

    def _describe(self, experiment: str, description: str) -> None:
        """Replace the description of an experiment, unless it begins with the new one.

        A report adds to the end of a description what was found.
        """
        current = self.client.get_experiment(experiment).tags.get(tags.DESCRIPTION, "")
        if not current.startswith(description):
            self.client.set_experiment_tag(experiment, tags.DESCRIPTION, description)

    def _artifact_location(self) -> str | None:
        """Where the files of a new experiment go; None leaves the choice to a server.

        It is absolute: a database would take a folder relative to that of each process.
        """
        if self.is_server:
            return None

        folder = self._database.parent if self._database else Path.cwd()
        return (folder / ARTIFACTS).as_uri()


def page_path(experiment: str) -> str:
    """The part of an experiment's address behind the server."""
    return f"#/experiments/{experiment}/runs?{WORKFLOW}&viewStateShareKey={VIEW}"


def experiments_path() -> str:
    """The part of the address of the list of experiments behind the server."""
    return f"#/experiments?{WORKFLOW}"


def refuses(error: Exception) -> bool:
    """Whether an error says that a server is reachable and does not let this process in."""
    refusals = ("UNAUTHENTICATED", "PERMISSION_DENIED")
    return isinstance(error, MlflowException) and error.error_code in refusals


def first_line(error: Exception) -> str:
    """The first line of an error's message, without passwords."""
    return masked(str(error).splitlines()[0])


def quiet_mlflow() -> None:
    """Keep MLflow's notes on creating tables, and its pages on failing databases, off the terminal.

    MLflow sets levels of its own when it is imported, so this is called afterwards. Callers report
    a failing database in a sentence.
    """
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextmanager
def _few_retries() -> Iterator[None]:
    """Let MLflow repeat a request once only, so that a mistyped address is reported at once."""
    variable = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    before = os.environ.get(variable)
    os.environ[variable] = "1"

    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
