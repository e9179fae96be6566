"""Addresses of stores: the same from every folder, and never shown with their passwords. Imports no MLflow."""

import logging
import re
from pathlib import Path

from dropout_study.config import ConfigError

SQLITE = "sqlite:///"
# Greedy up to the last @ of the word: a password may hold an @ itself. A name alone is a token with http.
PASSWORDS = (
    (re.compile(r"(?<=://)([^:/\s@]*):\S*@"), r"\1:***@"),
    (re.compile(r"(https?://)[^:/\s@*]+@"), r"\1***@"),
    (re.compile(r"([?&]\w*(?:pass|pwd|token|secret)\w*)=[^&\s'\"]*", re.IGNORECASE), r"\1=***"),
)


def absolute(uri: str) -> str:
    """A store's address that means the same from every folder.

    Raises:
        ConfigError: for a store in plain files, which MLflow no longer keeps up.
    """
    if uri.startswith(SQLITE):
        return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
    if "://" not in uri or uri.startswith("file:"):
        raise ConfigError(
            f"tracking.uri={uri} cannot be used: MLflow no longer supports stores of plain files. Use "
            "sqlite:///mlflow.db, another database, or the http address of a server."
        )
    return uri


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
