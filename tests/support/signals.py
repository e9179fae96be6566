"""Signals of a terminal, which a process ignores that a shell or nohup put into the background."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = {signal.SIGINT: signal.default_int_handler}
USUAL |= {getattr(signal, name): signal.SIG_DFL for name in ("SIGHUP",) if hasattr(signal, name)}


@contextmanager
def heeded() -> Iterator[None]:
    """React to them as in a terminal while the block runs, and so does what it starts."""
    before = {number: signal.signal(number, usual) for number, usual in USUAL.items()}

    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
