"""How far weight scaling is from the exact means of a small network, on all test images."""

import torch
from torch import Tensor

from dropout_study.dropout.enumeration import exact_means
from dropout_study.dropout.rules import weight_scaling
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed

FINDINGS = tuple(
    finding
    for mean in ("arithmetic", "geometric")
    for finding in (
        Finding(
            f"divergence/kl_{mean}",
            "nats",
            f"mean KL divergence from the {mean} mean over all masks to weight scaling",
        ),
        Finding(
            f"divergence/disagreement_{mean}",
            "",
            f"share of the images for which the {mean} mean and weight scaling predict other "
            "classes",
        ),
    )
)


class Divergence:
    """KL divergence and disagreement of two predictions, over batches."""

    def __init__(self) -> None:
        self._kl: list[Tensor] = []
        self._other: list[Tensor] = []

    def add(self, target: Tensor, approximation: Tensor) -> None:
        """Compare log-probabilities `[R, N, C]` of a batch with those that approximate them."""
        exact = target.double()
        self._kl.append((exact.exp() * (exact - approximation)).sum(-1).cpu())
        self._other.append((target.argmax(-1) != approximation.argmax(-1)).cpu())

    def kl(self) -> Tensor:
        """Mean KL divergence from target to approximation in nats, `[R]`."""
        return torch.cat(self._kl, -1).mean(-1)

    def disagreement(self) -> Tensor:
        """Share of the images for which the two predict other classes, `[R]`."""
        return torch.cat(self._other, -1).double().mean(-1)


@torch.no_grad()
def divergence(probed: Probed) -> Findings:
    """KL divergence and disagreement between both exact means and weight scaling."""
    divergences = {"arithmetic": Divergence(), "geometric": Divergence()}

    for x, _ in probed.batches():
        ensemble = exact_means(probed.cohort, x)
        scaled = weight_scaling(probed.cohort, x)
        divergences["arithmetic"].add(ensemble.arithmetic, scaled)
        divergences["geometric"].add(ensemble.geometric, scaled)

    kl = {f"divergence/kl_{mean}": value.kl() for mean, value in divergences.items()}
    disagreement = {
        f"divergence/disagreement_{mean}": value.disagreement()
        for mean, value in divergences.items()
    }

    return Findings(metrics=kl | disagreement)
