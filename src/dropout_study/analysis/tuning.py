"""Choosing among the candidates of an arm, on validation data alone."""

from collections.abc import Iterable

import pandas as pd

from dropout_study.analysis.runs import ResultsMissing, Runs

VISIBLE_COLUMNS = ["digest", "candidate", "seed", "val/error"]
"""All that a choice may look at."""


def without_test(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a frame of results that a choice may look at."""
    return frame[VISIBLE_COLUMNS]


def select(frame: pd.DataFrame) -> str:
    """The digest of the candidate with the lowest mean validation error over common seeds.

    The first of several equal candidates is chosen.

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


def check_equal(runs: Runs, arms: Iterable[str]) -> None:
    """Refuse arms with different numbers of candidates.

    Raises:
        ResultsMissing: an arm has fewer candidates than another; it is named.
    """
    counts = {arm: len(candidates(runs, arm)) for arm in arms}
    most = max(counts.values())

    if fewer := [f"{arm} ({count})" for arm, count in counts.items() if count < most]:
        raise ResultsMissing(f"some arms have fewer candidates than {most}: {', '.join(fewer)}")
