"""How far approximations in one pass are from the exact ensembles."""

import torch

from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.fast_dropout import fast_dropout, fast_dropout_arithmetic
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.divergence import Divergence
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

APPROXIMATIONS = {
    "geometric": {"weight_scaling": weight_scaling, "fast_dropout": fast_dropout},
    "arithmetic": {"weight_scaling": weight_scaling, "fast_dropout": fast_dropout_arithmetic},
}
"""Mean over all masks -> what approximates it; moments do so in a form for each."""
FINDINGS = tuple(
    Finding(
        f"moments/kl_{mean}_{rule}",
        "nats",
        f"mean KL divergence from the {mean} mean over all masks to {rule.replace('_', ' ')}",
    )
    for mean, rules in APPROXIMATIONS.items()
    for rule in rules
)


@torch.no_grad()
def moments(probed: Probed) -> Findings:
    """KL divergences from both exact means to weight scaling and to fast dropout."""
    divergences = {
        (mean, rule): Divergence() for mean, rules in APPROXIMATIONS.items() for rule in rules
    }

    for x, _ in probed.batches():
        exact = exact_means(probed.cohort, x)

        for (mean, rule), divergence in divergences.items():
            predict = APPROXIMATIONS[mean][rule]
            divergence.add(getattr(exact, mean), predict(probed.cohort, x))

    return Findings(
        {f"moments/kl_{mean}_{rule}": each.kl() for (mean, rule), each in divergences.items()}
    )
