"""The nets of the study `enumerable` taken together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Errors, ResultsMissing, Runs, common

NONLINEAR = ("relu", "tanh", "sigmoid")
"""Arms with nonlinear hidden units."""


def nonlinear(runs: Runs) -> list[Runs]:
    """The conditions with nonlinear hidden units.

    Raises:
        ResultsMissing: there is none.
    """
    chosen = Runs(runs.frame[runs.frame["arm"].isin(NONLINEAR)], runs.values).conditions()
    if not chosen:
        raise ResultsMissing(f"there are no results with arm={' or '.join(NONLINEAR)}")

    return chosen


def deep(runs: Runs) -> list[Runs]:
    """The nonlinear conditions with two hidden layers: the first masks precede a nonlinearity.

    Raises:
        ResultsMissing: there is none.
    """
    chosen = [net for net in nonlinear(runs) if is_deep(net)]
    if not chosen:
        raise ResultsMissing("there are no results of two hidden layers")

    return chosen


def is_deep(net: Runs) -> bool:
    """Whether the nets of a condition have two hidden layers."""
    return "x" in str(net.frame["model.widths"].iloc[0])


def named(nets: Sequence[Runs]) -> dict[str, Runs]:
    """Conditions by activation and widths: `relu 8x8` -> networks."""
    return {f"{net.frame['arm'].iloc[0]} {net.frame['model.widths'].iloc[0]}": net for net in nets}


def mean_errors(nets: Sequence[Errors]) -> Errors:
    """The mean error of several conditions over their common seeds, overall and per image.

    >>> relu = Errors(pd.Series({0: 50.0}), {0: np.array([1.0, 0.0])})
    >>> tanh = Errors(pd.Series({0: 0.0}), {0: np.array([0.0, 0.0])})
    >>> mean_errors([relu, tanh]).percent.to_dict()
    {0: 25.0}

    Raises:
        ResultsMissing: there is no common seed.
    """
    percent = mean_over([net.percent for net in nets])
    wrong = {int(seed): _mean_image(nets, int(seed)) for seed in percent.index}

    return Errors(percent, wrong)


def _mean_image(nets: Sequence[Errors], seed: int) -> np.ndarray:
    return np.asarray(np.mean([net.wrong[seed] for net in nets], axis=0))


def mean_over(nets: "Sequence[pd.Series[float]]") -> "pd.Series[float]":
    """The mean of a measure over several conditions, by seed, over their common seeds.

    Raises:
        ResultsMissing: there is no common seed.
    """
    seeds = common(*nets)
    means = [float(np.mean([net[seed] for net in nets])) for seed in seeds]

    return pd.Series(means, index=seeds)
