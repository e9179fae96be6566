"""Prediction rules: ways of averaging the subnetworks of trained weights.

A rule maps a cohort and inputs to log-probabilities `[R, N, C]`. A subnetwork is the network under one mask, the
same for all examples; every rule here averages over subnetworks, so they differ in how alone.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dropout_study.cohort import Cohort
from dropout_study.masks import Site, enumerate_masks, log_probability, sample
from dropout_study.randomness import Purpose

MEMORY = 256 * 2**20  # bytes that the largest intermediate of a rule may take; more examples are done in chunks
MAX_UNITS = 20  # droppable units that are enumerated: 2^20 subnetworks


@dataclass(frozen=True)
class Ensemble:
    """Log-probabilities of the two means of subnetworks, `[..., R, N, C]`.

    Attributes:
        arithmetic: log of the mean probability (7.53).
        geometric: the renormalized geometric mean of the probabilities (7.54, 7.55).
    """

    arithmetic: Tensor
    geometric: Tensor


@torch.no_grad()
def weight_scaling(cohort: Cohort, x: Tensor) -> Tensor:
    """One pass without masks (7.66); under inverted scaling the trained weights are those scaled by `keep`.

    Args:
        cohort: R networks.
        x: inputs `[N, D]`.
    """
    return cohort(x).log_softmax(-1)  # type: ignore[no-any-return]


@torch.no_grad()
def monte_carlo(cohort: Cohort, x: Tensor, counts: Sequence[int], memory: int = MEMORY) -> Ensemble:
    """Means over sampled subnetworks, for several numbers of them in one pass.

    The masks depend on seed and sample number alone: the estimate at k uses the first k of them, is the same at
    every call, and for an example does not depend on the others. The geometric mean is not weighted: the
    probability of a mask is in the sampling already.

    Args:
        cohort: R networks with a site that drops.
        x: inputs `[N, D]`.
        counts: numbers of samples k, ascending.
        memory: bytes for the units of a chunk of examples.

    Returns:
        Estimates `[K, R, N, C]`, one for each of `counts`.
    """
    parts = [means(subnetworks(cohort, rows, counts[-1]), counts) for rows in x.split(_rows(cohort, memory))]
    return Ensemble(torch.cat([p.arithmetic for p in parts], -2), torch.cat([p.geometric for p in parts], -2))


def means(samples: Iterable[Tensor], counts: Sequence[int]) -> Ensemble:
    """Both means of the first k samples of log-probabilities `[..., N, C]`, for each k of the ascending `counts`.

    Returns:
        Estimates `[K, ..., N, C]`.
    """
    arithmetic, geometric = [], []
    total, log_total = torch.zeros(()), torch.full((), -math.inf)
    for k, log_probs in enumerate(samples, start=1):
        total, log_total = total + log_probs, torch.logaddexp(log_total.to(log_probs), log_probs)
        if k in counts:
            arithmetic.append(log_total - math.log(k))
            geometric.append((total / k).log_softmax(-1))
    return Ensemble(torch.stack(arithmetic), torch.stack(geometric))


@torch.no_grad()
def subnetworks(cohort: Cohort, x: Tensor, count: int) -> Iterator[Tensor]:
    """Log-probabilities `[R, N, C]` of sampled subnetworks, one after the other.

    What precedes the first site that drops is computed once.
    """
    sites = cohort.network.sites
    first = next((i for i, site in enumerate(sites) if site.rate), len(sites) - 1)
    units = cohort.outputs(x, stages=range(first))[-1] if first else x
    for k in range(count):
        masks = sample(sites, cohort.seeds, k, 1, Purpose.EVALUATION_MASK, x.dtype, x.device)
        yield cohort.outputs(units, masks, range(first, len(sites)))[-1].log_softmax(-1)


@torch.no_grad()
def exact(cohort: Cohort, x: Tensor, memory: int = MEMORY) -> Ensemble:
    """Means over all subnetworks, each weighted by the probability of its mask.

    The logits of the last site's masks are built by doubling: those with a unit are those without it plus the
    unit's contribution. The masks of earlier sites are gone through one by one.

    Args:
        cohort: R networks with at most 20 droppable units in all.
        x: inputs `[N, D]`.
        memory: bytes for the logits of a chunk; takes a small multiple of it in all.

    Raises:
        ValueError: there are more units than can be enumerated.
    """
    sites = cohort.network.sites
    check_enumerable(cohort)
    masks_of_last = 2 ** math.prod(sites[-1].shape) if sites[-1].rate else 1
    classes = cohort.get_parameter(f"stacked.layers.{len(sites) - 1}.bias").shape[-1]
    per_row = len(cohort.seeds) * masks_of_last * classes * x.element_size()
    parts = [_exact(cohort, rows) for rows in x.split(max(1, memory // per_row))]
    return Ensemble(torch.cat([p.arithmetic for p in parts], 1), torch.cat([p.geometric for p in parts], 1))


def check_enumerable(cohort: Cohort) -> None:
    """Refuse more droppable units than can be enumerated.

    Raises:
        ValueError: with the number of units and what is allowed.
    """
    units = sum(math.prod(site.shape) for site in cohort.network.sites if site.rate)
    if units > MAX_UNITS:
        raise ValueError(
            f"{units} droppable units have 2^{units} subnetworks; at most {MAX_UNITS} units can be enumerated. "
            "Use monte_carlo, or a smaller network."
        )


def _exact(cohort: Cohort, x: Tensor) -> Ensemble:
    arithmetic, geometric = [], []
    for log_weight, units in _earlier(cohort, x):
        log_probs = _logits_by_doubling(cohort, units).log_softmax(-2)  # [R, N, C, M]
        log_weights = log_weight + log_probability(cohort.network.sites[-1], x.dtype).to(x.device)
        geometric.append((log_weights.exp() * log_probs).sum(-1))
        arithmetic.append(log_probs.add_(log_weights).logsumexp(-1))
    return Ensemble(torch.stack(arithmetic).logsumexp(0), torch.stack(geometric).sum(0).log_softmax(-1))


def _earlier(cohort: Cohort, x: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Every combination of masks of the sites before the last: its log-probability and the last site's units."""
    *earlier, _ = cohort.network.sites
    count = len(cohort.seeds)
    if not earlier:
        yield 0.0, x.expand(count, *x.shape)
        return
    droppable = [site for site in earlier if site.rate]
    for log_weight, masks in _combinations(droppable, x):
        shared = {name: mask.expand(count, 1, *mask.shape) for name, mask in masks.items()}
        yield log_weight, cohort.outputs(x, shared, range(len(earlier)))[-1]


def _combinations(sites: Sequence[Site], x: Tensor) -> Iterator[tuple[float, dict[str, Tensor]]]:
    """All combinations of the sites' masks as factors, with their log-probability."""
    if not sites:
        yield 0.0, {}
        return
    site, *rest = sites
    masks = enumerate_masks(math.prod(site.shape)).to(x) / site.keep
    for log_weight, mask in zip(log_probability(site, x.dtype).tolist(), masks, strict=True):
        for log_rest, others in _combinations(rest, x):
            yield log_weight + log_rest, {site.name: mask.view(site.shape), **others}


def _logits_by_doubling(cohort: Cohort, units: Tensor) -> Tensor:
    """Logits `[R, N, C, M]` of the last stage under all M masks of its site, for its units `[R, N, n]`.

    The order of the masks is that of `enumerate_masks`: unit i is kept where bit i is set.
    """
    site, layer = cohort.network.sites[-1], len(cohort.network.sites) - 1
    weight = cohort.get_parameter(f"stacked.layers.{layer}.weight")
    bias = cohort.get_parameter(f"stacked.layers.{layer}.bias")
    if not site.rate:
        return (units @ weight + bias.unsqueeze(1)).unsqueeze(-1)
    contributions = units.unsqueeze(-1) * weight.unsqueeze(1) / site.keep  # [R, N, n, C]
    count, rows, n, classes = contributions.shape
    logits = units.new_empty(count, rows, classes, 2**n)
    logits[..., 0] = bias.unsqueeze(1)
    for i in range(n):
        half = 2**i
        torch.add(logits[..., :half], contributions[:, :, i, :, None], out=logits[..., half : 2 * half])
    return logits


@dataclass(frozen=True)
class NormalEnsemble:
    """Means of subnetworks that each predict a normal distribution of one variance, `[R, N, D]`.

    Attributes:
        mean: of both ensembles.
        geometric_variance: the renormalized geometric mean is normal, with the variance of each subnetwork.
        arithmetic_variance: the arithmetic mean is a mixture; its variance adds that of the subnetworks' means.
    """

    mean: Tensor
    geometric_variance: Tensor
    arithmetic_variance: Tensor


@torch.no_grad()
def exact_normal(cohort: Cohort, x: Tensor, variance: float) -> NormalEnsemble:
    """Ensembles of regression networks whose output is the mean of a normal distribution.

    Exact only because the variance does not depend on the mask: then the weighted geometric mean of normal
    densities is normal with the weighted mean of their means.

    Args:
        cohort: R networks with at most 20 droppable units in all.
        x: inputs `[N, D]`.
        variance: of every subnetwork's prediction.

    Raises:
        ValueError: there are more units than can be enumerated.
    """
    check_enumerable(cohort)
    first, second = torch.zeros(()), torch.zeros(())
    for log_weight, units in _earlier(cohort, x):
        means = _logits_by_doubling(cohort, units)
        weights = (log_weight + log_probability(cohort.network.sites[-1], x.dtype).to(x.device)).exp()
        first, second = first + (weights * means).sum(-1), second + (weights * means.square()).sum(-1)
    same = torch.full_like(first, variance)
    return NormalEnsemble(first, same, same + (second - first.square()).clamp_min(0))


def bagging(log_probs: Tensor, size: int) -> Tensor:
    """Mean probabilities of disjoint bags of networks (7.52), for 1, 2, ... `size` members in one pass.

    Args:
        log_probs: predictions of S x K members, `[S * K, N, C]`; consecutive members form a bag.
        size: members K of a bag.

    Returns:
        Log-probabilities `[K, S, N, C]` of the S bags after their first 1..K members.

    Raises:
        ValueError: the members do not divide into bags of that size.
    """
    if size < 1 or len(log_probs) % size:
        raise ValueError(f"{len(log_probs)} members do not divide into bags of {size}")
    cumulated: Tensor = log_probs.unflatten(0, (-1, size)).logcumsumexp(1)
    counts = torch.arange(1, size + 1, dtype=log_probs.dtype, device=log_probs.device)
    return (cumulated - counts.log().view(1, -1, 1, 1)).transpose(0, 1)


def _rows(cohort: Cohort, memory: int) -> int:
    """Examples whose units, at the widest site, fit into the memory; a few such tensors are alive at once."""
    widest = max(math.prod(site.shape) for site in cohort.network.sites)
    return max(1, memory // (4 * len(cohort.seeds) * widest * next(cohort.parameters()).element_size()))
