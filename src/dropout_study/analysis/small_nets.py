"""The nets of the study `enumerable` taken together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Errors, ResultsMissing, Runs, common

NONLINEAR = ("relu", "tanh", "sigmoid")


def conditions(runs: Runs) -> list[Runs]:
    """The runs of each condition."""
    return [
        Runs(frame, runs.values)
        for _, frame in runs.frame.sort_values("seed").groupby("digest", sort=True)
    ]


def nonlinear(runs: Runs) -> list[Runs]:
    """The conditions with nonlinear hidden units.

    Raises:
        ResultsMissing: there is none.
    """
    found = conditions(Runs(runs.frame[runs.frame["arm"].isin(NONLINEAR)], runs.values))
    if not found:
        raise ResultsMissing(f"there are no results with arm={' or '.join(NONLINEAR)}")

    return found


def deep(runs: Runs) -> list[Runs]:
    """Those of them with two hidden layers, where the masks of the first stand before a nonlinearity.

    Raises:
        ResultsMissing: there is none.
    """
    found = [same for same in nonlinear(runs) if is_deep(same)]
    if not found:
        raise ResultsMissing("there are no results of two hidden layers")

    return found


def is_deep(same: Runs) -> bool:
    """Whether the nets of a condition have two hidden layers."""
    return "x" in str(same.frame["model.widths"].iloc[0])


def named(nets: Sequence[Runs]) -> dict[str, Runs]:
    """Conditions by activation and widths."""
    return {f"{net.frame['arm'].iloc[0]} {net.frame['model.widths'].iloc[0]}": net for net in nets}


def mean_errors(nets: Sequence[Errors]) -> Errors:
    """The error of several conditions taken as one, over the seeds that all have: mean percent, mean of each image."""
    percent = mean_over([net.percent for net in nets])
    return Errors(
        percent,
        {int(s): np.mean([net.wrong[int(s)] for net in nets], axis=0) for s in percent.index},
    )


def mean_over(nets: "Sequence[pd.Series[float]]") -> "pd.Series[float]":
    """The mean of a measure over several conditions, by seed, over the seeds that all have."""
    seeds = common(*nets)
    return pd.Series([float(np.mean([net[seed] for net in nets])) for seed in seeds], index=seeds)
