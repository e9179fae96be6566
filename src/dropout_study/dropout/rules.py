"""Prediction rules: ways of averaging the subnetworks of trained weights.

A rule maps a cohort and inputs to log-probabilities `[R, N, C]`; `RULES` names them all. A
subnetwork is the network under one mask, the same for all examples. Rules differ in which
subnetworks they average and in which mean they take. Sums are taken in float32 at least, whatever
the precision of the networks.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import (
    check_enumerable,
    droppable_units,
    log_probability,
    numbered_masks,
    sample,
)
from dropout_study.dropout.randomness import Purpose

# Bytes of the logits of one chunk; a few such tensors are alive together. Small chunks stay near
# the cache, but the C library does not give freed ones below 32 MiB back.
CHUNK_BYTES = 48 * 2**20


@dataclass(frozen=True)
class Ensemble:
    """Log-probabilities of the two means of subnetworks, `[..., R, N, C]`.

    Attributes:
        arithmetic: log of the mean probability (7.53).
        geometric: the renormalized geometric mean of the probabilities (7.54, 7.55).
    """

    arithmetic: Tensor
    geometric: Tensor


def widen(values: Tensor) -> Tensor:
    """The values in float32 at least: a long sum in half precision stops growing."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@torch.no_grad()
def weight_scaling(cohort: Cohort, x: Tensor) -> Tensor:
    """Log-probabilities `[R, N, C]` of one pass without masks (7.66).

    Under inverted scaling the trained weights are those that the book scales by `keep`.
    Deep Learning (2016), section 7.12, https://www.deeplearningbook.org.

    Args:
        cohort: R networks.
        x: inputs `[N, D]`.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8], hidden_rate=0.5), seeds=[0, 1])
        >>> log_probs = weight_scaling(cohort, torch.rand(5, 4))
        >>> torch.allclose(log_probs.exp().sum(-1), torch.ones(2, 5))
        True
    """
    return widen(cohort(x)).log_softmax(-1)


@torch.no_grad()
def monte_carlo(
    cohort: Cohort, x: Tensor, counts: Sequence[int], chunk_bytes: int = CHUNK_BYTES
) -> Ensemble:
    """Means over sampled subnetworks, for several numbers of them in one pass.

    The masks depend on seed and sample number alone: the estimate at k uses the first k of them, is
    the same at every call, and for an example does not depend on the others. The geometric mean is
    not weighted: the probability of a mask is in the sampling already. Monte Carlo with dropout is
    that of Gal and Ghahramani (2015), https://arxiv.org/abs/1506.02158.

    Args:
        cohort: R networks with a site that drops.
        x: inputs `[N, D]`.
        counts: numbers of samples k, ascending.
        chunk_bytes: bytes for the units of a chunk of examples.

    Returns:
        Estimates `[K, R, N, C]`, one for each of `counts`.

    Raises:
        ValueError: `counts` are not ascending from 1 on.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8], hidden_rate=0.5), seeds=[0, 1])
        >>> monte_carlo(cohort, torch.rand(5, 4), counts=[1, 10, 100]).arithmetic.shape
        torch.Size([3, 2, 5, 3])
    """
    largest = max(counts, default=0)
    chunks = x.split(_rows(cohort, chunk_bytes))
    parts = [means(subnetworks(cohort, rows, largest), counts) for rows in chunks]

    return Ensemble(
        torch.cat([p.arithmetic for p in parts], -2), torch.cat([p.geometric for p in parts], -2)
    )


def means(samples: Iterable[Tensor], counts: Sequence[int]) -> Ensemble:
    """Both means of the first k samples, for each k of `counts`.

    Args:
        samples: log-probabilities `[..., N, C]`, one tensor per subnetwork.
        counts: numbers of samples k, ascending.

    Returns:
        Estimates `[K, ..., N, C]`.

    Raises:
        ValueError: `counts` are not ascending from 1 on, or there are fewer samples than the last.

    Example:
        >>> samples = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]]).log()
        >>> ensemble = means(samples, counts=[1, 2])
        >>> [round(p, 3) for p in ensemble.arithmetic[1, 0].exp().tolist()]
        [0.7, 0.3]
        >>> [round(p, 3) for p in ensemble.geometric[1, 0].exp().tolist()]
        [0.75, 0.25]
    """
    counts = list(counts)
    if not counts or counts != sorted(set(counts)) or counts[0] < 1:
        raise ValueError(f"counts={counts}: give distinct numbers in ascending order, from 1 on")

    arithmetic = []
    geometric = []
    total = torch.zeros(())
    log_total = torch.full((), -math.inf)

    for k, log_probs in enumerate(map(widen, samples), start=1):
        total = total + log_probs
        log_total = torch.logaddexp(log_total.to(log_probs), log_probs)

        if k in counts:
            arithmetic.append(log_total - math.log(k))
            geometric.append((total / k).log_softmax(-1))

    if len(arithmetic) < len(counts):
        raise ValueError(f"counts={counts}: there are fewer than {counts[-1]} samples")

    return Ensemble(torch.stack(arithmetic), torch.stack(geometric))


@torch.no_grad()
def subnetworks(cohort: Cohort, x: Tensor, count: int) -> Iterator[Tensor]:
    """Log-probabilities `[R, N, C]` of sampled subnetworks, one after the other.

    The stages before the first site that drops are computed once.

    Args:
        cohort: R networks with a site that drops.
        x: inputs `[N, D]`.
        count: number of subnetworks; number k is the same whatever the count.
    """
    sites = cohort.stacked.sites
    first = next((i for i, site in enumerate(sites) if site.masked), len(sites) - 1)
    units = cohort.outputs(x, stages=range(first))[-1] if first else x

    for k in range(count):
        masks = sample(sites, cohort.seeds, k, 1, Purpose.EVALUATION_MASK, x.dtype, x.device)
        logits = cohort.outputs(units, masks, range(first, len(sites)))[-1]
        yield widen(logits).log_softmax(-1)


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

    for earlier, units in _earlier_masks(cohort, x, chunk_bytes):
        logits = logits_by_doubling(cohort, units)  # [R, M, N, C, masks of the last site]
        log_probs = logits.log_softmax(-2)
        log_weights = earlier.view(-1, 1, 1, 1) + last
        geometric.append((log_weights.exp() * log_probs).sum((1, -1)))
        arithmetic.append(log_probs.add_(log_weights).logsumexp((1, -1)))

    return Ensemble(
        torch.stack(arithmetic).logsumexp(0), torch.stack(geometric).sum(0).log_softmax(-1)
    )


def _earlier_masks(cohort: Cohort, x: Tensor, chunk_bytes: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Chunks of M masks of all sites but the last, with the units of the last site under them.

    Yields log-probabilities `[M]` of the masks and units `[R, M, N, n]`.
    """
    *earlier, _ = cohort.stacked.sites
    droppable = [site for site in earlier if site.masked]
    sizes = [math.prod(site.shape) for site in droppable]
    log_probabilities = log_probability(*droppable).to(widen(x))
    masks_per_chunk = max(1, chunk_bytes // _logit_bytes(cohort, len(x)))

    for numbers in torch.arange(2 ** sum(sizes)).split(masks_per_chunk):
        count = len(numbers)
        rows = x.expand(count, *x.shape).flatten(0, 1)
        masks = (
            numbered_masks(numbers, sum(sizes)).to(x).repeat_interleave(len(x), 0).split(sizes, 1)
        )
        factors = {
            site.name: (mask / site.keep)
            .unflatten(1, site.shape)
            .expand(len(cohort.seeds), -1, *site.shape)
            for site, mask in zip(droppable, masks, strict=True)
        }

        units = (
            cohort.outputs(rows, factors, range(len(earlier)))[-1]
            if earlier
            else rows.expand(len(cohort.seeds), -1, -1)
        )
        yield log_probabilities[numbers], units.unflatten(1, (count, len(x)))


def _logit_bytes(cohort: Cohort, examples: int) -> int:
    """Bytes of the logits under one mask of the earlier sites and all masks of the last."""
    last = cohort.stacked.sites[-1]
    bias = cohort.get_parameter(f"stacked.layers.{len(cohort.stacked.sites) - 1}.bias")
    masks: int = 2 ** droppable_units(last)

    return examples * masks * bias.numel() * widen(bias).element_size()


def logits_by_doubling(cohort: Cohort, units: Tensor) -> Tensor:
    """Logits `[R, M, N, C, L]` of the last stage under all L masks of its site.

    Args:
        cohort: R networks.
        units: of the last site, `[R, M, N, n]`; L = 2^n, or 1 if the site never drops.

    Returns:
        Logits in the order of `enumerate_masks`: unit i is kept where bit i is set.
    """
    site = cohort.stacked.sites[-1]
    layer = len(cohort.stacked.sites) - 1
    units = widen(units)
    weight = widen(cohort.get_parameter(f"stacked.layers.{layer}.weight"))
    weight = weight[:, None, None]  # [R, 1, 1, n, C]
    bias = cohort.get_parameter(f"stacked.layers.{layer}.bias")[:, None, None]

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
    """
    check_enumerable(*cohort.stacked.sites)
    first = torch.zeros(())
    second = torch.zeros(())
    last = log_probability(cohort.stacked.sites[-1]).to(widen(x))

    for earlier, units in _earlier_masks(cohort, x, CHUNK_BYTES):
        outputs = logits_by_doubling(cohort, units)
        weights = (earlier.view(-1, 1, 1, 1) + last).exp()
        first = first + (weights * outputs).sum((1, -1))
        second = second + (weights * outputs.square()).sum((1, -1))

    of_each = torch.full_like(first, variance)
    of_means = (second - first.square()).clamp_min(0)

    return NormalEnsemble(first, of_each, of_each + of_means)


def bagging(log_probs: Tensor, size: int) -> Tensor:
    """Mean probabilities of disjoint bags of networks (7.52), for 1 to `size` members in one pass.

    Args:
        log_probs: predictions of S x K members, `[S * K, N, C]`; consecutive members form a bag.
        size: members K of a bag.

    Returns:
        Log-probabilities `[K, S, N, C]` of the S bags after their first 1..K members.

    Raises:
        ValueError: the members do not divide into bags of that size.

    Example:
        >>> members = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]]).log()
        >>> bagging(members, size=2)[:, 0, 0].exp().mul(10).round().tolist()
        [[5.0, 5.0], [7.0, 3.0]]
    """
    if size < 1 or len(log_probs) % size:
        raise ValueError(f"{len(log_probs)} members do not divide into bags of {size}")

    log_probs = widen(log_probs)
    cumulated: Tensor = log_probs.unflatten(0, (-1, size)).logcumsumexp(1)
    counts = torch.arange(1, size + 1, dtype=log_probs.dtype, device=log_probs.device)

    return (cumulated - counts.log().view(1, -1, 1, 1)).transpose(0, 1)


def _rows(cohort: Cohort, chunk_bytes: int) -> int:
    """Examples per chunk: four tensors of the units of the widest site fit into it."""
    widest = max(math.prod(site.shape) for site in cohort.stacked.sites)
    element_size = next(cohort.parameters()).element_size()

    return max(1, chunk_bytes // (4 * len(cohort.seeds) * widest * element_size))


class Averages(Enum):
    """Which subnetworks a rule averages."""

    NONE = "none"  # one pass without masks
    SAMPLED = "sampled"
    ALL = "all"


@dataclass(frozen=True)
class Rule:
    """A function from a cohort and inputs to log-probabilities.

    A rule of its own arithmetic is one entry: `Rule(predict, averages)`. A mean of subnetworks that
    other rules average too is made by `mean_rule`, so that they share one pass.

    Attributes:
        predict: (cohort, inputs `[N, D]`, number of sampled masks) -> log-probabilities
            `[R, N, C]`.
        averages: the subnetworks that it averages.
        mean: which of the two means of those subnetworks it is; None: neither.
        curve: prefix of the keys under which its error against the number of masks is recorded;
            empty if that is not measured.

    Raises:
        ValueError: a curve is asked for that is not of the arithmetic mean of sampled masks.
    """

    predict: Callable[[Cohort, Tensor, int], Tensor]
    averages: Averages
    mean: Callable[[Ensemble], Tensor] | None = None
    curve: str = ""

    def __post_init__(self) -> None:
        measurable = self.averages is Averages.SAMPLED and self.mean is _arithmetic
        if self.curve and not measurable:
            raise ValueError(
                f"curve={self.curve}: only that of the arithmetic mean of sampled masks is measured"
            )


def mean_rule(averages: Averages, mean: Callable[[Ensemble], Tensor], curve: str = "") -> Rule:
    """The rule that is one of the two means of some subnetworks."""

    def predict_mean(cohort: Cohort, x: Tensor, samples: int) -> Tensor:
        return mean(_ensemble(averages, cohort, x, samples))

    return Rule(predict_mean, averages, mean, curve)


def _arithmetic(ensemble: Ensemble) -> Tensor:
    return ensemble.arithmetic


def _geometric(ensemble: Ensemble) -> Tensor:
    return ensemble.geometric


RULES: dict[str, Rule] = {
    "weight_scaling": Rule(lambda cohort, x, _: weight_scaling(cohort, x), Averages.NONE),
    "monte_carlo": mean_rule(Averages.SAMPLED, _arithmetic, curve="mc"),
    "geometric": mean_rule(Averages.SAMPLED, _geometric),
    "exact_arithmetic": mean_rule(Averages.ALL, _arithmetic),
    "exact_geometric": mean_rule(Averages.ALL, _geometric),
}


def means_of(names: Sequence[str], averages: Averages) -> dict[str, Callable[[Ensemble], Tensor]]:
    """Those of the rules that are a mean of these subnetworks, with the mean that each one is.

    >>> list(means_of(["weight_scaling", "monte_carlo", "geometric"], Averages.SAMPLED))
    ['monte_carlo', 'geometric']
    """
    rules = {name: RULES[name] for name in names}
    return {
        name: rule.mean
        for name, rule in rules.items()
        if rule.mean is not None and rule.averages is averages
    }


def predict(
    cohort: Cohort, x: Tensor, names: Sequence[str], samples: int
) -> Iterator[tuple[str, Tensor]]:
    """Yield name and prediction `[R, N, C]` of several rules.

    Rules that average the same subnetworks share one pass over them.

    Args:
        cohort: R networks.
        x: inputs `[N, D]`.
        names: of the rules, keys of `RULES`.
        samples: number of sampled masks.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8], hidden_rate=0.5), seeds=[0])
        >>> predictions = dict(predict(cohort, torch.rand(5, 4), list(RULES), samples=10))
        >>> predictions["exact_geometric"].shape
        torch.Size([1, 5, 3])
    """
    for name in names:
        if RULES[name].mean is None:
            yield name, RULES[name].predict(cohort, x, samples)

    for averages in Averages:
        sharing = means_of(names, averages)
        if sharing:
            ensemble = _ensemble(averages, cohort, x, samples)
            yield from ((name, mean(ensemble)) for name, mean in sharing.items())


def _ensemble(averages: Averages, cohort: Cohort, x: Tensor, samples: int) -> Ensemble:
    """Both means of the subnetworks; without masks there is one network, which is both."""
    match averages:
        case Averages.NONE:
            log_probs = weight_scaling(cohort, x)
            return Ensemble(log_probs, log_probs)
        case Averages.SAMPLED:
            sampled = monte_carlo(cohort, x, [samples])
            return Ensemble(sampled.arithmetic[0], sampled.geometric[0])
        case Averages.ALL:
            return exact(cohort, x)
