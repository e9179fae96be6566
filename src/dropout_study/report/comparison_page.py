"""A comparison as tables for text, spreadsheets and papers, and as a figure."""

import io
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from dropout_study.analysis import figures
from dropout_study.analysis.comparison import NOT_ON_A_PAR, Alternative, Row, difference_of, table
from dropout_study.analysis.curve_points import STEP, step_in_words
from dropout_study.analysis.runs import Effect
from dropout_study.analysis.selection import Selection, as_text, rank
from dropout_study.analysis.svg import as_svg
from dropout_study.measures.statistics import (
    ANYTHING,
    PERCENT,
    SEEDS_OF_INTERVAL,
    Interval,
    interval,
    range_of,
    spread_in_words,
)
from dropout_study.report.rows import p_in_words

WIDE = 50
"""A ratio of the largest to the smallest x from which on the axis is logarithmic."""
NAMES = {
    "nll": "NLL",
    "ece": "ECE",
    "brier": "Brier score",
    "mc": "Monte Carlo",
    "blocks": "Monte Carlo",
    "val": "validation",
}
UNITS = {"error": " (%)", "nll": " (nats)"}
BARE_POINT = re.compile(r"\.(?!\d)")
"""What follows a whole number of three digits or more, if zeros are kept."""
NOTE_COLUMN = r"p{0.9\linewidth}"
"""The column of a note in LaTeX, which breaks its lines."""
NOTE_WIDTH = 60  # characters of a line of a note, per panel of a figure
WIDTHS = "model.widths"
LABELS = {
    "model.hidden_rate": "rate of dropping hidden units",
    "optimizer.lr": "learning rate",
    WIDTHS: "units per hidden layer",
}
"""Column -> its name at an axis, if that is not the column itself."""


@dataclass(frozen=True)
class Comparison:
    """What is shown of a comparison.

    Attributes:
        selection: the conditions.
        rows: the same with their differences.
        x: the column of the horizontal axis; empty: none.
        by: the column whose values are compared apart; empty: none.
        against: the words of the condition to compare with; empty: none.
        alternative: of the p values.
        command: makes the comparison again.
    """

    selection: Selection
    rows: Sequence[Row]
    x: str
    by: str
    against: str
    alternative: Alternative
    command: str

    @property
    def measure(self) -> str:
        """The metric in words, with its unit."""
        return in_words(self.selection.metric)

    @property
    def difference(self) -> str:
        """What the differences are, with their unit."""
        unit = " (points)" if self.measure.endswith(UNITS["error"]) else ""
        return f"minus {self.against}{unit}"


def in_words(metric: str) -> str:
    """A metric as a heading.

    >>> in_words("test/error/weight_scaling"), in_words("test/nll/monte_carlo")
    ('test error, weight scaling (%)', 'test NLL, monte carlo (nats)')
    >>> in_words("train/seconds"), in_words("mc/error")
    ('train seconds', 'Monte Carlo error (%)')
    """
    split, _, rest = metric.partition("/")
    measure, _, rule = rest.partition("/")
    words = f"{NAMES.get(split, split)} {NAMES.get(measure, measure)}"
    of_rule = f", {rule}" if rule else ""

    unit = UNITS["error"] if range_of(metric) == PERCENT else UNITS.get(measure, "")

    return f"{words}{of_rule}".replace("_", " ") + unit


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into a folder: Markdown, CSV, LaTeX, SVG and PDF; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(comparison)
    numbers = table(comparison.rows, comparison.x, comparison.by, comparison.selection.doubts)
    contents = {
        "figure.svg": as_svg(drawn),
        "figure.pdf": pdf(drawn),
        "comparison.csv": numbers.to_csv(index=False).encode(),
        "comparison.tex": latex(comparison).encode(),
        "comparison.md": markdown(comparison, figures.alt_text(drawn)).encode(),
    }

    for name, content in contents.items():
        (folder / name).write_bytes(content)

    return [folder / name for name in contents]


def cells(comparison: Comparison) -> pd.DataFrame:
    """The table as it is read: rounded, an interval in a cell."""
    columns: dict[str, list[str]] = {
        "condition": [row.name for row in comparison.rows],
        "seeds": [str(len(row.values)) for row in comparison.rows],
        f"{comparison.measure}, 95 % interval": [
            _mean_in_words(row, comparison) for row in comparison.rows
        ],
    }

    if comparison.against:
        columns |= {
            f"{comparison.difference}, 95 % interval": [
                _text(difference_of(row), "+") for row in comparison.rows
            ],
            f"p, {comparison.alternative}": [_p(row.p) for row in comparison.rows],
            "adjusted p": [_p(row.adjusted) for row in comparison.rows],
            "effect size": [_number(row.effect_size, "+.2f") for row in comparison.rows],
        }

    if any(row.needed for row in comparison.rows):
        columns[""] = [row.needed for row in comparison.rows]

    return pd.DataFrame(columns)


def terminal(comparison: Comparison) -> Table:
    """The table for a terminal; what it would take is left to `needs`."""
    shown = cells(comparison)[[heading for heading in cells(comparison) if heading]]
    table = Table(title=comparison.selection.shared or None, caption=explanation(comparison))

    for heading in map(str, shown):
        table.add_column(heading, justify="left" if heading == "condition" else "right")

    for row in shown.itertuples(index=False):
        table.add_row(*row)

    return table


def needs(comparison: Comparison) -> list[str]:
    """A line for each difference that cannot be told: what it would take."""
    return [f"{row.name}: {row.needed}" for row in comparison.rows if row.needed]


def explanation(comparison: Comparison) -> str:
    """How the table is to be read, in one sentence or two."""
    text = "Means over seeds with t intervals over seeds."
    if any(len(row.values) < SEEDS_OF_INTERVAL for row in comparison.rows):
        text += f" Of fewer than {SEEDS_OF_INTERVAL} seeds, their values stand beside the mean."

    if not comparison.against:
        return text

    return (
        f"{text} Differences are paired by seed, with intervals over seeds and test images where "
        "these were kept; adjusted p: by Holm, for all differences of the table; effect size: in "
        "standard deviations of the difference over seeds."
    )


def latex(comparison: Comparison) -> str:
    """The table for a paper, with the lines of the package booktabs."""
    shown = cells(comparison).style.hide(axis="index").format(escape="latex")
    shown = shown.format_index(escape="latex", axis="columns")
    columns = "".join("l" if name in ("condition", "") else "r" for name in cells(comparison))

    text = shown.to_latex(hrules=True, column_format=columns) + _note_in_latex(comparison)
    for sign in "<>":  # which LaTeX's usual fonts show as others outside of formulas
        text = text.replace(sign, f"${sign}$")

    return f"% needs \\usepackage{{booktabs}}\n{text}"


def _note_in_latex(comparison: Comparison) -> str:
    """Why the conditions are not on a par, as wide as the text, below the table."""
    if not comparison.selection.doubts:
        return ""

    note = pd.DataFrame([[_not_on_a_par(comparison)]]).style.format(escape="latex")
    shown = note.hide(axis="index").hide(axis="columns")

    return "\\par\n" + shown.to_latex(column_format=NOTE_COLUMN)


def _not_on_a_par(comparison: Comparison) -> str:
    """Why the conditions are not on a par, in words; empty if they are."""
    doubts = comparison.selection.doubts
    return " ".join([f"{NOT_ON_A_PAR.capitalize()}.", *doubts]) if doubts else ""


def markdown(comparison: Comparison, alt: str) -> str:
    """A page on the comparison."""
    shown = cells(comparison)
    lines = [
        "| " + " | ".join(map(str, shown)) + " |",
        "| " + " | ".join("---" if name in ("condition", "") else "---:" for name in shown) + " |",
        *("| " + " | ".join(row) + " |" for row in shown.itertuples(index=False)),
    ]
    shared = comparison.selection.shared
    paragraphs = [
        f"# {comparison.measure}",
        f"All conditions: {shared}." if shared else "",
        *(f"**{NOT_ON_A_PAR.capitalize()}.** {doubt}" for doubt in comparison.selection.doubts),
        "\n".join(lines),
        explanation(comparison),
        f"![{alt}](figure.svg)",
        f"```bash\n{comparison.command}\n```",
    ]

    return "\n\n".join(filter(None, paragraphs)) + "\n"


def draw(comparison: Comparison) -> Figure:
    """Lines with bands where x is a number, else a row per condition; differences beside them."""
    comparison = with_widths_as_numbers(comparison)
    is_number = bool(comparison.x) and all(
        isinstance(row.x, int | float) for row in comparison.rows
    )
    count = 2 if comparison.against else 1
    height = 3.2 if is_number else max(1.6, 0.32 * len(comparison.rows) + 0.9)

    with figures.style():
        figure, axes = figures.sheet(count, height=height)
        drawing = _draw_lines if is_number else _draw_rows
        drawing(comparison, axes)
        if note := _not_on_a_par(comparison):
            figure.suptitle(textwrap.fill(note, NOTE_WIDTH * count), fontsize="small")

        return figures.finish(figure)


def with_widths_as_numbers(comparison: Comparison) -> Comparison:
    """The same with one number for the width of each network, if all have as many equal layers."""
    widths = [str(row.x).split("x") for row in comparison.rows]
    are_equal = all(len(set(layers)) == 1 and layers[0].isdecimal() for layers in widths)
    depths = {len(layers) for layers in widths}

    if comparison.x != WIDTHS or not are_equal or len(depths) > 1:
        return comparison

    rows = [
        replace(row, x=int(layers[0])) for row, layers in zip(comparison.rows, widths, strict=True)
    ]
    return replace(comparison, rows=rows)


def pdf(figure: Figure) -> bytes:
    """A figure as PDF, the same bytes for the same figure."""
    buffer = io.BytesIO()

    with figures.style():
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})

    return buffer.getvalue()


def _draw_lines(comparison: Comparison, axes: Sequence[Axes]) -> None:
    ordered = sorted(comparison.rows, key=lambda row: (rank(row.group), rank(row.x)))
    within = range_of(comparison.selection.metric)

    groups = {
        "" if group is None else as_text(group): list(rows)
        for group, rows in groupby(ordered, key=lambda row: row.group)
    }
    looks = figures.looks(list(groups))

    for name, rows in groups.items():
        x = [float(row.x) for row in rows]
        values = [row.values.tolist() for row in rows]
        figures.points(axes[0], x, values, name, within=within, drawn=looks[name])

        if comparison.against:
            _draw_differences(axes[1], rows, name, looks[name])

    for each, label in zip(axes, (comparison.measure, comparison.difference), strict=False):
        each.set_xlabel(_x_in_words(comparison))
        each.set_ylabel(label)
        each.set_title(LABELS.get(comparison.by, comparison.by), loc="right", fontsize="small")
        positions = sorted({float(row.x) for row in ordered})

        if comparison.x == WIDTHS:
            each.set_xscale("log", base=2)
        elif positions[0] > 0 and positions[-1] / positions[0] >= WIDE:
            each.set_xscale("log")


def _x_in_words(comparison: Comparison) -> str:
    """The column of the horizontal axis in words."""
    if comparison.x == STEP:
        return step_in_words(comparison.selection.metric)

    return LABELS.get(comparison.x, comparison.x)


def _draw_differences(axes: Axes, rows: Sequence[Row], name: str, look: figures.Look) -> None:
    """Paired differences with the intervals that decide."""
    compared = [row for row in rows if row.difference is not None]
    if not compared:
        return

    x = [float(row.x) for row in compared]
    intervals = [difference_of(row) for row in compared]
    axes.plot(x, [ci.mean for ci in intervals], **look, label=name or "difference")
    axes.fill_between(
        x,
        [ci.low for ci in intervals],
        [ci.high for ci in intervals],
        color=look["color"],
        alpha=0.15,
        linewidth=0,
    )
    axes.axhline(0, color="0.3", linewidth=1, linestyle=":")

    if name:
        figures.label_end(axes, name, (x[-1], intervals[-1].mean), look["color"])


def _draw_rows(comparison: Comparison, axes: Sequence[Axes]) -> None:
    values = {row.name: Effect(row.values.tolist()) for row in comparison.rows}
    figures.intervals(axes[0], values, margin=None, within=range_of(comparison.selection.metric))
    axes[0].set_xlabel(comparison.measure)

    if comparison.against:
        differences = {
            row.name: row.difference for row in comparison.rows if row.difference is not None
        }
        figures.intervals(axes[1], differences)
        axes[1].set_xlabel(comparison.difference)


def _shown(row: Row, comparison: Comparison) -> Interval:
    """The interval of a condition, cut to values that can be."""
    return interval(row.values.tolist()).within(range_of(comparison.selection.metric))


def _mean_in_words(row: Row, comparison: Comparison) -> str:
    """The mean of a condition with its interval, or with the values of few seeds."""
    values = row.values.tolist()
    if len(values) >= SEEDS_OF_INTERVAL:
        return _text(_shown(row, comparison))

    return f"{row.values.mean():.3g} ({spread_in_words(values, ANYTHING, '.3g')})"


def _text(ci: Interval, sign: str = "") -> str:
    """An interval in three digits, zeros at the end included: 3.10 beside 3.09."""
    return "" if math.isnan(ci.mean) else BARE_POINT.sub("", f"{ci:{sign}#.3g}")


def _p(p: float) -> str:
    return "" if math.isnan(p) else p_in_words(p)


def _number(value: float, spec: str) -> str:
    return "" if math.isnan(value) else format(value, spec)
