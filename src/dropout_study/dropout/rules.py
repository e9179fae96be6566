"""Prediction rules: ways of averaging the subnetworks of trained weights.

A rule maps a cohort and inputs to log-probabilities `[R, N, C]`; `RULES` names them all. A
subnetwork is the network under one mask, the same for all examples. Rules differ in which
subnetworks they average and in which mean they take. Sums are taken in float32 at least, whatever
the precision of the networks.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import CHUNK_BYTES, Ensemble, means, widen
from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.fast_dropout import check_fast_dropout, fast_dropout
from dropout_study.dropout.masks import check_enumerable, sample
from dropout_study.dropout.networks import Network
from dropout_study.dropout.randomness import Purpose


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


@torch.no_grad()
def subnetworks(cohort: Cohort, x: Tensor, count: int) -> Iterator[Tensor]:
    """Log-probabilities `[R, N, C]` of sampled subnetworks, one after the other.

    The stages before the first site that drops are computed once.

    Args:
        cohort: R networks with a site that drops.
        x: inputs `[N, D]`.
        count: number of subnetworks; number k is the same whatever the count.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8], hidden_rate=0.5), seeds=[0, 1])
        >>> [tuple(log_probs.shape) for log_probs in subnetworks(cohort, torch.rand(5, 4), count=2)]
        [(2, 5, 3), (2, 5, 3)]
    """
    sites = cohort.stacked.sites
    first = next((i for i, site in enumerate(sites) if site.masked), len(sites) - 1)
    units = cohort.outputs(x, stages=range(first))[-1] if first else x

    for k in range(count):
        masks = sample(sites, cohort.seeds, k, 1, Purpose.EVALUATION_MASK, x.dtype, x.device)
        logits = cohort.outputs(units, masks, range(first, len(sites)))[-1]
        yield widen(logits).log_softmax(-1)


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
    INTEGRATED = "integrated"  # all, by a closed form that needs no enumeration


def accept_any(_: Network) -> None:
    """The check of a rule that can be applied to any network."""


def check_all_masks(network: Network) -> None:
    """Refuse a network of more droppable units than can be enumerated.

    Raises:
        ValueError: with the number of units and what is allowed.
    """
    check_enumerable(*network.sites)


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
        check: refuses a network that it cannot be applied to, by a ValueError with the reason.

    Raises:
        ValueError: a curve is asked for that is not of the arithmetic mean of sampled masks.
    """

    predict: Callable[[Cohort, Tensor, int], Tensor]
    averages: Averages
    mean: Callable[[Ensemble], Tensor] | None = None
    curve: str = ""
    check: Callable[[Network], None] = accept_any

    def __post_init__(self) -> None:
        measurable = self.averages is Averages.SAMPLED and self.mean is _arithmetic
        if self.curve and not measurable:
            raise ValueError(
                f"curve={self.curve}: only that of the arithmetic mean of sampled masks is measured"
            )


def mean_rule(averages: Averages, mean: Callable[[Ensemble], Tensor], curve: str = "") -> Rule:
    """The rule that is one of the two means of some subnetworks.

    >>> mean_rule(Averages.SAMPLED, lambda ensemble: ensemble.geometric).averages
    <Averages.SAMPLED: 'sampled'>
    """

    def predict_mean(cohort: Cohort, x: Tensor, samples: int) -> Tensor:
        return mean(_ensemble(averages, cohort, x, samples))

    check = check_all_masks if averages is Averages.ALL else accept_any

    return Rule(predict_mean, averages, mean, curve, check)


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
    "fast_dropout": Rule(
        lambda cohort, x, _: fast_dropout(cohort, x), Averages.INTEGRATED, check=check_fast_dropout
    ),
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
            return exact_means(cohort, x)

    raise ValueError(f"there is no pass over subnetworks {averages}")
