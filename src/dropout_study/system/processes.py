"""Whether the process that began something is still at work on it, here or on another machine."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SHARED_THREADS = "DROPOUT_STUDY_THREADS"
"""The variable that holds the value of OMP_NUM_THREADS if a sweep has set it, and not a user."""
MAX_SILENCE_SECONDS = 120
"""Without a sign of life for longer, a process counts as dead."""
MAX_WAIT_FOR_ACTION = 5
"""Seconds that the end of a block waits for an action, since a store may not answer."""


def now_ms() -> int:
    """The time in milliseconds since the epoch, the unit of MLflow."""
    return int(time.time() * 1000)


def this_process() -> dict[str, str]:
    """Host and number of this process, each with what distinguishes it from others of that name."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "host.id": _host_id(),
        "pid": str(pid),
        "pid.created": _created(pid),
    }


def in_words(process: Mapping[str, str]) -> str:
    """A process as messages name it."""
    return f"process {process['pid']} of {process['host']}"


def is_alive(process: Mapping[str, str], beat_ms: int) -> bool:
    """Whether a process gave a sign of life in the last two minutes and, on this machine, exists.

    A process that an earlier version has named is not looked for on this machine.

    Args:
        process: what it got from `this_process`.
        beat_ms: the time of its last sign of life, in milliseconds since the epoch.
    """
    if now_ms() - beat_ms > 1000 * MAX_SILENCE_SECONDS:
        return False

    here = this_process()
    if any(process.get(key) != here[key] for key in ("host", "host.id")):
        return True

    with suppress(psutil.Error):
        pid = int(process["pid"])
        is_zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return not is_zombie and _created(pid) == process["pid.created"]

    return False


def _host_id() -> str:
    """What differs between machines or containers of one name: start and process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # not on Linux
        return ""


def _created(pid: int) -> str:
    """When a process was created; on Linux in seconds since the start of the machine.

    The date that Linux derives from them changes when the clock is set.
    """
    started = psutil.boot_time() if psutil.LINUX else 0.0
    return f"{psutil.Process(pid).create_time() - started:.2f}"


@contextmanager
def repeat_every(seconds: float, action: Callable[[], object]) -> Iterator[None]:
    """Call an action again and again in a thread while the block runs; its errors are ignored."""
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
        thread.join(timeout=MAX_WAIT_FOR_ACTION)
