"""Error, likelihood and calibration of every network, summed over batches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.measures.tasks import CLASSIFICATION, Task


class Scores:
    """Error of every network in percent, and chosen measures, summed over batches in float64.

    Args:
        measures: those of the task besides the error; None means all. A classification has `nll`
            (nats), `brier` (in [0, 2]) and `ece` (in [0, 1]); a reconstruction has `nll`, nats per
            image, and its error is the mean squared difference of pixels, in percent.
        task: what is predicted.

    Example:
        >>> scores = Scores(["nll"])
        >>> scores.add(torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log(), torch.tensor([1, 1]))
        >>> scores.add(torch.tensor([[1.0, 0.0]]).log(), torch.tensor([0]))
        >>> {measure: round(mean.item(), 3) for measure, mean in scores.means().items()}
        {'error': 33.333, 'nll': 0.327}
        >>> scores.wrong().tolist()
        [True, False, False]
    """

    def __init__(self, measures: Sequence[str] | None = None, task: Task = CLASSIFICATION) -> None:
        names = task.sums if measures is None else measures
        self._task = task
        self._sums = {measure: torch.zeros(()) for measure in names}
        self._wrong: list[Tensor] = []

    def add(self, predictions: Tensor, targets: Tensor) -> None:
        """Count a batch.

        Args:
            predictions: log-probabilities `[..., N, C]`; of a reconstruction, log odds
                `[..., N, D]`.
            targets: labels `[N]`, or `[..., N]` where networks see different examples; of a
                reconstruction, images `[N, D]` or `[..., N, D]`.

        Raises:
            ValueError: the predictions are no distributions, or the labels are not theirs.
        """
        predictions = predictions.cpu().double()
        targets = targets.cpu()
        self._wrong.append(self._task.errors(predictions, targets))

        for measure, total in self._sums.items():
            self._sums[measure] = total + self._task.sums[measure](predictions, targets)

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
        """Which examples were misclassified, `[..., N]`; of a reconstruction, their errors."""
        return torch.cat(self._wrong, -1)
