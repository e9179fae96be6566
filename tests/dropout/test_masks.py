"""Masks: their probabilities, their scale, and what they depend on."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.dropout.masks import Sampler, Site, log_probability, sample
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.noise import LEVELS_PER_UNIT, levels_kept
from dropout_study.dropout.randomness import Purpose

SITES = (Site("input", (12,), 0.2), Site("hidden0", (7,), 0.5))


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_the_realized_keep_is_within_1e_4_and_never_0_or_1(rate: float) -> None:
    """If this failed, the nominal rate in the tables would not be the one that was used."""
    keep = Site("h", (1,), rate).keep
    assert abs(keep - (1 - rate)) <= 1e-4
    assert 0 < keep < 1


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.8])
def test_the_fraction_kept_is_keep_in_each_quarter_of_the_random_words(rate: float) -> None:
    """If this failed, masks would be biased: int64.random_() leaves the sign bit of each fourth
    number unset.
    """
    site = Site("h", (400,), rate)
    kept = sample([site], [0, 1], update=3, batch=1000)["h"] > 0

    for quarter in range(4):
        part = kept[..., quarter::4].double()
        standard_error = math.sqrt(site.keep * (1 - site.keep) / part.numel())
        assert abs(part.mean().item() - site.keep) < 5 * standard_error


def test_units_are_dropped_independently_of_each_other() -> None:
    """If this failed, neighbouring units would be dropped together and 2^n subnetworks would not be
    reached.
    """
    kept = (sample([Site("h", (8,), 0.5)], [5], 0, 40_000)["h"][0] > 0).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert correlation.abs().max() < 5 / math.sqrt(40_000)


def test_factors_are_0_or_1_over_keep() -> None:
    """If this failed, the expectation of a masked unit would not be the unit."""
    for site in SITES:
        factors = sample(SITES, [0], 0, 50, dtype=torch.float64)[site.name]
        assert set(factors.flatten().tolist()) == {0.0, 1 / site.keep}


def test_rate_0_draws_nothing() -> None:
    """If this failed, the control group would pay for dropout."""
    assert sample([Site("h", (4,), 0.0)], [0], 0, 3) == {}
    assert Site("h", (4,), 0.0).keep == 1


def test_a_mask_is_the_same_alone_and_in_a_cohort() -> None:
    """If this failed, adding seeds would change the results of the others."""
    cohort = sample(SITES, [4, 9, 2], 17, 6)
    alone = sample(SITES, [9], 17, 6)
    for name, factors in alone.items():
        assert torch.equal(cohort[name][1], factors[0])


RATES = st.one_of(st.just(0.0), st.floats(0, 1, exclude_max=True))


@given(
    st.lists(st.tuples(st.integers(0, 3), RATES, RATES), min_size=1, max_size=5),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(0, 2**40),
)
def test_networks_with_rates_of_their_own_get_the_masks_that_each_gets_alone(
    networks: list[tuple[int, float, float]], dtype: torch.dtype, update: int
) -> None:
    """If this failed, a condition would see other masks beside other conditions than alone."""
    seeds = [seed for seed, _, _ in networks]
    sites = [
        (Site("input", (7,), input_rate), Site("hidden0", (3, 2), hidden_rate))
        for _, input_rate, hidden_rate in networks
    ]
    together = Sampler(sites, seeds).draw(update, 5, dtype)
    assert set(together) == {site.name for own in sites for site in own if site.masked}

    for r, own in enumerate(sites):
        alone = sample(own, [seeds[r]], update, 5, dtype=dtype)
        for name, factors in together.items():
            expected = alone[name][0] if name in alone else torch.ones_like(factors[r])
            assert torch.equal(factors[r], expected)


def test_masks_differ_by_seed_update_site_and_purpose() -> None:
    """If this failed, some of these would not be part of what a mask is a function of."""
    sites = (Site("a", (64,), 0.5), Site("b", (64,), 0.5))

    def drawn(
        seed: int = 0, update: int = 0, site: str = "a", purpose: Purpose = Purpose.TRAIN_MASK
    ) -> torch.Tensor:
        return sample(sites, [seed], update, 8, purpose)[site]

    variants = [
        drawn(),
        drawn(seed=1),
        drawn(update=1),
        drawn(site="b"),
        drawn(purpose=Purpose.EVALUATION_MASK),
    ]
    for i, one in enumerate(variants):
        assert not any(torch.equal(one, other) for other in variants[i + 1 :])

    assert torch.equal(drawn(), drawn())


def test_inverted_scaling_is_scaling_the_weights_at_inference() -> None:
    """If this failed, inverted dropout would not be that of the notes (7.66: W scaled by keep).

    Train with masks mu/keep and weights W, or with masks mu and weights V = W/keep in the layers
    that read
    dropped units: the same function. At inference the first uses W as it is, the second keep * V.
    """
    inverted = MLP(12, 3, [7], input_rate=0.2, hidden_rate=0.5).double()
    inverted.initialize(0)
    plain = MLP(12, 3, [7]).double()
    plain.load_state_dict(inverted.state_dict())

    keeps = [site.keep for site in inverted.sites]
    for layer, keep in zip(plain.layers, keeps, strict=True):
        layer.weight.data /= keep

    x = torch.rand(20, 12, dtype=torch.float64)
    factors = {
        name: f[0] for name, f in sample(inverted.sites, [0], 0, 20, dtype=torch.float64).items()
    }
    zero_one = {name: (f > 0).double() for name, f in factors.items()}
    torch.testing.assert_close(inverted(x, factors), plain(x, zero_one), rtol=0, atol=1e-12)

    for layer, keep in zip(plain.layers, keeps, strict=True):
        layer.weight.data *= keep

    torch.testing.assert_close(inverted(x), plain(x), rtol=0, atol=1e-12)


def test_thresholds_are_rounded() -> None:
    """If this failed, common rates would be off by a level."""
    assert [levels_kept(rate) for rate in (0.5, 0.2, 0.75)] == [
        LEVELS_PER_UNIT // 2,
        52_429,
        LEVELS_PER_UNIT // 4,
    ]


def test_probabilities_of_too_many_masks_are_refused() -> None:
    """If this failed, 2^n probabilities would be written until memory runs out."""
    sites = [Site("input", (11,), 0.2), Site("hidden0", (10,), 0.5)]
    with pytest.raises(ValueError, match="21 droppable units"):
        log_probability(*sites)
