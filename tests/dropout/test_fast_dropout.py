"""Fast dropout: its moments against all subnetworks, and against hand-computed ones."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.fast_dropout import (
    Moments,
    check_fast_dropout,
    fast_dropout,
    fast_dropout_arithmetic,
    logit_moments,
)
from dropout_study.dropout.masks import Shared, Site, enumerate_masks, log_probability
from dropout_study.dropout.networks import MLP, LeNet
from dropout_study.dropout.noise import UNSCALED, Additive, Gaussian, Strength
from dropout_study.dropout.rules import weight_scaling
from support.trained import X, trained


def enumerated(cohort: Cohort, x: Tensor, site: Site) -> tuple[Tensor, Tensor]:
    """Mean and variance of the logits over all masks of the only site that drops."""
    masks = enumerate_masks(site.shape[0]).to(x) / site.keep
    logits = torch.stack([cohort(x, {site.name: mask.expand(2, 1, -1)}) for mask in masks])
    weights = log_probability(site).exp().view(-1, 1, 1, 1)
    mean = (weights * logits).sum(0)

    return mean, (weights * (logits - mean).square()).sum(0)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_behind_one_site_the_moments_are_those_of_all_masks(rate: float) -> None:
    """If this failed, the noise of a site would enter with another strength than masks have."""
    x = torch.rand(4, 6, dtype=torch.float64)

    for network in (
        MLP(6, 3, [8], hidden_rate=rate),
        MLP(6, 3, input_rate=rate),
        MLP(6, 3, [7, 5], "identity", input_rate=rate),
    ):
        cohort = Cohort(network, [0, 1]).double()
        (site,) = (site for site in network.sites if site.masked)
        mean, variance = enumerated(cohort, x, site)
        moments = logit_moments(cohort, x)
        torch.testing.assert_close(moments.mean, mean, rtol=0, atol=1e-12)

        if len(network.layers) < 3:  # two linear layers in a row correlate what lies between
            torch.testing.assert_close(moments.variance, variance, rtol=0, atol=1e-12)


def test_the_moments_of_a_rectified_gaussian() -> None:
    """If this failed, the moments would be wrong from the second hidden layer on.

    By hand: max(0, z) of a standard Gaussian has mean 1/sqrt(2 pi) and mean square 1/2.
    """
    standard = Moments(torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    rectified = standard.through_relu()
    assert rectified.mean.item() == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert rectified.variance.item() == pytest.approx(0.5 - 1 / (2 * math.pi))

    draws = torch.randn(4_000_000, generator=torch.Generator().manual_seed(0)) * 0.7 - 0.4
    rectified = Moments(torch.tensor([-0.4]), torch.tensor([0.49])).through_relu()
    assert rectified.mean.item() == pytest.approx(draws.relu().mean().item(), abs=2e-3)
    assert rectified.variance.item() == pytest.approx(draws.relu().var().item(), abs=2e-3)

    constant = Moments(torch.tensor([-1.0, 2.0]), torch.zeros(2)).through_relu()
    assert constant.mean.tolist() == [0.0, 2.0]
    assert constant.variance.tolist() == [0.0, 0.0]


def test_it_is_nearer_to_all_subnetworks_than_weight_scaling() -> None:
    """If this failed, moments would cost twice a pass for nothing."""
    cohort = trained(MLP(16, 10, [6, 6], hidden_rate=0.5))
    ensemble = exact_means(cohort, X).geometric
    gaps = [
        (log_probs.exp() - ensemble.exp()).abs().mean().item()
        for log_probs in (fast_dropout(cohort, X), weight_scaling(cohort, X))
    ]
    assert gaps[0] < 0.5 * gaps[1]


def test_the_mean_of_two_classes_is_that_of_a_gaussian_difference_of_logits() -> None:
    """If this failed, the variance of the logits would be lost, or their correlation.

    By hand: units 1 and 2 are 3 and 1, dropped at rate 0.5; the weights of the classes are (2, 1)
    and (1, 0), so that their logits differ by h1 + h2, with mean 4 and variance 9 + 1 = 10.
    """
    network = MLP(2, 2, input_rate=0.5)
    cohort = Cohort(network, [0]).double()
    for p, value in zip(cohort.parameters(), ([[2.0, 1.0], [1.0, 0.0]], [0.0, 0.0]), strict=True):
        p.data = torch.tensor(value, dtype=torch.float64).unsqueeze(0)

    x = torch.tensor([[3.0, 1.0]], dtype=torch.float64)
    first = fast_dropout_arithmetic(cohort, x).exp()[0, 0, 0].item()
    assert first == pytest.approx(1 / (1 + math.exp(-4 / math.sqrt(1 + math.pi / 8 * 10))))


def test_it_is_near_the_mean_over_gaussian_logits_of_many_classes() -> None:
    """If this failed, more than two classes would be normalized in a wrong way."""
    cohort = Cohort(MLP(400, 4, input_rate=0.5), [0]).double()
    x = 4 * torch.rand(5, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moments = logit_moments(cohort, x)
    masks = 2.0 * (torch.rand(20_000, 1, 400, generator=torch.Generator().manual_seed(1)) < 0.5)
    (weight, bias) = cohort.parameters()
    sampled = (masks * x) @ weight[0] + bias[0]
    assert moments.variance.mean() > 1
    mean = sampled.softmax(-1).mean(0)
    gap = (fast_dropout_arithmetic(cohort, x)[0].exp() - mean).abs().max()
    of_geometric = (fast_dropout(cohort, x)[0].exp() - mean).abs().max()
    assert gap < 0.04
    assert gap < 0.5 * of_geometric


def test_without_dropout_it_is_one_pass() -> None:
    """If this failed, rounding or the smallest variance would change what nothing is dropped of."""
    x = torch.rand(4, 6, dtype=torch.float64)
    of_one_mask = MLP(6, 3, [8, 8], hidden_rate=0.5)
    of_one_mask.sites = tuple(
        replace(site, noise=UNSCALED, shared=Shared.TRAINING) for site in of_one_mask.sites
    )

    of_added, of_weights = MLP(6, 3, [8, 8]), MLP(6, 3, [8, 8])
    of_added.sites = tuple(replace(site, noise=Additive()) for site in of_added.sites)
    of_weights.sites = tuple(replace(site, weights=(8, 8)) for site in of_weights.sites)

    for network in (MLP(6, 3, [8, 8]), of_one_mask, of_added, of_weights):
        cohort = Cohort(network, [0, 1]).double()
        for moments in (fast_dropout, fast_dropout_arithmetic):
            torch.testing.assert_close(moments(cohort, x), weight_scaling(cohort, x))


@pytest.mark.parametrize("network", [LeNet(10), MLP(6, 3, [8], "tanh", hidden_rate=0.5)])
def test_other_networks_are_refused(network: MLP | LeNet) -> None:
    """If this failed, moments of ReLU units would be taken of units that are none."""
    with pytest.raises(ValueError, match="fully connected layers of ReLU or linear units"):
        logit_moments(Cohort(network, [0]), torch.rand(2, 6))


class _Shifts(Gaussian):
    """A kind of Gaussian numbers that are added."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        return Additive().strength(rates, device)


@pytest.mark.parametrize(
    "changed", [{"noise": Additive()}, {"noise": _Shifts()}, {"weights": (8, 3)}]
)
def test_noise_that_units_are_not_multiplied_with_is_refused(changed: dict[str, Any]) -> None:
    """If this failed, moments of dropped units would be taken of other noise."""
    network = MLP(6, 3, [8], hidden_rate=0.5)
    network.sites = (network.sites[0], replace(network.sites[1], **changed))
    with pytest.raises(ValueError, match="noise that units are multiplied with"):
        check_fast_dropout(network)
