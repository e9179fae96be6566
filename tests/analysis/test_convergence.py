"""Whether training was long enough: flat curves prove nothing, longer runs do."""

import pandas as pd

from dropout_study.analysis.convergence import warnings
from dropout_study.analysis.runs import Runs
from support.tables import curve_columns


def networks(
    study: str, updates: int, errors: list[float], curve: str, rate: float = 0.5
) -> pd.DataFrame:
    """Networks of one condition, a seed for each validation error."""
    return pd.DataFrame(
        {
            "study": study,
            "seed": range(len(errors)),
            "budget.updates": updates,
            "model.hidden_rate": rate,
            "regularizer.l2": float("nan"),
            "val/error": errors,
        }
        | curve_columns("val/error", [curve] * len(errors))
    )


SHORT = networks("dataset_size", 100, [2.0, 2.2], "50:4 90:2.1 100:2.1")


def lines(*longer: pd.DataFrame, short: pd.DataFrame = SHORT) -> list[str]:
    """The warnings about the short runs."""
    return warnings({"dropout": Runs(short, {})}, pd.concat([short, *longer], ignore_index=True))


def test_a_curve_that_falls_to_the_end_is_reported() -> None:
    """If this failed, a verdict would rest on nets in the middle of training and not say so."""
    assert lines() == []
    falling = networks("dataset_size", 100, [2.0, 2.2], "50:4 90:2.5 100:2.1")
    assert lines(short=falling) == [
        "dropout: validation error still fell over the last tenth of the updates"
    ]


def test_a_longer_run_of_the_same_net_is_compared_seed_by_seed() -> None:
    """If this failed, a schedule that ends at rate zero would make every budget look long enough.

    Seeds 0 and 1 gain 0.4 and 0.2; seed 2 has no partner.
    """
    longer = networks("capacity", 200, [1.6, 2.0, 0.0], "200:1.8")
    assert lines(longer) == [
        "dropout: with 200 updates (study capacity) the validation error is 0.30 points lower"
    ]


def test_other_nets_shorter_runs_and_small_gains_say_nothing() -> None:
    """If this failed, a verdict would be doubted for what another net does, or for noise."""
    another = networks("capacity", 200, [1.0, 1.0], "200:1", rate=0.2)
    penalized = networks("regularizers", 200, [1.0, 1.0], "200:1").assign(
        **{"regularizer.l2": 1e-4}
    )
    shorter = networks("capacity", 50, [1.0, 1.0], "50:1")
    small = networks("capacity", 200, [1.95, 2.15], "200:2")
    assert lines(another, penalized, shorter, small) == []
