"""Exact means: that they are those of a plain loop over all masks, however they are computed."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact, exact_means
from dropout_study.dropout.masks import enumerate_masks
from dropout_study.dropout.networks import MLP, Network

X = torch.rand(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def cohort(network: Network, gain: float = 3.0) -> Cohort:
    """Two networks in float64 with large weights, so that subnetworks disagree."""
    made = Cohort(network, (0, 1)).double()
    for p in made.parameters():
        p.data *= gain

    return made


def by_hand(cohort: Cohort, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both ensembles of an MLP from a plain loop over all masks of all sites."""
    network = cohort.stacked
    sizes = [math.prod(site.shape) if site.masked else 0 for site in network.sites]
    arithmetic = torch.zeros(())
    geometric = torch.zeros(())

    for row in enumerate_masks(sum(sizes)):
        weight = 1.0
        masks = {}

        for site, part in zip(network.sites, row.split(sizes), strict=True):
            if site.masked:
                weight *= math.prod(site.keep if bit else 1 - site.keep for bit in part.tolist())
                masks[site.name] = (part.double() / site.keep).expand(
                    len(cohort.seeds), len(x), len(part)
                )

        log_probs = cohort(x, masks).log_softmax(-1)
        arithmetic = arithmetic + weight * log_probs.exp()
        geometric = geometric + weight * log_probs

    return arithmetic.log(), geometric.log_softmax(-1)


@pytest.mark.parametrize(
    "network",
    [
        MLP(4, 3, [], input_rate=0.3),
        MLP(4, 3, [5], "tanh", hidden_rate=0.5),
        MLP(4, 3, [3, 2], "relu", input_rate=0.2, hidden_rate=0.6),
        MLP(4, 3, [3], "sigmoid", input_rate=0.4),
        MLP(4, 3, [3], "relu"),
    ],
    ids=["softmax", "hidden", "everywhere", "input only", "nowhere"],
)
def test_enumeration_is_the_loop_over_all_masks(network: MLP) -> None:
    """If this failed, doubling, chunks or weights would not give eq. 7.53 and 7.54."""
    made = cohort(network)
    arithmetic, geometric = by_hand(made, X)

    for chunk_bytes in (10**9, 1):
        ensemble = exact(made, X, chunk_bytes)
        torch.testing.assert_close(ensemble.arithmetic, arithmetic, rtol=0, atol=1e-12)
        torch.testing.assert_close(ensemble.geometric, geometric, rtol=0, atol=1e-12)


def test_more_units_than_can_be_enumerated_are_refused() -> None:
    """If this failed, the machine would be asked for 2^24 subnetworks in silence."""
    with pytest.raises(ValueError, match=r"24 droppable units have 2\^24 subnetworks; at most 20"):
        exact(cohort(MLP(4, 3, [24], hidden_rate=0.5)), X)


@given(
    st.lists(st.integers(1, 4), max_size=3),
    st.sampled_from(["relu", "tanh", "identity"]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.5]),
    st.integers(2, 3),
)
@settings(deadline=None, max_examples=25)
def test_both_ways_to_compute_exact_means_agree(
    widths: list[int], activation: str, input_rate: float, hidden_rate: float, classes: int
) -> None:
    """If this failed, the faster way would average other masks, or weight them otherwise."""
    made = cohort(MLP(4, classes, widths, activation, input_rate, hidden_rate))
    plain = exact(made, X)

    for chunk_bytes in (10**9, 1):
        fast = exact_means(made, X, chunk_bytes)
        torch.testing.assert_close(fast.arithmetic, plain.arithmetic, rtol=0, atol=1e-12)
        torch.testing.assert_close(fast.geometric, plain.geometric, rtol=0, atol=1e-12)


def test_an_exact_probability_of_two_classes_computed_by_hand() -> None:
    """If this failed, the arithmetic mean of two classes would not be the mean of logistic
    functions: one unit of value 1, kept or not, adds 4 to the difference of the logits.
    """
    made = Cohort(MLP(1, 2, hidden_rate=0.5, input_rate=0.5), [0]).double()
    weight, bias = made.parameters()
    weight.data = torch.tensor([[[0.0, 2.0]]], dtype=torch.float64)
    bias.data = torch.zeros(1, 2, dtype=torch.float64)
    ensemble = exact_means(made, torch.ones(1, 1, dtype=torch.float64))
    of_masks = [1 / 2, 1 / (1 + math.exp(-4))]
    assert float(ensemble.arithmetic[0, 0, 1].exp()) == pytest.approx(sum(of_masks) / 2, abs=1e-15)
    assert float(ensemble.geometric[0, 0, 1].exp()) == pytest.approx(1 / (1 + math.exp(-2)))


@pytest.mark.parametrize("difference", [60.0, 2_000.0])
def test_improbable_classes_keep_their_digits(difference: float) -> None:
    """If this failed, a certain and wrong prediction would have an infinite NLL, or one of few
    digits.
    """
    made = cohort(MLP(4, 2, [3, 3], hidden_rate=0.2))
    bias = made.get_parameter("stacked.layers.2.bias")
    bias.data = torch.tensor([[0.0, difference], [difference, 0.0]]).double()
    plain = exact(made, X).arithmetic
    assert plain.min() < -50
    torch.testing.assert_close(exact_means(made, X).arithmetic, plain, rtol=1e-12, atol=1e-14)


def test_networks_in_single_precision_are_enumerated_as_exactly_as_their_precision_allows() -> None:
    """If this failed, sums over 2^20 masks would lose digits, or results change their type."""
    made = cohort(MLP(4, 2, [5, 5], hidden_rate=0.5))
    double = exact_means(made, X)
    single = exact_means(made.float(), X.float())
    assert single.arithmetic.dtype == torch.float32
    torch.testing.assert_close(single.arithmetic.double(), double.arithmetic, rtol=0, atol=1e-5)
    torch.testing.assert_close(single.geometric.double(), double.geometric, rtol=0, atol=1e-5)
