"""Signals of a terminal: a process ignores SIGINT if a shell started it in the background, and
SIGHUP if nohup did.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}


@contextmanager
def heeded() -> Iterator[None]:
    """React to them as in a terminal while the block runs, and so does what it starts."""
    before = {number: signal.signal(number, usual) for number, usual in USUAL.items()}

    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
