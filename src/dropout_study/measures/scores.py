"""Error, likelihood and calibration of every network, summed over batches."""

import torch
from torch import Tensor

from dropout_study.measures import metrics


class Scores:
    """Error (percent), NLL (nats), Brier score and ECE of every network, summed over batches."""

    def __init__(self) -> None:
        self._examples = 0
        self._sums: dict[str, Tensor] = {}
        self._wrong: list[Tensor] = []

    def add(self, log_probs: Tensor, labels: Tensor) -> None:
        """Count a batch: log-probabilities `[..., N, C]`, labels `[N]`."""
        log_probs = log_probs.cpu().double()
        labels = labels.cpu()
        self._examples += labels.shape[-1]
        wrong = metrics.errors(log_probs, labels)
        sums = {
            "error": 100 * wrong.double().sum(-1),
            "nll": metrics.nll(log_probs, labels).sum(-1),
            "brier": metrics.brier(log_probs, labels).sum(-1),
            "ece": metrics.calibration_gaps(log_probs, labels),
        }
        self._sums = {
            key: self._sums.get(key, torch.zeros(())) + value for key, value in sums.items()
        }
        self._wrong.append(wrong)

    def means(self) -> dict[str, Tensor]:
        """Each measure, `[...]`."""
        ece = self._sums["ece"].abs().sum(-1)
        return {key: value / self._examples for key, value in (self._sums | {"ece": ece}).items()}

    def wrong(self) -> Tensor:
        """Which examples were misclassified, `[..., N]`."""
        return torch.cat(self._wrong, -1)
