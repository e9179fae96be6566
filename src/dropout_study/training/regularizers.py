"""Regularizers besides dropout: terms of the loss, and the max-norm constraint."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.config.schema import Regularizer

AT_LIMIT = 1e-3  # relative distance from the limit within which a norm counts as limited


def penalty(
    regularizer: Regularizer, weights: Sequence[Tensor], hidden: Sequence[Tensor]
) -> Tensor | float:
    """What the regularizers add to each network's loss, `[R]`, or 0.

    l2 sum w^2 + l1 sum |w| over all weights, without biases; and sparsity times the absolute
    activations, summed over hidden units and averaged over the batch.

    Args:
        regularizer: the factors.
        weights: of each layer, `[R, ...]`.
        hidden: activations of each hidden layer, `[R, N, ...]`.

    Example:
        >>> weights = [torch.tensor([[1.0, -2.0], [0.0, 3.0]])]
        >>> penalty(Regularizer(l2=0.5), weights, hidden=[]).tolist()
        [2.5, 4.5]
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
    """Shrink, in place, each unit's incoming weights to a Euclidean norm of at most `limit`.

    The max-norm constraint of Srivastava et al. (2014),
    https://jmlr.org/papers/v15/srivastava14a.html.

    Args:
        weight: of a layer, with or without a leading axis R.
        axes: negative axes of one unit's incoming weights (`Network.incoming`).
        limit: above 0.

    Example:
        >>> weight = torch.tensor([[3.0, 0.3], [4.0, 0.4]])
        >>> project(weight, axes=(-2,), limit=1.0)
        >>> [round(norm, 2) for norm in weight.norm(dim=0).tolist()]
        [1.0, 0.5]
    """
    norm = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
    weight.mul_(limit / norm.clamp_min(limit))


def at_limit(weight: Tensor, axes: tuple[int, ...], limit: float) -> Tensor:
    """Whether each unit's incoming weights have the largest norm that max-norm allows, `[R, n]`.

    A constraint that no unit meets is none.

    Args:
        weight: of a layer with n units, `[R, ...]`.
        axes: negative axes of one unit's incoming weights (`Network.incoming`).
        limit: above 0.

    Example:
        >>> weight = torch.tensor([[[0.6, 0.3], [0.8, 0.4]]])
        >>> at_limit(weight, axes=(-2,), limit=1.0).tolist()
        [[True, False]]
    """
    limited: Tensor = torch.linalg.vector_norm(weight, dim=axes) >= (1 - AT_LIMIT) * limit

    return limited.flatten(1)
