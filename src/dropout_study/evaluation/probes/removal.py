"""Hidden units removed at test time, in a growing share: whether units depend on others."""

import torch

from dropout_study.dropout import masks
from dropout_study.dropout.networks import Network
from dropout_study.dropout.randomness import Purpose
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed
from dropout_study.evaluation.sample_sizes import REMOVAL_DRAWS
from dropout_study.measures.scores import Scores

PERCENT = range(0, 100, 10)

FINDINGS = (
    Finding("removal/error", "%", "mean error over random choices, by percent of units removed"),
    Finding("removal/worst", "%", "error of the worst choice, by percent of units removed"),
    Finding("removed_50", "", "share of the choices of half the units that misclassify an image"),
)


@torch.no_grad()
def removal(probed: Probed) -> Findings:
    """Error with each hidden unit removed at some rate, the rest scaled up as in training."""
    cohort = probed.cohort
    hidden = [site for site in cohort.stacked.sites if site.name != "input"]
    scores = {
        (percent, i): Scores([])
        for percent in PERCENT
        for i in range(REMOVAL_DRAWS if percent else 1)
    }

    for x, labels in probed.batches():
        for (percent, i), score in scores.items():
            sites = [site.removing(percent / 100) for site in hidden]
            removed = masks.sample(
                sites, cohort.seeds, i, 1, Purpose.EVALUATION_MASK, x.dtype, x.device
            )
            score.add(cohort(x, removed).log_softmax(-1), labels)

    errors = [
        torch.stack([score.means()["error"] for (p, _), score in scores.items() if p == percent])
        for percent in PERCENT
    ]
    mean = torch.stack([draws.mean(0) for draws in errors])
    worst = torch.stack([draws.amax(0) for draws in errors])
    half = torch.stack(
        [score.wrong().double() for (percent, _), score in scores.items() if percent == 50]
    )

    return Findings(
        curves={"removal/error": (PERCENT, mean), "removal/worst": (PERCENT, worst)},
        wrong={"removed_50": half.mean(0)},
    )


def check_removable(network: Network) -> None:
    """Refuse a network whose units cannot be removed, since its noise is on weights.

    Raises:
        ValueError: naming the site.
    """
    others = [site.name for site in network.sites[1:] if site.weights]
    if others:
        raise ValueError(
            f"removal and halves remove units, and the noise of {others[0]} is on weights. Use "
            "interactions, or another mask."
        )
