"""Dropout masks: where they apply, how likely a unit is kept, and how they are drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from dropout_study.dropout.randomness import Purpose, stream

LEVELS = 2**16  # a unit's fate is decided by 16 random bits

Masks = Mapping[str, Tensor]
"""Site name -> factors `[..., *site.shape]`, each 0 (dropped) or 1/keep; a site that is absent drops nothing."""


def threshold(rate: float) -> int:
    """How many of the 2^16 random levels keep a unit that is dropped with probability `rate` in (0, 1)."""
    return min(max(round((1 - rate) * LEVELS), 1), LEVELS - 1)


@dataclass(frozen=True)
class Site:
    """A place in a network where a mask applies.

    Attributes:
        name: `input`, or the name of a hidden layer.
        shape: shape of the units of one example.
        rate: probability of DROPPING a unit, in [0, 1); 0 is the identity: no mask is drawn at all.
    """

    name: str
    shape: tuple[int, ...]
    rate: float

    @property
    def keep(self) -> float:
        """The realized probability of keeping a unit: a multiple of 2^-16 within 1e-4 of `1 - rate`."""
        return threshold(self.rate) / LEVELS if self.rate else 1.0


def sample(
    sites: Sequence[Site],
    seeds: Sequence[int],
    update: int,
    batch: int,
    purpose: Purpose = Purpose.TRAIN_MASK,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> dict[str, Tensor]:
    """Draw the masks of one batch for every seed, already divided by `keep` (inverted scaling).

    h' = h * mu / keep has the expectation h, so that inference takes no scaling at all; scaling the
    weights that read h by `keep` instead, as the notes do (7.66), is the same function of rescaled
    weights.

    Args:
        sites: the sites of the network, in order; the position is part of what a mask depends on.
        seeds: one per network of the cohort.
        update: number of the weight update (or of the Monte-Carlo sample).
        batch: examples in the batch; each gets its own mask.
        purpose: training and evaluation masks never share a stream.
        dtype: of the factors.
        device: where they are drawn. The streams of different kinds of device differ.

    Returns:
        Factors `[R, batch, *site.shape]` for every site with a rate above 0.
    """
    where = torch.device(device)
    return {
        site.name: _factors(
            site, batch, [stream(purpose, seed, update, i) for seed in seeds], dtype, where
        )
        for i, site in enumerate(sites)
        if site.rate
    }


def enumerate_masks(units: int) -> Tensor:
    """All 2^units masks, `[2^units, units]` of 0 and 1: unit i is kept in the masks whose number has bit i set."""
    return numbered_masks(torch.arange(2**units), units)


def numbered_masks(numbers: Tensor, units: int) -> Tensor:
    """The masks with the given numbers `[M]`, `[M, units]`, in the order of `enumerate_masks`."""
    return (
        numbers.unsqueeze(1)
        .bitwise_right_shift(torch.arange(units, device=numbers.device))
        .bitwise_and(1)
    )


def log_probability(*sites: Site) -> Tensor:
    """Log-probability of each mask of the sites' n units, `[2^n]` float64, in the order of `enumerate_masks`.

    The units of a site that never drops do not count; without any unit there is one mask, of
    probability 1.
    """
    log_probabilities = torch.zeros(1, dtype=torch.float64)

    for site in sites:
        for _ in range(math.prod(site.shape) if site.rate else 0):
            dropped = log_probabilities + math.log1p(-site.keep)
            kept = log_probabilities + math.log(site.keep)
            log_probabilities = torch.cat([dropped, kept])

    return log_probabilities


def _factors(
    site: Site, batch: int, streams: Sequence[int], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Factors `[R, batch, *shape]` of one site, a row from each stream."""
    shape = (batch, *site.shape)
    bits = _random_bits(math.prod(shape), streams, device).unflatten(1, shape)
    kept = torch.empty(bits.shape, dtype=dtype, device=device)

    # Comparing straight into a floating tensor spares a pass over memory.
    return torch.lt(bits, threshold(site.rate) - LEVELS // 2, out=kept).mul_(1 / site.keep)


def _random_bits(count: int, streams: Sequence[int], device: torch.device) -> Tensor:
    """`count` uniform int16 from each stream, `[R, count]`, drawn four at a time.

    A plain `random_()` fills an int64 from [0, 2^63): the sign bit is never set, and every fourth
    int16 would be non-negative. The explicit lower bound asks for all 64 bits.
    """
    words = torch.empty(len(streams), (count + 3) // 4, dtype=torch.int64, device=device)
    for row, number in zip(words, streams, strict=True):
        row.random_(-(2**63), None, generator=_generator(device).manual_seed(number))

    return words.view(torch.int16)[:, :count]


@lru_cache
def _generator(device: torch.device) -> torch.Generator:
    """One generator a device, re-seeded before every draw: making one costs more than seeding it."""
    return torch.Generator(device)
