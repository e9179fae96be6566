"""The log of each job, in its folder."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

LOG_FILE = "train.log"
"""In the folder of a job."""


class JobLog(logging.FileHandler):
    """The file of a job; without a folder, or with a full disk, nothing is written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line if possible: the job itself reports that it is not."""
        with suppress(OSError):
            super().emit(record)


@contextmanager
def logged_in(folders: Sequence[Path]) -> Iterator[None]:
    """Write what is logged into the logs of some jobs alone, off the terminal.

    A file is created once something is written to it. The lines look as Hydra's would.

    Args:
        folders: of the jobs.
    """
    loggers = [logging.getLogger(), logging.getLogger("traceback")]
    replaced = [logger.handlers for logger in loggers]
    present = [handler for handlers in replaced for handler in handlers]
    formatters = [
        handler.formatter for handler in present if isinstance(handler, logging.FileHandler)
    ]
    handlers: list[logging.Handler] = [JobLog(folder / LOG_FILE, delay=True) for folder in folders]

    for handler in handlers:
        handler.setFormatter(formatters[0] if formatters else None)

    for logger in loggers:
        logger.handlers = handlers

    try:
        yield
    finally:
        for logger, before in zip(loggers, replaced, strict=True):
            logger.handlers = before

        for handler in handlers:
            handler.close()
