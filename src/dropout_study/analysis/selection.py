"""Which recorded conditions are compared, and whether they are on a par."""

import difflib
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dropout_study.analysis.arms import ALSO, per_arm
from dropout_study.analysis.curve_points import STEP, at_steps, images_at, is_curve
from dropout_study.analysis.list_columns import CURVE, WRONG, is_list
from dropout_study.analysis.runs import Runs
from dropout_study.config.condition import apart
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import ConfigError

WHERE = "\"where=['COLUMN=VALUE']\""
"""As it is typed in a shell: Hydra needs quotes around a value that holds a `=`."""
ERROR = "test/error/"
"""Metrics with this beginning are errors in percent, and the test images may be kept."""
MOST_LISTED = 8
"""Names that an error lists; of more it says how many there are."""
UNEQUAL = 2
"""Candidates are unequal if one condition had more than so many times as many as another.

Tuning that ends on an edge adds a few, which is no advantage.
"""
TRAINED_SETTINGS = (
    "data.",
    "model.",
    "regularizer.",
    "optimizer.",
    "schedule.",
    "budget.",
    "trainer.",
)
"""How the columns begin that say what is trained; others say how it is evaluated."""


@dataclass(frozen=True)
class Condition:
    """A condition that is compared.

    Attributes:
        name: what sets it apart from the others.
        full_name: its arm, if it has one, and all its settings.
        group: its value of the column `by`; None without one.
        x: its value of the column `x`, or its step; None without one.
        nets: its networks, by seed.
        line: the name of the curve of which it is a point; its own name where there is none.
        images: the rule whose misclassified test images belong to the metric; empty where there
            are none.
    """

    name: str
    full_name: str
    group: Any
    x: Any
    nets: Runs
    line: str
    images: str


@dataclass(frozen=True)
class Selection:
    """Conditions of one study that are compared by a metric.

    Attributes:
        metric: the column that is compared.
        conditions: in the order of group and x.
        shared: what all of them have in common, in words.
        doubts: why they are not on a par, a sentence each.
        by_step: whether the metric is a curve, whose points are compared step by step.
    """

    metric: str
    conditions: Sequence[Condition]
    shared: str
    doubts: Sequence[str]
    by_step: bool = False

    def rivals(self) -> dict[Any, list[Condition]]:
        """Group -> the conditions that are compared with each other; those of curves are one."""
        return _rivals(self.conditions, self.by_step)


def select(
    networks: pd.DataFrame,
    metric: str,
    x: str = "",
    by: str = "",
    where: Sequence[str] = (),
    digests: Collection[str] | None = None,
) -> Selection:
    """The conditions of a study that have a metric.

    Args:
        networks: of one study, a row per network, as `analysis.results` reads them.
        metric: a column of numbers, such as `test/error/weight_scaling`; or a curve, such as
            `mc/error`, whose points are compared step by step.
        x: a column whose values stand along the horizontal axis; empty: none; `step` of a curve.
        by: a column whose values are compared apart, a line each; empty: none.
        where: `COLUMN=VALUE`, as the table has it; all have to hold.
        digests: of the conditions; None: all.

    Raises:
        ConfigError: a column or a metric does not exist, nothing is left, or conditions differ in
            more than `x` and `by` where both are given.
    """
    keys = ["digest"]
    if "arm" in (x, by) or any(each.startswith("arm=") for each in where):
        networks = per_arm(networks)
        keys = ["arm", "digest"]

    wanted = networks if digests is None else networks[networks["digest"].isin(digests)]
    final = _final(wanted)
    if final.empty and not wanted.empty:
        raise ConfigError(
            f"All networks that were found are candidates (stage {TUNING}), which are not "
            "compared: train the chosen settings on other seeds first; a search does so in the end."
        )

    _check_metric(networks, metric, x)
    by_step = x == STEP
    column = f"{CURVE}{metric}" if by_step else metric
    of_steps, of_networks = _of_steps(where) if by_step else ([], where)
    kept = _where(final, of_networks)
    measured = kept[kept[column].notna()]
    if measured.empty:
        raise ConfigError(f"No network that was judged (stage {FINAL}) has metric={metric}.")

    for option, setting in {"x": "" if by_step else x, "by": by}.items():
        _check_column(measured, option, setting, keys)

    shared, conditions = _conditions(measured, metric, "" if by_step else x, by, keys)
    doubts = list(_doubts(networks, conditions, x, by))

    if by_step:
        curves = _at_steps([list(_points(each, metric)) for each in conditions], of_steps)
        doubts += _lacking_points(conditions, curves)
        conditions = [point for points in curves for point in points]

    conditions.sort(key=lambda each: (rank(each.group), rank(each.x)))
    _check_places(conditions, x, by)

    return Selection(metric, conditions, shared, doubts, by_step)


def _conditions(
    measured: pd.DataFrame, metric: str, x: str, by: str, keys: Sequence[str]
) -> tuple[str, list[Condition]]:
    """What all conditions of some networks have in common, and they."""
    nets = Runs(measured, {}).conditions(keys)
    full_names = [_name(each) for each in nets]
    found = [each.frame.iloc[0].get("arm") for each in nets]
    arms = [arm for arm in found if isinstance(arm, str)]
    has_arms = len(set(arms)) == len(nets) > 1
    shared, names = ("", arms) if has_arms else apart(full_names)
    rule = metric.removeprefix(ERROR)

    return shared, [
        Condition(
            name,
            full_name,
            _cell(each, by),
            _cell(each, x),
            each,
            line=name,
            images=rule if rule != metric and each.keeps(f"{WRONG}{rule}") else "",
        )
        for name, full_name, each in zip(_distinct(names, nets), full_names, nets, strict=True)
    ]


def _points(curve: Condition, metric: str) -> Iterator[Condition]:
    """The points of a curve."""
    points = at_steps(curve.nets, metric)

    for step, nets in points.items():
        images = images_at(nets, metric, step, max(points))
        yield replace(curve, name=f"{curve.name}, {STEP} {step}", x=step, nets=nets, images=images)


def _at_steps(curves: list[list[Condition]], wanted: Sequence[str]) -> list[list[Condition]]:
    """The points of curves at a step that is wanted; all if none is.

    Raises:
        ConfigError: no curve has that step.
    """
    for step in wanted:
        there = sorted({point.x for points in curves for point in points})
        if step not in map(str, there):
            steps = listed([*map(str, there)])
            raise ConfigError(f"where=[{STEP}={step}] cannot be used: {STEP} is one of {steps}.")

        curves = [[point for point in points if str(point.x) == step] for points in curves]

    return curves


def _of_steps(where: Sequence[str]) -> tuple[list[str], list[str]]:
    """The steps that some conditions `COLUMN=VALUE` ask for, and the other conditions."""
    is_step = {each: each.startswith(f"{STEP}=") for each in where}
    steps = [each.partition("=")[2] for each in where if is_step[each]]

    return steps, [each for each in where if not is_step[each]]


def _rivals(conditions: Sequence[Condition], by_step: bool) -> dict[Any, list[Condition]]:
    """Group -> its conditions; None -> all points of curves, of which `by` makes lines."""
    found: dict[Any, list[Condition]] = {}

    for each in conditions:
        found.setdefault(None if by_step else each.group, []).append(each)

    return found


def _lacking_points(
    curves: Sequence[Condition], points: Sequence[Sequence[Condition]]
) -> Iterator[str]:
    """Which curves lack steps that others have, or have steps that only some seeds have."""
    every = sorted({point.x for line in points for point in line})

    for curve, line in zip(curves, points, strict=True):
        lacking = [str(step) for step in every if step not in {point.x for point in line}]
        if lacking:
            yield f"{curve.name} has no point at the steps {listed(lacking)}."

        thin = [str(point.x) for point in line if len(point.nets.frame) < len(curve.nets.frame)]
        if thin:
            yield f"{curve.name} lacks seeds at the steps {listed(thin)}."


def _distinct(names: Sequence[str], nets: Sequence[Runs]) -> Iterator[str]:
    """Names, with the digest of the condition where several have the same."""
    for name, each in zip(names, nets, strict=True):
        yield f"{name} ({each.frame.iloc[0]['digest']})" if names.count(name) > 1 else name


def _final(networks: pd.DataFrame) -> pd.DataFrame:
    """The networks that candidates were not compared by."""
    return networks[networks["stage"] == FINAL] if "stage" in networks else networks


def _where(networks: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """The networks in whose columns certain values stand.

    Raises:
        ConfigError: a condition is no `COLUMN=VALUE`, or names no column.
    """
    for condition in conditions:
        column, equals, value = condition.partition("=")
        if not equals:
            raise ConfigError(f"where=[{condition}] cannot be used: it must be COLUMN=VALUE.")

        if column not in networks or "/" in column:
            raise ConfigError(f"where=[{condition}] cannot be used: there is no column {column}.")

        shown = networks[column].map(as_text)
        if value not in set(shown):
            there = listed(sorted(set(shown), key=rank))
            before = conditions[: conditions.index(condition)]
            where = f" where {' and '.join(before)}" if before else ""
            raise ConfigError(
                f"where=[{condition}] cannot be used: {column} is one of {there}{where}."
            )

        networks = networks[shown == value]

    return networks


def _check_metric(networks: pd.DataFrame, metric: str, x: str) -> None:
    if is_curve(networks, metric):
        if x != STEP:
            raise ConfigError(
                f"metric={metric} is a curve, and has a value per step: x={STEP} compares them."
            )

        return

    scalars = [name for name in map(str, networks) if "/" in name and not is_list(name)]
    metrics = [name for name in scalars if not is_curve(networks, name)]
    if metric in metrics:
        if x == STEP:
            raise ConfigError(f"x={STEP} cannot be used: {_no_curve(networks, metric)}.")

        return

    close = difflib.get_close_matches(metric, metrics, MOST_LISTED, 0.5)
    common = [name for name in metrics if name.startswith("test/")]
    raise ConfigError(
        f"metric={metric} cannot be used: it is not recorded; recorded are "
        f"{listed(close or common or sorted(metrics))}."
    )


def _no_curve(networks: pd.DataFrame, metric: str) -> str:
    """Why a metric is no curve, or where its curve is."""
    if any(name.startswith(CURVE) for name in map(str, networks)):
        return f"metric={metric} is no curve"

    return "there are no curves here; those of a file of results are in the one that ends .parquet"


def _check_column(networks: pd.DataFrame, option: str, column: str, keys: Sequence[str]) -> None:
    """Refuse what is no setting of a condition.

    Raises:
        ConfigError: naming the settings that vary.
    """
    scalars = sorted(name for name in map(str, networks) if "/" not in name and name != ALSO)
    differing = networks.groupby(list(keys), dropna=False)[scalars].nunique(dropna=False).max() > 1
    settings = [name for name in scalars if not differing.get(name, default=False)]
    if not column or column in settings:
        return

    varied = [name for name in settings if networks[name].astype(str).nunique() > 1]
    raise ConfigError(
        f"{option}={column} cannot be used: it is no setting of a condition; these vary: "
        f"{listed(varied)}."
    )


def _check_places(conditions: Sequence[Condition], x: str, by: str) -> None:
    """Refuse two conditions at one place of a figure.

    Raises:
        ConfigError: naming both.
    """
    if not x:
        return

    places: dict[tuple[Any, Any], Condition] = {}

    for each in conditions:
        if each.x is None:
            raise ConfigError(f"x={x} cannot be used: {each.name} has no value of it.")

        first = places.setdefault((each.group, each.x), each)
        if first is not each:
            place = f"{x}={as_text(each.x)}" + (f" and {by}={as_text(each.group)}" if by else "")
            raise ConfigError(
                f"Several conditions have {place}: {first.name}; {each.name}. Choose one with "
                f"{WHERE}, or tell them apart with by=COLUMN."
            )


def _doubts(
    networks: pd.DataFrame, conditions: Sequence[Condition], x: str, by: str
) -> Iterator[str]:
    """Why conditions are not on a par: code, seeds, gaps of the grid, effort of tuning."""
    frames = pd.concat([each.nets.frame for each in conditions])
    codes = sorted(set(frames["code"].fillna("unknown").astype(str))) if "code" in frames else []
    if len(codes) > 1:
        yield f"The conditions were computed by different code: {listed(codes)}."

    seeds = {each.name: set(each.nets.frame["seed"]) for each in conditions}
    all_seeds: set[int] = set().union(*seeds.values())
    lacking = [name for name, own in seeds.items() if own != all_seeds]
    if lacking:
        yield f"Of the {len(all_seeds)} seeds some are missing for {listed(lacking)}."

    gaps = _gaps(conditions) if x and x != STEP and by else []
    if gaps:
        yield f"The grid of {by} and {x} has gaps: {listed(gaps)}."

    for rivals in _rivals(conditions, by_step=x == STEP).values():
        sets = sorted({images_of(each.nets) for each in rivals})
        if len(sets) > 1:
            yield f"The conditions were tested on different images: {listed(sets)}."

    for each in conditions:
        own = set(each.nets.frame["seed"])
        if chosen_by := sorted(own.intersection(_choosing_seeds(networks, each))):
            yield (
                f"{each.name} is judged by the seeds {listed([*map(str, chosen_by)])}, which chose "
                f"its settings (stage {TUNING}): train it on other seeds."
            )

    tried = dict(_candidates(networks, conditions))
    if tried and max(tried.values()) > UNEQUAL * min(tried.values()):
        counts = [f"{count} of {name}" for name, count in tried.items()]
        yield f"The conditions were not tuned alike; candidates: {listed(counts)}."


def _choosing_seeds(networks: pd.DataFrame, condition: Condition) -> set[int]:
    """The seeds of candidates that are of the arm of a condition, or have its settings."""
    if "stage" not in networks:
        return set()

    candidates = networks[networks["stage"] == TUNING]
    own = condition.nets.frame.iloc[0]
    settings = [column for column in map(str, networks) if column.startswith(TRAINED_SETTINGS)]
    same = candidates[settings].eq(own[settings]) | (
        candidates[settings].isna() & own[settings].isna()
    )
    is_own = same.all(axis=1)

    if isinstance(own.get("arm"), str):
        is_own |= candidates["arm"] == own["arm"]

    return set(candidates[is_own]["seed"])


def images_of(nets: Runs) -> str:
    """What a condition was tested on: data set, classes, and images that were set apart."""
    first = nets.frame.iloc[0]
    restricted = [first.get("data.classes"), first.get("data.reserve")]
    parts = [first["data.name"], *(part for part in restricted if not _is_missing(part))]

    return " ".join(map(as_text, parts))


def _gaps(conditions: Sequence[Condition]) -> list[str]:
    """The pairs of group and x without a condition: `256x256 and 0.5`."""
    filled = {(each.group, each.x) for each in conditions}
    groups = sorted({each.group for each in conditions}, key=rank)
    positions = sorted({each.x for each in conditions}, key=rank)

    return [
        f"{as_text(group)} and {as_text(x)}"
        for group in groups
        for x in positions
        if (group, x) not in filled
    ]


def _candidates(
    networks: pd.DataFrame, conditions: Sequence[Condition]
) -> Iterator[tuple[str, int]]:
    """How many candidates were tried for each condition, in all searches."""
    if "arm" not in networks or "candidate" not in networks:
        return

    tuning = per_arm(networks[networks["stage"] == TUNING])
    # Numbers begin anew in each search; a row that is there twice counts once.
    tried = tuning.groupby("arm")["digest"].nunique()

    for each in conditions:
        arm = each.nets.frame.iloc[0].get("arm")
        yield each.name, int(tried.get(arm, 0))


def _name(nets: Runs) -> str:
    """The name of a condition, after that of its arm if it has one."""
    first = nets.frame.iloc[0]
    arm = first.get("arm")
    name = str(first["condition"])

    return f"{arm}, {name}" if isinstance(arm, str) else name


def _cell(nets: Runs, column: str) -> Any:
    """The value of a column, the same for all networks of a condition; None if it has none."""
    value = nets.frame.iloc[0][column] if column else None
    if _is_missing(value):
        return None

    return value.item() if isinstance(value, np.generic) else value  # a number of Python


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def rank(value: Any) -> tuple[Any, ...]:
    """A key that puts numbers in their order, and text by the numbers in it.

    >>> sorted(["256x256", "64x64", "none", 0.5, 0.2], key=rank)
    [0.2, 0.5, 'none', '64x64', '256x256']
    """
    if isinstance(value, int | float):
        return (0, float(value))

    numbers = [int(digits) for digits in re.findall(r"\d+", str(value))]

    return (1, numbers, str(value))


def as_text(value: Any) -> str:
    """A cell as one types it: whole numbers without a point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def listed(names: Sequence[str]) -> str:
    """Names with commas, or semicolons if they have commas; the first of them if they are many."""
    more = len(names) - MOST_LISTED
    separator = "; " if any("," in name for name in names) else ", "
    shown = separator.join(names[:MOST_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown
