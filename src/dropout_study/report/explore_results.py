"""What the page to play with shows of the results: error against what a study varies."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from dropout_study.analysis.arms import arms_of
from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.list_columns import CURVE, steps_of
from dropout_study.claims import STUDIES
from dropout_study.config.folder import command
from dropout_study.config.names import FINAL
from dropout_study.config.studies import Study
from dropout_study.measures.statistics import interval, range_of

FIRST = ("capacity", "dataset_size", "mc_samples", "reference", "regularizers")
"""The studies that the page offers first."""
METRICS = {"error": "test error (%)", "nll": "NLL (nats)"}
METRICS_OF_AUTOENCODERS = {
    "error": "mean squared difference of pixels",
    "nll": "cross-entropy of an image (nats)",
}
RULES = {
    "weight_scaling": "weight scaling",
    "monte_carlo": "Monte-Carlo mean",
    "geometric": "geometric mean of sampled masks",
    "exact_arithmetic": "arithmetic mean of all masks",
    "exact_geometric": "geometric mean of all masks",
}
CURVES = {"masks": ("blocks", "masks that are averaged"), "members": ("bag", "networks of a bag")}
"""Axis -> the curve of errors along it, and its name."""
ALL_CLASSES = "none"
"""Of `data.classes` in a table of results: no choice of classes."""
FEW = 4
"""Below this number of seeds each is shown instead of an interval."""
DIGITS = 5
"""Significant digits of an error on the page."""

Point = dict[str, Any]


@dataclass(frozen=True)
class Factor:
    """What conditions may differ in.

    Attributes:
        key: names it.
        value: of a network, from its row; None if it has none.
        words: a value in words, such as `rate 0.5`.
        label: of an axis; empty if it is none.
        scale: of the axis.
    """

    key: str
    value: Callable[[Mapping[str, Any]], Any]
    words: str
    label: str = ""
    scale: str = "log"


def _setting(column: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: None if pd.isna(value := row.get(column)) else value


def _widths(row: Mapping[str, Any]) -> list[int]:
    """Units of each hidden layer."""
    text = row.get("model.widths")
    return [int(float(width)) for width in str(text).split("x")] if pd.notna(text) else []


def _width(row: Mapping[str, Any]) -> int | None:
    """Units in each hidden layer, if all have as many."""
    widths = set(_widths(row))
    return widths.pop() if len(widths) == 1 else None


def _examples(row: Mapping[str, Any]) -> int | None:
    """Training examples; none where classes are chosen, which set their number."""
    is_choice = row.get("data.classes", ALL_CLASSES) != ALL_CLASSES
    return None if is_choice else _setting("data.train_size")(row)


FACTORS = (
    Factor("width", _width, "{:g} units", "units in each hidden layer"),
    Factor("examples", _examples, "n {:g}", "training examples"),
    Factor(
        "rate",
        _setting("model.hidden_rate"),
        "rate {:g}",
        "rate: probability of dropping a hidden unit",
        "linear",
    ),
    Factor(
        "input rate",
        _setting("model.input_rate"),
        "input rate {:g}",
        "input rate: probability of dropping an input",
        "linear",
    ),
    Factor("layers", lambda row: len(_widths(row)) or None, "depth {:g}"),
    Factor("activation", _setting("model.activation"), "{}"),
    Factor("data", _setting("data.name"), "{}"),
    Factor("updates", _setting("budget.updates"), "{:g} updates"),
)


@dataclass
class Condition:
    """The networks of a condition.

    Attributes:
        name: of the condition.
        arm: its arm in the study; its name if it has none.
        networks: a row per seed.
        factors: key -> value.
        further: arms that have come to the same settings.
    """

    name: str
    arm: str
    networks: pd.DataFrame
    factors: dict[str, Any]
    further: Sequence[str] = ()

    @property
    def parts(self) -> list[str]:
        """The arm without its separators: `relu, [3, 8]` has two parts."""
        return re.split(r", (?![^\[]*\])", self.arm)


def shown_studies(networks: pd.DataFrame) -> list[dict[str, Any]]:
    """Every study of a claim as the page shows it; one without results has its command alone."""
    names = sorted(STUDIES, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return [_study(name, networks) for name in names]


def _study(name: str, networks: pd.DataFrame) -> dict[str, Any]:
    runs = _final(networks[networks["study"] == name]) if len(networks) else networks
    conditions = list(_conditions(runs)) if len(runs) else []
    views = list(_views(conditions))

    return {
        "name": name,
        "title": Study.load(name).content.get("title", name),
        "command": f"{command('reproduce')} 'studies=[{name}]'",
        "budget": str(runs["budget"].iloc[0]) if conditions else "",
        "runs": [
            {"condition": each.name, "seeds": sorted(map(int, each.networks["seed"]))}
            for each in conditions
        ],
        "views": views,
    }


def _final(runs: pd.DataFrame) -> pd.DataFrame:
    """The networks that decide, of the largest budget that there is."""
    final = runs[runs["stage"] == FINAL]
    largest = max(final["budget"], key=BUDGETS.index, default="")

    return final[final["budget"] == largest]


def _conditions(runs: pd.DataFrame) -> Iterator[Condition]:
    """The conditions, ordered by what they may differ in."""
    found = []

    for _, networks in runs.groupby("digest", sort=True):
        row = cast("Mapping[str, Any]", networks.iloc[0])
        name = str(row["condition"])
        arms = arms_of(row) or [name]
        factors = {factor.key: factor.value(row) for factor in FACTORS}
        found.append(Condition(name, arms[0], networks, factors, arms[1:]))

    yield from sorted(found, key=_order)


def _order(condition: Condition) -> tuple[Any, ...]:
    """By the factors that have an axis; a condition without one comes first."""
    values = [condition.factors[factor.key] for factor in FACTORS if factor.label]
    places = [-1.0 if value is None else float(value) for value in values]

    return (*places, condition.arm, condition.name)


def _views(conditions: Sequence[Condition]) -> Iterator[dict[str, Any]]:
    """What can be shown of a study: an axis and a measure each, with the lines."""
    for factor in FACTORS:
        having = [each for each in conditions if each.factors[factor.key] is not None]

        if factor.label and having:
            names = line_names(having, [each.factors[factor.key] for each in having])
            if len(set(names)) < len(having):  # some line has two points
                yield from _along(factor, having, names, conditions)

    for axis, (curve, label) in CURVES.items():
        yield from _along_curves(axis, curve, label, conditions)

    if conditions:
        yield from _side_by_side(conditions)


def line_names(conditions: Sequence[Condition], places: Sequence[Any]) -> list[str]:
    """The line that each condition belongs to, when they are drawn along an axis.

    Of the parts of the arms, those are left out that the axis shows. What else sets apart two
    conditions at one place is added. Arms of different parts, such as `hidden 0.5` and `input 0.2,
    hidden 0.5`, are left out where settings set all conditions apart.

    Args:
        conditions: at least one.
        places: of each on the axis.
    """
    if len({len(condition.parts) for condition in conditions}) > 1:
        names = _with_settings([""] * len(conditions), conditions, places)
        if all(names) and len(set(zip(names, places, strict=True))) == len(conditions):
            return names

    names = _with_settings(_arms_without(conditions, places), conditions, places)

    return [name or conditions[0].arm for name in names]


def _with_settings(
    names: list[str], conditions: Sequence[Condition], places: Sequence[Any]
) -> list[str]:
    """Names of lines with the settings that set apart two conditions at one place."""
    for factor in FACTORS:
        values = [condition.factors[factor.key] for condition in conditions]

        if values != list(places) and _sets_apart(values, names, places):
            words = ["" if value is None else factor.words.format(value) for value in values]
            names = [", ".join(filter(None, each)) for each in zip(names, words, strict=True)]

    return names


def _arms_without(conditions: Sequence[Condition], places: Sequence[Any]) -> list[str]:
    """The arms, without those of their parts that say no more than the place on the axis."""
    parts = [condition.parts for condition in conditions]
    if len(set(map(len, parts))) > 1:
        parts = [[condition.arm] for condition in conditions]

    shown = [i for i, part in enumerate(zip(*parts, strict=True)) if not _follows(part, places)]

    return [", ".join(each[i] for i in shown) for each in parts]


def _sets_apart(values: Sequence[Any], names: Sequence[str], places: Sequence[Any]) -> bool:
    """Whether a factor differs among conditions of one line at one place."""
    points = list(zip(names, places, strict=True))
    return len(set(zip(values, points, strict=True))) > len(set(points))


def _follows(values: Sequence[str], places: Sequence[Any]) -> bool:
    """Whether a part of the arms says no more than the place on the axis does."""
    return len(set(zip(values, places, strict=True))) == len(set(places))


def _along(
    factor: Factor,
    having: Sequence[Condition],
    names: Sequence[str],
    conditions: Sequence[Condition],
) -> Iterator[dict[str, Any]]:
    """Error against a setting, for every measure."""
    for measure, label, columns in _measures(having):
        lines: dict[str, list[Point]] = {}

        for condition, name in zip(having, names, strict=True):
            for rule, column in columns.items():
                line = ", ".join(filter(None, [name, rule if len(columns) > 1 else ""]))
                run = conditions.index(condition)
                lines.setdefault(line, []).extend(
                    _points(condition, column, condition.factors[factor.key], run)
                )

        yield _view(factor.key, factor.label, factor.scale, measure, label, lines)


def _along_curves(
    axis: str, curve: str, label: str, conditions: Sequence[Condition]
) -> Iterator[dict[str, Any]]:
    """Error against the number of masks or networks that are averaged; beside it, one pass."""
    having = [c for c in conditions if _has_curve(c, curve)]
    if not having:
        return

    names = line_names(having, [0] * len(having))

    for metric, words in METRICS.items():
        lines: dict[str, list[Point]] = {}

        for condition, name in zip(having, names, strict=True):
            run = conditions.index(condition)
            averaged = list(_curve_points(condition, f"{curve}/{metric}", run))
            scaled = f"test/{metric}/weight_scaling"
            flat = [p for each in averaged for p in _points(condition, scaled, each["x"], run)]
            lines[f"{name}, k {axis}"] = averaged

            if axis == "masks":
                lines[f"{name}, weight scaling"] = flat

        yield _view(axis, label, "log", metric, words, lines)


def _has_curve(condition: Condition, curve: str) -> bool:
    column = f"{CURVE}{curve}/error"
    return column in condition.networks and bool(condition.networks[column].notna().all())


def _side_by_side(conditions: Sequence[Condition]) -> Iterator[dict[str, Any]]:
    """Errors of all conditions below each other, for every measure."""
    places = _short_names(conditions)

    for measure, label, columns in _measures(conditions):
        lines: dict[str, list[Point]] = {}

        for run, (condition, place) in enumerate(zip(conditions, places, strict=True)):
            for rule, column in columns.items():
                lines.setdefault(rule, []).extend(_points(condition, column, place, run))

        yield _view("arm", "conditions side by side", "words", measure, label, lines)


def _short_names(conditions: Sequence[Condition]) -> list[str]:
    """The arms, if they differ; else the names, without what all of them share."""
    arms = [" = ".join([condition.arm, *condition.further]) for condition in conditions]
    if len(set(arms)) == len(arms):
        return arms

    parts = [condition.name.split(", ") for condition in conditions]
    shared = set.intersection(*map(set, parts))
    short = [", ".join(part for part in each if part not in shared) for each in parts]

    return short if len(set(short)) == len(short) else [each.name for each in conditions]


def _measures(conditions: Sequence[Condition]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Key and label of each measure, with its columns by rule; all rules of a metric together."""
    for metric, words in _metrics(conditions).items():
        columns = {
            name: f"test/{metric}/{rule}"
            for rule, name in RULES.items()
            if any(_has(condition, f"test/{metric}/{rule}") for condition in conditions)
        }

        for name, column in columns.items():
            yield f"{metric}/{name}", f"{words}, {name}", {name: column}

        if len(columns) > 1:
            yield metric, f"{words}, all rules", columns


def _metrics(conditions: Sequence[Condition]) -> dict[str, str]:
    """Metric -> what it is for these networks, in words."""
    names = set(conditions[0].networks["model.name"])
    return METRICS_OF_AUTOENCODERS if names == {"autoencoder"} else METRICS


def _has(condition: Condition, column: str) -> bool:
    return column in condition.networks and bool(condition.networks[column].notna().any())


def _points(condition: Condition, column: str, x: Any, run: int) -> Iterator[Point]:
    """The point of a condition; none if it was not measured."""
    if _has(condition, column):
        values = condition.networks[column].dropna().astype(float).tolist()
        yield _point(x, values, column, run)


def _curve_points(condition: Condition, key: str, run: int) -> Iterator[Point]:
    """The points of the curves of a condition, at the steps that all networks have."""
    column = f"{CURVE}{key}"
    curves = [
        dict(zip(steps, values, strict=True))
        for steps, values in zip(
            condition.networks[steps_of(column)], condition.networks[column], strict=True
        )
    ]

    for step in sorted(set.intersection(*map(set, curves))):
        yield _point(int(step), [float(curve[step]) for curve in curves], key, run)


def _point(x: Any, values: Sequence[float], key: str, run: int) -> Point:
    """Mean and interval of a condition; below four seeds the value of each."""
    ci = interval(values).within(range_of(key))
    point: Point = {"x": x.item() if hasattr(x, "item") else x, "run": run, "mean": _short(ci.mean)}

    if len(values) < FEW:
        return point | {"values": list(map(_short, values))}

    return point | {"low": _short(ci.low), "high": _short(ci.high)}


def _view(
    axis: str, label: str, scale: str, measure: str, words: str, lines: Mapping[str, list[Point]]
) -> dict[str, Any]:
    shown = [
        {"name": name, "points": _in_order(points, scale)}
        for name, points in lines.items()
        if points
    ]

    return {
        "axis": axis,
        "label": label,
        "scale": scale,
        "measure": measure,
        "words": words,
        "lines": shown,
    }


def _in_order(points: list[Point], scale: str) -> list[Point]:
    """Along the axis; places that are words stay as they are."""
    return points if scale == "words" else sorted(points, key=lambda point: float(point["x"]))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
