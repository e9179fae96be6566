"""Numbers of subnetworks: masks, masks that connect input and output, distinct functions."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from dropout_study.dropout.masks import enumerate_masks
from dropout_study.dropout.networks import MLP


def subnetworks(network: MLP) -> Iterator[dict[str, Tensor]]:
    """Yield all masks of a network's units, 0/1 per site `[1, units]`, whatever the rates."""
    sizes = [math.prod(site.shape) for site in network.sites]
    for row in enumerate_masks(sum(sizes)):
        parts = row.split(sizes)
        yield {
            site.name: part.unsqueeze(0) for site, part in zip(network.sites, parts, strict=True)
        }


def count_masks(network: MLP) -> int:
    """The number of masks: 2^n for n units.

    >>> count_masks(MLP(inputs=2, classes=1, widths=[2]))
    16
    """
    return sum(1 for _ in subnetworks(network))


def count_connected(network: MLP) -> int:
    """The number of masks with a path from an input to the output: every layer keeps a unit.

    >>> count_connected(MLP(inputs=2, classes=1, widths=[2]))
    9
    """
    return sum(all(bool(mask.any()) for mask in masks.values()) for masks in subnetworks(network))


@torch.no_grad()
def count_functions(network: MLP, inputs: Tensor) -> int:
    """The number of subnetworks that differ as functions, beyond rounding, on some inputs.

    A lower bound in general; exact for weights in general position and enough inputs.

    Args:
        network: with one output or more.
        inputs: `[N, D]`.

    Example:
        >>> network = MLP(inputs=1, classes=1, activation="identity").double()
        >>> network.initialize(seed=0)
        >>> count_functions(network, torch.ones(1, 1).double())  # with the input, and without
        2
    """
    outputs = torch.stack([network(inputs, masks).flatten() for masks in subnetworks(network)])
    return len(outputs.mul(1e9).round().unique(dim=0))
