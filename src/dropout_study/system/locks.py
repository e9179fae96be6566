"""Locks of files between processes, which report what they wait for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
from tqdm import tqdm

PATIENCE = 3.0  # seconds of waiting without a word


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold the lock of a file, which is created if need be, as long as the block runs."""
    lock = filelock.FileLock(file, is_singleton=True)

    try:
        lock.acquire(timeout=PATIENCE)
    except filelock.Timeout:
        report_wait(str(file))
        lock.acquire()

    try:
        yield
    finally:
        lock.release()


def report_wait(lock: str) -> None:
    """Print that another process holds a lock, above the line of a sweep if there is one."""
    line = f"Waiting for {lock}: another process or thread holds it."
    tqdm.write(line, file=sys.stderr)
