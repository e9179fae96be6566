"""How figures look: one style, intervals over seeds, labels at the lines, readable in grey."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import ANYTHING, Range, interval

STYLE: dict[Any, Any] = {
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
NAMED = {
    **dict.fromkeys(("none", "no dropout", "rate 0", "bag", "bagged"), 0),
    **dict.fromkeys(("dropout", "rate 0.5", "hidden", "n fixed", "weight scaling"), 1),
    **dict.fromkeys(("rate 0.2", "input", "L2"), 2),
    **dict.fromkeys(("both", "inputs dropped", "relu", "L1"), 3),
    **dict.fromkeys(("Monte Carlo", "dropout, Monte Carlo", "ensemble", "tanh", "sparsity"), 4),
    **dict.fromkeys(
        (
            "dropout, trained as long as a bag",
            "dropout, long",
            "n * keep fixed",
            "sigmoid",
            "max-norm",
        ),
        5,
    ),
    **dict.fromkeys(("single (best)", "linear", "dropout + L2"), 6),
    **dict.fromkeys(("single (mean)", "softmax regression", "dropout + max-norm"), 7),
}
"""What looks the same in every figure: arms and rules by their names."""
PAGE = 10.0  # inches: the width of the report's page, and the most of a panel
COLUMN = 4.8
LABEL = "label"  # mark of the labels of lines; points between two of them
SPACING = 9


def look(name: str, position: int) -> dict[str, Any]:
    """Colour, marker and dash of a line: those of its arm, as far as its name says, else by its position."""
    parts = (name, *name.split(", "), name.partition(" ")[0])
    return LOOKS[next((NAMED[part] for part in parts if part in NAMED), position) % len(LOOKS)]


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, for as long as they are drawn."""
    with mpl.rc_context(STYLE):
        yield


def finish(figure: Figure) -> Figure:
    """Write numbers as numbers on logarithmic axes, and move labels of lines apart."""
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            if axis.get_scale() == "log" and low > 0.005 and high / low < 1e5:
                base = axis.get_transform().base  # type: ignore[attr-defined]
                axis.set_major_locator(
                    LogLocator(base, _multiples(high / low) if base == 10 else (1,))
                )
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
                axis.set_minor_locator(NullLocator())
        _move_apart([text for text in axes.texts if text.get_gid() == LABEL], axes)

    return figure


def _multiples(span: float) -> tuple[float, ...]:
    """Of the powers of ten, where a tick stands on an axis that spans a factor."""
    return (1, 1.5, 2, 3, 4, 5, 7) if span < 12 else (1, 2, 5) if span < 200 else (1,)


def _move_apart(labels: Sequence[Text], axes: Axes) -> None:
    """Shift labels, as little as can be, until each is its height above the one below it, or above the axis."""
    if not labels:
        return

    points = 72 / axes.get_figure().dpi  # type: ignore[union-attr]
    at = np.array(
        [axes.transData.transform(cast("Annotation", label).xy)[1] * points for label in labels]
    )
    order = np.argsort(at, kind="stable")
    slots = SPACING * np.arange(len(at))
    free = isotonic_regression(at[order] - slots).x

    moved = np.maximum(free, axes.bbox.y0 * points + SPACING / 2) + slots
    for i, height in zip(order, moved, strict=True):
        cast("Annotation", labels[i]).xyann = (5, float(height - at[i]))


def sheet(
    columns: int = 1, rows: int = 1, width: float | None = None, height: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """A figure with some axes in a row (or in rows), no wider than the page, where it is shown in its own size."""
    figure = Figure(figsize=((width or min(COLUMN, PAGE / columns)) * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def panels(count: int, columns: int, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """A figure with as many axes as are asked for, in rows; the rest of the last row stays empty."""
    columns = min(columns, count)
    figure, axes = sheet(columns, -(-count // columns), height=height)
    for left in axes[count:]:
        left.set_visible(False)

    return figure, axes[:count]


def alt_text(figure: Figure) -> str:
    """What a figure shows in words, with the first and the last value of every line: for those who cannot see it."""
    return " ".join(filter(None, (_describe(axes) for axes in figure.axes if axes.get_visible())))


def _describe(axes: Axes) -> str:
    x = axes.get_xlabel()
    y = axes.get_ylabel()
    title = axes.get_title("left")
    lines = [
        f"{line.get_label()} from {first:.3g} to {last:.3g}"
        for line in axes.lines
        if not str(line.get_label()).startswith("_")
        for first, last in [np.asarray(line.get_ydata(), dtype=float)[[0, -1]]]
    ]
    named = [text for label in axes.get_yticklabels() if (text := label.get_text())]
    of = f"{y} against {x}" if y else f"{x}, for {', '.join(named)}"

    return (
        f"{title + ': ' if title else ''}{of}{': ' if lines else ''}{', '.join(lines)}."
        if x
        else ""
    )


def line(
    axes: Axes,
    curve: pd.DataFrame,
    name: str,
    position: int = 0,
    label: bool = True,
    within: Range = ANYTHING,
) -> None:
    """The mean over seeds of a curve with its 95 % interval, labelled at its end.

    Args:
        axes: where it is drawn.
        curve: a row a step, a column a seed.
        name: of the line.
        position: chooses the look, where the name does not.
        label: whether the name stands at the end.
        within: what the quantity can be; the interval is drawn as far as that.
    """
    curve = curve.sort_index()
    of = [interval(row.dropna().tolist()).within(within) for _, row in curve.iterrows()]
    mean = np.array([i.mean for i in of])
    x = curve.index.to_numpy(dtype=float)
    drawn = look(name, position)
    axes.plot(x, mean, **drawn, markevery=max(1, len(x) // 8), label=name)
    axes.fill_between(
        x, [i.low for i in of], [i.high for i in of], color=drawn["color"], alpha=0.15, linewidth=0
    )

    if label:
        label_end(axes, name, (x[-1], mean[-1]), drawn["color"])


def label_end(axes: Axes, name: str, end: tuple[float, float], color: str) -> None:
    """Write a name to the right of the end of a line; `finish` moves such labels apart."""
    place: dict[str, Any] = {
        "xytext": (5, 0),
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 8,
    }
    dark = tuple(0.7 * part for part in to_rgb(color))  # letters are thinner than lines
    axes.annotate(name, end, color=dark, gid=LABEL, **place)


def forest(
    axes: Axes,
    effects: dict[str, Effect],
    margin: float | None = 0.0,
    spread: float | None = None,
    within: Range = ANYTHING,
) -> None:
    """Effects one below the other with their intervals; a line at the margin, or a band of ± spread around it."""
    for row, effect in enumerate(effects.values()):
        of = interval(effect.values).within(within)
        axes.plot(list(effect.values), [row + 0.18] * of.n, ".", color="0.6", markersize=3)
        axes.errorbar(
            of.mean,
            row,
            xerr=[[of.mean - of.low], [of.high - of.mean]],
            fmt="o",
            color="black",
            markersize=3,
            capsize=4,
        )

    if margin is not None:
        axes.axvline(margin, color="0.3", linewidth=1, linestyle=":")

    if margin is not None and spread is not None:
        axes.axvspan(margin - spread, margin + spread, color="0.93", zorder=0)

    axes.set_yticks(range(len(effects)), list(effects))
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def tiles(axes: Axes, rows: dict[str, NDArray[np.float64]], scale: float) -> None:
    """Rows of square pictures side by side, `[H, n * H]`, from black at -scale to white at scale."""
    side = len(next(iter(rows.values())))
    frame = ((1, 1), (0, 0), (1, 1))
    apart = [
        np.pad(row.reshape(side, -1, side), frame, constant_values=np.nan) for row in rows.values()
    ]
    whole = np.concatenate([row.reshape(side + 2, -1) for row in apart])
    axes.imshow(whole, cmap="gray", vmin=-scale, vmax=scale, interpolation="none")
    axes.set_yticks([(side + 2) * (i + 0.5) for i in range(len(rows))], list(rows))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def points(
    axes: Axes,
    x: Sequence[float],
    of_seeds: Iterable[Sequence[float]],
    name: str,
    position: int = 0,
    label: bool = True,
    within: Range = ANYTHING,
) -> None:
    """Means over seeds with intervals at some x, joined and labelled at the end."""
    curve = pd.DataFrame([list(values) for values in of_seeds], index=list(x))
    line(axes, curve, name, position, label, within)


def svg(figure: Figure) -> bytes:
    """A figure as SVG, the same bytes for the same figure."""
    buffer = io.BytesIO()

    with style():  # savefig would draw twice
        FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
            buffer, metadata={"Date": None}
        )

    return buffer.getvalue()
