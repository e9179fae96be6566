"""Kinds of noise on units: which random numbers are drawn, and what they do to a unit.

The strength of each kind is a rate: the variance of a factor is rate / (1 - rate), whatever its
kind, so that kinds can be compared at one rate. All leave the expectation of a unit as it is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

LEVELS_PER_UNIT = 2**16  # 16 random bits decide whether a unit is kept


@dataclass(frozen=True)
class Added:
    """Noise that is added to units, in the place of factors.

    Attributes:
        noise: `[..., N, *shape]`, or `[..., 1, *shape]` for one draw for all examples.
    """

    noise: Tensor

    def view(self, *shape: int) -> "Added":
        """The same in another shape."""
        return Added(self.noise.view(*shape))

    def to(self, dtype: torch.dtype) -> "Added":
        """The same in another type."""
        return Added(self.noise.to(dtype))


Factors = Tensor | Added
"""What noise does to units: a tensor of factors, or noise that is added."""
Strength = Callable[[Tensor, torch.dtype], Factors]
"""(random numbers `[R, count]`, dtype) -> what they do to the units of R networks, `[R, count]`."""


class Noise:
    """A kind of noise; abstract."""

    def draw(self, count: int, streams: Sequence[int], device: torch.device) -> Tensor:
        """Random numbers that depend on no rate, `count` of each stream: `[S, count]`.

        Args:
            count: units, of all examples.
            streams: seeds of the generator.
            device: where they are drawn. The streams of different kinds of device differ.
        """
        raise NotImplementedError

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        """What random numbers do to the units of R networks.

        Args:
            rates: of each network; 0 leaves the units as they are.
            device: of the random numbers.
        """
        raise NotImplementedError

    def keep(self, rate: float) -> float:
        """1 - rate, as the random numbers resolve it: a factor has the variance 1 / keep - 1."""
        return 1 - rate


@dataclass(frozen=True)
class Bernoulli(Noise):
    """Units are dropped at the rate, and divided by the probability of keeping one otherwise.

    Attributes:
        scaled: whether they are divided; without it a network of one mask is a smaller network.
    """

    scaled: bool = True

    def draw(self, count: int, streams: Sequence[int], device: torch.device) -> Tensor:
        """Uniform int16, drawn four at a time.

        A plain `random_()` fills an int64 from [0, 2^63): the sign bit is never set, and every
        fourth int16 would be non-negative. The explicit lower bound asks for all 64 bits.
        """
        words = torch.empty(len(streams), (count + 3) // 4, dtype=torch.int64, device=device)
        for row, number in zip(words, streams, strict=True):
            row.random_(-(2**63), None, generator=_generator(device).manual_seed(number))

        return words.view(torch.int16)[:, :count]

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        """Factors 0 and 1 / keep, or 0 and 1."""
        levels = [levels_kept(rate) if rate else LEVELS_PER_UNIT for rate in rates]
        largest = [level - LEVELS_PER_UNIT // 2 - 1 for level in levels]
        limits = torch.tensor(largest, dtype=torch.int16, device=device).unsqueeze(1)
        scales = _column([1 / self.keep(rate) if self.scaled else 1.0 for rate in rates], device)

        def factors(bits: Tensor, dtype: torch.dtype) -> Tensor:
            kept = torch.empty(bits.shape, dtype=dtype, device=device)
            # Comparing straight into a floating tensor spares a pass over memory.
            return torch.le(bits, limits, out=kept).mul_(scales.to(dtype))

        return factors

    def keep(self, rate: float) -> float:
        """The realized probability of keeping a unit: a multiple of 2^-16 within 1e-4."""
        return levels_kept(rate) / LEVELS_PER_UNIT if rate else 1.0


@dataclass(frozen=True)
class Gaussian(Noise):
    """Factors from N(1, rate / (1 - rate)).

    Srivastava et al. (2014), section 10, https://jmlr.org/papers/v15/srivastava14a.html.
    """

    def draw(self, count: int, streams: Sequence[int], device: torch.device) -> Tensor:
        """Standard normal numbers, float32."""
        numbers = torch.empty(len(streams), count, device=device)
        for row, number in zip(numbers, streams, strict=True):
            row.normal_(generator=_generator(device).manual_seed(number))

        return numbers

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        """Factors of mean 1."""
        deviations = _column([deviation(rate) for rate in rates], device)
        return lambda numbers, dtype: (numbers * deviations).add_(1).to(dtype)


@dataclass(frozen=True)
class Additive(Gaussian):
    """Noise from N(0, rate / (1 - rate)) that is added to units, whatever their size."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        """Noise of mean 0."""
        deviations = _column([deviation(rate) for rate in rates], device)
        return lambda numbers, dtype: Added((numbers * deviations).to(dtype))


BERNOULLI = Bernoulli()
UNSCALED = Bernoulli(scaled=False)
NOISES: dict[str, Noise] = {
    "bernoulli": BERNOULLI,
    "gaussian": Gaussian(),
    "additive": Additive(),
}


def is_added(noise: Noise, rate: float) -> bool:
    """Whether noise is added to units, as a draw shows: a class may differ from its base."""
    device = torch.device("cpu")
    numbers = noise.draw(1, [0], device)

    return isinstance(noise.strength([rate], device)(numbers, torch.float32), Added)


def levels_kept(rate: float) -> int:
    """How many of the 2^16 random levels keep a unit that is dropped at a rate in (0, 1).

    >>> levels_kept(0.5), levels_kept(0.2)
    (32768, 52429)
    """
    return min(max(round((1 - rate) * LEVELS_PER_UNIT), 1), LEVELS_PER_UNIT - 1)


def deviation(rate: float) -> float:
    """The standard deviation of a factor at a rate.

    >>> deviation(0.5), deviation(0.2)
    (1.0, 0.5)
    """
    return math.sqrt(rate / (1 - rate))


def _column(values: Sequence[float], device: torch.device) -> Tensor:
    """A value per network, `[R, 1]`, float64."""
    return torch.tensor(values, dtype=torch.float64, device=device).unsqueeze(1)


@lru_cache
def _generator(device: torch.device) -> torch.Generator:
    """One generator per device, re-seeded before every draw: making one costs more than seeding."""
    return torch.Generator(device)
