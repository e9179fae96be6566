"""Choosing among the candidates of an arm, on validation data alone."""

from collections.abc import Iterable

import pandas as pd

from dropout_study.analysis.runs import ResultsMissing, Runs

SEEN = ["digest", "candidate", "seed", "val/error"]
"""All that a choice may look at."""


def without_test(frame: pd.DataFrame) -> pd.DataFrame:
    """Of a frame of results, what a choice may look at."""
    return frame[SEEN]


def select(frame: pd.DataFrame) -> str:
    """The digest of the candidate with the lowest mean validation error over the seeds that all candidates have.

    Of equal ones the first counts.

    Args:
        frame: a row for each network, with the columns `SEEN` and no others.

    Raises:
        ValueError: the frame holds something else, such as test results.
        ResultsMissing: the candidates have no seed in common.
    """
    if others := sorted(set(map(str, frame)) - set(SEEN)):
        raise ValueError(f"candidates are chosen on validation data, not on {', '.join(others)}")

    return str(_means(frame)["error"].idxmin())


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean validation error of each candidate, by digest, in the order of the candidates."""
    seeds = frame.pivot(index="seed", columns="digest", values="val/error").dropna()
    if not len(seeds):
        raise ResultsMissing("the candidates have no seed in common")

    numbers = frame.groupby("digest")["candidate"].first()

    return pd.DataFrame({"candidate": numbers, "error": seeds.mean()}).sort_values(
        "candidate", kind="stable"
    )


def candidates(runs: Runs, arm: str) -> pd.DataFrame:
    """The candidates of an arm, by digest: `candidate` and mean validation `error`."""
    return _means(without_test(runs.where(arm=arm).frame))


def selected(runs: Runs, arm: str) -> Runs:
    """The networks of an arm's best candidate."""
    of_arm = runs.where(arm=arm)
    return of_arm.where(digest=select(without_test(of_arm.frame)))


def check_equal(runs: Runs, arms: Iterable[str]) -> None:
    """Refuse arms that were not tuned alike.

    Raises:
        ResultsMissing: an arm has fewer candidates than another; it is named.
    """
    counts = {arm: len(candidates(runs, arm)) for arm in arms}
    if behind := [
        f"{arm} ({count})" for arm, count in counts.items() if count < max(counts.values())
    ]:
        raise ResultsMissing(
            f"some arms have fewer candidates than {max(counts.values())}: {', '.join(behind)}"
        )
