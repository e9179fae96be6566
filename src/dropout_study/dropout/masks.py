"""Dropout masks: where they apply, how likely a unit is kept, and how they are drawn."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from dropout_study.dropout.noise import BERNOULLI, Factors, Noise, Strength
from dropout_study.dropout.randomness import Purpose, stream

MAX_UNITS = 20  # droppable units that can be enumerated: 2^20 subnetworks

Masks = Mapping[str, Factors]
"""Site name -> factors `[..., *site.shape]`, each 0 or 1/keep, or other noise; absent sites have
none."""


class Shared(Enum):
    """What has one draw of noise in common."""

    NOTHING = "nothing"  # each example of each update has its own
    UPDATE = "update"  # all examples of an update
    TRAINING = "training"  # all updates: a network has one mask for its whole life


@dataclass(frozen=True)
class Site:
    """A place in a network where a mask applies.

    Attributes:
        name: `input`, or the name of a hidden layer.
        shape: shape of the units of one example.
        rate: probability of DROPPING a unit, in [0, 1), or the strength of other noise; 0 is the
            identity: nothing is drawn at all.
        noise: what happens to units.
        shared: what has one draw in common.
        by_channel: whether all places of a channel have one draw in common; the shape is then
            `(channels, height, width)`.
        weights: shape of the weights that read the units, if noise is on these; empty: on units.

    Example:
        >>> Site("hidden0", (512,), rate=0.5).keep
        0.5
    """

    name: str
    shape: tuple[int, ...]
    rate: float
    noise: Noise = BERNOULLI
    shared: Shared = Shared.NOTHING
    by_channel: bool = False
    weights: tuple[int, ...] = ()

    @property
    def masked(self) -> bool:
        """Whether subnetworks differ here: a mask for a whole training makes one network."""
        return self.is_noisy and self.shared is not Shared.TRAINING

    @property
    def is_noisy(self) -> bool:
        """Whether anything is drawn here in training."""
        return self.rate > 0

    @property
    def keep(self) -> float:
        """Realized probability of keeping a unit: a multiple of 2^-16 within 1e-4 of 1 - rate."""
        return self.noise.keep(self.rate)

    @property
    def has_masks_of_units(self) -> bool:
        """Whether each unit is kept or dropped, apart from the others.

        A subclass of Bernoulli noise is none: its factors may be others than 0 and 1 / keep.
        """
        return self.noise == BERNOULLI and not self.by_channel and not self.weights

    @property
    def drawn_shape(self) -> tuple[int, ...]:
        """Shape of what is drawn for one example."""
        if self.weights:
            return self.weights

        return (self.shape[0], 1, 1) if self.by_channel else self.shape

    def removing(self, rate: float) -> "Site":
        """A site of the same units that are each removed at a rate, whatever is drawn here."""
        return Site(self.name, self.shape, rate)

    def draws(self, batch: int) -> int:
        """Numbers of draws for an update of so many examples."""
        return batch if self.shared is Shared.NOTHING else 1

    def stream(self, purpose: Purpose, seed: int, update: int, place: int) -> int:
        """The stream of a draw.

        Args:
            purpose: of the draw.
            seed: of the network.
            update: number of the weight update, or of the Monte-Carlo sample.
            place: of the site in the network.
        """
        if self.shared is Shared.TRAINING:
            return stream(Purpose.FIXED_MASK, seed, site=place)

        return stream(purpose, seed, update, place)


def sample(
    sites: Sequence[Site],
    seeds: Sequence[int],
    update: int,
    batch: int,
    purpose: Purpose = Purpose.TRAIN_MASK,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> dict[str, Factors]:
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
    drawn = {}

    for i, site in enumerate(sites):
        if site.masked:
            streams = [site.stream(purpose, seed, update, i) for seed in seeds]
            strength = site.noise.strength([site.rate], torch.device(device))
            drawn[site.name] = _draw(site, batch, streams, strength, dtype, torch.device(device))

    return drawn


def fixed_masks(sites: Sequence[Site], seed: int) -> dict[int, Tensor]:
    """The units that a network keeps for its whole training: place of a site -> bool `[*shape]`.

    Args:
        sites: of the network, in order.
        seed: of the network.
    """
    kept = {}

    for i, site in enumerate(sites):
        if site.is_noisy and site.shared is Shared.TRAINING:
            streams = [site.stream(Purpose.TRAIN_MASK, seed, 0, i)]
            strength = site.noise.strength([site.rate], torch.device("cpu"))
            factors = _draw(site, 1, streams, strength, torch.float32, torch.device("cpu"))
            assert isinstance(factors, Tensor), "noise that is added keeps every unit"
            kept[i] = factors[0, 0] > 0

    return kept


def _draw(
    site: Site,
    batch: int,
    streams: Sequence[int],
    strength: Strength,
    dtype: torch.dtype,
    device: torch.device,
    rows: Tensor | None = None,
) -> Factors:
    """The noise of one site, `[R, batch, *site.shape]`.

    Args:
        site: the site.
        batch: examples.
        streams: one for each of the seeds that differ.
        strength: what random numbers do to units.
        dtype: of the factors.
        device: where they are drawn.
        rows: which of the streams each network has, `[R]`; None: each its own.
    """
    shape = (site.draws(batch), *site.drawn_shape)
    # Units that are removed for a whole training are the same on every kind of device.
    place = torch.device("cpu") if site.shared is Shared.TRAINING else device
    numbers = site.noise.draw(math.prod(shape), streams, place).to(device)

    if rows is not None:
        numbers = numbers.index_select(0, rows)

    return strength(numbers, dtype).view(-1, *shape)


class Sampler:
    """Draws the training masks of networks that may differ in their rates.

    Each network gets the masks that `sample` draws for its sites and its seed alone. Networks of
    one seed share the random bits, which are drawn once: their masks differ by their rates.

    Args:
        sites: those of each network; the networks differ in rates alone.
        seeds: one per network.
        device: where the masks are drawn.
        share: update -> share of the rates that applies then, in [0, 1].

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
        share: Callable[[int], float] = lambda _: 1.0,
    ) -> None:
        self._share = share
        self._seeds = list(dict.fromkeys(seeds))
        self._device = torch.device(device)
        rows = torch.tensor([self._seeds.index(seed) for seed in seeds], device=self._device)
        self._rows = rows if len(rows) > len(self._seeds) else None
        self._places = [list(place) for place in zip(*sites, strict=True)]
        self._strengths: dict[float, dict[int, Strength]] = {}

    def draw(
        self, update: int, batch: int, dtype: torch.dtype = torch.float32
    ) -> dict[str, Factors]:
        """The masks of an update: factors `[R, batch, *site.shape]` by name of the site.

        A site where no network drops anything is absent.
        """
        share = self._share(update)
        if not share:
            return {}

        if share not in self._strengths:
            self._strengths[share] = self._strengths_at(share)

        return {
            self._places[i][0].name: self._factors(i, strength, update, batch, dtype)
            for i, strength in self._strengths[share].items()
        }

    def _strengths_at(self, share: float) -> dict[int, Strength]:
        """The strengths at a share of the rates, by the places where anything is drawn."""
        return {
            i: place[0].noise.strength([share * site.rate for site in place], self._device)
            for i, place in enumerate(self._places)
            if any(site.is_noisy for site in place)
        }

    def _factors(
        self, i: int, strength: Strength, update: int, batch: int, dtype: torch.dtype
    ) -> Factors:
        site = self._places[i][0]
        streams = [site.stream(Purpose.TRAIN_MASK, seed, update, i) for seed in self._seeds]
        return _draw(site, batch, streams, strength, dtype, self._device, self._rows)


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
    """Refuse more droppable units than can be enumerated, and noise that has no masks of units.

    Raises:
        ValueError: with the number of units and what is allowed.
    """
    others = [site for site in sites if site.masked and not site.has_masks_of_units]
    if others:
        raise ValueError(
            f"the noise of {others[0].name} does not drop single units, and only masks of single "
            "units can be enumerated. Use monte_carlo, or dropout."
        )

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
