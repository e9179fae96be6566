"""What networks learn: what they are to predict, the loss of an example, how they are judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.config.schema import ConfigError
from dropout_study.dropout import rules
from dropout_study.dropout.cohort import Cohort
from dropout_study.measures import metrics, reconstruction

Judge = Callable[[Tensor, Tensor], Tensor]
"""A function of predictions `[..., N, K]` and targets."""


@dataclass(frozen=True)
class Task:
    """What networks learn, and how their predictions are judged.

    Attributes:
        targets: (inputs `[..., N, D]`, labels `[..., N]`) -> what is to be predicted.
        losses: (outputs of networks `[..., N, K]`, targets) -> loss of each example, `[..., N]`.
        prediction: outputs of one pass -> the prediction that is judged, `[..., N, K]`.
        predict: (cohort, inputs, names of rules, number of sampled masks) -> name and prediction of
            each rule.
        errors: (predictions, targets) -> error of each example, `[..., N]` in [0, 1].
        sums: measure -> what is summed over batches.
    """

    targets: Callable[[Tensor, Tensor], Tensor]
    losses: Judge
    prediction: Callable[[Tensor], Tensor]
    predict: Callable[[Cohort, Tensor, Sequence[str], int], Iterator[tuple[str, Tensor]]]
    errors: Judge
    sums: Mapping[str, Judge]


def _class_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats, `[R, B]`."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return losses.view(labels.shape)


@torch.no_grad()
def _reconstructions(
    cohort: Cohort, x: Tensor, names: Sequence[str], _: int
) -> Iterator[tuple[str, Tensor]]:
    """Yield name and outputs of each rule: one pass without masks."""
    for name in names:
        yield name, cohort(x)


CLASSIFICATION = Task(
    targets=lambda _, labels: labels,
    losses=_class_losses,
    prediction=lambda logits: logits.log_softmax(-1),
    predict=rules.predict,
    errors=metrics.errors,
    sums={
        "nll": lambda log_probs, labels: metrics.nll(log_probs, labels).sum(-1),
        "brier": lambda log_probs, labels: metrics.brier(log_probs, labels).sum(-1),
        "ece": metrics.calibration_gaps,
    },
)
"""The class of an image from log-probabilities `[..., N, C]`; the error is 0 or 1."""

RECONSTRUCTION = {
    loss: Task(
        targets=lambda x, _: x,
        losses=losses,
        prediction=lambda outputs: outputs,
        predict=_reconstructions,
        errors=reconstruction.mean_squared_error,
        sums={
            "nll": lambda outputs, x: reconstruction.cross_entropy(outputs, x).sum(-1),
        },
    )
    for loss, losses in (
        ("squared", reconstruction.squared_error),
        ("cross_entropy", reconstruction.cross_entropy),
    )
}
"""Loss -> the task of giving an image back, from log odds `[..., N, D]` of its pixels.

The error of an image is the mean squared difference of its pixels, and its NLL the cross-entropy of
all its pixels in nats, whichever of the two is the loss.
"""

OWN_METRICS: dict[str, Judge] = {}
"""What plug-ins measure: (log-probabilities, labels) -> value of each example, `[..., N]`."""


def with_metrics(task: Task, names: Sequence[str]) -> Task:
    """A classification that is judged by metrics of plug-ins, too.

    Args:
        task: the classification.
        names: of the metrics, keys of `OWN_METRICS`.
    """
    sums = {name: partial(_sum_of, name) for name in names}
    return replace(task, sums={**task.sums, **sums})


def _sum_of(name: str, log_probs: Tensor, labels: Tensor) -> Tensor:
    """The sum over examples of a metric of a plug-in.

    Raises:
        ConfigError: it fails, or does not give a value for each example.
    """
    wanted = log_probs.shape[:-1]

    try:
        values = OWN_METRICS[name](log_probs, labels.expand(wanted))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(f"metrics={name} cannot be used: it fails: {reason}") from error

    if values.shape != wanted:
        raise ConfigError(
            f"metrics={name} cannot be used: it gives {tuple(values.shape)} where there are "
            f"log-probabilities {tuple(log_probs.shape)}; it must give {tuple(wanted)}."
        )

    return values.double().sum(-1)
