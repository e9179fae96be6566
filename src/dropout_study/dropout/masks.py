"""Dropout masks: where they apply, how likely a unit is kept, and how they are drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from dropout_study.dropout.randomness import Purpose, stream

LEVELS_PER_UNIT = 2**16  # 16 random bits decide whether a unit is kept
MAX_UNITS = 20  # droppable units that can be enumerated: 2^20 subnetworks

Masks = Mapping[str, Tensor]
"""Site name -> factors `[..., *site.shape]`, each 0 or 1/keep; absent sites drop nothing."""


def levels_kept(rate: float) -> int:
    """How many of the 2^16 random levels keep a unit that is dropped at a rate in (0, 1).

    >>> levels_kept(0.5), levels_kept(0.2)
    (32768, 52429)
    """
    return min(max(round((1 - rate) * LEVELS_PER_UNIT), 1), LEVELS_PER_UNIT - 1)


@dataclass(frozen=True)
class Site:
    """A place in a network where a mask applies.

    Attributes:
        name: `input`, or the name of a hidden layer.
        shape: shape of the units of one example.
        rate: probability of DROPPING a unit, in [0, 1); 0 is the identity: no mask is drawn at all.

    Example:
        >>> Site("hidden0", (512,), rate=0.5).keep
        0.5
    """

    name: str
    shape: tuple[int, ...]
    rate: float

    @property
    def masked(self) -> bool:
        """Whether a mask is drawn here."""
        return self.rate > 0

    @property
    def keep(self) -> float:
        """Realized probability of keeping a unit: a multiple of 2^-16 within 1e-4 of 1 - rate."""
        return levels_kept(self.rate) / LEVELS_PER_UNIT if self.masked else 1.0

    def removing(self, rate: float) -> "Site":
        """A site of the same units that are each removed at a rate, whatever is drawn here."""
        return Site(self.name, self.shape, rate)


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

    h' = h * mu / keep has the expectation h, so that inference needs no scaling. Scaling the
    weights that read h by `keep` instead (7.66) is the same function of rescaled weights.

    Args:
        sites: the sites of the network, in order; the position is part of what a mask depends on.
        seeds: one per network of the cohort.
        update: number of the weight update (or of the Monte-Carlo sample).
        batch: examples in the batch; each gets its own mask.
        purpose: training and evaluation masks never share a stream.
        dtype: of the factors.
        device: where they are drawn. The streams of different kinds of device differ.

    Returns:
        Factors `[R, batch, *site.shape]` for every masked site.

    Example:
        >>> sites = [Site("input", (4,), 0.0), Site("hidden0", (6,), 0.5)]
        >>> masks = sample(sites, seeds=[0, 1], update=0, batch=3)
        >>> {name: tuple(mask.shape) for name, mask in masks.items()}
        {'hidden0': (2, 3, 6)}
        >>> masks["hidden0"].unique().tolist()
        [0.0, 2.0]
        >>> alone = sample(sites, seeds=[1], update=0, batch=3)
        >>> torch.equal(alone["hidden0"][0], masks["hidden0"][1])
        True
    """
    where = torch.device(device)
    return {
        site.name: _factors(
            site, batch, [stream(purpose, seed, update, i) for seed in seeds], dtype, where
        )
        for i, site in enumerate(sites)
        if site.masked
    }


class Sampler:
    """Draws the training masks of networks that may differ in their rates.

    Each network gets the masks that `sample` draws for its sites and its seed alone. Networks of
    one seed share the random bits, which are drawn once: their masks differ by their rates.

    Args:
        sites: those of each network; the networks differ in rates alone.
        seeds: one per network.
        device: where the masks are drawn.

    Example:
        >>> sites = [[Site("input", (4,), rate)] for rate in (0.5, 0.2)]
        >>> masks = Sampler(sites, seeds=[7, 7]).draw(update=0, batch=3)
        >>> own = [sample(site, [7], update=0, batch=3)["input"][0] for site in sites]
        >>> torch.equal(masks["input"], torch.stack(own))
        True
    """

    def __init__(
        self,
        sites: Sequence[Sequence[Site]],
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
    ) -> None:
        self._seeds = list(dict.fromkeys(seeds))
        self._device = torch.device(device)
        self._row = self._tensor([self._seeds.index(seed) for seed in seeds], torch.int64)

        at_place = [list(place) for place in zip(*sites, strict=True)]
        self._drawn = {
            i: (place[0], self._limits(place), self._scales(place))
            for i, place in enumerate(at_place)
            if any(site.masked for site in place)
        }

    def draw(
        self, update: int, batch: int, dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        """The masks of an update: factors `[R, batch, *site.shape]` by name of the site.

        A site where no network drops anything is absent.
        """
        return {
            site.name: self._factors(i, site, update, batch, limits, scales.to(dtype))
            for i, (site, limits, scales) in self._drawn.items()
        }

    def _factors(
        self, i: int, site: Site, update: int, batch: int, limits: Tensor, scales: Tensor
    ) -> Tensor:
        shape = (batch, *site.shape)
        streams = [stream(Purpose.TRAIN_MASK, seed, update, i) for seed in self._seeds]
        bits = _random_bits(math.prod(shape), streams, self._device)

        if len(self._row) > len(self._seeds):
            bits = bits.index_select(0, self._row)

        factors = torch.empty(bits.shape, dtype=scales.dtype, device=self._device)
        torch.le(bits, limits, out=factors).mul_(scales)

        return factors.view(-1, *shape)

    def _limits(self, place: Sequence[Site]) -> Tensor:
        """The largest random number that keeps a unit, per network `[R, 1]`."""
        levels = [levels_kept(site.rate) if site.masked else LEVELS_PER_UNIT for site in place]
        largest = [level - LEVELS_PER_UNIT // 2 - 1 for level in levels]

        return self._tensor(largest, torch.int16).unsqueeze(1)

    def _scales(self, place: Sequence[Site]) -> Tensor:
        """The factor of a kept unit, per network `[R, 1]`, float64."""
        return self._tensor([1 / site.keep for site in place], torch.float64).unsqueeze(1)

    def _tensor(self, values: Sequence[float], dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=self._device)


def enumerate_masks(units: int) -> Tensor:
    """All masks of some units, `[2^units, units]` of 0 and 1.

    Unit i is kept in the masks whose number has bit i set.

    >>> enumerate_masks(2).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    return numbered_masks(torch.arange(2**units), units)


def numbered_masks(numbers: Tensor, units: int) -> Tensor:
    """The masks `[M, units]` with the given numbers `[M]` (see `enumerate_masks`).

    >>> numbered_masks(torch.tensor([2]), units=3).tolist()
    [[0, 1, 0]]
    """
    return (
        numbers.unsqueeze(1)
        .bitwise_right_shift(torch.arange(units, device=numbers.device))
        .bitwise_and(1)
    )


def droppable_units(*sites: Site) -> int:
    """The number of units of the masked sites.

    >>> droppable_units(Site("input", (4,), rate=0.0), Site("hidden0", (6,), rate=0.5))
    6
    """
    return sum(math.prod(site.shape) for site in sites if site.masked)


def check_enumerable(*sites: Site) -> None:
    """Refuse more droppable units than can be enumerated.

    Raises:
        ValueError: with the number of units and what is allowed.
    """
    units = droppable_units(*sites)
    if units > MAX_UNITS:
        raise ValueError(
            f"{units} droppable units have 2^{units} subnetworks; at most {MAX_UNITS} units can be "
            "enumerated. Use monte_carlo, or a smaller network."
        )


def log_probability(*sites: Site) -> Tensor:
    """Log-probability of each mask of the sites' n units, `[2^n]`, float64.

    The order is that of `enumerate_masks`. Units of a site without masks do not count; without any
    unit there is one mask, of probability 1.

    Raises:
        ValueError: there are more units than can be enumerated.

    >>> [round(p, 2) for p in log_probability(Site("input", (2,), rate=0.2)).exp().tolist()]
    [0.04, 0.16, 0.16, 0.64]
    """
    check_enumerable(*sites)
    log_probabilities = torch.zeros(1, dtype=torch.float64)

    for site in sites:
        for _ in range(droppable_units(site)):
            dropped = log_probabilities + math.log1p(-site.keep)
            kept = log_probabilities + math.log(site.keep)
            log_probabilities = torch.cat([dropped, kept])

    return log_probabilities


def _factors(
    site: Site, batch: int, streams: Sequence[int], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Factors `[R, batch, *shape]` of one site, one row per stream."""
    shape = (batch, *site.shape)
    bits = _random_bits(math.prod(shape), streams, device).unflatten(1, shape)
    kept = torch.empty(bits.shape, dtype=dtype, device=device)

    # Comparing straight into a floating tensor spares a pass over memory.
    return torch.lt(bits, levels_kept(site.rate) - LEVELS_PER_UNIT // 2, out=kept).mul_(
        1 / site.keep
    )


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
    """One generator per device, re-seeded before every draw: making one costs more than seeding."""
    return torch.Generator(device)
