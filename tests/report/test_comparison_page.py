"""A comparison as tables and as a figure."""

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from dropout_study.analysis.comparison import compare, table
from dropout_study.analysis.selection import select
from dropout_study.report.comparison_page import (
    Comparison,
    cells,
    draw,
    latex,
    needs,
    terminal,
    write,
)
from support.compared import CURVE, METRIC, nets, sampled


def made(x: str = "model.hidden_rate", against: str = "rate 0") -> Comparison:
    """Three rates; the middle one can be told from the first."""
    networks = [
        *nets(0.0, [1.0, 2.0, 3.0]),
        *nets(0.25, [2.0, 3.01, 3.99]),
        *nets(0.5, [1.0, 2.5, 2.5]),
    ]
    selection = select(pd.DataFrame(networks), METRIC, x)
    rows = compare(selection, against, "two-sided")

    return Comparison(selection, rows, x, "", against, "two-sided", "python me")


def test_every_form_is_written_and_the_same_each_time(tmp_path: Path) -> None:
    """If this failed, a paper would lack its table or its figure, or change without a reason."""
    first = write(made(), tmp_path / "first")
    again = write(made(), tmp_path / "again")
    assert {file.name for file in first} == {
        "comparison.md",
        "comparison.csv",
        "comparison.tex",
        "figure.svg",
        "figure.pdf",
    }

    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert b"CreationDate" not in one.read_bytes()  # which may be the same by chance


def test_the_numbers_have_all_digits_and_the_table_reads_back(tmp_path: Path) -> None:
    """If this failed, a spreadsheet would hold rounded numbers, or those of another condition."""
    write(made(), tmp_path)
    read = pd.read_csv(tmp_path / "comparison.csv")
    written = table(made().rows, "model.hidden_rate")
    pd.testing.assert_frame_equal(read.drop(columns="needed"), written.drop(columns="needed"))
    assert list(read["needed"].fillna("")) == list(written["needed"])
    row = read.set_index("condition").loc["rate 0.25"]
    assert row["mean"] == pytest.approx(9 / 3)
    assert row["difference"] == pytest.approx(1.0)
    assert row["difference low"] < 1 < row["difference high"]


def of_widths(*widths: str) -> Comparison:
    """A network per seed, of each of some widths."""
    networks = [
        net | {"model.widths": width, "condition": f"mlp {width}", "digest": width}
        for width in widths
        for net in nets(0.0, [3.0, 2.0, 1.0])
    ]
    selection = select(pd.DataFrame(networks), METRIC, "model.widths")

    return Comparison(
        selection, compare(selection, "", "two-sided"), "model.widths", "", "", "two-sided", "me"
    )


def test_widths_are_numbers_along_an_axis() -> None:
    """If this failed, error against width would be rows of text, in which no trend can be seen."""
    for widths in (("16", "64", "256"), ("16x16", "64x64", "256x256")):
        (axes,) = draw(of_widths(*widths)).axes
        assert axes.get_xscale() == "log"
        assert axes.get_xlabel() == "units per hidden layer"
        (line,) = axes.get_lines()
        assert list(line.get_xdata()) == [16, 64, 256]

    for widths in (("16", "64x64"), ("16x32", "64x32"), ("none", "16")):
        (axes,) = draw(of_widths(*widths)).axes
        assert axes.get_xscale() == "linear", f"{widths} are no single number"


def test_a_column_without_content_is_left_out() -> None:
    """If this failed, a table for a paper would end in an empty column."""
    told = replace(made(), rows=[replace(row, needed="") for row in made().rows])
    assert "" in cells(made())
    assert "" not in cells(told)


def test_the_table_for_a_paper_escapes_what_latex_would_read() -> None:
    """If this failed, the paper would not compile: _ and % mean something else in LaTeX."""
    text = latex(made())
    assert text.startswith("% needs \\usepackage{booktabs}\n\\begin{tabular}{l")
    assert "\\toprule" in text
    body = text.split("\\midrule")[1]
    assert "rate 0.25 & 3 & 3 (" in body
    assert "95 \\% interval" in text
    renamed = made()
    object.__setattr__(renamed.rows[0], "name", "rate_0 & more")
    assert "rate\\_0 \\& more & 3 & 2 (" in latex(renamed)
    single = made(x="", against="")
    assert latex(single).count("&") == 2 * (len(single.rows) + 1)


def test_the_table_for_a_paper_sets_comparisons_as_formulas() -> None:
    """If this failed, p < 0.0001 would be printed with an inverted exclamation mark."""
    first, second, *others = made().rows
    told = [replace(first, name="rate < 1"), replace(second, p=1e-9), *others]
    text = latex(replace(made(), rows=told))
    assert "rate $<$ 1 &" in text
    assert "& $<$ 0.0001 &" in text


def test_the_page_names_what_is_shared_what_is_in_doubt_and_the_command(tmp_path: Path) -> None:
    """If this failed, a table would go into a paper without what it leaves out."""
    comparison = made()
    object.__setattr__(comparison.selection, "doubts", ["The grid has gaps."])
    write(comparison, tmp_path)
    text = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert text.startswith("# test NLL, weight scaling (nats)\n")
    assert "All conditions: mlp 16, digits_8x8." in text
    assert "**Not on a par.** The grid has gaps." in text
    assert "```bash\npython me\n```" in text
    assert "![test NLL, weight scaling (nats) against rate of dropping hidden units" in text


def test_numbers_of_a_table_have_three_digits_zeros_included() -> None:
    """If this failed, 3.1 would stand below 3.09 as if it were less exact, or 200 have a point."""
    networks = [*nets(0.0, [200.0] * 4), *nets(0.25, [3.05, 3.15, 3.0, 3.2])]
    selection = select(pd.DataFrame(networks), METRIC, "model.hidden_rate")
    rows = compare(selection, "rate 0", "two-sided")
    shown = cells(replace(made(), selection=selection, rows=rows))
    means = shown["test NLL, weight scaling (nats), 95 % interval"]
    assert means[0].startswith("200 (200 to 200)")
    assert means[1].startswith("3.10 (")
    assert shown["minus rate 0, 95 % interval"][1].startswith("-197 (-197 to -197)")


def test_every_form_says_what_is_not_on_a_par(tmp_path: Path) -> None:
    """If this failed, a table would go into a paper without the doubt that its author waved off."""
    comparison = made()
    plain = [file.read_bytes() for file in write(comparison, tmp_path)]
    assert "not on a par" not in pd.read_csv(tmp_path / "comparison.csv")
    assert not any(b"on a par" in content for content in plain)

    object.__setattr__(comparison.selection, "doubts", ["The grid of a_b < 1 has gaps."])
    write(comparison, tmp_path)
    assert set(pd.read_csv(tmp_path / "comparison.csv")["not on a par"]) == {
        "The grid of a_b < 1 has gaps."
    }
    note = "Not on a par. The grid of a_b < 1 has gaps."
    assert r"par. The grid of a\_b $<$ 1 has gaps." in latex(comparison)
    assert note.replace("<", "&lt;") in (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert draw(comparison).get_suptitle() == note


@pytest.mark.parametrize(("against", "count"), [("rate 0", 2), ("", 1)])
def test_lines_where_x_is_a_number_and_rows_elsewhere(against: str, count: int) -> None:
    """If this failed, names would stand on an axis of numbers, or differences would be missing."""
    lines = draw(made(against=against)).axes
    assert len(lines) == count
    assert list(lines[0].lines[0].get_xdata()) == [0.0, 0.25, 0.5]
    assert list(lines[0].lines[0].get_ydata()) == pytest.approx([2.0, 3.0, 2.0])

    rows = draw(made(x="", against=against)).axes
    names = [label.get_text() for label in rows[0].get_yticklabels()]
    assert names == ["rate 0", "rate 0.25", "rate 0.5"]
    if against:
        assert list(lines[1].lines[0].get_ydata()) == pytest.approx([1.0, 0.0])
        assert [label.get_text() for label in rows[1].get_yticklabels()] == names[1:]


def test_a_curve_is_drawn_against_what_its_steps_count() -> None:
    """If this failed, whole numbers would be names of rows, or the axis would not say masks."""
    networks = [
        *sampled(0.0, [{1: 5.0, 20: 5.0}, {1: 6.0, 20: 6.0}, {1: 7.0, 20: 7.0}]),
        *sampled(0.5, [{1: 8.0, 20: 4.0}, {1: 9.0, 20: 5.0}, {1: 10.0, 20: 6.0}]),
    ]
    selection = select(pd.DataFrame(networks), CURVE, "step", "model.hidden_rate")
    rows = compare(selection, "rate 0", "two-sided")
    shown = Comparison(selection, rows, "step", "model.hidden_rate", "rate 0", "two-sided", "me")
    errors, minus = draw(shown).axes
    assert [list(line.get_ydata()) for line in errors.lines] == [[6.0, 6.0], [9.0, 5.0]]
    assert list(errors.lines[0].get_xdata()) == [1.0, 20.0]
    assert (errors.get_xlabel(), errors.get_ylabel()) == ("masks", "Monte Carlo error (%)")
    assert list(minus.lines[0].get_ydata()) == [3.0, -1.0]
    assert minus.get_ylabel() == "minus rate 0 (points)"


def test_the_terminal_shows_the_table_and_then_what_it_would_take() -> None:
    """If this failed, the table would hide that seeds are too few."""
    printed = io.StringIO()
    Console(file=printed, width=120).print(terminal(made()))
    assert "minus rate 0" in printed.getvalue()
    (line,) = needs(made())
    assert line.startswith("rate 0.5: cannot be told: ")
