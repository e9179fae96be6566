"""An ensemble of sampled subnetworks against the subnetworks alone."""

import torch

from dropout_study.dropout.ensemble import means
from dropout_study.dropout.rules import subnetworks
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed
from dropout_study.evaluation.sample_sizes import ENSEMBLE_SUBNETWORKS
from dropout_study.measures import metrics
from dropout_study.measures.scores import Scores

FINDINGS = (
    Finding("ensemble/error", "%", "error of the mean probabilities"),
    Finding("ensemble/nll", "nats", "NLL of the mean probabilities"),
    Finding("single/error", "%", "mean error of a subnetwork"),
    Finding("single/nll", "nats", "mean NLL of a subnetwork"),
    Finding("single/error_worst", "%", "error of the worst subnetwork"),
    Finding("single/error_best", "%", "error of the best subnetwork"),
    Finding("single/disagreement", "", "share of pairs of subnetworks that predict other classes"),
    Finding("ensemble", "", "images that the ensemble misclassifies"),
    Finding("single", "", "share of the subnetworks that misclassify an image"),
)


@torch.no_grad()
def ensemble(probed: Probed) -> Findings:
    """Error of the mean prediction of `ENSEMBLE_SUBNETWORKS` subnetworks, and of each of them."""
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
