"""How work is asked to end: by SIGTERM, by SIGHUP when its terminal is closed, or by its sweep."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(SystemExit):
    """The process was asked to end; its exit code is the one that shells give the signal."""


class Stopped(Exception):
    """The work was asked to stop, for the reason that is its message."""


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Terminated` in the main thread if this process is asked to end while the block runs.

    Signals that already have a handler or are ignored are left alone: Ray, submitit and nohup
    handle them.
    """
    unhandled = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_DFL]

    def end(number: int, _: FrameType | None) -> None:
        for each in unhandled:
            signal.signal(each, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
        raise Terminated(128 + number)

    for number in unhandled:
        signal.signal(number, end)

    try:
        yield
    finally:
        for number in unhandled:
            signal.signal(number, signal.SIG_DFL)
