"""Labelled images in memory, and an order of them in which the classes take turns."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Split:
    """Examples in memory.

    Attributes:
        images: `[N, D]`, uint8, or float32 already in [0, 1].
        labels: `[N]`, int64.
        scale: factor that takes `images` to [0, 1].
        ids: `[N]`, position of each example in the official set it was taken from.
    """

    images: Tensor
    labels: Tensor
    scale: float
    ids: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> "Split":
        """The examples at `index`."""
        return Split(self.images[index], self.labels[index], self.scale, self.ids[index])

    def to(self, device: torch.device) -> "Split":
        """The same examples in the memory of `device`."""
        return Split(self.images.to(device), self.labels.to(device), self.scale, self.ids)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs `[..., D]` in [0, 1] and labels `[...]` for indices of any shape."""
        rows = self.images.index_select(0, index.flatten()).to(torch.float32)

        if self.scale != 1:
            rows.mul_(self.scale)

        return rows.unflatten(0, index.shape), self.labels[index]

    def pooled(self, pool: int) -> "Split":
        """The square images averaged over `pool` x `pool` pixels."""
        side = math.isqrt(self.images.shape[1])
        images = self.images.to(torch.float32).mul(self.scale).view(-1, 1, side, side)
        return Split(F.avg_pool2d(images, pool).flatten(1), self.labels, 1.0, self.ids)


@dataclass(frozen=True)
class Images:
    """A data set: training pool, validation and test examples.

    Only the final evaluation looks at `test`.
    """

    train: Split
    validation: Split
    test: Split

    @property
    def inputs(self) -> int:
        """Pixels of an image."""
        return self.train.images.shape[1]

    def pooled(self, pool: int) -> "Images":
        """The same examples, their images averaged over `pool` x `pool` pixels."""
        splits = (self.train, self.validation, self.test)
        return Images(*(split.pooled(pool) for split in splits))

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train.labels.max()) + 1


def class_balanced_order(labels: Tensor, source: torch.Generator) -> Tensor:
    """A random order of all examples in which the classes take turns.

    Every prefix is balanced within one example per class, as long as no class has run out.
    """
    shuffled = torch.randperm(len(labels), generator=source)
    turn = torch.empty_like(shuffled)

    for c in range(int(labels.max()) + 1):
        members = (labels[shuffled] == c).nonzero().squeeze(1)
        turn[members] = torch.arange(len(members))

    # Within a turn the order of the classes is random too: the shuffle decides, the sort is stable.
    return shuffled[turn.argsort(stable=True)]
