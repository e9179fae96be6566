"""Addresses are absolute, and their passwords are never shown."""

import logging
import os
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import (
    MaskingFormatter,
    absolute,
    database_file,
    masked,
    other_store,
)

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "mlruns",
        "./mlruns",
        "file:///tmp/mlruns",
        "ftp://there/runs",
        "sqlite://",
        "sqlite://mlflow.db",
        "sqlite:///:memory:",
        "sqlite:///file:mlflow.db?uri=true",
    ],
)
def test_what_is_no_store_is_refused_with_the_key_and_an_alternative(uri: str) -> None:
    """If this failed, training would end in MLflow's exception, or results with the process."""
    with pytest.raises(ConfigError, match=r"tracking\.uri=.*sqlite:///mlflow\.db") as raised:
        absolute(uri)
    assert f"tracking.uri={uri} cannot be used" in str(raised.value)


def test_a_missing_driver_is_named_with_a_remedy() -> None:
    """If this failed, a database without its driver would be a ModuleNotFoundError."""
    for driver in ("mysql+mysqldb", "postgresql+absent"):
        with pytest.raises(ConfigError, match=r"ada:\*\*\*@there.*install this driver"):
            absolute(f"{driver}://ada:s3cret@there/runs")


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql+psycopg://ada:s3@cret@there/runs",
        "postgresql+psycopg://ada:s3 cret@there/runs",
        "postgresql+psycopg://ada:pw@there:s3cret/runs",
        "http://ada:s3/cret@there:5000",
        "http://",
    ],
)
def test_a_password_that_breaks_its_address_is_refused_and_not_printed(uri: str) -> None:
    """If this failed, a driver would print half of a password as the name of a host."""
    with pytest.raises(ConfigError, match=r"tracking\.uri .*%40 for @") as raised:
        absolute(uri)

    assert "s3" not in str(raised.value)
    assert "cret" not in str(raised.value)


def test_a_relative_store_means_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, each job of a sweep could write into a store of its own."""
    monkeypatch.chdir(tmp_path)
    assert absolute("sqlite:///a/mlflow.db") == f"sqlite:///{tmp_path}/a/mlflow.db"
    assert absolute(absolute("sqlite:///mlflow.db")) == absolute("sqlite:///mlflow.db")
    assert absolute("http://127.0.0.1:5000") == "http://127.0.0.1:5000"


FOLDERS = ["a b", "a%20b", "a?b", "feature%2Fx", "a#b", "ümlaut", "a+b&c=d", "100%"]
"""Names that a path may have, and that mean something else in an address."""


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(
    "uri", ["sqlite:///mlflow.db", "sqlite+pysqlite:///x/../mlflow.db?timeout=3"]
)
def test_the_file_that_is_locked_is_the_one_that_is_opened(
    name: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a store would be locked and copied in one folder, and written in another."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    address = absolute(uri)
    monkeypatch.chdir(tmp_path)
    assert absolute(address) == address
    assert database_file(address) == tmp_path / name / "mlflow.db"

    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE runs (id INTEGER)"))

    assert engine.url.query.get("timeout") == ("3" if "timeout" in uri else None)
    engine.dispose()
    assert list(tmp_path.rglob("*.db")) == [tmp_path / name / "mlflow.db"]


def test_a_typed_address_is_read_as_sqlalchemy_reads_it() -> None:
    """If this failed, %20 would be a blank for MLflow and none for the lock."""
    assert database_file(absolute("sqlite:////there/a%20b/x.db?timeout=5")) == Path(
        "/there/a b/x.db"
    )
    assert database_file(absolute("sqlite:////there/a%2520b/x.db")) == Path("/there/a%20b/x.db")

    for uri in ("http://127.0.0.1:5000", "postgresql+psycopg://ada@there/runs"):
        assert absolute(uri) == uri
        assert database_file(uri) is None


@pytest.mark.usefixtures("without_credentials")
@pytest.mark.parametrize("uri", ["postgresql://me:s3cret@db/runs", "https://me:s3cret@host/x"])
def test_a_command_names_another_store_without_its_password(uri: str) -> None:
    """If this failed, the command that compares conditions would print the password."""
    (shown,) = other_store(uri)
    assert shown.startswith("tracking.uri=")
    assert "s3cret" not in shown


@pytest.mark.usefixtures("without_credentials")
def test_the_password_of_a_server_goes_where_its_client_looks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If this failed, MLflow's client would print it with every run, or not find it."""
    address = absolute("http://ad%C3%A4:s3%40cret%2F@there:5000/x")
    assert address == "http://there:5000/x"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "adä"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s3@cret/"
    assert caplog.text == ""

    assert absolute("https://adä:other@there") == "https://there"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "other", "what is typed counts"
    assert "MLFLOW_TRACKING_PASSWORD is set otherwise" in caplog.text
    assert "USERNAME" not in caplog.text
    assert "s3@cret" not in caplog.text


@pytest.mark.usefixtures("without_credentials")
def test_a_token_stays_in_its_address() -> None:
    """If this failed, a server that takes tokens would be asked without one: it has no variable."""
    assert absolute("https://t0ken@there:5000") == "https://t0ken@there:5000"
    assert "MLFLOW_TRACKING_USERNAME" not in os.environ


@given(SECRETS)
def test_no_password_survives_masking(secret: str) -> None:
    """If this failed, a password with an unusual character would be printed."""
    marked = f"Zq{secret}qZ"
    for text in (
        f"postgresql://ada:{marked}@host/db is away",
        f"at http://u:{marked}@host:5000/x and more",
    ):
        assert marked not in masked(text)
        assert masked(text).startswith(text.split(":")[0])
        assert masked(text).endswith(text[-5:])


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/ada/mlflow.db",
        "http://127.0.0.1:5000/#/experiments/1",
        "postgresql://ada@host/db",
        "mail ada@example.org at 10:30",
    ],
)
def test_what_holds_no_password_is_left_as_it_is(text: str) -> None:
    """If this failed, links would not work when they are pasted."""
    assert masked(text) == text


@pytest.mark.parametrize("key", ["password", "sslpassword", "passwd", "token", "odbc_connect"])
def test_a_password_among_the_parameters_of_an_address_is_masked(key: str) -> None:
    """If this failed, the other way to write it would leak."""
    address = "postgresql://host/db?user=ada&KEY=VALUE&x=1".replace("KEY", key)
    assert masked(address.replace("VALUE", "s3cret")) == address.replace("VALUE", "***")


def test_a_token_instead_of_a_name_is_masked() -> None:
    """If this failed, a server that takes tokens would be open to every reader of a log."""
    assert masked("at https://t0ken@host:5000/x") == "at https://***@host:5000/x"


def test_logged_tracebacks_are_masked() -> None:
    """If this failed, train.log, an artifact, would hold the password of a store that is away."""
    try:
        raise OSError("no route to http://ada:s3cret@host:5000/api")
    except OSError as error:
        record = logging.LogRecord(
            "x", 40, __file__, 1, "failed", None, (type(error), error, error.__traceback__)
        )

    text = MaskingFormatter("%(message)s").format(record)
    assert "http://ada:***@host:5000/api" in text
    assert "s3cret" not in text
