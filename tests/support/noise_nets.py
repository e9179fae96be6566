"""Nets of the study `noise` that tests make up: one per arm."""

from collections.abc import Mapping

from dropout_study.analysis.runs import Runs
from support.rows import misclassified, row, runs

IMAGES = 10


def noise_nets(errors: Mapping[str, int]) -> dict[str, Runs]:
    """The study with one net per arm.

    Args:
        errors: arm -> how many of ten images its net misclassifies.
    """
    nets = (
        row(
            arm,
            100,
            misclassified("weight_scaling", [1] * wrong + [0] * (IMAGES - wrong)),
            {"test/nll/weight_scaling": 0.5, "optimizer.lr": 0.004},
        )
        for arm, wrong in errors.items()
    )

    return {"noise": runs(*nets)}
