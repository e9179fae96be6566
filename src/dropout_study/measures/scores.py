"""Error, likelihood and calibration of every network, summed over batches."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dropout_study.measures import metrics

SUMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "nll": lambda log_probs, labels: metrics.nll(log_probs, labels).sum(-1),
    "brier": lambda log_probs, labels: metrics.brier(log_probs, labels).sum(-1),
    "ece": metrics.calibration_gaps,
}
"""Measure -> what is summed over batches, from log-probabilities `[..., N, C]` and labels."""


class Scores:
    """Error of every network in percent, and chosen measures, summed over batches in float64.

    Args:
        measures: `nll` (nats), `brier` (in [0, 2]) and `ece` (in [0, 1]), or some of them.

    Example:
        >>> scores = Scores(["nll"])
        >>> scores.add(torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log(), torch.tensor([1, 1]))
        >>> scores.add(torch.tensor([[1.0, 0.0]]).log(), torch.tensor([0]))
        >>> {measure: round(mean.item(), 3) for measure, mean in scores.means().items()}
        {'error': 33.333, 'nll': 0.327}
        >>> scores.wrong().tolist()
        [True, False, False]
    """

    def __init__(self, measures: Sequence[str] = tuple(SUMS)) -> None:
        self._sums = {measure: torch.zeros(()) for measure in measures}
        self._wrong: list[Tensor] = []

    def add(self, log_probs: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            log_probs: log-probabilities `[..., N, C]`.
            labels: `[N]`, or `[..., N]` where networks see different examples.

        Raises:
            ValueError: the predictions are no distributions, or the labels are not theirs.
        """
        log_probs = log_probs.cpu().double()
        labels = labels.cpu()
        self._wrong.append(metrics.errors(log_probs, labels))

        for measure, total in self._sums.items():
            self._sums[measure] = total + SUMS[measure](log_probs, labels)

    def means(self) -> dict[str, Tensor]:
        """Measure -> its mean over all examples, `[...]`; `error` comes first."""
        wrong = self.wrong()
        examples = wrong.shape[-1]
        means = {"error": 100 * wrong.double().sum(-1) / examples}

        for measure, total in self._sums.items():
            summed = total.abs().sum(-1) if measure == "ece" else total
            means[measure] = summed / examples

        return means

    def wrong(self) -> Tensor:
        """Which examples were misclassified, `[..., N]`."""
        return torch.cat(self._wrong, -1)
