"""Hidden units on test data: how much they repeat each other, how rarely they are active."""

import math

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Linear
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

FEATURES = 7  # units whose weights of 28 x 28 pixels fit into a tag

FINDINGS = (
    Finding("units/correlation", "", "mean |correlation| of pairs of units that vary, by layer"),
    Finding("units/active", "", "share of activations above zero, by layer"),
    Finding("units/activation", "", "mean activation, by layer"),
    Finding("units/rank", "", "effective rank divided by the number of units, by layer"),
    Finding("features", "", "incoming weights of the first units of a fully connected first layer"),
)


@torch.no_grad()
def units(probed: Probed) -> Findings:
    """Statistics of the activations of all hidden layers on all examples, without masks."""
    cohort = probed.cohort
    hidden = range(len(cohort.stacked.sites) - 1)
    outputs = [cohort.outputs(x, stages=hidden) for x, _ in probed.batches()]
    batches_of_layers = [[layers[i] for layers in outputs] for i in hidden]
    layers = [torch.cat(batches, 1).flatten(2).double() for batches in batches_of_layers]
    statistics = {
        "units/correlation": torch.stack([correlation(h) for h in layers]),
        "units/active": torch.stack([(h > 0).double().mean((1, 2)) for h in layers]),
        "units/activation": torch.stack([h.mean((1, 2)) for h in layers]),
        "units/rank": torch.stack([effective_rank(h) / h.shape[-1] for h in layers]),
    }
    steps = [i + 1 for i in hidden]

    return Findings(
        curves={key: (steps, values) for key, values in statistics.items()},
        pictures=features(cohort),
    )


def features(cohort: Cohort) -> dict[str, Tensor]:
    """Incoming weights of the first units of the first layer, `[R, side, units * side]`.

    Empty unless that layer is fully connected and its inputs are square.
    """
    layer = cohort.stacked.layers[0]
    side = math.isqrt(math.prod(cohort.stacked.sites[0].shape))
    if not isinstance(layer, Linear) or side**2 != layer.weight.shape[-2]:
        return {}

    weights = layer.weight[..., :FEATURES].unflatten(-2, (side, side))  # [R, side, side, units]

    return {"features": weights.movedim(-1, -2).flatten(-2)}


def correlation(h: Tensor) -> Tensor:
    """Mean absolute correlation of pairs of different units that vary, `[R]`.

    Args:
        h: activations `[R, N, n]`.
    """
    return torch.stack([_mean_correlation(activations) for activations in h])


def _mean_correlation(h: Tensor) -> Tensor:
    """Mean absolute correlation of one network, from `[N, n]`; 0 if fewer than two units vary."""
    varying = h[:, h.std(0) > 1e-9]
    n = varying.shape[1]
    if n < 2:
        return torch.zeros((), dtype=h.dtype, device=h.device)

    mean: Tensor = (torch.corrcoef(varying.T).abs().sum() - n) / (n * (n - 1))

    return mean


def effective_rank(h: Tensor) -> Tensor:
    """Exponential of the entropy of the covariance's normalized eigenvalues, `[R]`, in [1, n].

    Roy and Vetterli (2007), The effective rank.

    Args:
        h: activations `[R, N, n]`.
    """
    centred = h - h.mean(1, keepdim=True)
    eigenvalues = torch.linalg.eigvalsh(centred.mT @ centred).clamp_min(0)
    shares: Tensor = eigenvalues / eigenvalues.sum(-1, keepdim=True).clamp_min(1e-300)

    return shares.xlogy(shares).sum(-1).neg().exp()
