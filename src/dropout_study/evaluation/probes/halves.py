"""Hidden units split at random into two halves: what each half knows, and what both know."""

import math

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import Masks, Site
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed
from dropout_study.evaluation.probes.tally import Tally, outcome
from dropout_study.evaluation.sample_sizes import HALVES_SPLITS

FIRST_STREAM = 3_000
"""Number of the random stream of the first layer's splits; no site has as high a number."""

FINDINGS = (
    Finding("halves/error", "%", "mean error of a half of the hidden units alone, scaled up"),
    Finding("halves/nll", "nats", "mean NLL of a half alone"),
    Finding("halves/error_mean", "%", "error of the mean probabilities of two halves"),
    Finding("halves/nll_mean", "nats", "NLL of the mean probabilities of two halves"),
    Finding("halves/error_whole", "%", "error of the whole network, by weight scaling"),
    Finding("halves/nll_whole", "nats", "NLL of the whole network"),
    Finding(
        "halves/disagreement", "", "share of the images for which two halves predict other classes"
    ),
    Finding("half", "", "share of the halves that misclassify an image"),
    Finding("halves_mean", "", "share of the splits whose two halves together misclassify it"),
    Finding("halves_whole", "", "images that the whole network misclassifies"),
)


@torch.no_grad()
def halves(probed: Probed) -> Findings:
    """Two complementary halves of all hidden layers, each alone and both together.

    The mean over `HALVES_SPLITS` random splits. The units of a half are scaled up as in training.
    """
    cohort = probed.cohort
    splits = [split_in_halves(cohort, i) for i in range(HALVES_SPLITS)]
    tallies: dict[str, list[Tally]] = {"": [], "_mean": [], "_whole": []}
    disagreeing: Tensor = torch.zeros(())

    for x, labels in probed.batches():
        alone, together, whole = Tally(), Tally(), Tally()
        whole.add(weight_scaling(cohort, x), labels)
        first = cohort.outputs(x, stages=range(1))[-1]

        for split in splits:
            one, other = (_predict(cohort, first, half) for half in split)
            alone.add(one, labels)
            alone.add(other, labels)
            together.add(torch.logaddexp(one, other) - math.log(2), labels)
            disagreeing = disagreeing + (one.argmax(-1) != other.argmax(-1)).sum(-1).cpu()

        for batches, tally in zip(tallies.values(), (alone, together, whole), strict=True):
            batches.append(tally)

    outcomes = {name: outcome(batches) for name, batches in tallies.items()}
    metrics = {f"halves/error{name}": o.errors.mean(0) for name, o in outcomes.items()}
    metrics |= {f"halves/nll{name}": o.nll.mean(0) for name, o in outcomes.items()}
    wrong = {f"halves{name}" if name else "half": o.wrong for name, o in outcomes.items()}
    images = wrong["half"].shape[-1]

    return Findings(
        metrics=metrics | {"halves/disagreement": disagreeing.double() / (HALVES_SPLITS * images)},
        wrong=wrong,
    )


def split_in_halves(cohort: Cohort, number: int) -> tuple[Masks, Masks]:
    """Factors `[R, 1, *shape]` of both halves of all hidden sites; a function of seed and number.

    Of an odd number of units the second half has one more.
    """
    sites = list(enumerate(cohort.stacked.sites))[1:]
    first = {
        site.name: torch.stack([_chosen(site, seed, number, i) for seed in cohort.seeds])
        for i, site in sites
    }
    second = {name: ~chosen for name, chosen in first.items()}

    return _factors(cohort, first), _factors(cohort, second)


def _factors(cohort: Cohort, kept: dict[str, Tensor]) -> Masks:
    """Factors `[R, 1, *shape]` of the units that are kept, `[R, *shape]`, scaled up."""
    dtype = next(cohort.parameters()).dtype
    device = next(cohort.parameters()).device
    factors = {}

    for name, units in kept.items():
        share = max(int(units[0].sum()), 1) / units[0].numel()
        factors[name] = (units.to(device, dtype) / share).unsqueeze(1)

    return factors


def _chosen(site: Site, seed: int, number: int, i: int) -> Tensor:
    """Which units of a site belong to the first half, `[*shape]`."""
    source = generator(Purpose.EVALUATION_MASK, seed, number, FIRST_STREAM + i)
    units = math.prod(site.shape)
    order = torch.randperm(units, generator=source)

    return (order < units // 2).view(site.shape)


def _predict(cohort: Cohort, first: Tensor, factors: Masks) -> Tensor:
    """Log-probabilities `[R, N, C]` from the output of the first stage."""
    logits = cohort.outputs(first, factors, range(1, len(cohort.stacked.sites)))[-1]
    return logits.log_softmax(-1)
