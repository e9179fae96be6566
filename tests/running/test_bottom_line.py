"""What stands at the bottom of a terminal, and what is printed above it."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from dropout_study.running.bottom_line import BOTTOM_LINE, bar


class Terminal(io.StringIO):
    """What is written to it is read back as a person would see it."""

    def isatty(self) -> bool:
        """It claims to be a terminal."""
        return True

    @property
    def lines(self) -> list[str]:
        """The lines that are not empty; behind a carriage return a line is written over."""
        seen = []

        for line in self.getvalue().split("\n"):
            shown = ""
            for text in line.split("\r"):
                shown = text + shown[len(text) :]
            seen.append(shown.rstrip())

        return [line for line in seen if line]


@contextmanager
def on_terminal() -> Iterator[Terminal]:
    """A terminal for both streams; pytest would replace that of a fixture."""
    terminal = Terminal()

    with redirect_stdout(terminal), redirect_stderr(terminal):
        yield terminal


def test_whatever_is_printed_stands_above_a_bar_which_is_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, warnings of SLURM, Lightning or submitit would cut the progress line into
    pieces.
    """
    logger = logging.getLogger("submitit")

    with on_terminal() as terminal:
        handler = logging.StreamHandler(sys.stderr)
        monkeypatch.setattr(logger, "handlers", [handler])
        print_around(terminal, logger)
        assert (sys.stdout, sys.stderr) == (terminal, terminal)
        assert handler.stream is terminal

    assert terminal.lines == ["begun and ended", "a warning", "of submitit", "cut"]


def print_around(terminal: Terminal, logger: logging.Logger) -> None:
    """Print in all ways while there is a bar."""
    with bar(total=1, bar_format="{desc}") as shown:
        shown.set_description_str("half of it")
        print("begun", end="")
        assert terminal.lines == ["half of it"], "a line that is not whole waits"
        print(" and ended")
        print("a warning", file=sys.stderr)
        logger.warning("of submitit")
        assert terminal.lines == ["begun and ended", "a warning", "of submitit", "half of it"]
        print("cut", end="")


def test_words_are_replaced_and_give_way_to_a_bar() -> None:
    """If this failed, a start would be silent, or leave its words on the terminal."""
    with on_terminal() as terminal:
        say_and_clear(terminal)
        assert sys.stderr is terminal


def say_and_clear(terminal: Terminal) -> None:
    """Say this and that."""
    BOTTOM_LINE.say("loading")
    assert terminal.lines == ["loading ..."]
    BOTTOM_LINE.say("opening")
    assert terminal.lines == ["opening ..."]

    with bar(total=1, bar_format="{desc}") as shown:
        shown.set_description_str("a bar")
        assert terminal.lines == ["a bar"]

    BOTTOM_LINE.say("closing")
    BOTTOM_LINE.clear()
    assert terminal.lines == []


def test_without_a_terminal_there_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, the log of a cluster would be full of bars."""
    BOTTOM_LINE.say("loading")

    with bar(total=1) as shown:
        shown.update(1)
        print("a line")

    assert capsys.readouterr() == ("a line\n", "")
