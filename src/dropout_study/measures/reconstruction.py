"""How well images are reconstructed, from the log odds of their pixels.

Functions of outputs `[..., N, D]`, whose sigmoids are the pixels of the reconstruction, and images
`[..., N, D]` in [0, 1]. Sums are taken in float32 at least.
"""

from torch import Tensor
from torch.nn import functional as F

from dropout_study.dropout.ensemble import widen


def squared_error(outputs: Tensor, images: Tensor) -> Tensor:
    """Squared differences of the pixels, summed over each image, `[..., N]`.

    >>> import torch
    >>> squared_error(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item()  # 0.5^2 + 0.5^2
    0.5
    """
    return (widen(outputs).sigmoid() - images).square().sum(-1)


def mean_squared_error(outputs: Tensor, images: Tensor) -> Tensor:
    """Mean squared difference of the pixels of each image, `[..., N]` in [0, 1].

    >>> import torch
    >>> mean_squared_error(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item()
    0.25
    """
    return squared_error(outputs, images) / images.shape[-1]


def cross_entropy(outputs: Tensor, images: Tensor) -> Tensor:
    """Cross-entropy of the pixels in nats, summed over each image, `[..., N]`.

    A pixel t and its reconstruction p, which is the probability of white, have
    -t log p - (1 - t) log(1 - p). It is least where p = t, but 0 only for black and white.

    >>> import torch
    >>> round(cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.5]])).item(), 3)  # 2 ln 2
    1.386
    """
    outputs = widen(outputs)
    targets = images.to(outputs.dtype).expand_as(outputs)
    per_pixel = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none")

    return per_pixel.sum(-1)
