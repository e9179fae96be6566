"""All subnetworks of a small network: the exact means of their predictions."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import CHUNK_BYTES, Ensemble, widen
from dropout_study.dropout.masks import (
    check_enumerable,
    droppable_units,
    enumerate_masks,
    log_probability,
    numbered_masks,
)

SMALLEST_PROBABILITY = 1e-290
"""Smaller sums of probabilities lose digits in float64; logarithms are summed instead."""
CACHED_LOGITS = 2**18
"""Logits in float64 that are computed at once, 2 MiB: they stay in the cache."""


@torch.no_grad()
def exact(cohort: Cohort, x: Tensor, chunk_bytes: int = CHUNK_BYTES) -> Ensemble:
    """Means over all subnetworks, each weighted by the probability of its mask.

    Arithmetic: p(y) = sum_mu p(mu) p(y | mu) (7.53). Geometric: p(y) proportional to
    prod_mu p(y | mu)^p(mu) (7.54, 7.55). Deep Learning (2016), https://www.deeplearningbook.org.

    The logits of the last site's masks are built by doubling: those with a unit are those without
    it plus the unit's contribution. The masks of earlier sites are enumerated in chunks.

    Args:
        cohort: R networks with at most 20 droppable units in all.
        x: inputs `[N, D]`.
        chunk_bytes: bytes for the logits of a chunk; a small multiple of it is used in all.

    Raises:
        ValueError: there are more units than can be enumerated.

    Example:
        For softmax regression weight scaling is the geometric mean (7.66):

        >>> from dropout_study.dropout.networks import MLP
        >>> from dropout_study.dropout.rules import weight_scaling
        >>> cohort = Cohort(MLP(inputs=4, classes=3, input_rate=0.5), seeds=[0]).double()
        >>> x = torch.rand(5, 4).double()
        >>> torch.allclose(exact(cohort, x).geometric, weight_scaling(cohort, x), atol=1e-12)
        True
    """
    check_enumerable(*cohort.stacked.sites)
    rows_per_chunk = max(1, chunk_bytes // _logit_bytes(cohort, 1))
    parts = [_exact(cohort, rows, chunk_bytes) for rows in x.split(rows_per_chunk)]

    return Ensemble(
        torch.cat([p.arithmetic for p in parts], 1), torch.cat([p.geometric for p in parts], 1)
    )


def _exact(cohort: Cohort, x: Tensor, chunk_bytes: int) -> Ensemble:
    """Both means for as many inputs as fit into a chunk."""
    last = log_probability(cohort.stacked.sites[-1]).to(widen(x))
    arithmetic = []
    geometric = []

    masks_per_chunk = max(1, chunk_bytes // _logit_bytes(cohort, len(x)))

    for earlier, units in _earlier_masks(cohort, x, masks_per_chunk):
        logits = logits_by_doubling(cohort, units)  # [R, M, N, C, masks of the last site]
        log_probs = logits.log_softmax(-2)
        log_weights = earlier.view(-1, 1, 1, 1) + last
        geometric.append((log_weights.exp() * log_probs).sum((1, -1)))
        arithmetic.append(log_probs.add_(log_weights).logsumexp((1, -1)))

    return Ensemble(
        torch.stack(arithmetic).logsumexp(0), torch.stack(geometric).sum(0).log_softmax(-1)
    )


@torch.no_grad()
def exact_means(cohort: Cohort, x: Tensor, chunk_bytes: int = CHUNK_BYTES) -> Ensemble:
    """What `exact` gives; for two classes in about a hundredth of the time.

    The logits are linear in the masks of the last site, over which they average in closed form. So
    the geometric mean needs one pass for each mask of the earlier sites. The arithmetic mean still
    goes through all masks: of two classes, each mask adds one logistic function of the difference
    of their logits, which a matrix product gives for all masks of the last site.

    `exact` uses neither: it checks what this function assumes.

    Args:
        cohort: R networks with at most 20 droppable units in all.
        x: inputs `[N, D]`.
        chunk_bytes: bytes for the units of a chunk; a small multiple of it is used in all.

    Raises:
        ValueError: there are more units than can be enumerated.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 2, [8], hidden_rate=0.5), seeds=[0]).double()
        >>> x = torch.rand(5, 4).double()
        >>> quick, checked = exact_means(cohort, x), exact(cohort, x)
        >>> torch.allclose(quick.arithmetic, checked.arithmetic, atol=1e-12)
        True
    """
    check_enumerable(*cohort.stacked.sites)
    weight, bias = _last_layer(cohort)
    if weight.shape[-1] != 2:
        return exact(cohort, x, chunk_bytes)

    units_per_mask = len(cohort.seeds) * len(x) * weight.shape[-2]
    masks_per_chunk = max(1, chunk_bytes // (units_per_mask * weight.element_size()))
    geometric = torch.zeros(())

    for earlier, units in _earlier_masks(cohort, x, masks_per_chunk):
        logits = widen(units) @ weight[:, None] + bias[:, None, None]
        geometric = geometric + (earlier.exp().view(-1, 1, 1) * logits).sum(1)

    geometric = geometric.log_softmax(-1)
    unlikely = geometric.argmin(-1, keepdim=True)
    probability: Tensor = torch.zeros((), dtype=torch.float64, device=x.device)

    for earlier, units in _earlier_masks(cohort, x, masks_per_chunk):
        probabilities = _probability_of(unlikely, cohort, units)
        probability = probability + (earlier.exp().view(-1, 1) * probabilities).sum(1)

    arithmetic = _two_classes(unlikely, probability).to(geometric)
    underflown = (probability < SMALLEST_PROBABILITY).any(0)
    if underflown.any():
        arithmetic[:, underflown] = exact(cohort, x[underflown], chunk_bytes).arithmetic

    return Ensemble(arithmetic, geometric)


def _probability_of(unlikely: Tensor, cohort: Cohort, units: Tensor) -> Tensor:
    """Mean probability of one of two classes over the masks of the last site, float64.

    Args:
        unlikely: the class, `[R, N, 1]`. A probability near 0 is exact, one near 1 is as exact as
            1 minus it needs.
        cohort: R networks.
        units: of the last site, `[R, M, N, n]`.

    Returns:
        Probabilities `[R, M, N]`.
    """
    site = cohort.stacked.sites[-1]
    masks = enumerate_masks(droppable_units(site)).to(units.device, torch.float64) / site.keep
    weights = log_probability(site).exp().to(units.device)
    weight, bias = _last_layer(cohort)
    sign = 2.0 * unlikely - 1  # 1 for class 1
    differences = (weight[..., 1] - weight[..., 0]).double()
    offsets = sign * (bias[..., 1] - bias[..., 0]).view(-1, 1, 1)  # [R, N, 1]
    contributions = units.double() * differences[:, None, None] * sign.unsqueeze(1)

    if not site.masked:
        return (contributions.sum(-1) + offsets.squeeze(-1).unsqueeze(1)).sigmoid()

    rows = torch.cat([contributions, offsets.unsqueeze(1).expand(-1, units.shape[1], -1, -1)], -1)
    masks = torch.cat([masks, torch.ones(len(masks), 1).to(masks)], 1)  # the bias is never dropped

    return _mean_logistic(rows.flatten(0, 2), masks.T, weights).view(units.shape[:-1])


def _mean_logistic(rows: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean `[K]` over L masks `[n, L]` of the logistic function of `rows @ masks`.

    All pieces are computed in one place in memory, near the cache.
    """
    means = rows.new_empty(len(rows))
    pieces = rows.split(max(1, CACHED_LOGITS // len(weights)))
    cached = rows.new_empty(len(pieces[0]), len(weights))

    for piece, mean in zip(pieces, means.split(len(cached)), strict=True):
        logits = torch.mm(piece, masks, out=cached[: len(piece)])
        torch.mv(logits.sigmoid_(), weights, out=mean)

    return means


def _two_classes(unlikely: Tensor, probability: Tensor) -> Tensor:
    """Log-probabilities `[R, N, 2]` from the probability `[R, N]` of one class `[R, N, 1]`."""
    likely = torch.log1p(-probability).unsqueeze(-1).expand(*probability.shape, 2)
    return likely.scatter(-1, unlikely, probability.log().unsqueeze(-1))


def _last_layer(cohort: Cohort) -> tuple[Tensor, Tensor]:
    """Weight `[R, n, C]` and bias `[R, C]` of the last layer, in float32 at least."""
    layer = f"stacked.layers.{len(cohort.stacked.sites) - 1}"
    weight = cohort.get_parameter(f"{layer}.weight")
    bias = cohort.get_parameter(f"{layer}.bias")

    return widen(weight), widen(bias)


def _earlier_masks(
    cohort: Cohort, x: Tensor, masks_per_chunk: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Chunks of M masks of all sites but the last, with the units of the last site under them.

    The stages before the first site that drops are computed once.

    Yields log-probabilities `[M]` of the masks and units `[R, M, N, n]`.
    """
    *earlier, _ = cohort.stacked.sites
    droppable = [site for site in earlier if site.masked]
    sizes = [math.prod(site.shape) for site in droppable]
    log_probabilities = log_probability(*droppable).to(widen(x))
    first = next((i for i, site in enumerate(earlier) if site.masked), len(earlier))
    unmasked = _units(cohort, x, range(first))

    for numbers in torch.arange(2 ** sum(sizes)).split(masks_per_chunk):
        count = len(numbers)
        rows = unmasked.unsqueeze(1).expand(-1, count, *unmasked.shape[1:]).flatten(1, 2)
        masks = (
            numbered_masks(numbers, sum(sizes)).to(x).repeat_interleave(len(x), 0).split(sizes, 1)
        )
        factors = {
            site.name: (mask / site.keep)
            .unflatten(1, site.shape)
            .expand(len(cohort.seeds), -1, *site.shape)
            for site, mask in zip(droppable, masks, strict=True)
        }
        units = _units(cohort, rows, range(first, len(earlier)), factors)

        yield log_probabilities[numbers], units.unflatten(1, (count, len(x)))


def _units(
    cohort: Cohort, units: Tensor, stages: range, factors: dict[str, Tensor] | None = None
) -> Tensor:
    """The units `[R, N, ...]` that some stages give; those that go in if there is no stage."""
    if not stages:
        return units if units.dim() > 2 else units.expand(len(cohort.seeds), *units.shape)

    return cohort.outputs(units, factors, stages)[-1]


def _logit_bytes(cohort: Cohort, examples: int) -> int:
    """Bytes of the logits under one mask of the earlier sites and all masks of the last."""
    last = cohort.stacked.sites[-1]
    _, bias = _last_layer(cohort)
    masks: int = 2 ** droppable_units(last)

    return examples * masks * bias.numel() * bias.element_size()


def logits_by_doubling(cohort: Cohort, units: Tensor) -> Tensor:
    """Logits `[R, M, N, C, L]` of the last stage under all L masks of its site.

    Args:
        cohort: R networks.
        units: of the last site, `[R, M, N, n]`; L = 2^n, or 1 if the site never drops.

    Returns:
        Logits in the order of `enumerate_masks`: unit i is kept where bit i is set.
    """
    site = cohort.stacked.sites[-1]
    units = widen(units)
    weight, bias = _last_layer(cohort)
    weight = weight[:, None, None]  # [R, 1, 1, n, C]
    bias = bias[:, None, None]

    if not site.masked:
        return ((units.unsqueeze(-2) @ weight).squeeze(-2) + bias).unsqueeze(-1)

    contributions = units.unsqueeze(-1) * weight / site.keep  # [R, M, N, n, C]
    *batch, n, classes = contributions.shape
    logits = units.new_empty(*batch, classes, 2**n)
    logits[..., 0] = bias

    for i in range(n):
        half = 2**i
        torch.add(
            logits[..., :half], contributions[..., i, :, None], out=logits[..., half : 2 * half]
        )

    return logits


@dataclass(frozen=True)
class NormalEnsemble:
    """Means of subnetworks that each predict a normal distribution of one variance, `[R, N, D]`.

    Attributes:
        mean: of both ensembles.
        geometric_variance: the renormalized geometric mean is normal, with the variance of each
            subnetwork.
        arithmetic_variance: the arithmetic mean is a mixture; its variance adds that of the
            subnetworks' means.
    """

    mean: Tensor
    geometric_variance: Tensor
    arithmetic_variance: Tensor


@torch.no_grad()
def exact_normal(cohort: Cohort, x: Tensor, variance: float) -> NormalEnsemble:
    """Ensembles of regression networks whose output is the mean of a normal distribution.

    Exact only because the variance does not depend on the mask: then the weighted geometric mean of
    normal densities is normal with the weighted mean of their means.

    Args:
        cohort: R networks with at most 20 droppable units in all.
        x: inputs `[N, D]`.
        variance: of every subnetwork's prediction.

    Raises:
        ValueError: there are more units than can be enumerated.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(inputs=4, classes=2, input_rate=0.5), seeds=[0]).double()
        >>> x = torch.rand(5, 4).double()
        >>> torch.allclose(exact_normal(cohort, x, variance=1.0).mean, cohort(x), atol=1e-12)
        True
    """
    check_enumerable(*cohort.stacked.sites)
    first = torch.zeros(())
    second = torch.zeros(())
    last = log_probability(cohort.stacked.sites[-1]).to(widen(x))

    masks_per_chunk = max(1, CHUNK_BYTES // _logit_bytes(cohort, len(x)))

    for earlier, units in _earlier_masks(cohort, x, masks_per_chunk):
        outputs = logits_by_doubling(cohort, units)
        weights = (earlier.view(-1, 1, 1, 1) + last).exp()
        first = first + (weights * outputs).sum((1, -1))
        second = second + (weights * outputs.square()).sum((1, -1))

    of_each = torch.full_like(first, variance)
    of_means = (second - first.square()).clamp_min(0)

    return NormalEnsemble(first, of_each, of_each + of_means)
