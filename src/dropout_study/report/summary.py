"""What decides, as figures: one row per claim, one row per effect of a claim, and an example."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Part
from dropout_study.analysis.svg import as_svg
from dropout_study.report.forest import COLOURS, LABELS, MARKERS, ZONE, Entry, forest, zone
from dropout_study.report.pictures import Picture, picture
from dropout_study.report.rows import decisive_case, outcome_in_words
from dropout_study.report.verdict_table import kind
from dropout_study.report.verdicts import Outcome

READING = (
    "Dot and line: mean and 95 % interval over seeds, and over test images where the effect is one "
    "of errors; ticks: seeds; green: where the criterion is met, whether that is good or bad."
)
SUMMARY_CAPTION = (
    "One effect per claim, with the outcome of its part: the least certain of a supported claim, "
    f"the most certain of a contradicted one. {READING} Outcomes are adjusted for all parts of the "
    "table, intervals are not: one that lies on one side of its limit may still be not resolved. "
    "Axes of points are logarithmic beyond 0.1."
)
EFFECTS_CAPTION = (
    "All effects of the claim; the list of parts says which difference each is. p values are "
    "adjusted here for the cases of a part alone; what the verdict, adjusted for all parts of its "
    f"table, leaves open is judged apart. {READING}"
)
ONE_IS_ENOUGH = "Of {parts}, one case that meets its criterion is enough."
OTHER_SIDE = "'{part}' asks for the other side of the line in '{other}'."
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


def summary(outcomes: Sequence[Outcome], name: str) -> Picture | None:
    """One row per claim that has runs; None if no claim has.

    Args:
        outcomes: of the claims of a table of verdicts.
        name: of the figure.
    """
    entries = {}

    for outcome in outcomes:
        found = decisive_case(outcome) if outcome.decided else None
        if found and (entry := _entry(outcome, *found, outcome.shown_of(found[0]))).is_drawn:
            entries[outcome.claim.title] = entry

    if not entries:
        return None

    named = [
        dataclasses.replace(entry, name=f"{title}\n{entry.name}")
        for title, entry in entries.items()
    ]
    said = "; ".join(f"{title}: {each.in_words}, {each.shown}" for title, each in entries.items())
    alt = f"One effect per claim, with its interval, on the zone of its criterion. {said}."

    return _picture(name, named, {"points": "symlog", "times": "log"}, SUMMARY_CAPTION, alt)


def effects(outcome: Outcome, found: str) -> Picture | None:
    """One row per effect of a claim; None if it has no parts or no runs.

    Args:
        outcome: of the claim.
        found: what was found, with which the caption begins, and the text for screen readers.
    """
    parts = {name: part for name, part in outcome.claim.parts.items() if name in outcome.decisions}
    repeated = _repeated(parts)
    entries = [
        _entry(outcome, name, case, outcome.show(outcome_in_words(part, decision, case)))
        for name, part in parts.items()
        if name not in repeated
        for decision in (outcome.decisions[name],)
        for case in decision.cases
    ]
    drawn = [entry for entry in entries if entry.is_drawn]
    if not drawn:
        return None

    said = "; ".join(
        f"{' '.join(entry.name.split())}: {entry.in_words}, {entry.shown}" for entry in drawn
    )
    alt = f"{found} Effects with intervals on the zones of their criteria. {said}.".lstrip()
    name = f"{outcome.claim.id}_effects"

    enough = [f"'{name}'" for name, part in parts.items() if part.some]
    captions = [found, EFFECTS_CAPTION]
    captions += [ONE_IS_ENOUGH.format(parts=", ".join(enough))] if enough else []
    captions += [OTHER_SIDE.format(part=part, other=other) for part, other in repeated.items()]

    return _picture(name, drawn, {"times": "log"}, " ".join(captions).lstrip(), alt)


def _repeated(parts: Mapping[str, Part]) -> dict[str, str]:
    """Parts that ask for the other side of the line in the effects of an earlier part."""
    pairs = combinations(parts.items(), 2)

    return {
        name: other
        for (other, earlier), (name, part) in pairs
        if part.measure == earlier.measure and _are_sides(zone(earlier), zone(part))
    }


def _are_sides(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two zones lie on both sides of one line."""
    (low, end), (start, high) = sorted((one, other))
    return low == -math.inf and end == start and high == math.inf


def _picture(
    name: str, entries: Sequence[Entry], scales: Mapping[str, str], caption: str, alt: str
) -> Picture:
    """Effects for a wide page and for a phone."""
    with figures.style():
        wide = picture(name, forest(entries, scales), caption, alt)
        return dataclasses.replace(wide, narrow=as_svg(forest(entries, scales, narrow=True)))


def _entry(outcome: Outcome, name: str, case: str, shown: str) -> Entry:
    """The row of a case of a part; a part with one case alone names the row.

    Where the cases of a part are on scales of their own, their names end with it.
    """
    decision = outcome.decisions[name]
    part = outcome.claim.parts[name]
    words = f"{name}:\n{case}" if len(decision.cases) > 1 else name
    unit = part.unit or case.rpartition(", ")[2]

    return Entry(
        words,
        part,
        unit if unit in LABELS else part.unit,
        decision.cases[case],
        outcome.effects[name][case],
        shown,
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
