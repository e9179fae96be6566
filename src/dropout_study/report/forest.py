"""Effects one below the other, each on the zone of its criterion."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Better, Case, Measured, NotWorse, Part, Within
from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import Interval
from dropout_study.report.rows import signed, spread
from dropout_study.report.verdict_table import kind, with_sign

COLOURS = {
    "supported": "#1a6b37",
    "contradicted": "#a32020",
    "unresolved": "#7a5600",
    "open": "#595959",
}
"""Kind of a verdict -> its colour, as on the page."""
MARKERS = {"supported": "o", "contradicted": "X", "unresolved": "s", "open": "D"}
"""Kind of a verdict -> its marker, so that it can be told without colours."""
ZONE = "#dcede1"
LABELS = {
    "points": "difference of errors (points)",
    "times": "ratio of costs (times)",
    "spread": "log ratio of standard deviations over seeds",
    "": "effect",
}
"""Unit -> label of its axis; that of another unit is the unit itself."""
LINEAR_POINTS = 0.1
"""Differences below this are drawn on the linear part of a logarithmic axis with two signs."""
LINE_HEIGHT = 0.27  # inches, of a line of a row's name
AXIS_HEIGHT = 0.55  # inches, of ticks and label
WIDTH = 9.0  # inches
NARROW_WIDTH = 3.7  # inches, of a phone
NARROW_COLUMNS = 60  # characters of a line above a row
NARROW_LINE = 0.165  # inches, of such a line
NARROW_BAND = 0.36  # inches, of what is drawn below it


@dataclass(frozen=True)
class Entry:
    """A row of the figure.

    Attributes:
        name: of one line or of several.
        part: the question whose effect is shown.
        unit: of the effect, or of its case where cases have units of their own.
        case: the effect as it was decided.
        effect: with its values per seed.
        shown: the verdict or outcome beside it.
    """

    name: str
    part: Part
    unit: str
    case: Case
    effect: Effect
    shown: str

    @property
    def in_words(self) -> str:
        """The effect with its interval."""
        ci = self.interval
        text = f"{signed(ci.mean)} ({spread(ci)})" if math.isfinite(ci.low) else signed(ci.mean)

        return text.replace("+", "") if isinstance(self.part.criterion, Measured) else text

    @property
    def interval(self) -> Interval:
        """The interval of the effect, as it is shown."""
        return self.part.interval(self.case.estimate)

    @property
    def axis(self) -> str:
        """What is written below its axis."""
        return self.part.axis or LABELS.get(self.unit, self.unit)

    @property
    def is_drawn(self) -> bool:
        """Whether the effect has a mean."""
        return math.isfinite(self.case.estimate.mean)


def forest(entries: Sequence[Entry], scales: Mapping[str, str], narrow: bool = False) -> Figure:
    """A row per effect; effects of one kind share an axis.

    Args:
        entries: in the order of their rows; those of one axis come together.
        scales: unit -> scale of its axis; others are linear.
        narrow: for a phone, with names and outcomes above their rows instead of beside them.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.axis, []).append(entry)

    rows = [_row_height(group, narrow) for group in groups.values()]
    heights = [height * len(group) for height, group in zip(rows, groups.values(), strict=True)]

    size = (NARROW_WIDTH if narrow else WIDTH, sum(heights) + AXIS_HEIGHT * len(groups))
    figure = Figure(figsize=size)
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)

    for each, group in zip(axes.flat, groups.values(), strict=True):
        _draw(each, group, scales.get(group[0].unit, "linear"), narrow)

    return figures.finish(figure)


def _row_height(entries: Sequence[Entry], narrow: bool) -> float:
    """Inches of a row, of which all of an axis are equally high."""
    if narrow:
        lines = max(_above(entry).count("\n") + 1 for entry in entries)
        return NARROW_BAND + NARROW_LINE * lines

    # The effect beside a row has a line, and its outcome another.
    return LINE_HEIGHT * sum(max(2, entry.name.count("\n") + 1) for entry in entries) / len(entries)


def _above(entry: Entry) -> str:
    """Name, outcome and effect as lines above a narrow row."""
    name = ", ".join(entry.name.splitlines()).replace(":,", ":")
    lines = (name, f"{with_sign(entry.shown)}: {entry.in_words}")

    return "\n".join(textwrap.fill(line, NARROW_COLUMNS) for line in lines)


def _draw(axes: Axes, entries: Sequence[Entry], scale: str, narrow: bool) -> None:
    """The rows of one axis, each with its text above it or beside it."""
    band = NARROW_BAND / _row_height(entries, narrow=True) if narrow else 1.0  # of a row, drawn on
    half = 0.42 * band
    axes.set_ylim(len(entries) - 1 + band / 2, band / 2 - 1)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(entries[0].axis)
    axes.set_xscale(scale, **({"linthresh": LINEAR_POINTS} if scale == "symlog" else {}))

    if scale != "linear":
        axes.xaxis.set_major_formatter("{x:g}")

    for row, entry in enumerate(entries):
        _draw_effect(axes, row, entry, half)

    if narrow:
        _label_above(axes, entries, half)
    else:
        _label_beside(axes, entries)

    limits = axes.get_xlim()  # of the effects: zones may have no end

    for row, entry in enumerate(entries):
        low, high = zone(entry.part)
        ends = (max(low, limits[0]), min(high, limits[1]))
        axes.fill_betweenx((row - half, row + half), *ends, color=ZONE, linewidth=0, zorder=0)

    axes.set_xlim(limits)


def _draw_effect(axes: Axes, row: int, entry: Entry, half: float) -> None:
    """Mean, interval, seeds and limits of an effect, at most half a band from its row."""
    ci = entry.interval
    colour = COLOURS[kind(entry.shown)]
    seeds = list(entry.effect.values)

    axes.plot(seeds, [row + 0.64 * half] * len(seeds), "|", color="0.45", markersize=5)
    axes.plot([ci.low, ci.high], [row, row], color=colour, linewidth=2.5)
    axes.plot([ci.mean], [row], MARKERS[kind(entry.shown)], color=colour, markersize=6)

    for limit in zone(entry.part):
        if math.isfinite(limit):
            axes.plot([limit, limit], [row - half, row + half], color="0.3", linewidth=1, ls=":")


def _label_beside(axes: Axes, entries: Sequence[Entry]) -> None:
    """Names at the left of their rows, outcomes and effects at the right."""
    axes.set_yticks(range(len(entries)), [entry.name for entry in entries], fontsize=8)

    for row, entry in enumerate(entries):
        text = f"{with_sign(entry.shown)}\n{entry.in_words}"
        _write(axes, text, entry, (1, row), xytext=(8, 0), va="center")


def _label_above(axes: Axes, entries: Sequence[Entry], half: float) -> None:
    """Names, outcomes and effects in lines above their rows."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    paper = {"facecolor": "white", "linewidth": 0, "pad": 0}

    for row, entry in enumerate(entries):
        at = (0, row - half)
        _write(axes, _above(entry), entry, at, xytext=(0, 1), va="bottom", bbox=paper)


def _write(axes: Axes, text: str, entry: Entry, at: tuple[float, float], **place: Any) -> None:
    """Text in the colour of an outcome, some points from a place: a fraction of the axes, a row."""
    axes.annotate(
        text,
        at,
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=COLOURS[kind(entry.shown)],
        fontsize=8,
        **place,
    )


def zone(part: Part) -> tuple[float, float]:
    """Where the true effect must lie for a part to be supported; infinite where there is no end."""
    match part.criterion:
        case Better(margin=margin):
            return margin, math.inf
        case NotWorse(margin=margin):
            return -math.inf, margin
        case Within(margin=margin, centre=centre):
            return centre - margin, centre + margin
        case Measured(above=above, below=below):
            return above, below
