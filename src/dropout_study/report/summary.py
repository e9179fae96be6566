"""The verdicts as one figure: an effect per claim, on the zone of its criterion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Better, Case, Measured, NotWorse, Part, Within
from dropout_study.analysis.runs import Effect
from dropout_study.report.pictures import Picture, picture
from dropout_study.report.rows import decisive_case, signed, spread
from dropout_study.report.verdict_table import kind, with_sign
from dropout_study.report.verdicts import Outcome

CAPTION = (
    "The effect that represents each claim: of a supported claim the least certain, of a "
    "contradicted one the most certain. Dot and line: mean and 95 % interval over seeds and test "
    "images; ticks: seeds; green: where the criterion is met."
)
COLOURS = {
    "supported": "#1a6b37",
    "contradicted": "#a32020",
    "unresolved": "#7a5600",
    "open": "#595959",
}
"""Kind of a verdict -> its colour, as on the page."""
MARKERS = {"supported": "o", "contradicted": "X", "unresolved": "s", "open": "s"}
"""Kind of a verdict -> its marker, so that it can be told without colours."""
ZONE = "#dcede1"
SCALES = {"points": "symlog", "times": "log"}
"""Unit -> scale of its axis; others are linear."""
LABELS = {
    "points": "difference of test errors (points)",
    "times": "ratio of costs (times)",
    "": "effect",
}
"""Unit -> label of its axis."""
LINEAR_POINTS = 0.1
"""Differences below this are drawn on a linear part of their axis."""
ROW_HEIGHT = 0.55  # inches
ELLIPSIS = "…"
MAX_NAME = 48
"""Characters of the name of a part and its case."""
AXIS_HEIGHT = 0.55  # inches, of ticks and label
WIDTH = 9.0  # inches


@dataclass(frozen=True)
class Entry:
    """A row of the figure.

    Attributes:
        outcome: of the claim.
        part: the question whose effect is shown.
        name: of the part, and of the case if there are several.
        case: the effect as it was decided.
        effect: with its values per seed.
    """

    outcome: Outcome
    part: Part
    name: str
    case: Case
    effect: Effect


def summary(outcomes: Sequence[Outcome]) -> Picture | None:
    """One row per claim that has runs, on an axis per unit; None if no claim has.

    Args:
        outcomes: of the claims that are reported.
    """
    entries = [entry for outcome in outcomes if (entry := _entry(outcome))]
    if not entries:
        return None

    with figures.style():
        drawn = _summary_figure(entries)

    said = [
        f"{each.outcome.claim.title}: {_effect(each)}, {each.outcome.shown}" for each in entries
    ]
    alt = (
        f"One effect per claim, with its interval, on the zone of its criterion. {'; '.join(said)}."
    )

    return picture("summary", drawn, CAPTION, alt)


def _summary_figure(entries: Sequence[Entry]) -> Figure:
    units = list(dict.fromkeys(entry.part.unit for entry in entries))
    groups = {unit: [entry for entry in entries if entry.part.unit == unit] for unit in units}
    counts = [len(group) for group in groups.values()]
    height = ROW_HEIGHT * sum(counts) + AXIS_HEIGHT * len(counts)

    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=counts)

    for each, (unit, group) in zip(axes.flat, groups.items(), strict=True):
        _draw(each, unit, group)

    return figures.finish(figure)


def _entry(outcome: Outcome) -> Entry | None:
    """The row of a claim; None without an effect that has an interval."""
    found = decisive_case(outcome) if outcome.decided else None
    if not found:
        return None

    name, case = found
    decision = outcome.decisions[name]
    decided = decision.cases[case]
    if not math.isfinite(decided.estimate.interval().low):
        return None

    shown = f"{name}: {case}" if len(decision.cases) > 1 else name

    return Entry(outcome, outcome.claim.parts[name], shown, decided, outcome.effects[name][case])


def _draw(axes: Axes, unit: str, entries: Sequence[Entry]) -> None:
    """The rows of one unit."""
    names = [
        f"{entry.outcome.claim.title}\n{shorten(entry.name, MAX_NAME, placeholder='…')}"
        for entry in entries
    ]
    axes.set_yticks(range(len(entries)), names, fontsize=8)
    axes.set_ylim(len(entries) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(LABELS.get(unit, unit))

    if unit in SCALES:
        options = {"linthresh": LINEAR_POINTS} if SCALES[unit] == "symlog" else {}
        axes.set_xscale(SCALES[unit], **options)
        axes.xaxis.set_major_formatter("{x:g}")

    for row, entry in enumerate(entries):
        _draw_effect(axes, row, entry)

    limits = axes.get_xlim()  # of the effects: zones may have no end

    for row, entry in enumerate(entries):
        low, high = zone(entry.part)
        ends = (max(low, limits[0]), min(high, limits[1]))
        axes.fill_betweenx((row - 0.4, row + 0.4), *ends, color=ZONE, linewidth=0, zorder=0)

    axes.set_xlim(limits)


def _draw_effect(axes: Axes, row: int, entry: Entry) -> None:
    """Mean, interval, seeds and limits of a claim, and what they say in words."""
    ci = entry.case.estimate.interval()
    shown = entry.outcome.shown
    colour = COLOURS[kind(shown)]
    seeds = list(entry.effect.values)

    axes.plot(seeds, [row + 0.25] * len(seeds), "|", color="0.45", markersize=5)
    axes.plot([ci.low, ci.high], [row, row], color=colour, linewidth=2.5)
    axes.plot([ci.mean], [row], MARKERS[kind(shown)], color=colour, markersize=6)

    for limit in zone(entry.part):
        if math.isfinite(limit):
            axes.plot([limit, limit], [row - 0.4, row + 0.4], color="0.3", linewidth=1, ls=":")

    axes.annotate(
        f"{with_sign(shown)}\n{_effect(entry)}",
        (1, row),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=8,
    )


def _effect(entry: Entry) -> str:
    """The effect with its interval."""
    ci = entry.case.estimate.interval()
    text = f"{signed(ci.mean)} ({spread(ci)})"

    return text.replace("+", "") if isinstance(entry.part.criterion, Measured) else text


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


EXAMPLES = {
    "supported": (0.5, 0.2, 0.8),
    "not resolved": (0.2, -0.2, 0.6),
    "contradicted": (-0.45, -0.8, -0.1),
}
"""Outcome -> mean and interval of the drawn example."""
EXAMPLE_CAPTION = (
    "Three effects and the criterion 'above 0', whose zone is green: the whole interval in the "
    "zone, across its limit, outside of it. (One-sided tests, adjusted for all parts, decide; for "
    "a single part they are a little less strict than the interval.)"
)


def example() -> Picture:
    """How an interval and the zone of a criterion make an outcome."""
    with figures.style():
        sheet, (axes,) = figures.sheet(width=5.0, height=1.7)

        for row, (outcome, (mean, low, high)) in enumerate(EXAMPLES.items()):
            colour = COLOURS[kind(outcome)]
            axes.plot([low, high], [row, row], color=colour, linewidth=2.5)
            axes.plot([mean], [row], MARKERS[kind(outcome)], color=colour, markersize=6)

        axes.axvspan(0, 1, color=ZONE, linewidth=0, zorder=0)
        axes.axvline(0, color="0.3", linewidth=1, linestyle=":")
        axes.set(xlim=(-1, 1), ylim=(len(EXAMPLES) - 0.5, -0.5), xlabel="effect")
        axes.set_yticks(range(len(EXAMPLES)), list(EXAMPLES))
        axes.grid(visible=False, axis="y")

    said = "supported lies above 0, not resolved across 0, contradicted below 0"
    alt = f"Three intervals and the criterion above 0: {said}."

    return picture("verdict_example", sheet, EXAMPLE_CAPTION, alt)
