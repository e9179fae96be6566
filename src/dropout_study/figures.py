"""How figures look: one style, intervals over seeds, labels at the lines, readable in grey."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from dropout_study.results import Effect
from dropout_study.statistics import interval

STYLE: dict[Any, Any] = {
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "svg.hashsalt": "dropout-study",  # the same figure is the same bytes
    "svg.fonttype": "none",
}

# Okabe and Ito's colours in an order of falling darkness, each with a marker and a dash of its own.
LOOKS = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    {"color": "#D55E00", "marker": "^", "linestyle": "-."},
    {"color": "#009E73", "marker": "D", "linestyle": ":"},
    {"color": "#CC79A7", "marker": "v", "linestyle": "-"},
    {"color": "#E69F00", "marker": "P", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "X", "linestyle": "-."},
    {"color": "#777777", "marker": "<", "linestyle": ":"},
]
LABEL, SPACING = "label", 9  # mark of the labels of lines; points between two of them
NAMED = {"none": 0, "rate 0": 0, "no dropout": 0, "dropout": 1, "rate 0.5": 1, "rate 0.2": 2}
"""What looks the same in every figure."""


def look(name: str, position: int) -> dict[str, Any]:
    """Colour, marker and dash of a line."""
    return LOOKS[NAMED.get(name, position) % len(LOOKS)]


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, for as long as they are drawn."""
    with mpl.rc_context(STYLE):
        yield


def finish(figure: Figure) -> Figure:
    """Write numbers as numbers on logarithmic axes, and move labels of lines apart."""
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            if axis.get_scale() == "log" and 1e-3 < high / low < 1e3:
                base = axis.get_transform().base  # type: ignore[attr-defined]
                axis.set_major_locator(LogLocator(base, (1, 2, 5) if base == 10 else (1,)))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                axis.set_minor_locator(NullLocator())
        _move_apart([text for text in axes.texts if text.get_gid() == LABEL], axes)
    return figure


def _move_apart(labels: Sequence[Text], axes: Axes) -> None:
    """Shift labels upwards until none is nearer to the one below than its height."""
    below = -math.inf
    heights = {label: axes.transData.transform(cast("Annotation", label).xy)[1] for label in labels}
    points = 72 / axes.get_figure().dpi  # type: ignore[union-attr]
    for label in sorted(labels, key=lambda label: heights[label]):
        at = max(heights[label] * points, below + SPACING)
        cast("Annotation", label).xyann = (5, at - heights[label] * points)
        below = at


def sheet(columns: int = 1, rows: int = 1, width: float = 4.6, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    """A figure with some axes in a row (or in rows)."""
    figure = Figure(figsize=(width * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def line(axes: Axes, curve: pd.DataFrame, name: str, position: int = 0, label: bool = True) -> None:
    """The mean over seeds of a curve (a row a step, a column a seed) with its 95 % interval, labelled at its end."""
    curve = curve.sort_index()
    of = [interval(row.dropna().tolist()) for _, row in curve.iterrows()]
    mean, x = np.array([i.mean for i in of]), curve.index.to_numpy(dtype=float)
    drawn = look(name, position)
    axes.plot(x, mean, **drawn, markevery=max(1, len(x) // 8))
    axes.fill_between(x, [i.low for i in of], [i.high for i in of], color=drawn["color"], alpha=0.15, linewidth=0)
    if label:
        place: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
        axes.annotate(name, (x[-1], mean[-1]), color=drawn["color"], gid=LABEL, **place)


def forest(axes: Axes, effects: dict[str, Effect], margin: float | None = 0.0, spread: float | None = None) -> None:
    """Effects one below the other with their intervals; a line at the margin, or a band of ± spread around it."""
    for row, effect in enumerate(effects.values()):
        of = interval(effect.values)
        axes.plot(list(effect.values), [row + 0.18] * of.n, ".", color="0.6", markersize=3)
        axes.errorbar(of.mean, row, xerr=[[of.mean - of.low], [of.high - of.mean]], fmt="o", color="#0072B2", capsize=3)
    if margin is not None:
        axes.axvline(margin, color="0.3", linewidth=1, linestyle=":")
    if margin is not None and spread is not None:
        axes.axvspan(margin - spread, margin + spread, color="0.93", zorder=0)
    axes.set_yticks(range(len(effects)), list(effects))
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def points(axes: Axes, x: Sequence[float], of_seeds: Iterable[Sequence[float]], name: str, position: int = 0) -> None:
    """Means over seeds with intervals at some x, joined and labelled at the end."""
    line(axes, pd.DataFrame([list(values) for values in of_seeds], index=list(x)), name, position)


def save(figure: Figure, file: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with style(), file.open("wb") as buffer:  # savefig would draw twice
        FigureCanvasAgg(figure).print_png(  # type: ignore[no-untyped-call]
            buffer, metadata={"Software": None}
        )
    figure.set_layout_engine("none")  # it is laid out now, and not again for another format


def write_svg(figure: Figure, buffer: BinaryIO) -> None:
    """Write a figure as SVG, the same bytes for the same figure."""
    with style():
        FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
            buffer, metadata={"Date": None}
        )
