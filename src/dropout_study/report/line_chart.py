"""Line charts as SVG, written as text: Matplotlib would take 0.15 s for the figure of a run."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from dropout_study.measures.statistics import Interval

COLUMNS = 4
"""Panels in a row."""
PIXELS = 1.6
"""Of a screen per unit of the drawing: MLflow shows a figure in its own size."""
WIDTH = 240
HEIGHT = 220
"""Of a panel, in units of the drawing."""
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40
"""Margins of a panel, likewise."""
TITLE_HEIGHT = 20
PADDING = 0.05
"""Between the data and the ends of an axis, as a share of its length."""
MAX_INTERVALS = 6
"""Between the ticks of an axis."""
TICK_MULTIPLES = (1, 2, 5, 10)
OF_SEED = "#8c8c8c"
"""The colour of the curve of a single seed."""
LARGE_RATIO = 100
"""Logarithmic axes whose ends have a larger ratio have ticks at powers of ten alone."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """A mean with its interval at every step.

    Attributes:
        steps: at least one, in ascending order.
        intervals: one per step, with finite means.
        xlabel: what the steps are.
        ylabel: what the mean is of.
        logarithmic: whether the axis of the steps is, which are positive then.
        seeds: the curves of single seeds, where these are too few for intervals.
    """

    steps: Sequence[int]
    intervals: Sequence[Interval]
    xlabel: str
    ylabel: str
    logarithmic: bool
    seeds: Sequence[Sequence[Point]] = ()


@dataclass(frozen=True)
class Scale:
    """Where the values of an axis are drawn.

    Attributes:
        low: the value at its start.
        high: the value at its end.
        start: the place of its start.
        end: the place of its end.
        logarithmic: whether it is.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, at = (self._scaled(number) for number in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The values that are written at the axis."""
        ticks = _powers(self.low, self.high) if self.logarithmic else _steps(self.low, self.high)
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def line_chart(title: str, panels: Sequence[Panel]) -> str:
    """A figure of some panels as SVG, the same text for the same panels."""
    columns = min(COLUMNS, len(panels))
    width = WIDTH * columns
    height = HEIGHT * math.ceil(len(panels) / COLUMNS) + TITLE_HEIGHT
    words = f"{title}. {' '.join(map(_in_words, panels))}"

    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{PIXELS * width:g}" height="{PIXELS * height:g}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label={quoteattr(words)} '
        'font-family="DejaVu Sans, Verdana, sans-serif" font-size="9" fill="#262626">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(width / 2, 14, title, 'text-anchor="middle" font-size="11"'),
    ]

    for number, panel in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        place = f"{WIDTH * column} {HEIGHT * row + TITLE_HEIGHT}"
        lines += [f'<g transform="translate({place})">', *_panel(panel), "</g>"]

    return "\n".join([*lines, "</svg>", ""])


def _in_words(panel: Panel) -> str:
    """First and last value of a panel."""
    first, last = panel.intervals[0].mean, panel.intervals[-1].mean
    return (
        f"{panel.ylabel}: {first:.4g} at {panel.xlabel} {panel.steps[0]:,}, "
        f"{last:.4g} at {panel.steps[-1]:,}."
    )


def _panel(panel: Panel) -> Iterator[str]:
    """The elements of a panel."""
    x = _scale(panel.steps, LEFT, WIDTH - RIGHT, panel.logarithmic)
    y = _scale(_values(panel), HEIGHT - BOTTOM, TOP, logarithmic=False)
    yield from _axes(panel, x, y)

    by_step = list(zip(panel.steps, panel.intervals, strict=True))
    means = [(x(step), y(ci.mean)) for step, ci in by_step]
    highs = [(x(step), y(ci.high)) for step, ci in by_step if ci.n > 1]
    lows = [(x(step), y(ci.low)) for step, ci in by_step if ci.n > 1]
    band = _places([*highs, *lows[::-1]])
    yield f'<polygon points="{band}" fill="#000000" opacity="0.15"/>'

    for curve in panel.seeds:
        places = _places((x(step), y(value)) for step, value in curve)
        yield f'<polyline points="{places}" fill="none" stroke="{OF_SEED}" stroke-width="0.8"/>'

    yield f'<polyline points="{_places(means)}" fill="none" stroke="#000000" stroke-width="1.5"/>'

    for place in means[:: max(1, len(means) // 8)]:
        yield f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="2.5" fill="#000000"/>'


def _values(panel: Panel) -> list[float]:
    """All values of a panel that are drawn."""
    values = [number for ci in panel.intervals for number in (ci.mean, ci.low, ci.high)]
    values += [value for curve in panel.seeds for _, value in curve]

    return [value for value in values if math.isfinite(value)]


def _axes(panel: Panel, x: Scale, y: Scale) -> Iterator[str]:
    """Axes with ticks and labels."""
    bottom = HEIGHT - BOTTOM
    corner = [(LEFT, TOP), (LEFT, bottom), (WIDTH - RIGHT, bottom)]
    yield f'<polyline points="{_places(corner)}" fill="none" stroke="#262626" stroke-width="0.8"/>'

    for tick in x.ticks():
        yield _text(x(tick), bottom + 13, f"{tick:,.10g}", 'text-anchor="middle"')

    for tick in y.ticks():
        ends = _places([(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))])
        yield f'<polyline points="{ends}" stroke="#e0e0e0" stroke-width="0.6"/>'
        yield _text(LEFT - 4, y(tick) + 3, f"{tick:,.10g}", 'text-anchor="end"')

    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, panel.xlabel, 'text-anchor="middle"')
    middle = (TOP + bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 12 {middle:.1f})"'
    yield _text(12, middle, panel.ylabel, turned)


def _scale(values: Sequence[float], start: float, end: float, logarithmic: bool) -> Scale:
    """The scale of an axis that holds some values."""
    low, high = min(values), max(values)
    if low == high:
        low, high = (low / 2, high * 2) if logarithmic else (low - 0.5, high + 0.5)

    if logarithmic:
        padding = (high / low) ** PADDING
        return Scale(low / padding, high * padding, start, end, logarithmic)

    padding = PADDING * (high - low)
    return Scale(low - padding, high + padding, start, end, logarithmic)


def _steps(low: float, high: float) -> list[float]:
    """Round numbers that divide an axis evenly.

    >>> _steps(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    least = (high - low) / MAX_INTERVALS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(multiple for multiple in TICK_MULTIPLES if multiple * power >= least) * power
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)

    return [round(number * step, 12) for number in numbers]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten on a logarithmic axis, and multiples of them where there are few.

    >>> _powers(1.0, 20.0)
    [1.0, 2.0, 5.0, 10.0, 20.0]
    """
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    multiples = (1,) if high / low > LARGE_RATIO else (1, 2, 5)
    ticks = [multiple * 10.0**exponent for exponent in exponents for multiple in multiples]

    return [tick for tick in ticks if low <= tick <= high]


def _places(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _text(x: float, y: float, words: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(words)}</text>'
