"""Predictions of many subnetworks, counted as they come, so that none has to be stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dropout_study.measures import metrics


@dataclass
class Tally:
    """What K predictions of one batch of N images achieve.

    Attributes:
        errors: of each prediction, how many images it misclassifies, `[R]`.
        nll: of each prediction, its NLL summed over the images, `[R]`.
        wrong: of each image, how many predictions misclassify it, `[R, N]`.
    """

    errors: list[Tensor] = field(default_factory=list)
    nll: list[Tensor] = field(default_factory=list)
    wrong: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int32))

    def add(self, log_probs: Tensor, labels: Tensor) -> None:
        """Count a prediction `[R, N, C]` of the images with labels `[N]`."""
        wrong = metrics.errors(log_probs, labels)
        self.errors.append(wrong.sum(-1))
        self.nll.append(metrics.nll(log_probs, labels).double().sum(-1))
        self.wrong = self.wrong.to(wrong.device) + wrong


@dataclass(frozen=True)
class Outcome:
    """What K predictions of all images achieve.

    Attributes:
        errors: in percent, `[K, R]`.
        nll: in nats, `[K, R]`.
        wrong: share of the predictions that misclassify an image, `[R, N]`.
    """

    errors: Tensor
    nll: Tensor
    wrong: Tensor


def outcome(batches: Sequence[Tally]) -> Outcome:
    """The tallies of all batches together; the K predictions are the same in each."""
    errors = torch.stack([torch.stack(tally.errors) for tally in batches]).sum(0)
    nll = torch.stack([torch.stack(tally.nll) for tally in batches]).sum(0)
    wrong = torch.cat([tally.wrong for tally in batches], -1)
    predictions = len(errors)
    images = wrong.shape[-1]

    return Outcome(
        100 * errors.double().cpu() / images, nll.cpu() / images, wrong.double().cpu() / predictions
    )
