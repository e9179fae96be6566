"""Prediction rules evaluated on examples: scores per network, and error against number of masks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import means
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.dropout.rules import Averages, means_of, subnetworks
from dropout_study.measures.scores import Scores
from dropout_study.measures.tasks import CLASSIFICATION, Task

Batches = Iterable[tuple[Tensor, Tensor]]


def score_rules(
    cohort: Cohort,
    batches: Batches,
    rules: Sequence[str],
    samples: int,
    task: Task = CLASSIFICATION,
) -> dict[str, Scores]:
    """Rule -> scores of every network, `[R]`, over batches of inputs `[N, D]` and labels `[N]`."""
    scores = {rule: Scores(task=task) for rule in rules}
    dtype = next(cohort.parameters()).dtype

    for x, labels in batches:
        targets = task.targets(x, labels)
        for rule, prediction in task.predict(cohort, x.to(dtype), rules, samples):
            scores[rule].add(prediction, targets)

    return scores


@dataclass(frozen=True)
class Curve:
    """A measure at K numbers of masks: mean and standard deviation over re-draws, `[K, R]`."""

    counts: list[int]
    mean: Tensor
    sd: Tensor


@dataclass(frozen=True)
class Sampled:
    """What a pool of sampled subnetworks achieves.

    Attributes:
        scores: of the rules that are a mean of sampled subnetworks, here the whole pool, `[R]`.
        curves: `error`, `nll` and `ece` of the arithmetic mean against the number of masks.
        wrong: number of masks -> share of re-draws that misclassified each example, `[R, N]`.
    """

    scores: dict[str, Scores]
    curves: dict[str, Curve]
    wrong: dict[int, Tensor]


def sampled(
    cohort: Cohort,
    batches: Batches,
    rules: Sequence[str],
    samples: int,
    redraws: int,
    per_image: Sequence[int] = (),
    task: Task = CLASSIFICATION,
) -> Sampled:
    """Evaluate a pool of sampled subnetworks, and its error against the number k of masks.

    One pool of predictions is stored; for values of k up to a fifth of it, k of them are drawn with
    replacement, `redraws` times. As figure 11 of Srivastava et al. (2014),
    https://jmlr.org/papers/v15/srivastava14a.html.

    Args:
        cohort: R networks with a site that drops.
        batches: inputs `[N, D]` and labels `[N]`.
        rules: names of rules that are a mean of sampled subnetworks.
        samples: size of the pool, at least 10.
        redraws: times each k is drawn.
        per_image: numbers of masks at which the misclassified examples are returned; those beyond
            a fifth of the pool are left out.
        task: a classification, which says how the rules are judged.
    """
    largest = samples // 5
    reported = [k for k in per_image if k <= largest]
    counts = sorted({*sparse_counts(largest), *reported})
    rows = [counts.index(k) for k in reported]
    divisors = torch.tensor(counts)
    source = generator(Purpose.EVALUATION_MASK, 0, site=1_000)
    drawn = torch.randint(samples, (redraws, counts[-1]), generator=source)
    parts = [Scores(["nll", "ece"]) for _ in range(redraws)]
    rule_means = means_of(rules, Averages.SAMPLED)
    whole = {rule: Scores(task=task) for rule in rule_means}

    for x, labels in batches:
        units = x.to(next(cohort.parameters()).dtype)
        pool = torch.stack([log_probs.cpu() for log_probs in subnetworks(cohort, units, samples)])
        ensemble = means(pool, [samples])

        for rule, score in whole.items():
            score.add(rule_means[rule](ensemble)[0], labels)

        for part, draw in zip(parts, drawn, strict=True):
            cumulated = pool[draw].logcumsumexp(0)[divisors - 1]
            part.add(cumulated - divisors.log().view(-1, 1, 1, 1), labels)

    means_of_parts = [part.means() for part in parts]
    curves = {}

    for measure in ("error", "nll", "ece"):
        values = torch.stack([of_part[measure] for of_part in means_of_parts])
        curves[measure] = Curve(counts, values.mean(0), values.std(0))

    shares = torch.stack([part.wrong()[rows].double() for part in parts]).mean(0)

    return Sampled(whole, curves, dict(zip(reported, shares, strict=True)))


def sparse_counts(largest: int) -> list[int]:
    """Numbers of masks from 1 to the largest, eight per decade.

    >>> sparse_counts(10)
    [1, 2, 3, 4, 6, 7, 10]
    """
    steps = {round(10 ** (i / 8)) for i in range(8 * math.ceil(math.log10(max(largest, 1)) + 1))}
    return sorted({step for step in steps if step < largest} | {largest})
