"""A few hand-made networks as claims read them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Runs
from dropout_study.tracking.packing import pack, pack_curve

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
    return {f"test/error/{rule}": 100 * float(np.mean(shares)), f"wrong/{rule}": pack(shares)}


def curve(name: str, points: Mapping[int, float]) -> Columns:
    """A curve with its last point, as the store has validation curves."""
    last = points[max(points)]
    return {f"curve/{name}": pack_curve(list(points.items())), name: last}
