"""Sampled subnetworks: each of them alone, in disjoint blocks of k, and all together."""

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from dropout_study.dropout import rules
from dropout_study.dropout.ensemble import widen
from dropout_study.evaluation.probes.divergence import Divergence
from dropout_study.evaluation.probes.findings import Curves, Finding, Findings, Probed
from dropout_study.evaluation.probes.tally import Outcome, Tally, outcome
from dropout_study.measures.scores import Scores

QUANTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "worst": 1.0, "best": 0.0}
MEANS = ("arithmetic", "geometric")

FINDINGS = (
    Finding(
        "blocks/error",
        "%",
        "error of the mean probabilities of k masks, mean over disjoint blocks of the pool, by k",
    ),
    Finding("blocks/nll", "nats", "NLL of the same, by k"),
    Finding("blocks_1", "", "share of the subnetworks that misclassify an image"),
    Finding(
        "blocks_20",
        "",
        "share of the blocks of 20 masks that misclassify an image; likewise for the other numbers "
        "in mc.per_image",
    ),
    Finding("subnetworks/error", "%", "mean error of a subnetwork"),
    Finding("subnetworks/nll", "nats", "mean NLL of a subnetwork"),
    *(
        Finding(f"subnetworks/error_{name}", "%", f"error of a subnetwork, quantile {quantile}")
        for name, quantile in QUANTILES.items()
    ),
    Finding("subnetworks/disagreement", "", "share of pairs that predict other classes"),
    *(
        finding
        for mean in MEANS
        for finding in (
            Finding(f"pool/error_{mean}", "%", f"error of the {mean} mean of the pool"),
            Finding(f"pool/nll_{mean}", "nats", f"NLL of the {mean} mean of the pool"),
            Finding(f"pool/kl_{mean}", "nats", "mean KL divergence from it to weight scaling"),
            Finding(
                f"pool/disagreement_{mean}",
                "",
                "share of the images for which it and weight scaling predict other classes",
            ),
            Finding(f"pool_{mean}", "", "images that it misclassifies"),
        )
    ),
)


@torch.no_grad()
def subnetworks(probed: Probed) -> Findings:
    """Measure a pool of `mc.samples` subnetworks, drawn at the rates of training.

    A network that never drops is its only subnetwork.
    """
    drops = any(site.masked for site in probed.cohort.stacked.sites)
    samples = probed.samples if drops else 1
    counts = block_sizes(samples, probed.per_image)
    batches: list[dict[int, Tally]] = []
    pool = {mean: Scores(["nll"]) for mean in MEANS}
    divergences = {mean: Divergence() for mean in MEANS}
    agreeing: list[Tensor] = []

    for x, labels in probed.batches():
        tallies = {k: Tally() for k in counts}
        log_total = torch.zeros((), device=x.device)
        votes: Tensor = torch.zeros((), device=x.device)
        arithmetic = log_total

        for k, log_probs in block_means(rules.subnetworks(probed.cohort, x, samples), counts):
            tallies[k].add(log_probs, labels)

            if k == samples:
                arithmetic = log_probs

            if k == 1:
                log_total = log_total + log_probs
                votes = votes + torch.nn.functional.one_hot(
                    log_probs.argmax(-1), log_probs.shape[-1]
                )

        geometric = (log_total / samples).log_softmax(-1)
        scaled = rules.weight_scaling(probed.cohort, x)

        for mean, log_probs in zip(MEANS, (arithmetic, geometric), strict=True):
            pool[mean].add(log_probs, labels)
            divergences[mean].add(log_probs, scaled)

        batches.append(tallies)
        agreeing.append((votes * (votes - 1)).sum(-1).double().cpu())

    outcomes = {k: outcome([tallies[k] for tallies in batches]) for k in counts}
    pairs = max(samples * (samples - 1), 1)
    findings = _of_blocks(outcomes, probed.per_image)
    findings.metrics |= _of_pool(pool, divergences)
    findings.metrics["subnetworks/disagreement"] = (
        1 - torch.cat(agreeing, -1).mean(-1) / pairs if drops else torch.zeros(len(votes))
    )
    findings.wrong |= {f"pool_{mean}": scores.wrong() for mean, scores in pool.items()}

    return findings


def _of_blocks(outcomes: dict[int, Outcome], per_image: Sequence[int]) -> Findings:
    """Curves over the number of masks, and the distribution of single subnetworks."""
    counts = list(outcomes)
    single = outcomes[1]
    curves: Curves = {
        "blocks/error": (counts, torch.stack([o.errors.mean(0) for o in outcomes.values()])),
        "blocks/nll": (counts, torch.stack([o.nll.mean(0) for o in outcomes.values()])),
    }
    metrics = {"subnetworks/error": single.errors.mean(0), "subnetworks/nll": single.nll.mean(0)}
    metrics |= {
        f"subnetworks/error_{name}": single.errors.quantile(quantile, dim=0)
        for name, quantile in QUANTILES.items()
    }
    reported = sorted({1, *per_image} & set(counts))
    wrong = {f"blocks_{k}": outcomes[k].wrong for k in reported}

    return Findings(metrics=metrics, curves=curves, wrong=wrong)


def _of_pool(pool: dict[str, Scores], divergences: dict[str, Divergence]) -> dict[str, Tensor]:
    """Error and NLL of both means of the pool, and how far weight scaling is from them."""
    metrics = {}

    for mean, scores in pool.items():
        whole = scores.means()
        metrics[f"pool/error_{mean}"] = whole["error"]
        metrics[f"pool/nll_{mean}"] = whole["nll"]
        metrics[f"pool/kl_{mean}"] = divergences[mean].kl()
        metrics[f"pool/disagreement_{mean}"] = divergences[mean].disagreement()

    return metrics


def block_sizes(pool: int, chosen: Sequence[int] = ()) -> list[int]:
    """Sizes k of blocks: 1, 2, 5, 10, 20, 50, ..., the chosen ones, and the whole pool.

    >>> block_sizes(30, chosen=[7, 99])
    [1, 2, 5, 7, 10, 20, 30]
    """
    decades = range(len(str(pool)))
    steps = {digit * 10**decade for decade in decades for digit in (1, 2, 5)}

    return sorted({k for k in steps | set(chosen) if k < pool} | {pool})


def block_means(samples: Iterable[Tensor], sizes: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
    """Mean probabilities of disjoint blocks of consecutive samples, for several sizes in one pass.

    A block of 20 adds up two blocks of 10 where there are any, so that a sample is added to few
    sums. One sum for each size is stored. Samples that fill no block count for other sizes alone.

    Args:
        samples: log-probabilities `[..., N, C]`.
        sizes: of the blocks, ascending from 1 on.

    Yields:
        The size and the log-probabilities of every block once it is complete.

    Example:
        >>> samples = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
        >>> [(k, round(float(mean[0].exp()), 2)) for k, mean in block_means(samples, [1, 2])]
        [(1, 0.5), (1, 0.9), (2, 0.7)]
    """
    # Size -> the sizes whose blocks are made of its own.
    made: dict[int, list[int]] = {k: [] for k in sizes}
    for k in sizes[1:]:
        made[max(smaller for smaller in sizes if smaller < k and k % smaller == 0)].append(k)

    sums: dict[int, Tensor] = {}
    filled = dict.fromkeys(sizes, 0)

    def complete(k: int, log_total: Tensor) -> Iterator[tuple[int, Tensor]]:
        yield k, log_total - math.log(k)

        for larger in made[k]:
            sums[larger] = torch.logaddexp(sums[larger], log_total) if larger in sums else log_total
            filled[larger] += k
            if filled[larger] == larger:
                filled[larger] = 0
                yield from complete(larger, sums.pop(larger))

    for sample in samples:
        yield from complete(1, widen(sample))
