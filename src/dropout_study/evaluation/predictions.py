"""Evaluating prediction rules on a set of examples: metrics of every network, and error against number of masks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.dropout.rules import RULES, means, predict, subnetworks
from dropout_study.measures.scores import Scores

Batches = Iterable[tuple[Tensor, Tensor]]


def score_rules(
    cohort: Cohort, batches: Batches, rules: Sequence[str], samples: int
) -> dict[str, Scores]:
    """Rule -> the scores of every network, `[R]`, over all batches of inputs `[N, D]` and labels `[N]`."""
    scores = {rule: Scores() for rule in rules}
    dtype = next(cohort.parameters()).dtype

    for x, labels in batches:
        for rule, log_probs in predict(cohort, x.to(dtype), rules, samples):
            scores[rule].add(log_probs, labels)

    return scores


@dataclass(frozen=True)
class Curve:
    """A measure against the number of masks: mean and standard deviation over re-draws, `[K, R]`."""

    counts: list[int]
    mean: Tensor
    sd: Tensor


@dataclass(frozen=True)
class Sampled:
    """What a pool of sampled subnetworks achieves.

    Attributes:
        scores: of the rules that average sampled subnetworks, here the whole pool, `[R]`.
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
    kept: Sequence[int] = (),
) -> Sampled:
    """Evaluate a pool of subnetworks, and parts of it: error against k masks (Srivastava et al. 2014, figure 11).

    One pool of predictions is stored; for every k up to a fifth of it, k of them are drawn with
    replacement, again and again. The pool is never altered.

    Args:
        cohort: R networks with a site that drops.
        batches: inputs `[N, D]` and labels `[N]`.
        rules: names of rules that average sampled subnetworks.
        samples: size of the pool, at least 10.
        redraws: times each k is drawn.
        kept: numbers of masks for which it is wanted which examples were misclassified; those
            beyond a fifth of the pool are left out.
    """
    largest = samples // 5
    kept = [k for k in kept if k <= largest]
    counts = sorted({*sparse_counts(largest), *kept})
    source = generator(Purpose.EVALUATION_MASK, 0, site=1_000)
    drawn = torch.randint(samples, (redraws, counts[-1]), generator=source)
    parts = [Scores(["nll", "ece"]) for _ in range(redraws)]
    whole = {rule: Scores() for rule in rules}

    for x, labels in batches:
        units = x.to(next(cohort.parameters()).dtype)
        pool = torch.stack([log_probs.cpu() for log_probs in subnetworks(cohort, units, samples)])
        ensemble = means(pool, [samples])

        for rule, score in whole.items():
            score.add(RULES[rule].mean(ensemble)[0], labels)

        for part, draw in zip(parts, drawn, strict=True):
            cumulated = pool[draw].logcumsumexp(0)[torch.tensor(counts) - 1]
            part.add(cumulated - torch.tensor(counts).log().view(-1, 1, 1, 1), labels)

    measures = [part.means() for part in parts]
    stacked = {
        key: torch.stack([of_part[key] for of_part in measures]) for key in ("error", "nll", "ece")
    }
    curves = {key: Curve(counts, values.mean(0), values.std(0)) for key, values in stacked.items()}
    shares = torch.stack(
        [part.wrong()[[counts.index(k) for k in kept]].double() for part in parts]
    ).mean(0)

    return Sampled(whole, curves, dict(zip(kept, shares, strict=True)))


def sparse_counts(largest: int) -> list[int]:
    """Numbers of masks, dense at first: eight a decade, from 1 to the largest."""
    steps = {round(10 ** (i / 8)) for i in range(8 * math.ceil(math.log10(max(largest, 1)) + 1))}
    return sorted({step for step in steps if step < largest} | {largest})
