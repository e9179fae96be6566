"""SQLite that does not wait for the disk: the store of a test need not survive a power cut."""

import sqlite3
from contextlib import suppress

from sqlalchemy import event
from sqlalchemy.engine import Engine


def write_without_waiting() -> None:
    """Have this process commit without a wait for the disk, which takes 5 to 20 ms each time."""
    event.listen(Engine, "connect", _turn_off)


def _turn_off(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.DatabaseError):  # of a file that is none, which MLflow finds out
            connection.execute("PRAGMA synchronous = OFF")
