"""An ensemble of subnetworks: the two means of their predictions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Bytes of the logits of one chunk; a few such tensors are alive together. Small chunks stay near
# the cache, but the C library does not give freed ones below 32 MiB back.
CHUNK_BYTES = 48 * 2**20


@dataclass(frozen=True)
class Ensemble:
    """Log-probabilities of the two means of subnetworks, `[..., R, N, C]`.

    Attributes:
        arithmetic: log of the mean probability (7.53).
        geometric: the renormalized geometric mean of the probabilities (7.54, 7.55).
    """

    arithmetic: Tensor
    geometric: Tensor


def widen(values: Tensor) -> Tensor:
    """The values in float32 at least: a long sum in half precision stops growing."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def means(samples: Iterable[Tensor], counts: Sequence[int]) -> Ensemble:
    """Both means of the first k samples, for each k of `counts`.

    Args:
        samples: log-probabilities `[..., N, C]`, one tensor per subnetwork.
        counts: numbers of samples k, ascending.

    Returns:
        Estimates `[K, ..., N, C]`.

    Raises:
        ValueError: `counts` are not ascending from 1 on, or there are fewer samples than the last.

    Example:
        >>> samples = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]]).log()
        >>> ensemble = means(samples, counts=[1, 2])
        >>> [round(p, 3) for p in ensemble.arithmetic[1, 0].exp().tolist()]
        [0.7, 0.3]
        >>> [round(p, 3) for p in ensemble.geometric[1, 0].exp().tolist()]
        [0.75, 0.25]
    """
    counts = list(counts)
    if not counts or counts != sorted(set(counts)) or counts[0] < 1:
        raise ValueError(f"counts={counts}: give distinct numbers in ascending order, from 1 on")

    arithmetic = []
    geometric = []
    total = torch.zeros(())
    log_total = torch.full((), -math.inf)

    for k, log_probs in enumerate(map(widen, samples), start=1):
        total = total + log_probs
        log_total = torch.logaddexp(log_total.to(log_probs), log_probs)

        if k in counts:
            arithmetic.append(log_total - math.log(k))
            geometric.append((total / k).log_softmax(-1))

    if len(arithmetic) < len(counts):
        raise ValueError(f"counts={counts}: there are fewer than {counts[-1]} samples")

    return Ensemble(torch.stack(arithmetic), torch.stack(geometric))
