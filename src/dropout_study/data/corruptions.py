"""Corrupted images: kinds of change in degrees of severity, the same for every network."""

from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as V

from dropout_study.dropout.randomness import Purpose, generator

SEVERITIES = range(1, 6)
Corruption = Callable[[Tensor, int, torch.Generator], Tensor]


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
    radius = min(
        max(1, round(3 * sigma)), images.shape[-1] - 1
    )  # no more than the border can be mirrored
    blurred: Tensor = V.gaussian_blur(images, [2 * radius + 1, 2 * radius + 1], [sigma, sigma])

    return blurred


def contrast(images: Tensor, severity: int, _: torch.Generator) -> Tensor:
    """Contrast reduced to 80 to 20 %, 15 points a step."""
    faded: Tensor = V.adjust_contrast(images, 0.95 - 0.15 * severity)
    return faded


def rotation(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """Turned by 10 to 50 degrees, half of the images to each side."""
    return _to_both_sides(
        images,
        source,
        lambda part, sign: V.rotate(part, sign * 10.0 * severity, InterpolationMode.BILINEAR),
    )


def translation(images: Tensor, severity: int, source: torch.Generator) -> Tensor:
    """Moved sideways by 4 to 20 % of the side, but at least by a pixel, half of the images to each side."""
    shift = round(0.04 * severity * images.shape[-1]) or 1
    return _to_both_sides(
        images, source, lambda part, sign: V.affine(part, 0.0, [sign * shift, 0], 1.0, [0.0, 0.0])
    )


CORRUPTIONS: dict[str, Corruption] = {
    corruption.__name__: corruption
    for corruption in (noise, missing_pixels, occlusion, blur, contrast, rotation, translation)
}


def corrupt(x: Tensor, kind: str, severity: int, batch: int = 0) -> Tensor:
    """Square images `[N, D]` in [0, 1], corrupted; a pure function of its arguments.

    Args:
        x: the images.
        kind: one of `CORRUPTIONS`.
        severity: 1 to 5.
        batch: which part of a data set the images are, so that no two parts share their random
            numbers.
    """
    side = int(x.shape[-1] ** 0.5)
    source = generator(Purpose.CORRUPTION, list(CORRUPTIONS).index(kind), severity, batch)
    images = x.detach().cpu().float().view(-1, 1, side, side)

    return CORRUPTIONS[kind](images, severity, source).clamp(0, 1).flatten(1).to(x)


def _to_both_sides(
    images: Tensor, source: torch.Generator, change: Callable[[Tensor, int], Tensor]
) -> Tensor:
    """Change a random half of the images one way and the rest the other way."""
    one = torch.rand(len(images), generator=source) < 0.5
    changed = torch.empty_like(images)
    changed[one], changed[~one] = change(images[one], 1), change(images[~one], -1)

    return changed
