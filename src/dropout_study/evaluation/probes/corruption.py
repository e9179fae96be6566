"""Error on corrupted test images."""

import torch
from torch import Tensor

from dropout_study.config.names import DECIDING_SEVERITIES
from dropout_study.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.findings import Curves, Finding, Findings, Probed
from dropout_study.measures.scores import Scores

FINDINGS = (
    *(
        Finding(f"corruption/{kind}", "%", f"error by severity of the corruption {kind}")
        for kind in CORRUPTIONS
    ),
    Finding("corruption/error", "%", "mean error over kinds and severities"),
    Finding("corruption/nll", "nats", "mean NLL over kinds and severities"),
    Finding("corrupted", "", "share of kinds and severities at which an image is misclassified"),
)
FINDINGS_BY_KIND = (
    *FINDINGS[:-1],
    *(
        Finding(
            f"corrupted/{kind}",
            "",
            f"share of the severities that decide at which {kind} makes an image misclassified",
        )
        for kind in CORRUPTIONS
    ),
)

AllScores = dict[tuple[str, int], Scores]
"""Kind and severity -> scores."""


def corruption(probed: Probed) -> Findings:
    """Error of weight scaling under every kind and severity of corruption."""
    return _findings(_scores(probed))


def corruption_by_kind(probed: Probed) -> Findings:
    """What `corruption` finds, with the misclassified images of each kind apart.

    Their shares are means over the severities up to `DECIDING_SEVERITIES`.
    """
    scores = _scores(probed)
    findings = _findings(scores)
    findings.wrong = {f"corrupted/{kind}": _share(scores, kind) for kind in CORRUPTIONS}

    return findings


def _share(scores: AllScores, kind: str) -> Tensor:
    """Share of the deciding severities of a kind at which each image is misclassified, `[R, N]`."""
    deciding = range(1, DECIDING_SEVERITIES[kind] + 1)
    wrong = [scores[kind, severity].wrong().double() for severity in deciding]

    return torch.stack(wrong).mean(0)


def _scores(probed: Probed) -> AllScores:
    """Scores of weight scaling, each network's, under every kind and severity."""
    scores = {(kind, severity): Scores(["nll"]) for kind in CORRUPTIONS for severity in SEVERITIES}

    for i, (x, labels) in enumerate(probed.batches()):
        for (kind, severity), score in scores.items():
            score.add(weight_scaling(probed.cohort, corrupt(x, kind, severity, i)), labels)

    return scores


def _findings(scores: AllScores) -> Findings:
    """Error by kind and severity, and the means over all."""
    errors = {key: score.means()["error"] for key, score in scores.items()}
    nll = torch.stack([score.means()["nll"] for score in scores.values()])
    curves: Curves = {
        f"corruption/{kind}": (
            SEVERITIES,
            torch.stack([errors[kind, severity] for severity in SEVERITIES]),
        )
        for kind in CORRUPTIONS
    }
    wrong: Tensor = torch.stack([score.wrong().double() for score in scores.values()]).mean(0)
    metrics = {
        "corruption/error": torch.stack(list(errors.values())).mean(0),
        "corruption/nll": nll.mean(0),
    }

    return Findings(metrics=metrics, curves=curves, wrong={"corrupted": wrong})
