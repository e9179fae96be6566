"""Regularizers besides dropout: terms of the loss, and the max-norm constraint."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.config.schema import Regularizer


def penalty(
    regularizer: Regularizer, weights: Sequence[Tensor], hidden: Sequence[Tensor]
) -> Tensor | float:
    """What the regularizers add to each network's loss, `[R]`.

    l2 and l1 times the sum of squares and of absolute values of all weights (biases are free);
    sparsity times the absolute activation of a hidden unit, summed over units and averaged over the
    batch.
    """
    total: Tensor | float = 0.0

    if regularizer.l2:
        total = total + regularizer.l2 * sum(w.square().flatten(1).sum(1) for w in weights)

    if regularizer.l1:
        total = total + regularizer.l1 * sum(w.abs().flatten(1).sum(1) for w in weights)

    if regularizer.sparsity:
        total = total + regularizer.sparsity * sum(
            h.abs().flatten(2).sum(-1).mean(-1) for h in hidden
        )

    return total


def project(weight: Tensor, axes: tuple[int, ...], limit: float) -> None:
    """Shrink, in place, the incoming weights of every unit to a Euclidean norm of at most `limit`."""
    norm = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
    weight.mul_(limit / norm.clamp_min(limit))
