"""Tables on the terminal."""

import io

from rich.table import Table

from dropout_study.running.terminal import print_table


def test_text_of_a_user_is_printed_as_it_was_typed() -> None:
    """If this failed, `rules=[weight_scaling]` would lose its value, or `[/]` be a traceback."""
    typed = "rules=[weight_scaling,monte_carlo] [/] :smile: [bold]"
    table = Table("condition", title="[dim] title", caption="[red] caption")
    table.add_row(typed)
    printed = io.StringIO()
    print_table(table, printed)
    assert typed in printed.getvalue()
    assert "[dim] title" in printed.getvalue()
    assert "[red] caption" in printed.getvalue()
