"""How good predictions are: functions of log-probabilities `[..., N, C]` and labels `[..., N]`."""

from torch import Tensor


def errors(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Whether each prediction is wrong, `[..., N]`; a tie goes to the lower class."""
    return log_probs.argmax(-1) != labels


def nll(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of each label in nats, `[..., N]`."""
    labels = labels.expand(log_probs.shape[:-1])
    return -log_probs.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
