"""Signs of life: whether the process that began something is still at work on it, here or on another machine."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

SILENCE = 120  # seconds without a sign of life after which a process counts as dead


def now_ms() -> int:
    """The time in milliseconds since the epoch, as MLflow counts."""
    return int(time.time() * 1000)


def identity() -> dict[str, str]:
    """Host and number of this process."""
    return {"host": socket.gethostname(), "pid": str(os.getpid())}


def alive(host: str, pid: int, began_ms: int, beat_ms: int) -> bool:
    """Whether a process is at work: it has not gone from this machine, and was heard of in the last two minutes.

    Args:
        host: name of its machine.
        pid: its number there; a process that is younger than the work has only got the same number.
        began_ms: when it began the work.
        beat_ms: its last sign of life.
    """
    if now_ms() - beat_ms > 1000 * SILENCE:
        return False
    if host != socket.gethostname():
        return True
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and 1000 * process.create_time() < began_ms + 1000
    return False


@contextmanager
def every(seconds: float, action: Callable[[], object]) -> Iterator[None]:
    """Call something again and again beside the work of the block; its errors do not disturb that work."""
    done = threading.Event()

    def loop() -> None:
        while not done.wait(seconds):
            with suppress(Exception):
                action()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)  # a store that does not answer must not hold up the end
