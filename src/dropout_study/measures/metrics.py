"""How good and how certain predictions are: functions of log-probabilities `[..., N, C]` and labels `[..., N]`.

Errors are counted, probabilities stay logarithms, so that no certainty turns into an infinity.
Sums are taken in float32 at least. What is no distribution, or no label of it, raises ValueError.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.dropout.rules import widen

BINS = 15


def errors(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Whether each prediction is wrong, `[..., N]`; a tie goes to the lower class."""
    return log_probs.argmax(-1) != _labels(labels, log_probs)


def nll(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of each label in nats, `[..., N]`."""
    labels = _labels(labels, log_probs)
    return -_distributions(log_probs).gather(-1, labels.unsqueeze(-1)).squeeze(-1)


def brier(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Brier score of each example, `[..., N]`: squared distance to the label's distribution, in [0, 2]."""
    log_probs, labels = _distributions(log_probs), _labels(labels, log_probs)
    truth = torch.zeros_like(log_probs).scatter(-1, labels.unsqueeze(-1), 1.0)
    return (log_probs.exp() - truth).square().sum(-1)


def calibration_gaps(log_probs: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """Confidence less hits, summed over the examples of each bin, `[..., bins]`: what adds up over batches.

    Bins of equal width, each closed above. torchmetrics (1.9) gives confidence 1.0, where MNIST
    saturates, a bin of its own behind the last (its issue 3510); here it belongs to the last.
    """
    confidence, predicted = _distributions(log_probs).exp().max(-1)
    hit = (predicted == _labels(labels, log_probs)).to(confidence.dtype)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(
        *confidence.shape[:-1], bins, dtype=confidence.dtype, device=confidence.device
    )

    return gaps.scatter_add(-1, place, confidence - hit)


def predictive_entropy(log_probs: Tensor) -> Tensor:
    """Entropy of each prediction in nats, `[..., N]`."""
    probs = _distributions(log_probs).exp()
    return -probs.xlogy(probs).sum(-1)


def mutual_information(log_probs: Tensor) -> Tensor:
    """What an example's label would tell about the subnetwork, in nats, `[..., N]`.

    Entropy of the mean minus mean entropy, of subnetworks' predictions `[K, ..., N, C]`; never
    negative.

    Raises:
        ValueError: there are no two subnetworks.
    """
    _check_subnetworks(log_probs)
    log_probs = _distributions(log_probs)
    mean = log_probs.logsumexp(0) - math.log(len(log_probs))

    return (predictive_entropy(mean) - predictive_entropy(log_probs).mean(0)).clamp_min(0)


def disagreement(log_probs: Tensor) -> Tensor:
    """Share of pairs of different subnetworks that predict different classes, `[..., N]`, from `[K, ..., N, C]`.

    Raises:
        ValueError: there is no pair.
    """
    _check_subnetworks(log_probs)
    k = len(log_probs)
    votes = torch.nn.functional.one_hot(log_probs.argmax(-1), log_probs.shape[-1]).sum(0)
    agreeing = (votes * (votes - 1)).sum(-1)

    return 1 - agreeing / (k * (k - 1))


def fluctuation(losses: Sequence[float]) -> float:
    """How much the training loss jumps from one point to the next, over the second half of its curve.

    The standard deviation of a point around the course of the curve, relative to the mean: the root
    mean square of the differences of neighbours by sqrt(2), so that a slow descent does not count.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return float(late.diff().square().mean().div(2).sqrt() / late.mean().clamp_min(1e-12))


def _distributions(log_probs: Tensor) -> Tensor:
    """The log-probabilities in float32 at least.

    The first prediction tells them from logits, and from probabilities, whose exponentials add up
    to 3 or more; rounded to bfloat16 they are within 0.05 of 1.
    """
    log_probs = widen(log_probs)
    if log_probs.numel():
        total = log_probs[(0,) * (log_probs.dim() - 1)].exp().sum().item()
        if abs(total - 1) > 0.1:
            raise ValueError(
                f"the probabilities of the classes add up to {total:.3g}: give log-probabilities, "
                "`logits.log_softmax(-1)` or `probabilities.log()`"
            )

    return log_probs


def _labels(labels: Tensor, log_probs: Tensor) -> Tensor:
    """The labels of every prediction, `[..., N]`."""
    *shape, classes = log_probs.shape
    if labels.is_floating_point() or list(labels.shape) != shape[-max(labels.dim(), 1) :]:
        raise ValueError(
            f"labels are {labels.dtype} {list(labels.shape)}: for predictions "
            f"{list(log_probs.shape)} give whole numbers {shape[-1:]}"
        )

    if labels.numel() and not 0 <= labels.min() <= labels.max() < classes:
        ends = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"labels are from {ends}: number the {classes} classes from 0")

    return labels.expand(shape)


def _check_subnetworks(log_probs: Tensor) -> None:
    """Refuse predictions that are not of at least two subnetworks, `[K, ..., N, C]`."""
    if log_probs.dim() < 3 or len(log_probs) < 2:
        raise ValueError(
            f"predictions are {list(log_probs.shape)}: disagreement and mutual information need at "
            "least two subnetworks, [K, ..., N, C]"
        )
