"""Error on corrupted test images."""

import torch

from dropout_study.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.findings import Curves, Findings, Probed
from dropout_study.measures.scores import Scores


def corruption(probed: Probed) -> Findings:
    """Error of weight scaling under every kind and severity of corruption.

    Finds a curve `corruption/KIND` by severity (percent), `corruption/error` and `corruption/nll`,
    the means over all kinds and severities, and in which share of them each image is misclassified,
    `corrupted`.
    """
    scores = {(kind, severity): Scores(["nll"]) for kind in CORRUPTIONS for severity in SEVERITIES}

    for i, (x, labels) in enumerate(probed.batches()):
        for (kind, severity), score in scores.items():
            score.add(weight_scaling(probed.cohort, corrupt(x, kind, severity, i)), labels)

    errors = {key: score.means()["error"] for key, score in scores.items()}
    nll = torch.stack([score.means()["nll"] for score in scores.values()])
    curves: Curves = {
        f"corruption/{kind}": (
            SEVERITIES,
            torch.stack([errors[kind, severity] for severity in SEVERITIES]),
        )
        for kind in CORRUPTIONS
    }
    wrong = torch.stack([score.wrong().double() for score in scores.values()]).mean(0)
    found = {
        "corruption/error": torch.stack(list(errors.values())).mean(0),
        "corruption/nll": nll.mean(0),
    }

    return Findings(metrics=found, curves=curves, wrong={"corrupted": wrong})
