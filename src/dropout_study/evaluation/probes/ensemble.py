"""An ensemble of sampled subnetworks against the subnetworks alone."""

import torch

from dropout_study.dropout.rules import means, subnetworks
from dropout_study.evaluation.probes.findings import Findings, Probed
from dropout_study.evaluation.sample_sizes import ENSEMBLE_SUBNETWORKS
from dropout_study.measures import metrics
from dropout_study.measures.scores import Scores


@torch.no_grad()
def ensemble(probed: Probed) -> Findings:
    """Error of the mean prediction of `ENSEMBLE_SUBNETWORKS` subnetworks, and of each of them.

    Finds `ensemble/error`, `ensemble/nll` (of the mean of the probabilities), `single/error`,
    `single/nll` (mean over subnetworks), `single/error_worst`, `single/error_best`,
    `single/disagreement` (share of pairs that predict different classes), and which images are
    misclassified: `ensemble`, and `single` (share of the subnetworks).
    """
    together = Scores(["nll"])
    alone = Scores(["nll"])
    disagreement = torch.zeros(())
    examples = 0

    for x, labels in probed.batches():
        members = torch.stack(list(subnetworks(probed.cohort, x, ENSEMBLE_SUBNETWORKS)))
        together.add(means(members, [ENSEMBLE_SUBNETWORKS]).arithmetic[0], labels)
        alone.add(members, labels)
        disagreement = disagreement + metrics.disagreement(members).double().sum(-1).cpu()
        examples += len(labels)

    whole = together.means()
    single = alone.means()
    found = {f"ensemble/{key}": whole[key] for key in ("error", "nll")}
    found |= {f"single/{key}": single[key].mean(0) for key in ("error", "nll")}
    found |= {
        "single/error_worst": single["error"].amax(0),
        "single/error_best": single["error"].amin(0),
    }
    found |= {"single/disagreement": disagreement / examples}
    wrong = {"ensemble": together.wrong(), "single": alone.wrong().double().mean(0)}

    return Findings(metrics=found, wrong=wrong)
