"""Regularizers besides dropout: terms of the loss, and the max-norm constraint."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dropout_study.config.schema import Regularizer

AT_LIMIT = 1e-3  # relative distance from the limit within which a norm counts as limited


@dataclass(frozen=True)
class Strengths:
    """How strongly each network of a cohort is regularized.

    Attributes:
        l2: factor of the sum of squared weights, `[R]`; None if no network has this term.
        l1: factor of the sum of absolute weights, likewise.
        sparsity: factor of the absolute activations, likewise.
        max_norm: largest norm of the incoming weights of a unit, `[R]` for each layer; empty if no
            network is limited.
    """

    l2: Tensor | None
    l1: Tensor | None
    sparsity: Tensor | None
    max_norm: list[Tensor]

    @classmethod
    def of(cls, regularizers: Sequence[Regularizer], layers: int) -> "Strengths":
        """The strengths of R networks, float64, on the CPU.

        Args:
            regularizers: one per network; all limit the norms, or none does.
            layers: number of layers with weights.

        Example:
            >>> strengths = Strengths.of([Regularizer(l2=0.5), Regularizer()], layers=2)
            >>> strengths.l2.tolist(), strengths.l1
            ([0.5, 0.0], None)
        """
        limits = [
            own.max_norm * layers if len(own.max_norm) == 1 else own.max_norm
            for own in regularizers
        ]

        return cls(
            _factors([own.l2 for own in regularizers]),
            _factors([own.l1 for own in regularizers]),
            _factors([own.sparsity for own in regularizers]),
            [torch.tensor(of_layer, dtype=torch.float64) for of_layer in zip(*limits, strict=True)],
        )

    def to(self, like: Tensor) -> "Strengths":
        """The same with the type, and on the device, of another tensor."""
        l2, l1, sparsity = (
            None if factors is None else factors.to(like)
            for factors in (self.l2, self.l1, self.sparsity)
        )
        return Strengths(l2, l1, sparsity, [limits.to(like) for limits in self.max_norm])


def _factors(values: Sequence[float]) -> Tensor | None:
    return torch.tensor(values, dtype=torch.float64) if any(values) else None


def penalty(
    strengths: Strengths, weights: Sequence[Tensor], hidden: Sequence[Tensor]
) -> Tensor | float:
    """What the regularizers add to each network's loss, `[R]`, or 0.

    l2 sum w^2 + l1 sum |w| over all weights, without biases; and sparsity times the absolute
    activations, summed over hidden units and averaged over the batch.

    Args:
        strengths: the factors.
        weights: of each layer, `[R, ...]`.
        hidden: activations of each hidden layer, `[R, N, ...]`.

    Example:
        >>> weights = [torch.tensor([[1.0, -2.0], [0.0, 3.0]])]
        >>> strengths = Strengths.of([Regularizer(l2=0.5), Regularizer(l2=0.1)], layers=1)
        >>> [round(value, 2) for value in penalty(strengths, weights, hidden=[]).tolist()]
        [2.5, 0.9]
    """
    total: Tensor | float = 0.0

    if strengths.l2 is not None:
        total = total + strengths.l2 * sum(w.square().flatten(1).sum(1) for w in weights)

    if strengths.l1 is not None:
        total = total + strengths.l1 * sum(w.abs().flatten(1).sum(1) for w in weights)

    if strengths.sparsity is not None:
        total = total + strengths.sparsity * sum(
            h.abs().flatten(2).sum(-1).mean(-1) for h in hidden
        )

    return total


def project(weight: Tensor, axes: tuple[int, ...], limits: Tensor) -> None:
    """Shrink, in place, each unit's incoming weights to a Euclidean norm of at most its limit.

    The max-norm constraint of Srivastava et al. (2014),
    https://jmlr.org/papers/v15/srivastava14a.html.

    Args:
        weight: of a layer, `[R, ...]`.
        axes: negative axes of one unit's incoming weights (`Network.incoming`).
        limits: of each network, above 0, `[R]`.

    Example:
        >>> weight = torch.tensor([[[3.0, 0.3], [4.0, 0.4]]])
        >>> project(weight, axes=(-2,), limits=torch.tensor([1.0]))
        >>> [round(norm, 2) for norm in weight.norm(dim=1).flatten().tolist()]
        [1.0, 0.5]
    """
    norm = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
    limits = _beside(limits, weight)
    weight.mul_(limits / norm.maximum(limits))  # exactly 1 below the limit


def at_limit(weight: Tensor, axes: tuple[int, ...], limits: Tensor) -> Tensor:
    """Whether each unit's incoming weights have the largest norm that max-norm allows, `[R, n]`.

    A constraint that no unit meets is none.

    Args:
        weight: of a layer with n units, `[R, ...]`.
        axes: negative axes of one unit's incoming weights (`Network.incoming`).
        limits: of each network, above 0, `[R]`.

    Example:
        >>> weight = torch.tensor([[[0.6, 0.3], [0.8, 0.4]]])
        >>> at_limit(weight, axes=(-2,), limits=torch.tensor([1.0])).tolist()
        [[True, False]]
    """
    norm = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
    limited: Tensor = norm >= (1 - AT_LIMIT) * _beside(limits, weight)

    return limited.flatten(1)


def _beside(values: Tensor, weight: Tensor) -> Tensor:
    """Values `[R]` with as many axes as a weight `[R, ...]`."""
    return values.view(-1, *[1] * (weight.dim() - 1))
