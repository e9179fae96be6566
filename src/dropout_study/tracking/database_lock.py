"""The project's advisory lock of a PostgreSQL or MySQL database.

The holder of a lock may take it again. It is free as soon as its process has gone.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from dropout_study.config.uri import masked
from dropout_study.system import locks

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

PAUSE_SECONDS = 0.1
"""Between two tries at a lock."""
TRY_LOCK = {
    "postgresql": "SELECT pg_try_advisory_xact_lock(712201411929)",
    "mysql": "SELECT GET_LOCK(LEFT(CONCAT('dropout-study/', DATABASE()), 64), 0)",
}
"""Dialect -> the query with which a connection tries to take the lock until it is closed."""

_threads = threading.RLock()  # only one thread of this process holds locks of databases
_held: set[str] = set()  # addresses of the databases whose lock this process holds


@contextmanager
def database_lock(uri: str) -> Iterator[None]:
    """Hold the advisory lock of a database while the block runs.

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
    """A new connection to a database, opened as MLflow opens it, TLS included.

    Raises:
        SQLAlchemyError: the database does not answer, or refuses.
    """
    connection = _engine(uri).connect()
    # In a pool it would stay open, and MySQL would keep the lock.
    connection.detach()

    return connection


@cache
def _engine(uri: str) -> "Engine":
    """What connects to a database; it remembers the statements that it has compiled."""
    from mlflow.store.db import utils  # slow to import, and not needed for a server

    return cast("Engine", cast("Any", utils).create_sqlalchemy_engine(uri))


@contextmanager
def _connection_with_lock(uri: str) -> Iterator[None]:
    """Open a connection and take the lock while the block runs."""
    from sqlalchemy import text

    with connect(uri) as connection:
        try_lock = text(TRY_LOCK[dialect(uri)])
        began = time.monotonic()
        is_reported = False

        while not connection.scalar(try_lock):
            if not is_reported and time.monotonic() - began > locks.SILENT_WAIT_SECONDS:
                locks.report_wait(f"the advisory lock of {masked(uri)}")
                is_reported = True
            time.sleep(PAUSE_SECONDS)

        yield
