"""How a process is asked to end: by SIGTERM, or by SIGHUP when its terminal is closed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(SystemExit):
    """The process was asked to end; the exit code is that which shells give the signal."""


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Terminated` in the main thread when this process is asked to end.

    Signals that somebody handles or ignores already are left to them: to Ray, submitit or nohup.
    """
    free = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_DFL]

    def end(number: int, _: FrameType | None) -> None:
        for each in free:
            signal.signal(each, signal.SIG_IGN)  # tidying up is not to be interrupted
        raise Terminated(128 + number)

    for number in free:
        signal.signal(number, end)

    try:
        yield
    finally:
        for number in free:
            signal.signal(number, signal.SIG_DFL)
