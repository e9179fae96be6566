"""A few hand-made networks as claims read them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Runs

Columns = dict[str, object]


def row(arm: str, seed: int, *columns: Columns) -> Columns:
    """One network; its arm stands for its condition."""
    network: Columns = {"arm": arm, "digest": arm, "condition": arm, "seed": seed}

    for more in columns:
        network |= more

    return network


def runs(*rows: Columns, **values: object) -> Runs:
    """Networks of one study and the values of its configuration."""
    return Runs(pd.DataFrame(list(rows)), values)


def misclassified(rule: str, shares: Sequence[float]) -> Columns:
    """Test error under a rule, from the share of misclassifications of each image."""
    wrong = np.array(shares, dtype=float)
    return {f"test/error/{rule}": 100 * float(wrong.mean()), f"wrong/{rule}": wrong}


def curve(name: str, points: Mapping[int, float]) -> Columns:
    """A curve with its last point, as the store has validation curves."""
    last = points[max(points)]
    return {f"curve/{name}": list(points.values()), f"steps/{name}": list(points), name: last}
