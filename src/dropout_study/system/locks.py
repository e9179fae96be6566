"""File locks between processes, with a message where one has to wait."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
from tqdm import tqdm

SILENT_WAIT_SECONDS = 3.0
"""How long a process waits for a lock before it says so."""


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs; the file is created if it does not exist."""
    lock = filelock.FileLock(file, is_singleton=True)

    try:
        lock.acquire(timeout=SILENT_WAIT_SECONDS)
    except filelock.Timeout:
        report_wait(str(file))
        lock.acquire()

    try:
        yield
    finally:
        lock.release()


def report_wait(lock: str) -> None:
    """Print that another process holds a lock, above a sweep's progress line if there is one."""
    line = f"Waiting for {lock}: another process or thread holds it."
    tqdm.write(line, file=sys.stderr)
