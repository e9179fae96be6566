"""Labelled images in memory, and an order of them in which the classes take turns."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.dropout.randomness import Purpose, generator


@dataclass(frozen=True)
class Split:
    """Examples in memory.

    Attributes:
        images: `[N, D]`, uint8, or float32 as networks read them.
        labels: `[N]`, int64.
        scale: factor that takes `images` to what networks read: pixels to [0, 1]; 1 for float32.
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

    def of_classes(self, classes: Sequence[int]) -> "Split":
        """The examples of some classes, which are numbered from 0 in ascending order."""
        chosen = torch.tensor(sorted(classes))
        examples = self.take(torch.isin(self.labels, chosen).nonzero().squeeze(1))
        return replace(examples, labels=torch.searchsorted(chosen, examples.labels))

    def to(self, device: torch.device) -> "Split":
        """The same examples in the memory of `device`."""
        return Split(self.images.to(device), self.labels.to(device), self.scale, self.ids)

    def batch(self, index: Tensor, into: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Inputs `[..., D]`, pixels in [0, 1], and labels `[...]` for indices of any shape.

        Args:
            index: of examples.
            into: takes the inputs, float32; None gives them memory of their own.
        """
        rows = self.images.index_select(0, index.flatten()).unflatten(0, index.shape)
        inputs = rows.to(torch.float32) if into is None else into.copy_(rows)

        if self.scale != 1:
            inputs.mul_(self.scale)

        return inputs, self.labels[index]

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
        """Numbers per example: pixels of an image."""
        return self.train.images.shape[1]

    @property
    def classes(self) -> int:
        """Number of classes, some of which may be missing among few training examples."""
        splits = (self.train, self.validation, self.test)
        return max(int(split.labels.max()) for split in splits) + 1

    def pooled(self, pool: int) -> "Images":
        """The same examples, their images averaged over `pool` x `pool` pixels."""
        return self._map(lambda split: split.pooled(pool))

    def of_classes(self, classes: Sequence[int]) -> "Images":
        """The examples of some classes, which are numbered from 0 in ascending order."""
        return self._map(lambda split: split.of_classes(classes))

    def with_reserve(self, count: int) -> "Images":
        """The same examples, of which `count` are no longer trained on but tested on.

        They are a class-balanced choice from the training pool, the same for every seed, and follow
        the test examples. Nothing is chosen on them. Fewer are the first of more.
        """
        order = class_balanced_order(self.train.labels, generator(Purpose.RESERVE, 0))
        rest = order[count:].sort().values
        test = join([self.test, self.train.take(order[:count])])

        return Images(self.train.take(rest), self.validation, test)

    def _map(self, change: Callable[[Split], Split]) -> "Images":
        return Images(change(self.train), change(self.validation), change(self.test))


def join(splits: Sequence[Split]) -> Split:
    """The examples of splits that share a scale, one split after another."""
    return Split(
        torch.cat([split.images for split in splits]),
        torch.cat([split.labels for split in splits]),
        splits[0].scale,
        torch.cat([split.ids for split in splits]),
    )


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
