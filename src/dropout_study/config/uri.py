"""Addresses of stores: the same from every folder, and never shown with their passwords.

Imports no MLflow, and SQLAlchemy only where there is an address of a database to read.
"""

import logging
import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from dropout_study.config.schema import ConfigError

log = logging.getLogger(__name__)

ORDINARY = "sqlite:///mlflow.db"
"""The store that is used if none is named."""
SERVERS = ("http", "https")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
# Greedy up to the last @ of the word: a password may hold an @ itself. A name alone is a token with
# http.
PASSWORDS = (
    (re.compile(r"(?<=://)([^:/\s@]*):\S*@"), r"\1:***@"),
    (re.compile(r"(https?://)[^:/\s@*]+@"), r"\1***@"),
    (re.compile(r"(?i)([?&]\w*(?:pass|pwd|token|secret|odbc_connect)\w*)=[^&\s'\"]*"), r"\1=***"),
)


def absolute(uri: str, folder: Path | None = None) -> str:
    """A store's address that means the same from every folder.

    The address of a server loses its name and password to the variables of MLflow's own client,
    which prints addresses.

    Args:
        uri: an address as MLflow takes it.
        folder: where the relative path of a SQLite file begins; by default the current folder.

    Raises:
        ConfigError: MLflow has no such store, the address is malformed, or its driver is missing.
    """
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if scheme in SERVERS:
        return _server(uri)

    if scheme.partition("+")[0] in DATABASES:
        return _database(uri, folder or Path.cwd())

    if scheme in ("databricks", *entry_points(group="mlflow.tracking_store").names):
        return uri

    raise ConfigError(
        f"tracking.uri={masked(uri)} cannot be used: a store is sqlite:///mlflow.db, another "
        "database (such as postgresql+psycopg://NAME:PASSWORD@HOST/DATABASE) or the http address "
        "of a server; MLflow no longer supports stores of plain files."
    )


def database_file(uri: str) -> Path | None:
    """The very file that MLflow opens for an absolute address; none if it is not of SQLite."""
    if not uri.startswith("sqlite"):
        return None

    from sqlalchemy.engine import make_url

    return Path(make_url(uri).database or "")


def _server(uri: str) -> str:
    """The address of a server, without the credentials: the environment takes them."""
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises where it is none
    except ValueError as error:
        raise _malformed() from error

    if not parts.hostname or re.search(r"\s", uri):
        raise _malformed()

    if not parts.password:  # a name alone is a token, which has no variable
        return uri

    for part, text in (("USERNAME", parts.username or ""), ("PASSWORD", parts.password)):
        variable = f"MLFLOW_TRACKING_{part}"
        value = unquote(text)
        if (os.environ.get(variable) or value) != value:
            log.warning("%s is set otherwise; what the store's address says counts.", variable)

        os.environ[variable] = value

    return without_credentials(uri)


def without_credentials(uri: str) -> str:
    """The address of a server without name and password; any other as it is."""
    if not uri.startswith("http"):
        return uri

    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def other_store(uri: str) -> list[str]:
    """What names a store on a command line, without a password; nothing for the ordinary one."""
    is_ordinary = absolute(uri) == absolute(ORDINARY)
    return [] if is_ordinary else [f"tracking.uri={masked(without_credentials(absolute(uri)))}"]


def _database(uri: str, folder: Path) -> str:
    """The address of a database, read as SQLAlchemy reads it for MLflow."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(
            f"tracking.uri={masked(uri)} cannot be used: {error}; install this driver, or name "
            "another one, such as postgresql+psycopg:// (pip install -e '.[postgres]')."
        ) from error
    except (ArgumentError, ValueError) as error:  # their texts may hold a part of the password
        raise _malformed() from error

    if url.get_backend_name() == "sqlite":
        return _sqlite(uri, folder)

    if "@" in (url.host or "") or re.search(r"\s", uri):
        raise _malformed()

    return uri


def _sqlite(uri: str, folder: Path) -> str:
    """The address of a SQLite file with an absolute path, which is encoded if it has to be."""
    from sqlalchemy.engine import make_url

    url = make_url(uri)
    if url.host or not url.database or url.database.startswith((":memory:", "file:")):
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: it names no file that every process would find; "
            "use sqlite:///mlflow.db."
        )

    path = os.path.abspath(folder / url.database)  # noqa: PTH100  # resolves .. as SQLAlchemy does

    start, mark, query = url.set(database="").render_as_string().partition("?")
    plain = f"{start}{path}{mark}{query}"

    # Behind sqlite:/// itself MLflow would make the folder that an encoded path spells.
    encoded = url.set(drivername="sqlite+pysqlite", database=path).render_as_string()
    for address in (plain, encoded):
        if make_url(address).database == path:
            return address

    raise ConfigError(
        f"tracking.uri={uri} cannot be used: {path} holds a character that SQLAlchemy takes for "
        "the end of a path; rename that folder, or name a store elsewhere."
    )


def _malformed() -> ConfigError:
    return ConfigError(
        "tracking.uri cannot be used: it must be like SCHEME://NAME:PASSWORD@HOST:PORT/DATABASE, "
        "and a blank or one of @ : / ? # % in a name or password must be percent-encoded (%40 "
        "for @)."
    )


def masked(text: str) -> str:
    """A text with the passwords of all addresses in it replaced by `***`."""
    for pattern, mask in PASSWORDS:
        text = pattern.sub(mask, text)
    return text


class MaskingFormatter(logging.Formatter):
    """Formats log records, tracebacks included, without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        """The formatted record, masked."""
        return masked(super().format(record))
