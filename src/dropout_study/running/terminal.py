"""Tables on the terminal."""

import sys
from typing import TextIO

from rich.console import Console
from rich.table import Table


def print_table(table: Table, stream: TextIO | None = None, columns: int = 120) -> None:
    """Print a table as wide as the terminal is.

    Args:
        table: the table.
        stream: standard output by default.
        columns: the width where the stream is no terminal.
    """
    stream = stream or sys.stdout
    width = None if stream.isatty() else columns
    plain = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    plain.print(table)
