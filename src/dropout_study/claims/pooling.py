"""The nets of the study `enumerable` taken together."""

import numpy as np

from dropout_study.results import Effect, Missing, Runs

NONLINEAR = ("relu", "tanh", "sigmoid")


def conditions(runs: Runs) -> list[Runs]:
    """The runs of each condition."""
    return [Runs(frame, runs.values) for _, frame in runs.frame.sort_values("seed").groupby("digest", sort=True)]


def nonlinear(runs: Runs) -> list[Runs]:
    """The conditions with nonlinear hidden units.

    Raises:
        Missing: there is none.
    """
    found = conditions(Runs(runs.frame[runs.frame["arm"].isin(NONLINEAR)], runs.values))
    if not found:
        raise Missing(f"there are no results with arm={' or '.join(NONLINEAR)}")
    return found


def deep(runs: Runs) -> list[Runs]:
    """Those of them with two hidden layers, where the masks of the first stand before a nonlinearity.

    Raises:
        Missing: there is none.
    """
    found = [same for same in nonlinear(runs) if "x" in str(same.frame["model.widths"].iloc[0])]
    if not found:
        raise Missing("there are no results of two hidden layers")
    return found


def averaged(effects: list[Effect]) -> Effect:
    """The mean effect of several conditions, by seed.

    The mean of their standard errors over images is never below that of the mean (they share the images).
    """
    seeds = min(len(effect.values) for effect in effects)
    values = np.mean([list(effect.values)[:seeds] for effect in effects], axis=0)
    errors = [effect.image_error for effect in effects if effect.image_error is not None]
    return Effect(values.tolist(), float(np.mean(errors)) if errors else None)
