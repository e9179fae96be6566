"""How good and how certain predictions are.

Functions of log-probabilities `[..., N, C]` and labels `[..., N]`.

Probabilities stay logarithms, so that a certain and wrong prediction has a finite NLL. Sums are
taken in float32 at least. Predictions that are no distributions (logits, or probabilities), and
labels of another shape or class, raise ValueError.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_study.dropout.ensemble import widen

BINS = 15  # of confidence, for calibration


def errors(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Whether each prediction is wrong, `[..., N]`; a tie goes to the lower class.

    >>> errors(torch.tensor([[0.2, 0.8], [0.6, 0.4]]).log(), torch.tensor([1, 1])).tolist()
    [False, True]
    """
    return log_probs.argmax(-1) != _labels(labels, log_probs)


def nll(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of each label in nats, `[..., N]`.

    >>> round(nll(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([0])).item(), 3)  # ln 4
    1.386
    """
    labels = _labels(labels, log_probs)
    return -_distributions(log_probs).gather(-1, labels.unsqueeze(-1)).squeeze(-1)


def brier(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Brier score in [0, 2], `[..., N]`: squared distance to the label's distribution.

    >>> round(brier(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([0])).item(), 3)
    1.125
    """
    labels = _labels(labels, log_probs)
    log_probs = _distributions(log_probs)
    truth = torch.zeros_like(log_probs).scatter(-1, labels.unsqueeze(-1), 1.0)
    return (log_probs.exp() - truth).square().sum(-1)


def calibration_gaps(log_probs: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """Sum over the examples of each bin of confidence minus correctness, `[..., bins]`.

    The expected calibration error in [0, 1] is the sum over bins of |gap| / N. The gaps add up over
    batches, the error does not.

    Bins have equal width and are closed above. torchmetrics (1.9) gives confidence 1.0, where MNIST
    saturates, a bin of its own behind the last (its issue 3510); here it belongs to the last.

    Example:
        >>> log_probs = torch.tensor([[0.8, 0.2], [0.8, 0.2]]).log()
        >>> gaps = calibration_gaps(log_probs, torch.tensor([0, 1]), bins=2)
        >>> [round(gap, 3) for gap in gaps.tolist()]  # confidence 0.8, half of them correct
        [0.0, 0.6]
    """
    confidence, predicted = _distributions(log_probs).exp().max(-1)
    hit = (predicted == _labels(labels, log_probs)).to(confidence.dtype)
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(
        *confidence.shape[:-1], bins, dtype=confidence.dtype, device=confidence.device
    )

    return gaps.scatter_add(-1, place, confidence - hit)


def predictive_entropy(log_probs: Tensor) -> Tensor:
    """Entropy of each prediction in nats, `[..., N]`, from 0 to ln C.

    >>> round(predictive_entropy(torch.tensor([[0.5, 0.5]]).log()).item(), 3)  # ln 2
    0.693
    """
    probs = _distributions(log_probs).exp()
    return -probs.xlogy(probs).sum(-1)


def mutual_information(log_probs: Tensor) -> Tensor:
    """Mutual information of label and subnetwork in nats, `[..., N]`: how far subnetworks disagree.

    Entropy of the mean prediction minus mean entropy; never negative.

    Args:
        log_probs: predictions of K subnetworks, `[K, ..., N, C]`.

    Raises:
        ValueError: there are fewer than two subnetworks.

    Example:
        >>> sure_but_different = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]).log()
        >>> round(mutual_information(sure_but_different).item(), 3)  # ln 2
        0.693
    """
    _check_subnetworks(log_probs)
    log_probs = _distributions(log_probs)
    mean = log_probs.logsumexp(0) - math.log(len(log_probs))

    return (predictive_entropy(mean) - predictive_entropy(log_probs).mean(0)).clamp_min(0)


def disagreement(log_probs: Tensor) -> Tensor:
    """Share of the pairs of subnetworks that predict different classes, `[..., N]`.

    Args:
        log_probs: predictions of K subnetworks, `[K, ..., N, C]`.

    Raises:
        ValueError: there are fewer than two subnetworks.

    Example:
        >>> predictions = torch.tensor([[[0.9, 0.1]], [[0.8, 0.2]], [[0.4, 0.6]]]).log()
        >>> round(disagreement(predictions).item(), 3)  # two of three pairs
        0.667
    """
    _check_subnetworks(log_probs)
    k = len(log_probs)
    votes = torch.nn.functional.one_hot(log_probs.argmax(-1), log_probs.shape[-1]).sum(0)
    agreeing = (votes * (votes - 1)).sum(-1)

    return 1 - agreeing / (k * (k - 1))


def fluctuation(losses: Sequence[float]) -> float:
    """Noise of a training loss relative to its mean, over the second half of the curve.

    Root mean square of the differences of neighbours, divided by sqrt(2) and by the mean, so that
    a slow descent hardly counts.

    >>> round(fluctuation([9.0, 9.0, 1.0, 3.0, 1.0, 3.0]), 3)
    0.606
    """
    second_half = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    noise = second_half.diff().square().mean().div(2).sqrt()

    return float(noise / second_half.mean().clamp_min(1e-12))


def _distributions(log_probs: Tensor) -> Tensor:
    """The log-probabilities in float32 at least.

    Only the first prediction is checked: exponentials of probabilities add up to 3 or more, those
    of log-probabilities to 1, within 0.05 when rounded to bfloat16.
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
