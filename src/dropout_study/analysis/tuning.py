"""Choosing among the candidates of an arm, on validation data alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dropout_study.analysis.runs import ResultsMissing, Runs

VISIBLE_COLUMNS = ["digest", "candidate", "seed", "val/error"]
"""All that a choice may look at."""
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


def without_test(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a frame of results that a choice may look at."""
    return frame[VISIBLE_COLUMNS]


def select(frame: pd.DataFrame) -> str:
    """The digest of the candidate with the lowest mean validation error over common seeds.

    The first of several equal candidates is chosen. A network that diverged has an infinite error.

    >>> rows = [("a", 0, 0, 2.0), ("b", 1, 0, 1.5), ("b", 1, 1, 9.9)]
    >>> select(pd.DataFrame(rows, columns=VISIBLE_COLUMNS))
    'b'

    Args:
        frame: one row per network, with the columns `VISIBLE_COLUMNS` and no others.

    Raises:
        ValueError: the frame holds something else, such as test results.
        ResultsMissing: the candidates have no seed in common.
    """
    if hidden := sorted(set(map(str, frame)) - set(VISIBLE_COLUMNS)):
        raise ValueError(f"candidates are chosen on validation data, not on {', '.join(hidden)}")

    return str(_mean_errors(frame)["error"].idxmin())


def _mean_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """Number and mean validation error of each candidate, by digest, in order of the numbers."""
    by_seed = frame.pivot(index="seed", columns="digest", values="val/error").dropna()
    if not len(by_seed):
        raise ResultsMissing("the candidates have no seed in common")

    numbers = frame.groupby("digest")["candidate"].first()
    means = pd.DataFrame({"candidate": numbers, "error": by_seed.mean()})

    return means.sort_values("candidate", kind="stable")


def candidates(runs: Runs, arm: str) -> pd.DataFrame:
    """The candidates of an arm, by digest: `candidate` and mean validation `error` in percent.

    Raises:
        ResultsMissing: the arm has no results, or its candidates have no seed in common.
    """
    return _mean_errors(without_test(runs.where(arm=arm).frame))


def selected(runs: Runs, arm: str) -> Runs:
    """The networks of an arm's best candidate.

    Raises:
        ResultsMissing: the arm has no results, or its candidates have no seed in common.
    """
    networks = runs.where(arm=arm)
    return networks.where(digest=select(without_test(networks.frame)))


def check_equal(runs: Runs, arms: Iterable[str], initial: int | None = None) -> None:
    """Refuse arms with different numbers of candidates.

    Args:
        runs: the networks of the stage `tuning`.
        arms: those to compare.
        initial: how many candidates each arm begins with; those that extend an arm, whose numbers
            follow, are not counted. All are counted without it.

    Raises:
        ResultsMissing: an arm has fewer candidates than another; it is named.
    """
    counts = {arm: _count(candidates(runs, arm), initial) for arm in arms}
    most = max(counts.values())

    if fewer := [f"{arm} ({count})" for arm, count in counts.items() if count < most]:
        raise ResultsMissing(f"some arms have fewer candidates than {most}: {', '.join(fewer)}")


def _count(of_arm: pd.DataFrame, initial: int | None) -> int:
    """The number of candidates of an arm, of the first `initial` ones if that is given."""
    return len(of_arm) if initial is None else int((of_arm["candidate"] < initial).sum())
