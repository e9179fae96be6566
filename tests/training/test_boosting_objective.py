"""Dropout boosting against autograd, on a network whose subnetworks are all counted."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from dropout_study.config.schema import Config
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.masks import enumerate_masks, log_probability
from dropout_study.dropout.networks import MLP
from dropout_study.training.boosting import boosted
from dropout_study.training.build import make_network
from dropout_study.training.module import CohortTraining


def gradient(cohort: Cohort, loss: torch.Tensor) -> list[torch.Tensor]:
    """Of each parameter."""
    return list(torch.autograd.grad(loss, list(cohort.parameters()), retain_graph=True))


def test_over_all_masks_it_is_the_gradient_of_the_ensemble() -> None:
    """If this failed, another objective than the ensemble's log-likelihood would be trained."""
    network = MLP(4, 3, [6], hidden_rate=0.3)
    site = network.sites[1]
    cohort = Cohort(network, [0, 1]).double()
    x = torch.rand(2, 5, 4, dtype=torch.float64)
    labels = torch.randint(3, (2, 5))
    probabilities = log_probability(site).exp()
    factors = enumerate_masks(6).double() / site.keep

    # The logits are linear in these masks: one pass without them has their mean.
    whole = cohort(x)
    ensemble = F.cross_entropy(whole.flatten(0, 1), labels.flatten(), reduction="sum")
    expected = gradient(cohort, ensemble)
    total = torch.zeros((), dtype=torch.float64)
    dropout = torch.zeros((), dtype=torch.float64)

    for probability, factor in zip(probabilities, factors, strict=True):
        logits = cohort(x, {site.name: factor.expand(2, 1, -1)})
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(2, 5)
        total = total + probability * boosted(losses, logits, labels, cohort(x)).sum()
        dropout = dropout + probability * losses.sum()

    torch.testing.assert_close(total, dropout)  # the values are those of the subnetworks

    for own, wanted in zip(gradient(cohort, total), expected, strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-10, atol=1e-12)

    others = gradient(cohort, dropout)
    assert not torch.allclose(others[0], expected[0]), "dropout itself has another gradient"


def test_the_ensemble_is_the_geometric_one() -> None:
    """If this failed, the ensemble of the test above would be another than that of the book."""
    cohort = Cohort(MLP(4, 3, [6], hidden_rate=0.3), [0, 1]).double()
    x = torch.rand(5, 4, dtype=torch.float64)
    geometric = exact_means(cohort, x).geometric
    torch.testing.assert_close(cohort(x).log_softmax(-1), geometric, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("objective", ["likelihood", "boosting"])
def test_the_objective_of_a_configuration_is_trained(
    make_config: Callable[..., Config], objective: str
) -> None:
    """If this failed, `objective=boosting` would train ordinary dropout under another name."""
    config = make_config(f"objective={objective}", "model.widths=[6]", "seeds=[0,1]")
    module = CohortTraining(config, make_network(config, 64, 10))
    x = torch.rand(2, 3, 64)
    labels = torch.randint(10, (2, 3))
    factors = {"hidden0": torch.tensor([2.0, 0, 2, 0, 2, 0]).expand(2, 3, 6)}
    losses = module.losses(x, labels, factors)
    logits = module.cohort(x, factors)
    own = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(2, 3)
    torch.testing.assert_close(losses, own.mean(1))

    bias = module.cohort.get_parameter("stacked.layers.1.bias")
    (slope,) = torch.autograd.grad(losses.sum(), bias)
    predicted = module.cohort(x) if objective == "boosting" else logits
    errors = predicted.softmax(-1) - F.one_hot(labels, 10)
    torch.testing.assert_close(slope, errors.mean(1))
