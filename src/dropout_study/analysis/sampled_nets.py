"""Nets with too many masks to enumerate, of which a pool was sampled."""

from dropout_study.analysis.claim import Studies
from dropout_study.analysis.runs import Errors, Runs

STUDIES = ("sampling", "mc_samples")
"""The nets of `reference`, and nets of other kinds."""


def sampled_nets(studies: Studies) -> dict[str, Runs]:
    """The nets of both studies by arm, as far as they are there."""
    nets: dict[str, Runs] = {}

    for name in STUDIES:
        if name in studies:
            nets |= studies[name].by("arm")

    return nets


def pool_errors(nets: Runs, mean: str) -> Errors:
    """Test errors of the arithmetic or geometric mean of the whole pool.

    Raises:
        ResultsMissing: they were not measured.
    """
    return Errors(nets.column(f"pool/error_{mean}"), nets.wrong(f"pool_{mean}"))


def pool_size(nets: Runs) -> int:
    """The number of sampled masks."""
    return int(nets.curve("blocks/error").index.max())
