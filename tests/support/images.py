"""Images of noise."""

import torch

from dropout_study.data.images import Images, Split


def random_images(side: int, count: int = 200) -> Images:
    """Images of noise; each split has `count` examples with the classes in turn."""
    source = torch.Generator().manual_seed(side)

    def split() -> Split:
        pixels = torch.randint(256, (count, side * side), generator=source).to(torch.uint8)
        return Split(pixels, torch.arange(count) % 10, 1 / 255, torch.arange(count))

    return Images(split(), split(), split())
