"""How good and how certain predictions are: functions of log-probabilities `[..., N, C]` and labels `[..., N]`.

Errors are counted, probabilities stay logarithms, so that no certainty turns into an infinity.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

BINS = 15


def errors(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Whether each prediction is wrong, `[..., N]`; a tie goes to the lower class."""
    return log_probs.argmax(-1) != labels


def nll(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of each label in nats, `[..., N]`."""
    labels = labels.expand(log_probs.shape[:-1])
    return -log_probs.gather(-1, labels.unsqueeze(-1)).squeeze(-1)


def brier(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Brier score of each example, `[..., N]`: squared distance to the label's distribution, in [0, 2]."""
    labels = labels.expand(log_probs.shape[:-1])
    truth = torch.zeros_like(log_probs).scatter(-1, labels.unsqueeze(-1), 1.0)
    return (log_probs.exp() - truth).square().sum(-1)


def ece(log_probs: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """Expected calibration error in [0, 1], `[...]`: mean gap between confidence and accuracy."""
    return calibration_gaps(log_probs, labels, bins).abs().sum(-1) / log_probs.shape[-2]


def calibration_gaps(log_probs: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """Confidence less hits, summed over the examples of each bin, `[..., bins]`: what adds up over batches.

    Bins of equal width, each closed above. torchmetrics (1.9) gives confidence 1.0, where MNIST saturates, a bin
    of its own behind the last (its issue 3510); here it belongs to the last.
    """
    confidence, predicted = log_probs.exp().max(-1)
    hit = (predicted == labels).to(confidence.dtype)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(*confidence.shape[:-1], bins, dtype=confidence.dtype, device=confidence.device)
    return gaps.scatter_add(-1, place, confidence - hit)


def predictive_entropy(log_probs: Tensor) -> Tensor:
    """Entropy of each prediction in nats, `[..., N]`."""
    probs = log_probs.exp()
    return -probs.xlogy(probs).sum(-1)


def mutual_information(log_probs: Tensor) -> Tensor:
    """What an example's label would tell about the subnetwork, in nats, `[..., N]`.

    Entropy of the mean minus mean entropy, of subnetworks' predictions `[K, ..., N, C]`; never negative.
    """
    mean = log_probs.logsumexp(0) - torch.tensor(float(len(log_probs))).log()
    return (predictive_entropy(mean) - predictive_entropy(log_probs).mean(0)).clamp_min(0)


def disagreement(log_probs: Tensor) -> Tensor:
    """Share of pairs of different subnetworks that predict different classes, `[..., N]`, from `[K, ..., N, C]`.

    Raises:
        ValueError: there is no pair.
    """
    k = len(log_probs)
    if k < 2:
        raise ValueError("disagreement needs at least two subnetworks")
    votes = torch.nn.functional.one_hot(log_probs.argmax(-1), log_probs.shape[-1]).sum(0)
    agreeing = (votes * (votes - 1)).sum(-1)
    return 1 - agreeing / (k * (k - 1))


def fluctuation(losses: Sequence[float]) -> float:
    """How much the training loss jumps from one point to the next, over the second half of its curve.

    The standard deviation of a point around the course of the curve, relative to the mean: the root mean square of
    the differences of neighbours by sqrt(2), so that a slow descent does not count.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return float(late.diff().square().mean().div(2).sqrt() / late.mean().clamp_min(1e-12))
