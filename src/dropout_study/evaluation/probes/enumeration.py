"""Networks whose masks can all be enumerated: what is exact, and the errors of approximations."""

import torch
from torch import Tensor

from dropout_study.dropout.enumeration import exact, exact_normal
from dropout_study.dropout.masks import droppable_units, log_probability
from dropout_study.dropout.rules import subnetworks, weight_scaling
from dropout_study.evaluation.probes.findings import Curves, Finding, Findings, Probed

POOL_SIZE = 1_000  # sampled masks
COUNTS = [1, 2, 5, 10, 20, 50, 100]
IMAGES = 100  # test images whose predictions are compared

FINDINGS = (
    Finding("exact/units", "units", "droppable units n"),
    Finding("exact/masks", "masks", "masks 2^n"),
    Finding("exact/probability_error", "", "|1 - sum of the masks' probabilities|"),
    Finding(
        "exact/arithmetic_sum_error",
        "",
        "|1 - sum of the classes' probabilities|, largest over images, arithmetic mean",
    ),
    Finding(
        "exact/geometric_sum_error",
        "",
        "|1 - sum of the classes' probabilities|, largest over images, geometric mean",
    ),
    Finding(
        "exact/weight_scaling_error",
        "nats",
        "largest difference of log-probabilities between weight scaling and the geometric mean",
    ),
    Finding("exact/kl", "nats", "mean KL divergence from the geometric mean to weight scaling"),
    Finding(
        "exact/normal_error",
        "",
        "largest difference of means between weight scaling and the geometric mean of normal "
        "distributions whose means are the logits",
    ),
    Finding(
        "exact/mc_distance",
        "",
        "root mean square difference between the mean probabilities of k sampled masks and of all, "
        "by k",
    ),
    Finding("exact/mc_slope", "", "slope of log(exact/mc_distance) against log(k)"),
)


@torch.no_grad()
def enumeration(probed: Probed) -> Findings:
    """Both exact means against weight scaling and sampling, in the networks' precision."""
    cohort = probed.cohort
    probabilities = log_probability(*cohort.stacked.sites).exp()
    x = next(iter(probed.batches()))[0][:IMAGES]
    units = droppable_units(*cohort.stacked.sites)
    ensemble = exact(cohort, x)
    scaled = weight_scaling(cohort, x)
    logits = cohort(x)
    geometric = ensemble.geometric
    networks = len(cohort.seeds)
    normal = exact_normal(cohort, x, variance=1.0).mean
    metrics = {
        "exact/arithmetic_sum_error": (ensemble.arithmetic.exp().sum(-1) - 1).abs().amax(-1),
        "exact/geometric_sum_error": (geometric.exp().sum(-1) - 1).abs().amax(-1),
        "exact/weight_scaling_error": (scaled - geometric).abs().amax((-2, -1)),
        "exact/normal_error": (normal - logits).abs().amax((-2, -1)),
        "exact/kl": (geometric.exp() * (geometric - scaled)).sum(-1).mean(-1),
        "exact/units": torch.full((networks,), float(units)),
        "exact/masks": torch.full((networks,), float(len(probabilities))),
        "exact/probability_error": (probabilities.sum() - 1).abs().expand(networks),
    }
    distances = _distances(probed, x, ensemble.arithmetic.exp())
    slope = _slope(torch.tensor(COUNTS).log(), distances.log())
    curves: Curves = {"exact/mc_distance": (COUNTS, distances)}

    return Findings(metrics=metrics | {"exact/mc_slope": slope}, curves=curves)


def _distances(probed: Probed, x: Tensor, target: Tensor) -> Tensor:
    """Root mean square difference of k sampled masks to all, over groups of a pool, `[K, R]`."""
    pool = torch.stack(list(subnetworks(probed.cohort, x, POOL_SIZE))).exp()
    distances = []

    for k in COUNTS:
        groups = pool[: POOL_SIZE // k * k].unflatten(0, (-1, k))
        differences = groups.mean(1) - target
        distances.append(differences.square().mean((0, 2, 3)).sqrt())

    return torch.stack(distances)


def _slope(x: Tensor, y: Tensor) -> Tensor:
    """Slope of the least-squares line through `[K]` and `[K, R]`."""
    centred = (x - x.mean()).unsqueeze(1).to(y)
    return (centred * y).sum(0) / centred.square().sum()
