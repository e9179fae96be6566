"""What the noise of a plug-in must do, for a rate to mean the same of every kind of noise."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.dropout.contract import require
from dropout_study.dropout.noise import Added, Noise

RATES = (0.0, 0.2, 0.5)
SEEDS = (0, 1, 2)
UNITS = 10_000
STANDARD_ERRORS = 6
"""By how many a mean and a variance may be off; the draws are the same at every trial."""


def check_noise(noise: Noise) -> None:
    """Refuse noise that changes the mean of units, or whose variance is not that of its rate.

    Args:
        noise: that of a plug-in.

    Raises:
        BrokenContract: saying what is wrong.
    """
    is_noise = isinstance(noise, Noise)
    require(is_noise, f"it is a {type(noise).__name__}, not a dropout_study.plugin.Noise")

    unchanged, *changed = together = _changes(noise, RATES, SEEDS)
    require(not unchanged.any(), "at rate 0 it changes units")

    for changes, rate in zip(changed, RATES[1:], strict=True):
        _check_moments(changes, rate)

    alone = _changes(noise, RATES[1:2], SEEDS[1:2])
    require(
        torch.allclose(alone[0], together[1]),
        "a network alone gets other noise than beside others: draw from its seed alone",
    )


def _check_moments(changes: Tensor, rate: float) -> None:
    """Refuse other moments than those of a rate, of what noise adds to units of 1."""
    mean = changes.mean().item()
    variance = changes.square().mean().item()
    expected = rate / (1 - rate)
    errors = math.sqrt(variance / UNITS), math.sqrt(changes.pow(4).mean().item() / UNITS)

    require(
        abs(mean) <= STANDARD_ERRORS * errors[0],
        f"at rate {rate:g} it changes the mean of a unit of 1 by {mean:.2g}",
    )
    require(
        abs(variance - expected) <= STANDARD_ERRORS * errors[1],
        f"at rate {rate:g} it has the variance {variance:.2g}, not rate / (1 - rate) = "
        f"{expected:g}",
    )


def _changes(noise: Noise, rates: Sequence[float], seeds: Sequence[int]) -> Tensor:
    """What noise adds to units of 1, `[R, UNITS]`; numbers of another shape are refused."""
    device = torch.device("cpu")
    shape = (len(rates), UNITS)
    numbers = noise.draw(UNITS, seeds, device)
    drawn = tuple(numbers.shape)
    require(drawn == shape, f"`draw` gives {drawn} for {len(seeds)} seeds, not {shape}")

    factors = noise.strength(rates, device)(numbers, torch.float64)
    values = factors.noise if isinstance(factors, Added) else factors
    given = f"{values.dtype} {tuple(values.shape)}"
    expected = f"{torch.float64} {shape}"
    require(given == expected, f"`strength` gives {given}, not {expected}")

    return values if isinstance(factors, Added) else values - 1
