"""Recorded conditions beside each other: values over seeds, paired differences, p values."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from dropout_study.analysis.criteria import ALPHA
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, minus
from dropout_study.analysis.selection import WHERE, Condition, Selection, images_of, listed
from dropout_study.config.schema import ConfigError
from dropout_study.measures.statistics import Interval, holm, interval, needed

NOT_ON_A_PAR = "not on a par"
"""The column of a table that says why its conditions should not be compared."""
Alternative = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True)
class Row:
    """A condition of a comparison.

    Attributes:
        name: what sets it apart from the others.
        group: its value of the column `by`; None without one.
        x: its value of the column `x`; None without one.
        values: the metric, by seed.
        difference: from the condition that it is compared with, paired by seeds: one of its group,
            or that of another line at equal x; None for that condition, and where nothing is
            compared.
        p: of the difference; nan without one.
        adjusted: the same, adjusted by Holm for all differences of the comparison.
        needed: what it would take to tell the difference; empty where it is told.
    """

    name: str
    group: Any
    x: Any
    values: "pd.Series[float]"
    difference: Effect | None = None
    p: float = math.nan
    adjusted: float = math.nan
    needed: str = ""

    @property
    def effect_size(self) -> float:
        """The mean difference in standard deviations over seeds of the difference."""
        if self.difference is None:
            return math.nan

        ci = self.difference.estimate().interval()

        return ci.mean / ci.sd if ci.sd > 0 else math.nan


def compare(selection: Selection, against: str, alternative: Alternative) -> list[Row]:
    """The conditions of a selection, each with its difference from the one it is compared with.

    Args:
        selection: the networks.
        against: words in the name of the condition to compare with, such as `rate 0`; empty: none.
        alternative: what a small p value speaks for: a difference, less, or greater.

    Raises:
        ConfigError: these words name no condition of a group, or several that are no whole line;
            a condition has no partner at its x, or was tested on other images than it.
    """
    rows = [
        Row(each.name, each.group, each.x, each.nets.column(selection.metric))
        for each in selection.conditions
    ]
    if not against:
        return rows

    differences = {
        each.name: _difference(each, other, selection.metric)
        for each, other in _pairs(selection, against)
    }
    compared = [replace(row, difference=differences.get(row.name)) for row in rows]

    return list(_judged(compared, alternative))


def table(
    rows: Sequence[Row], x: str = "", by: str = "", doubts: Sequence[str] = ()
) -> pd.DataFrame:
    """The comparison with all digits, a row per condition; cells without a number are empty.

    Args:
        rows: of `compare`.
        x: the column whose values the rows have as `x`; empty: none.
        by: the column whose values are their groups; empty: none.
        doubts: why the conditions are not on a par; have a column of their own.
    """
    records = []

    for row in rows:
        ci = interval(row.values.tolist())
        difference = difference_of(row)
        records.append(
            {
                "condition": row.name,
                **({by: row.group} if by else {}),
                **({x: row.x} if x else {}),
                "seeds": ci.n,
                "mean": ci.mean,
                "low": ci.low,
                "high": ci.high,
                "difference": difference.mean,
                "difference low": difference.low,
                "difference high": difference.high,
                "p": row.p,
                "adjusted p": row.adjusted,
                "effect size": row.effect_size,
                "needed": row.needed,
            }
        )

    shown = pd.DataFrame.from_records(records)

    return shown.assign(**{NOT_ON_A_PAR: " ".join(doubts)}) if doubts else shown


def difference_of(row: Row) -> Interval:
    """The difference of a row with its interval; nan without one."""
    if row.difference is None:
        return Interval(math.nan, math.nan, math.nan, math.nan, 0)

    return row.difference.estimate().interval()


def _pairs(selection: Selection, against: str) -> Iterator[tuple[Condition, Condition]]:
    """Each condition with the one that it is compared with (raises as `compare`)."""
    if line := _line(selection, against):
        yield from _at_equal_x(selection, line)
        return

    for group, rivals in selection.rivals().items():
        reference = _reference(rivals, group, against)
        at_step = {each.x: each for each in rivals if each.line == reference.line}

        for each in rivals:
            other = at_step.get(each.x) if selection.by_step else reference
            if other and each.line != reference.line:
                yield each, other


def _line(selection: Selection, against: str) -> list[Condition]:
    """The whole line along x that is named; empty if none is, or if there is no other line."""
    named = [each for each in selection.conditions if _words(against) <= words_of(each)]
    lines = {} if selection.by_step else selection.rivals()
    is_line = len(named) > 1 and len(lines) > 1 and lines.get(named[0].group) == named

    return named if is_line and named[0].x is not None else []


def _at_equal_x(
    selection: Selection, line: Sequence[Condition]
) -> Iterator[tuple[Condition, Condition]]:
    """The conditions of the other lines, each with that of a line which has its x.

    Raises:
        ConfigError: one has no partner, or was tested on other images than it.
    """
    at_x = {each.x: each for each in line}

    for each in selection.conditions:
        if each.group == line[0].group:
            continue

        other = at_x.get(each.x)
        if other is None:
            raise ConfigError(
                f"{each.name} cannot be compared: {listed([each.name for each in line])} have no "
                f"equal x. Leave it out with {WHERE}."
            )

        if images_of(each.nets) != images_of(other.nets):
            raise ConfigError(
                f"{each.name} and {other.name} cannot be compared: they were tested on different "
                "images."
            )

        yield each, other


def _reference(rivals: Sequence[Condition], group: Any, against: str) -> Condition:
    """The condition that its rivals are compared with, or a point of the curve.

    Args:
        rivals: compared with each other.
        group: of all of them; None without one.
        against: words of its name.

    Raises:
        ConfigError: none has the words in its name, or several have.
    """
    lines = list({each.line: each for each in rivals}.values())
    named = sorted((each for each in lines if _words(against) <= words_of(each)), key=_length)
    if named and all(words_of(named[0]) < words_of(each) for each in named[1:]):
        return named[0]  # the others have further settings

    among = f" of {group}" if group is not None else ""
    if named:
        names = listed([each.line for each in named])
        raise ConfigError(
            f"against={against!r} cannot be used: it names {len(named)} conditions{among}: "
            f"{names}. More words tell them apart, or by=COLUMN, or {WHERE}."
        )

    names = listed([each.line for each in lines])
    raise ConfigError(
        f"against={against!r} cannot be used: it names no condition{among}; there are {names}."
    )


def words_of(condition: Condition) -> set[str]:
    """The words of a condition's full name, which commas set off."""
    return _words(condition.full_name)


def _words(name: str) -> set[str]:
    return set(name.split(", "))


def _length(condition: Condition) -> int:
    return len(words_of(condition))


def _difference(condition: Condition, reference: Condition, metric: str) -> Effect:
    """A condition minus another, paired by seeds; with the test images where they were kept.

    Raises:
        ConfigError: they have no seed in common.
    """
    pair = (condition, reference)

    try:
        same = images_of(condition.nets) == images_of(reference.nets)
        if same and condition.images and reference.images:
            errors, others = (
                Errors(each.nets.column(metric), each.nets.wrong(each.images)) for each in pair
            )
            return errors.minus(others)

        return minus(condition.nets.column(metric), reference.nets.column(metric))
    except ResultsMissing as error:
        names = f"{condition.name} and {reference.name}"
        raise ConfigError(f"{names} cannot be compared: {error}.") from error


def _judged(rows: Sequence[Row], alternative: Alternative) -> Iterator[Row]:
    """The same rows with p values, adjusted for all of them, and what it would take."""
    p_values = [_p(row.difference, alternative) for row in rows]
    tests = sum(row.difference is not None for row in rows)

    for row, p, adjusted in zip(rows, p_values, holm(p_values), strict=True):
        is_open = row.difference is not None and not adjusted <= ALPHA
        yield replace(
            row,
            p=p,
            adjusted=adjusted,
            needed=_needed(row.difference, alternative, tests)
            if row.difference and is_open
            else "",
        )


def _p(difference: Effect | None, alternative: Alternative) -> float:
    if difference is None:
        return math.nan

    estimate = difference.estimate()
    tests = {
        "two-sided": estimate.p_differs,
        "less": estimate.p_below,
        "greater": estimate.p_above,
    }

    return tests[alternative]()


def _needed(difference: Effect, alternative: Alternative, tests: int) -> str:
    """What it would take to tell a difference as large as the measured one, with 80 % power.

    Args:
        difference: that cannot be told.
        alternative: of the test.
        tests: how many differences are tested together; the level is divided by their number.
    """
    estimate = difference.estimate()
    is_other_way = estimate.mean > 0 if alternative == "less" else estimate.mean < 0
    if alternative != "two-sided" and is_other_way:
        return "points the other way"

    level = ALPHA / tests / (2 if alternative == "two-sided" else 1)
    takes = needed(estimate, estimate.mean, level)

    return f"cannot be told: {takes or 'the spread over seeds is not known'}"
