"""Kinds of noise: their moments, what they depend on, and what they do to units."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.masks import Sampler, Shared, Site, check_enumerable, sample
from dropout_study.dropout.networks import MLP, LeNet, masked
from dropout_study.dropout.noise import (
    UNSCALED,
    Added,
    Additive,
    Bernoulli,
    Gaussian,
    Noise,
    Strength,
    deviation,
    is_added,
)
from dropout_study.dropout.randomness import Purpose

KINDS = [Bernoulli(), Gaussian(), Additive()]
RATES = (0.2, 0.5)


def noisy(kind: Noise, rate: float = 0.5, **changed: object) -> Site:
    """A site of 400 units."""
    return replace(Site("h", (400,), rate, kind), **changed)  # type: ignore[arg-type]


def values(factors: Tensor | Added) -> Tensor:
    """The random numbers, factors or not."""
    return factors.noise if isinstance(factors, Added) else factors


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("rate", RATES)
def test_a_unit_keeps_its_mean_and_gets_the_variance_of_the_rate(kind: Noise, rate: float) -> None:
    """If this failed, kinds of noise would be compared at different strengths."""
    site = noisy(kind, rate)
    drawn = values(sample([site], [0, 1], update=3, batch=1000)["h"]).double()
    variance = 1 / site.keep - 1
    fourth = (drawn - drawn.mean()).pow(4).mean().item()
    errors = math.sqrt(variance / drawn.numel()), math.sqrt(fourth / drawn.numel())
    mean = 0 if isinstance(kind, Additive) else 1
    assert abs(drawn.mean().item() - mean) < 5 * errors[0]
    assert abs(drawn.var().item() - variance) < 5 * errors[1]


def test_what_noise_does_to_units() -> None:
    """If this failed, added noise would grow with the unit, or a factor would not."""
    units = torch.tensor([[[0.0, 2.0]]])
    assert masked(units, torch.tensor([[[3.0, 3.0]]])).tolist() == [[[0.0, 6.0]]]
    assert masked(units, Added(torch.tensor([[[3.0, 3.0]]]))).tolist() == [[[3.0, 5.0]]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_noise_is_the_same_alone_and_in_a_cohort(kind: Noise) -> None:
    """If this failed, a network would see other noise beside others than alone."""
    rates = (0.2, 0.5, 0.5)
    together = Sampler([[noisy(kind, rate)] for rate in rates], seeds=[4, 9, 4]).draw(7, batch=3)

    for r, (rate, seed) in enumerate(zip(rates, (4, 9, 4), strict=True)):
        alone = sample([noisy(kind, rate)], [seed], update=7, batch=3)["h"]
        assert torch.equal(values(together["h"])[r], values(alone)[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_a_network_of_rate_0_beside_others_is_left_as_it_is(kind: Noise) -> None:
    """If this failed, the control group would be noisy where it is trained with others."""
    together = Sampler([[noisy(kind, rate)] for rate in (0.5, 0.0)], seeds=[0, 1]).draw(0, batch=3)
    units = torch.rand(2, 3, 400)
    assert torch.equal(masked(units, together["h"])[1], units[1])
    assert not torch.equal(masked(units, together["h"])[0], units[0])


def test_what_shares_a_draw() -> None:
    """If this failed, one mask per update would be one per example, or the same for all updates."""

    def drawn(shared: Shared, update: int) -> Tensor:
        sampler = Sampler([[noisy(Bernoulli(), shared=shared)]], seeds=[0])
        return values(sampler.draw(update, batch=4)["h"])

    each = drawn(Shared.NOTHING, 0)
    assert each.shape == (1, 4, 400)
    assert not torch.equal(each[:, 0], each[:, 1])
    assert drawn(Shared.UPDATE, 0).shape == (1, 1, 400)
    assert not torch.equal(drawn(Shared.UPDATE, 0), drawn(Shared.UPDATE, 1))
    assert torch.equal(drawn(Shared.TRAINING, 0), drawn(Shared.TRAINING, 1))


def test_a_mask_of_a_whole_training_makes_no_subnetworks() -> None:
    """If this failed, rules would average subnetworks of a network that has a single mask."""
    site = noisy(Bernoulli(), shared=Shared.TRAINING)
    assert site.is_noisy
    assert not site.masked
    assert sample([site], [0], 0, 3) == {}


def test_places_of_a_channel_share_a_draw() -> None:
    """If this failed, spatial dropout would drop single places."""
    site = Site("conv1", (20, 24, 24), 0.5, by_channel=True)
    factors = values(sample([site], [0, 1], 0, 3)["conv1"])
    assert factors.shape == (2, 3, 20, 1, 1)

    network = LeNet(10, "all")
    network.sites = tuple(replace(site, by_channel=len(site.shape) == 3) for site in network.sites)
    cohort = Cohort(network, [0, 1])
    masks = sample(network.sites, [0, 1], 0, 3)
    conv = cohort.outputs(torch.rand(3, 784), masks, range(1))[-1]
    assert set((masked(conv, masks["conv1"]) == 0).all((-2, -1)).flatten().tolist()) == {
        True,
        False,
    }
    assert cohort(torch.rand(3, 784), masks).shape == (2, 3, 10)


class _Signs(Bernoulli):
    """Factors 1 + s and 1 - s, of the variance of the rate."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        s = torch.tensor([deviation(rate) for rate in rates], device=device).unsqueeze(1)
        return lambda bits, dtype: (1 + s * torch.where(bits < 0, -1, 1)).to(dtype)


class _Shifts(Gaussian):
    """A kind of Gaussian numbers that are added."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        return Additive().strength(rates, device)


@pytest.mark.parametrize(
    "site",
    [
        noisy(Gaussian()),
        noisy(Additive()),
        noisy(_Signs()),
        noisy(UNSCALED),
        noisy(Bernoulli(), weights=(400, 3)),
        Site("h", (4, 2, 2), 0.5, by_channel=True),
    ],
)
def test_what_has_no_masks_of_units_cannot_be_enumerated(site: Site) -> None:
    """If this failed, exact rules would go through masks that are never drawn."""
    with pytest.raises(ValueError, match=r"the noise of h does not drop single units"):
        check_enumerable(site)

    check_enumerable(replace(site, rate=0.0))


@pytest.mark.parametrize(
    ("kind", "adds"), [(_Shifts(), True), (Additive(), True), (_Signs(), False)]
)
def test_whether_noise_is_added_is_seen_by_what_it_does(kind: Noise, adds: bool) -> None:
    """If this failed, moments of factors would be taken of noise that is added, since its base has
    factors.
    """
    assert is_added(kind, 0.5) == adds


def test_fewer_draws_for_an_update_are_masks_of_the_same_distribution() -> None:
    """If this failed, exact rules would weigh masks otherwise than training draws them."""
    network = MLP(4, 3, [5], hidden_rate=0.3)
    each = Cohort(network, [0]).double()
    network.sites = tuple(replace(site, shared=Shared.UPDATE) for site in network.sites)
    x = torch.rand(6, 4, dtype=torch.float64)
    shared = Cohort(network, [0]).double()
    torch.testing.assert_close(exact_means(shared, x).arithmetic, exact_means(each, x).arithmetic)


def test_training_and_evaluation_never_share_noise() -> None:
    """If this failed, subnetworks would be judged under masks that they were trained under."""
    drawn = [
        values(sample([noisy(Gaussian())], [0], 5, 2, purpose)["h"])
        for purpose in (Purpose.TRAIN_MASK, Purpose.EVALUATION_MASK)
    ]
    assert not torch.equal(*drawn)


def test_a_schedule_changes_the_rates() -> None:
    """If this failed, early dropout would drop to the end, or at another rate."""
    share = {0: 0.0, 1: 0.5, 2: 1.0}
    sampler = Sampler([[noisy(Bernoulli(), 0.4)]], seeds=[0], share=share.__getitem__)
    assert sampler.draw(0, batch=50) == {}

    for update in (1, 2):
        site = noisy(Bernoulli(), 0.4 * share[update])
        assert torch.equal(
            values(sampler.draw(update, batch=50)["h"]),
            values(sample([site], [0], update, batch=50)["h"]),
        )


def test_a_network_of_one_mask_is_a_smaller_network() -> None:
    """If this failed, units that a network never has would take part in its predictions."""
    network = MLP(6, 3, [40], hidden_rate=0.5)
    site = replace(network.sites[1], noise=UNSCALED, shared=Shared.TRAINING)
    network.sites = (network.sites[0], site)
    cohort = Cohort(network, [0, 1])
    x = torch.rand(5, 6)
    drawn = Sampler([network.sites] * 2, [0, 1]).draw(update=9, batch=5)
    kept = values(drawn["hidden0"])[:, 0] > 0
    assert torch.equal(cohort(x, drawn), cohort(x)), "training sees another network"

    weights = cohort.get_parameter("stacked.layers.1.weight")
    assert torch.equal((weights != 0).any(-1), kept)
    assert 10 < kept.sum(-1).min() < 30
    assert not torch.equal(kept[0], kept[1]), "the networks have different units"

    cohort(x, drawn).square().sum().backward()
    assert weights.grad is not None
    assert (weights.grad[~kept] == 0).all(), "a removed unit would come back"
    assert (weights.grad[kept] != 0).any()


def test_noise_on_weights_is_another_network_for_each_draw() -> None:
    """If this failed, DropConnect would drop units, or leave its factors in the weights."""
    network = MLP(6, 3, [5], hidden_rate=0.5)
    site = replace(network.sites[1], weights=(5, 3), shared=Shared.UPDATE)
    network.sites = (network.sites[0], site)
    cohort = Cohort(network, [0, 1])
    x = torch.rand(4, 6)
    masks = sample(network.sites, [0, 1], 0, 4)
    assert values(masks["hidden0"]).shape == (2, 1, 5, 3)

    hidden, _ = cohort.outputs(x)
    weight = cohort.get_parameter("stacked.layers.1.weight")
    bias = cohort.get_parameter("stacked.layers.1.bias")
    before = weight.clone()
    by_hand = hidden @ (weight * values(masks["hidden0"])[:, 0]) + bias.unsqueeze(1)
    torch.testing.assert_close(cohort(x, masks), by_hand)
    assert torch.equal(weight, before)

    cohort(x, masks).square().sum().backward()
    assert weight.grad is not None
    dropped = values(masks["hidden0"])[:, 0] == 0
    assert (weight.grad[dropped] == 0).all()
    assert (weight.grad[~dropped] != 0).any()
