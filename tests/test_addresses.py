"""Addresses are absolute, and their passwords are never shown."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.addresses import MaskingFormatter, absolute, masked
from dropout_study.config import ConfigError

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@pytest.mark.parametrize("uri", ["mlruns", "./mlruns", "file:///tmp/mlruns"])
def test_a_store_of_plain_files_is_refused_with_an_alternative(uri: str) -> None:
    """If this failed, training would end in MLflow's own exception."""
    with pytest.raises(ConfigError, match=r"sqlite:///mlflow\.db"):
        absolute(uri)


def test_a_relative_store_means_the_same_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, each job of a sweep could write into a store of its own."""
    monkeypatch.chdir(tmp_path)
    assert absolute("sqlite:///a/mlflow.db") == f"sqlite:///{tmp_path}/a/mlflow.db"
    assert absolute(absolute("sqlite:///mlflow.db")) == absolute("sqlite:///mlflow.db")
    assert absolute("http://127.0.0.1:5000") == "http://127.0.0.1:5000"


@given(SECRETS)
def test_no_password_survives_masking(secret: str) -> None:
    """If this failed, a password with an unusual character would be printed."""
    marked = f"Zq{secret}qZ"
    for text in (f"postgresql://ada:{marked}@host/db is away", f"at http://u:{marked}@host:5000/x and more"):
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


@pytest.mark.parametrize("key", ["password", "sslpassword", "passwd", "token"])
def test_a_password_among_the_parameters_of_an_address_is_masked(key: str) -> None:
    """If this failed, the other way to write it would leak."""
    address = "postgresql://host/db?user=ada&KEY=VALUE&x=1".replace("KEY", key)
    assert masked(address.replace("VALUE", "s3cret")) == address.replace("VALUE", "***")


def test_a_token_instead_of_a_name_is_masked() -> None:
    """If this failed, a server that takes tokens would be open to every reader of a log."""
    assert masked("at https://t0ken@host:5000/x") == "at https://***@host:5000/x"


def test_logged_tracebacks_are_masked() -> None:
    """If this failed, train.log, which is an artifact, would hold the password of a store that is away."""
    try:
        raise OSError("no route to http://ada:s3cret@host:5000/api")
    except OSError as error:
        record = logging.LogRecord("x", 40, __file__, 1, "failed", None, (type(error), error, error.__traceback__))
    text = MaskingFormatter("%(message)s").format(record)
    assert "http://ada:***@host:5000/api" in text
    assert "s3cret" not in text
