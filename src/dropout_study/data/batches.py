"""Subsets of a data set, and batches by index.

The whole set is one tensor; a batch is a gather. Which examples a network sees, and in which order,
is a pure function of its seed.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from dropout_study.data.images import Split, class_balanced_order
from dropout_study.dropout.randomness import Purpose, generator

# Images: enough for full speed, few enough for a cohort's activations.
EVALUATION_BATCH = 2_000
# Updates per Lightning batch: its overhead, 20 % of a small update, is then paid once per 10.
MAX_UPDATES_PER_BLOCK = 10


def subset(labels: Tensor, size: int | None, resample: str, seed: int) -> Tensor:
    """Indices of the examples that the network of a seed learns from, `[size]`.

    Subsets of one seed are nested: the 500 contain the 100. Up to ten times the size of the rarest
    class, the numbers of examples per class differ by at most one.

    Args:
        labels: of all training examples, `[N]`.
        size: number of examples; None takes all.
        resample: `none`, or `bootstrap`, which draws as many again, with replacement.
        seed: of the network.

    Example:
        >>> labels = torch.arange(100) % 10
        >>> labels[subset(labels, size=10, resample="none", seed=0)].sort().values.tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    chosen = class_balanced_order(labels, generator(Purpose.SUBSET, seed))[:size]

    if resample == "none":
        return chosen

    drawn = torch.randint(len(chosen), (len(chosen),), generator=generator(Purpose.RESAMPLE, seed))

    return chosen[drawn]


class BatchStream:
    """The endless sequence of one network's batches: each epoch in an order of its own.

    A batch may extend over the end of an epoch, and may be larger than the subset.

    Args:
        indices: of the network's examples, `[N]`.
        seed: of the network.
        size: examples per batch.

    Example:
        >>> stream = BatchStream(torch.arange(6), seed=0, size=4)
        >>> torch.cat([stream.batch(update) for update in range(3)]).bincount().tolist()
        [2, 2, 2, 2, 2, 2]
    """

    def __init__(self, indices: Tensor, seed: int, size: int) -> None:
        self._indices = indices
        self._seed = seed
        self._size = size
        self._epoch = -1
        self._order = indices

    def batch(self, update: int) -> Tensor:
        """Indices of the batch of an update, `[size]`: a pure function of seed and update."""
        start = update * self._size
        end = (update + 1) * self._size
        pieces = []

        while start < end:
            epoch, offset = divmod(start, len(self._indices))
            piece = self._in_order(epoch)[offset : offset + end - start]
            pieces.append(piece)
            start += len(piece)

        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _in_order(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            source = generator(Purpose.BATCH, self._seed, epoch)
            self._epoch = epoch
            self._order = self._indices[torch.randperm(len(self._indices), generator=source)]
        return self._order


class TrainBatches:
    """One pass over the budget: a batch of every network for each update.

    Args:
        split: the examples.
        streams: one per network; networks may share a stream.
        updates: the budget.

    Attributes:
        next: the update whose batch comes next; a pass begins there.
    """

    def __init__(self, split: Split, streams: Sequence[BatchStream], updates: int) -> None:
        self._split = split
        self._streams = list(dict.fromkeys(streams))
        self._row = torch.tensor([self._streams.index(stream) for stream in streams])
        self._updates = updates
        self.next = 0

    def __len__(self) -> int:
        return self._updates

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs `[R, B, D]` and labels `[R, B]` of every update that is left.

        The inputs of an update take the memory of those before: new memory for many networks costs
        a fifth of an update.
        """
        device = self._split.images.device
        memory: Tensor | None = None

        for update in range(self.next, self._updates):
            index = torch.stack([stream.batch(update) for stream in self._streams])[self._row]
            self.next = update + 1
            memory, labels = self._split.batch(index.to(device), memory)
            yield memory, labels


class UpdateBlocks:
    """Blocks of updates, which Lightning takes for batches: each yields the batches of its updates.

    Every validation ends a block, and between two validations another block ends, where a
    checkpoint can be written.

    Args:
        batches: of all updates.
        validation_interval: updates between two validations.
    """

    def __init__(self, batches: TrainBatches, validation_interval: int) -> None:
        self._batches = batches
        self._updates_per_block = updates_per_block(validation_interval)
        self.validation_interval = validation_interval

    def __len__(self) -> int:
        validations, rest = divmod(len(self._batches), self.validation_interval)
        last_blocks = math.ceil(rest / self._updates_per_block)

        return validations * blocks_per_validation(self.validation_interval) + last_blocks

    def __iter__(self) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
        """Yield the remaining blocks; each must be used up before the next."""
        batches = iter(self._batches)
        update = self._batches.next

        while update < len(self._batches):
            validation = (update // self.validation_interval + 1) * self.validation_interval
            end = min(update + self._updates_per_block, validation, len(self._batches))
            yield islice(batches, end - update)
            update = end

    def state_dict(self) -> dict[str, int]:
        """The next update; Lightning stores it in a checkpoint."""
        return {"next": self._batches.next}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume at the update of a checkpoint."""
        self._batches.next = state["next"]


def updates_per_block(validation_interval: int) -> int:
    """Updates of a block: at most half of those between two validations.

    >>> updates_per_block(6), updates_per_block(100)
    (3, 10)
    """
    return min(MAX_UPDATES_PER_BLOCK, math.ceil(validation_interval / 2))


def blocks_per_validation(validation_interval: int) -> int:
    """Blocks between two validations, at least 1.

    >>> blocks_per_validation(6), blocks_per_validation(100)
    (2, 10)
    """
    return math.ceil(validation_interval / updates_per_block(validation_interval))


class EvaluationBatches:
    """Examples in order: `indices` is `[N]`, the same for all networks, or `[R, N]`."""

    def __init__(self, split: Split, indices: Tensor) -> None:
        self._split = split
        self._chunks = indices.to(split.images.device).split(EVALUATION_BATCH, dim=-1)

    def __len__(self) -> int:
        return len(self._chunks)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs `[N, D]` or `[R, N, D]` and labels `[N]` or `[R, N]`."""
        return map(self._split.batch, self._chunks)
