"""How far two approximations in one pass are from the exact ensembles."""

import torch

from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.fast_dropout import fast_dropout
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.divergence import Divergence
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

MEANS = ("geometric", "arithmetic")
APPROXIMATIONS = {"weight_scaling": weight_scaling, "fast_dropout": fast_dropout}
FINDINGS = tuple(
    Finding(
        f"moments/kl_{mean}_{rule}",
        "nats",
        f"mean KL divergence from the {mean} mean over all masks to {rule.replace('_', ' ')}",
    )
    for mean in MEANS
    for rule in APPROXIMATIONS
)


@torch.no_grad()
def moments(probed: Probed) -> Findings:
    """KL divergences from both exact means to weight scaling and to fast dropout."""
    divergences = {(mean, rule): Divergence() for mean in MEANS for rule in APPROXIMATIONS}

    for x, _ in probed.batches():
        exact = exact_means(probed.cohort, x)
        predictions = {rule: predict(probed.cohort, x) for rule, predict in APPROXIMATIONS.items()}

        for (mean, rule), divergence in divergences.items():
            divergence.add(getattr(exact, mean), predictions[rule])

    return Findings(
        {f"moments/kl_{mean}_{rule}": each.kl() for (mean, rule), each in divergences.items()}
    )
