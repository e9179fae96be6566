"""Nets small enough to go through all their masks: what is exact, and how far approximations are off."""

import math

import torch
from torch import Tensor

from dropout_study.dropout.masks import log_probability
from dropout_study.dropout.rules import exact, exact_normal, subnetworks, weight_scaling
from dropout_study.evaluation.probes.findings import Curves, Findings, Probed

POOL = 1_000  # sampled masks
COUNTS = [1, 2, 5, 10, 20, 50, 100]
IMAGES = 100  # test images that are looked at


@torch.no_grad()
def enumeration(probed: Probed) -> Findings:
    """Both exact ensembles against weight scaling and against sampling, on some images, in the networks' precision.

    Finds `exact/units` n, `exact/masks` 2^n, `exact/probability_error` (how far the masks'
    probabilities are from adding up to 1), `exact/arithmetic_sum_error` and
    `exact/geometric_sum_error` (how far the classes' probabilities are),
    `exact/weight_scaling_error` (largest difference of log-probabilities to the geometric
    ensemble), `exact/kl` (mean KL divergence from the geometric ensemble to weight scaling, nats),
    `exact/normal_error` (largest difference of means, the logits taken as means of normal
    distributions, to the geometric ensemble of those), `exact/mc_slope` and the curve
    `exact/mc_distance` (root mean square difference between the mean probabilities of k sampled
    masks and of all).
    """
    cohort = probed.cohort
    probabilities = log_probability(*cohort.stacked.sites).exp()
    x = next(iter(probed.batches()))[0][:IMAGES]
    units = sum(math.prod(site.shape) for site in cohort.stacked.sites if site.rate)
    ensemble = exact(cohort, x)
    scaled = weight_scaling(cohort, x)
    logits = cohort(x)
    geometric = ensemble.geometric
    r = len(cohort.seeds)
    normal = exact_normal(cohort, x, variance=1.0).mean
    metrics = {
        "exact/arithmetic_sum_error": (ensemble.arithmetic.exp().sum(-1) - 1).abs().amax(-1),
        "exact/geometric_sum_error": (geometric.exp().sum(-1) - 1).abs().amax(-1),
        "exact/weight_scaling_error": (scaled - geometric).abs().amax((-2, -1)),
        "exact/normal_error": (normal - logits).abs().amax((-2, -1)),
        "exact/kl": (geometric.exp() * (geometric - scaled)).sum(-1).mean(-1),
        "exact/units": torch.full((r,), float(units)),
        "exact/masks": torch.full((r,), float(len(probabilities))),
        "exact/probability_error": (probabilities.sum() - 1).abs().expand(r),
    }
    distances = _distances(probed, x, ensemble.arithmetic.exp())
    slope = _slope(torch.tensor(COUNTS).log(), distances.log())
    curves: Curves = {"exact/mc_distance": (COUNTS, distances)}

    return Findings(metrics=metrics | {"exact/mc_slope": slope}, curves=curves)


def _distances(probed: Probed, x: Tensor, target: Tensor) -> Tensor:
    """Root mean square difference of k sampled masks to all, over disjoint groups of a pool, `[K, R]`."""
    pool = torch.stack(list(subnetworks(probed.cohort, x, POOL))).exp()
    off = [pool[: POOL // k * k].unflatten(0, (-1, k)).mean(1) - target for k in COUNTS]
    return torch.stack([d.square().mean((0, 2, 3)).sqrt() for d in off])


def _slope(x: Tensor, y: Tensor) -> Tensor:
    """Slope of the least-squares line through `[K]` and `[K, R]`."""
    centred = (x - x.mean()).unsqueeze(1).to(y)
    return (centred * y).sum(0) / centred.square().sum()
