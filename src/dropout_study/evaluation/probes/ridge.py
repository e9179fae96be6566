"""Linear regression with dropped inputs against its ridge twin, over all masks of the inputs."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.dropout.linear_regression import (
    dropout_loss,
    dropout_solution,
    ridge_loss,
    ridge_solution,
)
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Linear, Network
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

IMAGES = 100
"""Test images that are regressed on, as many as `enumeration` takes."""
FINDINGS = (
    Finding(
        "ridge/loss_error",
        "",
        "largest relative difference of the losses, at the weights of each class",
    ),
    Finding(
        "ridge/solution_error",
        "",
        "largest difference of the weights with the smallest losses, divided by the largest weight",
    ),
)


@torch.no_grad()
def ridge(probed: Probed) -> Findings:
    """Both losses at the weights of a softmax regression, and the weights that minimize them.

    Each class is a regression of its own: 1 on its images and 0 on others, from the inputs of the
    first test images. The rate is that of the network's inputs. An input that is 0 in all of them
    is left out: it changes no loss, and any weight of it is as good as another.

    Args:
        probed: networks without hidden units, whose inputs are dropped.
    """
    stacked = probed.cohort.stacked
    x, labels = next(iter(probed.batches()))
    x = x[:IMAGES]
    seen = x.any(0)
    x = x[:, seen]
    weights = cast("Linear", stacked.layers[0]).weight[:, seen]
    targets = F.one_hot(labels[:IMAGES], weights.shape[-1]).to(x).T  # [C, N]
    site = replace(stacked.sites[0], shape=(x.shape[1],))

    return Findings(
        {
            "ridge/loss_error": _loss_errors(weights, x, targets, site),
            "ridge/solution_error": _solution_error(x, targets, site).expand(len(weights)),
        }
    )


def check_dropped_inputs(network: Network) -> None:
    """Refuse a network with hidden units, or without subnetworks that lack inputs.

    Raises:
        ValueError: naming the model or the rate that is needed.
    """
    if len(network.sites) > 1:
        raise ValueError("ridge needs a network without hidden units: model=softmax_regression.")

    if not network.sites[0].masked:
        raise ValueError(
            "ridge needs inputs that are dropped: model.input_rate above 0, and mask=bernoulli."
        )


def _loss_errors(weights: Tensor, x: Tensor, targets: Tensor, site: Site) -> Tensor:
    """Largest relative difference of the losses of each network, `[R]`.

    Args:
        weights: `[R, D, C]`.
        x: `[N, D]`.
        targets: of each class, `[C, N]`.
        site: of the inputs.
    """
    errors = [
        [_relative(dropout_loss(w, x, y, site), ridge_loss(w, x, y, site)) for w, y in pairs]
        for pairs in (zip(of_network.T, targets, strict=True) for of_network in weights)
    ]

    return torch.tensor(errors).amax(-1)


def _solution_error(x: Tensor, targets: Tensor, site: Site) -> Tensor:
    """Largest difference of the solutions, divided by the largest weight, over classes, `[]`."""
    errors = [_relative(dropout_solution(x, y, site), ridge_solution(x, y, site)) for y in targets]

    return torch.tensor(errors).amax()


def _relative(value: Tensor, exact: Tensor) -> float:
    return float((value - exact).abs().max() / exact.abs().max())
