"""Signs of life: whether the process that began something is still at work on it, here or on another machine."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SHARED_THREADS = "DROPOUT_STUDY_THREADS"
"""The variable that holds what OMP_NUM_THREADS is set to by a sweep, and not by its user."""
SILENCE = 120  # seconds without a sign of life after which a process counts as dead


def now_ms() -> int:
    """The time in milliseconds since the epoch, as MLflow counts."""
    return int(time.time() * 1000)


def identity() -> dict[str, str]:
    """Host and number of this process, each with what tells it from another of the same name."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "host.id": _host_id(),
        "pid": str(pid),
        "pid.created": _created(pid),
    }


def in_words(process: Mapping[str, str]) -> str:
    """A process as people name it."""
    return f"process {process['pid']} of {process['host']}"


def alive(process: Mapping[str, str], beat_ms: int) -> bool:
    """Whether a process is at work: it was heard of in the last two minutes, and has not gone.

    Args:
        process: its `identity()`. Whether it has gone is known of this machine alone, and not of
            processes that an older version has named.
        beat_ms: its last sign of life.
    """
    if now_ms() - beat_ms > 1000 * SILENCE:
        return False

    here = identity()
    if any(process.get(key) != here[key] for key in ("host", "host.id")):
        return True

    with suppress(psutil.Error):
        pid = int(process["pid"])
        zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return not zombie and _created(pid) == process["pid.created"]

    return False


def _host_id() -> str:
    """What two machines or containers of one name differ in: when they started, whom they see."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # only Linux says so
        return ""


def _created(pid: int) -> str:
    """When a process was created, exactly; on Linux since the start of the machine.

    The date that Linux derives from that changes whenever somebody sets the clock.
    """
    started = psutil.boot_time() if psutil.LINUX else 0.0
    return f"{psutil.Process(pid).create_time() - started:.2f}"


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
