"""How figures look: one style, intervals over seeds, labels at the lines, readable in grey."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import ANYTHING, Range, interval

STYLE: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # of one width; every text names the whole list
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

Look = dict[str, Any]
"""Colour, marker and dash of a line."""
LOOKS: list[Look] = [
    {"color": "#000000", "marker": "o", "linestyle": "-"},
    {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    {"color": "#D55E00", "marker": "^", "linestyle": "-."},
    {"color": "#009E73", "marker": "D", "linestyle": ":"},
    {"color": "#CC79A7", "marker": "v", "linestyle": "-"},
    {"color": "#E69F00", "marker": "P", "linestyle": "--"},
    {"color": "#56B4E9", "marker": "X", "linestyle": "-."},
    {"color": "#777777", "marker": "<", "linestyle": ":"},
]
"""Okabe and Ito's colours from dark to light, each with its own marker and dash."""
LOOK_OF = {
    **dict.fromkeys(("none", "no dropout", "bag", "bag on resamples"), 0),
    **dict.fromkeys(("dropout", "hidden", "dropped hidden units", "n fixed", "weight scaling"), 1),
    **dict.fromkeys(("input", "dropped inputs", "L2"), 2),
    **dict.fromkeys(("both dropped", "input 0.2, hidden 0.5", "bag on all data", "relu", "L1"), 3),
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
    **dict.fromkeys(("single (best)", "linear", "dropout + L2", "hidden 0.2"), 6),
    **dict.fromkeys(("single (mean)", "softmax regression", "dropout + max-norm"), 7),
}
"""Arm or rule -> its look in every figure."""
RATE = re.compile(r"rate (0(?:\.\d+)?)")
"""How a name says at which rate units are dropped."""
RATE_RAMP = LinearSegmentedColormap.from_list("rates", ["#edab3c", "#c2410c", "#6d1f6b", "#1f1147"])
"""Colours of the rates above 0: darker means that more is dropped, also in grey. Rate 0 is black,
with a marker of its own, like all that is trained without dropout."""
RATE_MARKERS = "s^DvPX<>*d"
"""Markers of the rates in steps of 0.05, and their dashes."""
RATE_DASHES = ("-", "--", "-.", ":")
PAGE_WIDTH = 10.0  # inches, of the report
MAX_PANEL_WIDTH = 4.8  # inches
LINE_LABEL = "label"  # marks the labels at the ends of lines
GREYS = 17  # of pictures, the middle one for 0
LABEL_SPACING = 9  # points, between the middles of two labels
PLAIN_NUMBERS = (0.005, 1e5)
"""Logarithmic axes from the first number on, and of a smaller span than the second, show numbers
instead of powers."""


def look(name: str, position: int) -> Look:
    """The look of a line: that of the rate or the arm in its name, or of its position.

    >>> look("dropout, long", 7) == look("dropout, trained as long as a bag", 0)
    True
    >>> look("rate 0.25", 1) == look("rate 0.5", 1)
    False

    Args:
        name: of the line; an arm or rule may be one of its parts.
        position: chooses among all looks if the name does not.
    """
    return _look_of_name(name) or LOOKS[position % len(LOOKS)]


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The looks of lines that are drawn together, no two the same while there are enough.

    A name that is in `LOOK_OF` keeps its look. A name with a part in it, such as `none, n = 100`,
    keeps the colour, and gets a marker and a dash that are free. The others get what is left.

    >>> drawn = looks(["Gaussian", "none, n = 100", "none"])
    >>> drawn["none"] == look("none", 2), drawn["none, n = 100"]["color"] == drawn["none"]["color"]
    (True, True)

    Args:
        names: of all lines.
    """
    found: dict[str, Look] = {}

    for name in sorted(names, key=lambda name: (name not in LOOK_OF, not _look_of_name(name))):
        wanted = look(name, names.index(name))
        variants = [each | {"color": wanted["color"]} for each in LOOKS]
        others = [*variants, *LOOKS] if _look_of_name(name) else [*LOOKS, *variants]
        free = (each for each in (wanted, *others) if each not in found.values())
        found[name] = next(free, wanted)

    return found


def _look_of_name(name: str) -> Look:
    """The look of the rate or the arm in a name; empty if it has neither."""
    parts = (name, *name.split(", "), name.partition(" ")[0])
    rates = [float(found[1]) for part in parts if (found := RATE.fullmatch(part))]
    if rates:
        return _look_of_rate(rates[0])

    named = [LOOK_OF[part] for part in parts if part in LOOK_OF]

    return LOOKS[named[0]] if named else {}


def _look_of_rate(rate: float) -> Look:
    """The look of a rate: rate 0 is that of no dropout, others lie on a ramp."""
    if rate == 0:
        return LOOKS[0]

    steps = min(round(20 * rate), 19)

    return {
        "color": to_hex(RATE_RAMP(rate)),
        "marker": RATE_MARKERS[steps % len(RATE_MARKERS)],
        "linestyle": RATE_DASHES[steps % len(RATE_DASHES)],
    }


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, inside a `with` block."""
    with mpl.rc_context(STYLE):
        yield


def finish(figure: Figure) -> Figure:
    """Show numbers, not powers, on logarithmic axes, and move labels of lines apart."""
    for axes in figure.axes:
        _show_numbers(axes.xaxis, axes.get_xlim())
        _show_numbers(axes.yaxis, axes.get_ylim())
        labels = [text for text in axes.texts if text.get_gid() == LINE_LABEL]
        _move_apart(labels, axes)

    return figure


def _show_numbers(axis: Axis, limits: tuple[float, float]) -> None:
    """Show numbers on an axis if it is logarithmic and they are neither tiny nor many."""
    low, high = limits
    smallest, largest_span = PLAIN_NUMBERS

    if axis.get_scale() == "log" and low > smallest and high / low < largest_span:
        base = axis.get_transform().base  # type: ignore[attr-defined]
        multiples = _tick_multiples(high / low) if base == 10 else (1,)
        axis.set_major_locator(LogLocator(base, multiples))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_locator(NullLocator())


def _tick_multiples(span: float) -> tuple[float, ...]:
    """Multiples of powers of ten that have a tick on an axis, by the ratio of its limits."""
    if span < 12:
        return (1, 1.5, 2, 3, 4, 5, 7)
    if span < 200:
        return (1, 2, 5)
    return (1,)


def _move_apart(labels: Sequence[Text], axes: Axes) -> None:
    """Shift labels vertically, as little as possible, until none overlaps another or the axis."""
    if not labels:
        return

    from scipy.optimize import isotonic_regression  # slow to import, and claims import this module

    points_per_pixel = 72 / axes.get_figure().dpi  # type: ignore[union-attr]
    ends = [axes.transData.transform(cast("Annotation", label).xy)[1] for label in labels]
    heights = np.array(ends) * points_per_pixel
    order = np.argsort(heights, kind="stable")
    slots = LABEL_SPACING * np.arange(len(heights))

    # Heights minus their slots must not fall: the closest such sequence in least squares.
    lowest = axes.bbox.y0 * points_per_pixel + LABEL_SPACING / 2
    moved = np.maximum(isotonic_regression(heights[order] - slots).x, lowest) + slots

    for i, height in zip(order, moved, strict=True):
        cast("Annotation", labels[i]).xyann = (5, float(height - heights[i]))


def sheet(
    columns: int = 1, rows: int = 1, width: float | None = None, height: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """A figure with a grid of axes, by default no wider than the page.

    Args:
        columns: axes in a row.
        rows: number of rows.
        width: of each of the axes, in inches.
        height: of each of the axes, in inches.
    """
    panel_width = width or min(MAX_PANEL_WIDTH, PAGE_WIDTH / columns)
    figure = Figure(figsize=(panel_width * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def panels(count: int, columns: int, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """A figure with a number of axes in rows; the rest of the last row stays empty.

    >>> sheet, axes = panels(5, columns=3)
    >>> len(axes)
    5

    Args:
        count: number of axes.
        columns: axes in a full row.
        height: of each of the axes, in inches.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure, axes = sheet(columns, rows, height=height)

    for unused in axes[count:]:
        unused.set_visible(False)

    return figure, axes[:count]


def alt_text(figure: Figure) -> str:
    """What a figure shows in words.

    Every named line has its first and its last value, named points their number and their ranges.
    """
    texts = [_axes_in_words(axes) for axes in figure.axes if axes.get_visible()]
    return " ".join(text for text in texts if text)


def _axes_in_words(axes: Axes) -> str:
    """One sentence on some axes; empty if they have no label."""
    if not (x := axes.get_xlabel()):
        return ""

    y = axes.get_ylabel()
    title = axes.get_title("left")
    lines = [_line_in_words(line) for line in axes.lines if _has_name(line)]
    rows = ", ".join(label.get_text() for label in axes.get_yticklabels() if label.get_text())
    shown = f"{y} against {x}" if y else f"{x}, for {rows}" if rows else x
    parts = [title, shown, ", ".join(lines)]

    return ": ".join(part for part in parts if part) + "."


def _has_name(line: Line2D) -> bool:
    return not str(line.get_label()).startswith("_")


def _line_in_words(line: Line2D) -> str:
    values = np.asarray(line.get_ydata(), dtype=float)

    if line.get_linestyle() in ("none", "None"):
        x = np.asarray(line.get_xdata(), dtype=float)
        return f"{line.get_label()} {len(x)} points, x {_span(x)}, y {_span(values)}"

    return f"{line.get_label()} from {values[0]:.3g} to {values[-1]:.3g}"


def _span(values: NDArray[np.float64]) -> str:
    return f"{values.min():.3g} to {values.max():.3g}"


def line(
    axes: Axes,
    curve: pd.DataFrame,
    name: str,
    position: int = 0,
    label: bool = True,
    within: Range = ANYTHING,
    drawn: Look | None = None,
) -> None:
    """The mean over seeds of a curve with its 95 % interval, labelled at its end.

    Args:
        axes: where it is drawn.
        curve: one row per step, one column per seed.
        name: of the line.
        position: chooses the look if the name does not.
        label: whether the name is written at the end.
        within: the possible values, to which the interval is clipped.
        drawn: the look, if neither name nor position chooses it.
    """
    curve = curve.sort_index()
    intervals = [interval(row.dropna().tolist()).within(within) for _, row in curve.iterrows()]
    mean = np.array([ci.mean for ci in intervals])
    low = [ci.low for ci in intervals]
    high = [ci.high for ci in intervals]
    x = curve.index.to_numpy(dtype=float)
    drawn = drawn or look(name, position)
    axes.plot(x, mean, **drawn, markevery=max(1, len(x) // 8), label=name)
    axes.fill_between(x, low, high, color=drawn["color"], alpha=0.15, linewidth=0)

    if label:
        label_end(axes, name, (x[-1], mean[-1]), drawn["color"])


def level(
    axes: Axes,
    values: Sequence[float],
    span: tuple[float, float],
    name: str,
    position: int = 0,
    label: bool = True,
    within: Range = ANYTHING,
) -> None:
    """The mean over seeds of what does not depend on x, with its 95 % interval, as a level line.

    Args:
        axes: where it is drawn.
        values: one per seed.
        span: where it begins and ends.
        name: of the line.
        position: chooses the look if the name does not.
        label: whether the name is written at the end.
        within: the possible values, to which the interval is clipped.
    """
    ci = interval(values).within(within)
    drawn = look(name, position)
    color = drawn["color"]
    axes.fill_between(span, ci.low, ci.high, color=color, alpha=0.12, linewidth=0)
    axes.plot(span, [ci.mean] * 2, color=color, linestyle=drawn["linestyle"], label=name)

    if label:
        label_end(axes, name, (span[1], ci.mean), color)


def label_end(axes: Axes, name: str, end: tuple[float, float], color: str) -> None:
    """Write a name to the right of the end of a line; `finish` moves such labels apart."""
    place: dict[str, Any] = {
        "xytext": (5, 0),
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 8,
    }
    darker = tuple(0.7 * part for part in to_rgb(color))  # letters are thinner than lines
    axes.annotate(name, end, color=darker, gid=LINE_LABEL, **place)


def intervals(
    axes: Axes,
    effects: dict[str, Effect],
    margin: float | None = 0.0,
    spread: float | None = None,
    within: Range = ANYTHING,
) -> None:
    """Effects one below the other, each with its values, mean and the interval that decides.

    Args:
        axes: where they are drawn.
        effects: name -> effect.
        margin: where a line is drawn, if anywhere.
        spread: half the width of a band around the margin, if there is one.
        within: the possible values, to which the intervals are clipped.
    """
    for row, effect in enumerate(effects.values()):
        ci = effect.estimate().interval().within(within)
        axes.plot(list(effect.values), [row + 0.18] * ci.n, ".", color="0.6", markersize=3)
        axes.errorbar(
            ci.mean,
            row,
            xerr=[[ci.mean - ci.low], [ci.high - ci.mean]],
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
    """Rows of square pictures, from black at -scale to white at scale.

    Args:
        axes: where they are drawn.
        rows: name -> pictures side by side, `[H, n * H]`.
        scale: the largest value that is distinguished, in the unit of the pictures.
    """
    side = len(next(iter(rows.values())))
    gap = ((1, 1), (0, 0), (1, 1))
    padded = [
        np.pad(row.reshape(side, -1, side), gap, constant_values=np.nan) for row in rows.values()
    ]
    mosaic = np.concatenate([row.reshape(side + 2, -1) for row in padded])
    # The eye tells no more greys apart, and with these an image of noise is a quarter as large.
    greys = mpl.colormaps["gray"].resampled(GREYS)
    axes.imshow(mosaic, cmap=greys, vmin=-scale, vmax=scale, interpolation="none")
    axes.set_yticks([(side + 2) * (i + 0.5) for i in range(len(rows))], list(rows))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def points(
    axes: Axes,
    x: Sequence[float],
    values: Iterable[Sequence[float]],
    name: str,
    position: int = 0,
    label: bool = True,
    within: Range = ANYTHING,
    drawn: Look | None = None,
) -> None:
    """Means over seeds with intervals, joined by a line that is labelled at its end.

    Args:
        axes: where they are drawn.
        x: positions.
        values: at each position, one value per seed; not all positions need as many seeds.
        name: of the line.
        position: chooses the look if the name does not.
        label: whether the name is written at the end.
        within: the possible values, to which the intervals are clipped.
        drawn: the look, if neither name nor position chooses it.
    """
    seeds = zip_longest(*values, fillvalue=math.nan)
    curve = pd.DataFrame(list(seeds), columns=list(x)).T
    line(axes, curve, name, position, label, within, drawn)
