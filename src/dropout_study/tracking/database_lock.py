"""Locks between processes, of a file or of a database, that say what they wait for.

Whoever holds a lock may take it again; it is free as soon as its process has gone.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dropout_study.config.uri import masked

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

from dropout_study.system import locks

PAUSE = 0.1  # seconds between two tries at the lock of a database
TRIES = {
    "postgresql": "SELECT pg_try_advisory_xact_lock(712201411929)",
    "mysql": "SELECT GET_LOCK(LEFT(CONCAT('dropout-study/', DATABASE()), 64), 0)",
}
"""Dialect -> how a connection tries to take the project's lock of a database until it is closed."""

_threads = threading.RLock()  # the threads of this process take turns at databases
_held: set[str] = set()  # addresses of the databases whose lock this process holds


@contextmanager
def database_lock(uri: str) -> Iterator[None]:
    """Hold the advisory lock of a database as long as the block runs.

    Raises:
        SQLAlchemyError: the database cannot be reached.
    """
    with _threads:
        if uri in _held:
            yield
            return

        with _connection_with_lock(uri):
            _held.add(uri)
            try:
                yield
            finally:
                _held.remove(uri)


def dialect(uri: str) -> str:
    """The kind of a store: `sqlite`, `postgresql`, `http` and so on."""
    return uri.partition("://")[0].partition("+")[0]


def connect(uri: str) -> "Connection":
    """A connection of its own to a database, opened as MLflow does, TLS included.

    Raises:
        SQLAlchemyError: the database does not answer, or refuses.
    """
    from mlflow.store.db import utils  # here, since images have locks and need no MLflow

    connection: Connection = cast("Any", utils).create_sqlalchemy_engine(uri).connect()
    connection.detach()  # a pool would keep it, and MySQL the lock with it

    return connection


@contextmanager
def _connection_with_lock(uri: str) -> Iterator[None]:
    """Open a connection and take the lock; both end with the block."""
    from sqlalchemy import text

    with connect(uri) as connection:
        said = False
        began = time.monotonic()

        while not connection.scalar(text(TRIES[dialect(uri)])):
            if not said and time.monotonic() - began > locks.PATIENCE:
                locks.report_wait(f"the advisory lock of {masked(uri)}")
                said = True
            time.sleep(PAUSE)

        yield
