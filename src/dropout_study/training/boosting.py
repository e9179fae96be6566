"""Dropout boosting: the noise of dropout without its regularizing effect."""

from torch import Tensor
from torch.nn import functional as F


def boosted(losses: Tensor, logits: Tensor, labels: Tensor, ensemble: Tensor) -> Tensor:
    """The same losses with another gradient: that of the ensemble's loss, through one subnetwork.

    Dropout lets each subnetwork fit the labels. Here a subnetwork is moved by the error of the
    ensemble, softmax(ensemble) - y, in the place of its own. Averaged over all masks this is the
    gradient of the ensemble's negative log-likelihood, where `ensemble` is the mean of the logits.
    Warde-Farley, Goodfellow, Courville and Bengio (2014), https://arxiv.org/abs/1312.6197.

    Args:
        losses: of the subnetworks that were drawn, `[R, B]`.
        logits: their outputs, `[R, B, C]`.
        labels: `[R, B]`.
        ensemble: outputs of the whole networks, `[R, B, C]`.
    """
    truth = F.one_hot(labels, logits.shape[-1])
    errors = (ensemble.softmax(-1) - truth).detach()
    steering = (logits * errors).sum(-1)

    return losses.detach() + steering - steering.detach()
