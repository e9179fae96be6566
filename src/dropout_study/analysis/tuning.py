"""Errors that a choice is made by; whether it lies on an edge, and the next candidate then."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

STEP_DIGITS = 6
"""Significant digits of a value that is one step further out."""


@dataclass(frozen=True)
class Edge:
    """A choice on the edge of its candidates, none of which has a smaller (or a larger) value.

    Attributes:
        key: of the setting.
        value: the chosen one.
        low: the smallest value among the candidates.
        high: the largest.
    """

    key: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """In words: `optimizer.lr=0.008 of 0.0005 to 0.008`."""
        return f"{self.key}={self.value:g} of {self.low:g} to {self.high:g}"

    def step_out(self, factor: float) -> float:
        """The value one step further out.

        >>> Edge("optimizer.lr", 0.008, 0.0005, 0.008).step_out(2)
        0.016
        >>> Edge("optimizer.lr", 0.0005, 0.0005, 0.008).step_out(2)
        0.00025

        Args:
            factor: of one step, above 1.
        """
        is_lowest = self.value == self.low and self.value != 0
        value = self.value / factor if is_lowest else self.value * factor

        return float(f"{value:.{STEP_DIGITS}g}")


def find_edge(settings: pd.DataFrame, chosen: int, keys: Iterable[str]) -> Edge | None:
    """The first key of a choice that has no smaller or no larger value among the candidates.

    A value of 0 needs no smaller one: rates and coefficients end there.

    >>> rates = pd.DataFrame({"optimizer.lr": [0.001, 0.002, 0.004]})
    >>> str(find_edge(rates, 2, ["optimizer.lr"]))
    'optimizer.lr=0.004 of 0.001 to 0.004'
    >>> find_edge(rates, 1, ["optimizer.lr"]) is None
    True

    Args:
        settings: one row per candidate, by number; one column per key.
        chosen: the number of the candidate.
        keys: those that must not lie on an edge; keys that the arm does not tune are passed over.
    """
    for key in keys:
        if key not in settings:
            continue

        values = settings[key].astype(float)
        value = float(values[chosen])
        has_smaller = value == 0 or bool((values < value).any())
        has_larger = bool((values > value).any())

        if not (has_smaller and has_larger):
            return Edge(key, value, float(values.min()), float(values.max()))

    return None


def next_candidate(
    settings: pd.DataFrame, chosen: int, extend: Mapping[str, float]
) -> dict[str, Any] | None:
    """The settings of one further candidate: the choice, one step out; None if it is interior.

    >>> rates = pd.DataFrame({"optimizer.lr": [0.001, 0.002], "regularizer.l2": [0.1, 0.2]})
    >>> next_candidate(rates, 1, {"optimizer.lr": 2})
    {'optimizer.lr': 0.004, 'regularizer.l2': 0.2}

    Args:
        settings: one row per candidate, by number; one column per key.
        chosen: the number of the candidate.
        extend: key -> factor of one step.
    """
    edge = find_edge(settings, chosen, extend)
    if edge is None:
        return None

    values = dict(settings.astype(object).loc[chosen])

    return values | {edge.key: edge.step_out(extend[edge.key])}


def validation_errors(frame: pd.DataFrame) -> "pd.Series[float]":
    """Validation error of every network of a frame of results in percent; infinite if it diverged.

    >>> rows = [(2.0, None), (None, "diverged")]
    >>> validation_errors(pd.DataFrame(rows, columns=["val/error", "failure"])).tolist()
    [2.0, inf]
    """
    if "failure" not in frame:
        return frame["val/error"]

    return frame["val/error"].where(frame["failure"].isna(), math.inf)
