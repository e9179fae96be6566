"""Corrupted images: kinds of change, each in five degrees of severity, the same for every network.

The functions map images `[N, 1, H, W]` in [0, 1] to images of the same shape, whose values may lie
beyond [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as V

from dropout_study.dropout.randomness import Purpose, generator

SEVERITIES = range(1, 6)


@dataclass(frozen=True)
class Corruption:
    """A kind of change.

    Attributes:
        number: of its random stream. No two kinds share one, and it never changes, so that a new
            kind changes no other.
        change: from images `[N, 1, H, W]` in [0, 1], a severity from 1 to 5 and a generator to
            changed images of the same shape; values beyond [0, 1] are cut off afterwards.
    """

    number: int
    change: Callable[[Tensor, int, torch.Generator], Tensor]


def noise(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """Gaussian noise of standard deviation 0.1 to 0.5."""
    return images + 0.1 * severity * torch.randn(images.shape, generator=source)


def missing_pixels(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """10 to 50 % of the pixels set to black."""
    return images * (torch.rand(images.shape, generator=source) >= 0.1 * severity)


def occlusion(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """A grey square, 15 to 55 % of the side, somewhere in each image."""
    side = images.shape[-1]
    square = max(1, round((0.05 + 0.1 * severity) * side))
    top, left = torch.randint(side - square + 1, (2, len(images), 1, 1, 1), generator=source)
    place = torch.arange(side)
    rows = (place.view(1, 1, -1, 1) >= top) & (place.view(1, 1, -1, 1) < top + square)
    columns = (place >= left) & (place < left + square)

    return torch.where(rows & columns, 0.5, images)


def blur(images: Tensor, severity: int, _: torch.Generator) -> Tensor:
    """A Gaussian blur of 2 to 10 % of the side."""
    sigma = 0.02 * severity * images.shape[-1]
    mirrored = images.shape[-1] - 1  # the border is mirrored, at most the whole image
    radius = min(max(1, round(3 * sigma)), mirrored)
    blurred: Tensor = V.gaussian_blur(images, [2 * radius + 1, 2 * radius + 1], [sigma, sigma])

    return blurred


def contrast(images: Tensor, severity: int, _: torch.Generator) -> Tensor:
    """Contrast reduced to 80 to 20 %, 15 points per step."""
    faded: Tensor = V.adjust_contrast(images, 0.95 - 0.15 * severity)
    return faded


def rotation(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """Turned by 10 to 50 degrees, half of the images each way."""

    def rotate(part: Tensor, sign: int) -> Tensor:
        turned: Tensor = V.rotate(part, sign * 10.0 * severity, InterpolationMode.BILINEAR)
        return turned

    return _to_both_sides(images, source, rotate)


def translation(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """Moved sideways by 4 to 20 % of the side, at least by a pixel, half of the images each way."""
    shift = round(0.04 * severity * images.shape[-1]) or 1

    def move(part: Tensor, sign: int) -> Tensor:
        moved: Tensor = V.affine(part, 0.0, [sign * shift, 0], 1.0, [0.0, 0.0])
        return moved

    return _to_both_sides(images, source, move)


CORRUPTIONS = {
    "noise": Corruption(0, noise),
    "missing_pixels": Corruption(1, missing_pixels),
    "occlusion": Corruption(2, occlusion),
    "blur": Corruption(3, blur),
    "contrast": Corruption(4, contrast),
    "rotation": Corruption(5, rotation),
    "translation": Corruption(6, translation),
}


def corrupt(x: Tensor, kind: str, severity: int, batch: int = 0) -> Tensor:
    """Corrupt square images; a pure function of its arguments.

    Args:
        x: images `[N, D]` in [0, 1]; D is a square number.
        kind: one of `CORRUPTIONS`.
        severity: 1 to 5.
        batch: number of the batch within the data set; batches do not share random numbers.

    Returns:
        Images `[N, D]` in [0, 1], of the type and on the device of `x`.

    Example:
        >>> white = torch.ones(2, 64)
        >>> torch.equal(corrupt(white, "noise", 3), corrupt(white, "noise", 3))
        True
        >>> black = corrupt(torch.ones(1000, 64), "missing_pixels", severity=3) == 0
        >>> round(black.float().mean().item(), 1)
        0.3
    """
    corruption = CORRUPTIONS[kind]
    side = int(x.shape[-1] ** 0.5)
    source = generator(Purpose.CORRUPTION, corruption.number, severity, batch)
    images = x.detach().cpu().float().view(-1, 1, side, side)

    return corruption.change(images, severity, source).clamp(0, 1).flatten(1).to(x)


def _to_both_sides(
    images: Tensor, source: torch.Generator, change: Callable[[Tensor, int], Tensor]
) -> Tensor:
    """Change a random half of the images one way and the rest the other way."""
    first = torch.rand(len(images), generator=source) < 0.5
    changed = torch.empty_like(images)
    changed[first] = change(images[first], 1)
    changed[~first] = change(images[~first], -1)

    return changed
