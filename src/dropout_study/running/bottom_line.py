"""The line at the bottom of a terminal, which says what a program is at.

Whatever else is printed meanwhile, warnings of libraries too, stands above it. Where standard error
is no terminal there is no line.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, TextIO, cast

from tqdm import tqdm

LOGGERS = (None, "submitit")
"""The loggers with handlers of their own that print; None is the root of all."""


class BottomLine:
    """What a process is at, in words, until a bar says more."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._held = ExitStack()

    def say(self, words: str) -> None:
        """Show some words in place of the last ones."""
        if not sys.stderr.isatty():
            return

        if self._bar is None:
            self._bar = self._held.enter_context(bar(total=1, bar_format="{desc}"))

        self._bar.set_description_str(f"{words} ...")

    def clear(self) -> None:
        """Remove the line: something else is shown, asked or begun."""
        self._held.close()
        self._bar = None


BOTTOM_LINE = BottomLine()
"""What this process is at."""


@contextmanager
def bar(**settings: Any) -> Iterator["tqdm[Any]"]:
    """A bar at the bottom of the terminal, gone after the block.

    Args:
        settings: those of tqdm.
    """
    BOTTOM_LINE.clear()
    terminal = sys.stderr
    is_shown = terminal.isatty()
    shown = tqdm(file=terminal, leave=False, dynamic_ncols=True, disable=not is_shown, **settings)

    with _printed_above(terminal) if is_shown else nullcontext(), shown:
        yield shown


class LinesAbove:
    """A stream whose lines, each once it is whole, stand above the bars of a terminal.

    Args:
        stream: takes the lines.
        terminal: the stream of the bars.
    """

    def __init__(self, stream: TextIO, terminal: TextIO) -> None:
        self.stream = stream
        self._terminal = terminal
        self._begun = ""

    def write(self, text: str) -> int:
        """Write the lines that are whole; the last may be continued."""
        lines, newline, rest = f"{self._begun}{text}".rpartition("\n")
        self._begun = rest

        if newline:
            self._write(f"{lines}\n")

        return len(text)

    def finish(self) -> None:
        """Write what has been begun."""
        if self._begun:
            self._write(self._begun)
            self._begun = ""

    def _write(self, text: str) -> None:
        with tqdm.external_write_mode(file=self._terminal):
            self.stream.write(text)
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the stream itself has."""
        return getattr(self.stream, name)


@contextmanager
def _printed_above(terminal: TextIO) -> Iterator[None]:
    """Let everything that is printed in the block stand above the bars of a terminal."""
    output, errors = sys.stdout, sys.stderr
    above = {stream: LinesAbove(stream, terminal) for stream in (output, errors)}
    sys.stdout = cast("TextIO", above[output])
    sys.stderr = cast("TextIO", above[errors])
    handlers = [
        handler
        for name in LOGGERS
        for handler in logging.getLogger(name).handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in above
    ]

    for handler in handlers:
        handler.setStream(above[handler.stream])

    try:
        yield
    finally:
        for handler in handlers:
            if isinstance(handler.stream, LinesAbove):
                handler.setStream(handler.stream.stream)

        sys.stdout, sys.stderr = output, errors

        for lines in above.values():
            lines.finish()
