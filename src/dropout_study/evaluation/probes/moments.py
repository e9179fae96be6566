"""How far two approximations in one pass are from the exact geometric ensemble."""

import torch

from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.fast_dropout import fast_dropout
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.divergence import Divergence
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

APPROXIMATIONS = {"weight_scaling": weight_scaling, "fast_dropout": fast_dropout}
FINDINGS = tuple(
    Finding(
        f"moments/kl_{rule}",
        "nats",
        f"mean KL divergence from the geometric mean over all masks to {rule.replace('_', ' ')}",
    )
    for rule in APPROXIMATIONS
)


@torch.no_grad()
def moments(probed: Probed) -> Findings:
    """KL divergence from the exact geometric mean to weight scaling and to fast dropout."""
    divergences = {rule: Divergence() for rule in APPROXIMATIONS}

    for x, _ in probed.batches():
        exact = exact_means(probed.cohort, x).geometric

        for rule, predict in APPROXIMATIONS.items():
            divergences[rule].add(exact, predict(probed.cohort, x))

    return Findings({f"moments/kl_{rule}": each.kl() for rule, each in divergences.items()})
