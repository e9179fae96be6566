"""Hand-made results of the studies `reference` and `units`, which evaluates its networks."""

from collections.abc import Mapping, Sequence

from dropout_study.analysis.runs import Runs
from support.rows import Columns, curve, row, runs

ARMS = ("none", "hidden 0.2", "hidden 0.5")
SEEDS = (100, 101)


def reference(val_error: float = 2.0) -> Runs:
    """Trained nets of all arms with one validation error."""
    nets = [row(arm, seed, curve("val/error", {10: val_error})) for arm in ARMS for seed in SEEDS]
    return runs(*nets, gate=5)


def studies(measured: Mapping[str, Sequence[Columns]], val_error: float = 2.0) -> dict[str, Runs]:
    """Both studies: arm -> what was measured on the net of each seed."""
    nets = [
        row(arm, seed, columns)
        for arm, by_seed in measured.items()
        for seed, columns in zip(SEEDS, by_seed, strict=True)
    ]
    return {"units": runs(*nets), "reference": reference(val_error)}
