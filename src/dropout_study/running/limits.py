"""Limits that a person sets to a sweep: which of its conditions, and whether there are too many."""

import hashlib
import json
import sys
from collections.abc import Sequence

from dropout_study.config.schema import ConfigError
from dropout_study.running.bottom_line import BOTTOM_LINE

YES = ("y", "yes")


def draw_sample(conditions: Sequence[Sequence[str]], size: int | None, seed: int) -> list[int]:
    """The numbers of the conditions in a sample of a grid, ascending.

    Whether a condition is drawn before another depends on the two and the seed alone. So a larger
    sample contains a smaller one, and a grid that grows keeps most of what was drawn.

    Args:
        conditions: the overrides that set each apart.
        size: how many are drawn; None are all.
        seed: of the sample.
    """
    numbers = sorted(range(len(conditions)), key=lambda number: _rank(conditions[number], seed))
    return sorted(numbers[:size])


def _rank(overrides: Sequence[str], seed: int) -> str:
    """A random number, as hexadecimal digits, that is the same at every start."""
    return hashlib.sha256(json.dumps([seed, *sorted(overrides)]).encode()).hexdigest()


def confirm(count: int, above: int | None) -> None:
    """Ask on a terminal whether to train as many conditions; elsewhere refuse them.

    Args:
        count: of the conditions.
        above: the largest number that is not asked about; None: never ask.

    Raises:
        ConfigError: the answer was no, or there is nobody to ask.
    """
    if above is None or count <= above:
        return

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            f"This sweep has {count:,} conditions, more than confirm_above={above} allows without "
            f"a question: type confirm_above={count}, or confirm_above=null for any number."
        )

    BOTTOM_LINE.clear()
    print(f"Train {count:,} conditions? [y/N] ", end="", file=sys.stderr, flush=True)

    if sys.stdin.readline().strip().lower() not in YES:
        raise ConfigError("Nothing was trained.")
