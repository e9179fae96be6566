"""Bags of networks: error of the mean prediction of 1, 2, ... members (7.52)."""

import torch
from torch import Tensor

from dropout_study.dropout.rules import bagging, weight_scaling
from dropout_study.evaluation.probes.findings import Curves, Finding, Findings, Probed
from dropout_study.measures.scores import Scores

FINDINGS = (
    Finding("bag/error", "%", "error of a bag's mean prediction, by number of members"),
    Finding("bag/nll", "nats", "NLL of a bag's mean prediction, by number of members"),
    Finding("bag", "", "images that the whole bag misclassifies"),
)


def bags(probed: Probed) -> Findings:
    """Error of bags of consecutive networks; a bag's results are those of its first member.

    Raises:
        ValueError: the networks do not divide into bags.
    """
    scores = Scores(["nll"])

    for x, labels in probed.batches():
        scores.add(bagging(weight_scaling(probed.cohort, x), probed.bag), labels)

    means = scores.means()
    steps = range(1, probed.bag + 1)
    curves: Curves = {
        f"bag/{key}": (steps, _of_first_members(means[key].T, probed.bag).T)
        for key in ("error", "nll")
    }

    return Findings(curves=curves, wrong={"bag": _of_first_members(scores.wrong()[-1], probed.bag)})


def _of_first_members(of_bags: Tensor, size: int) -> Tensor:
    """Values `[S, ...]` of bags as `[S * size, ...]` of networks; nan but for each bag's first."""
    of_networks = torch.full(
        (len(of_bags) * size, *of_bags.shape[1:]), torch.nan, dtype=torch.float64
    )
    of_networks[::size] = of_bags.double()
    return of_networks
