"""The batches of a cohort as a data module of Lightning."""

import hashlib
from collections.abc import Hashable, Sequence

import pytorch_lightning as pl
import torch

from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.batches import (
    BatchStream,
    EvaluationBatches,
    TrainBatches,
    UpdateBlocks,
    subset,
)
from dropout_study.data.images import Images, Split


class DataModule(pl.LightningDataModule):
    """The batches of a cohort, from memory, on the device that trains.

    Args:
        images: the data set.
        config: size and resampling of the subsets, and size of the batches.
        seeds: one per network.
        updates: the budget.
        validation_interval: updates between two validations; None validates at the end alone.
        device: where batches are gathered.

    Attributes:
        subsets: indices of the examples that each network learns from, `[R, N]`.
        settings: which subset a seed gets, as text.

    Raises:
        ConfigError: there are fewer examples than `config.train_size`.
    """

    def __init__(
        self,
        images: Images,
        config: Data,
        seeds: Sequence[int],
        updates: int,
        validation_interval: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.images = images
        self.seeds = list(seeds)
        self.settings = f"{config.train_size} {config.resample} {config.batch_size}"
        self.updates = updates
        self.device = torch.device(device)
        self.validation_interval = validation_interval or updates
        labels = images.train.labels

        if config.train_size and config.train_size > len(labels):
            classes = f" of data.classes={config.classes}" if config.classes else ""
            raise ConfigError(
                f"data.train_size={config.train_size} cannot be used: "
                f"there are {len(labels)} training examples{classes}."
            )

        self.subsets = torch.stack(
            [subset(labels, config.train_size, config.resample, seed) for seed in seeds]
        )
        self.streams = [
            BatchStream(indices, seed, config.batch_size)
            for indices, seed in zip(self.subsets, seeds, strict=True)
        ]

    def batches(self) -> TrainBatches:
        """A batch of the training subsets for each update."""
        return TrainBatches(self.images.train.to(self.device), self.streams, self.updates)

    def train_dataloader(self) -> UpdateBlocks:
        """The batches of all updates, in blocks."""
        return UpdateBlocks(self.batches(), self.validation_interval)

    def val_dataloader(self) -> EvaluationBatches:
        """All validation examples."""
        return self._all_of(self.images.validation)

    def test_dataloader(self) -> list[EvaluationBatches]:
        """All test examples; then each network's own training examples."""
        return [
            self._all_of(self.images.test),
            EvaluationBatches(self.images.train.to(self.device), self.subsets),
        ]

    def digests(self) -> list[str]:
        """Per network, a digest of the examples that it learns from and of the held-out ones."""
        held_out = (
            self.images.validation.ids.numpy().tobytes() + self.images.test.ids.numpy().tobytes()
        )
        rows = self.images.train.ids[self.subsets]
        return [hashlib.sha256(row.numpy().tobytes() + held_out).hexdigest()[:12] for row in rows]

    def _all_of(self, split: Split) -> EvaluationBatches:
        return EvaluationBatches(split.to(self.device), torch.arange(len(split)))


class JoinedData(pl.LightningDataModule):
    """The batches of several cohorts that are trained together.

    Networks of equal seeds and subsets share their batches, which are drawn once.

    Args:
        parts: one per cohort; of one data set, one budget and one device.
    """

    def __init__(self, parts: Sequence[DataModule]) -> None:
        super().__init__()
        self._first = parts[0]
        shared: dict[Hashable, BatchStream] = {}
        self._streams = [
            shared.setdefault((part.settings, seed), stream)
            for part in parts
            for seed, stream in zip(part.seeds, part.streams, strict=True)
        ]

    def batches(self) -> TrainBatches:
        """A batch of every network for each update."""
        first = self._first
        return TrainBatches(first.images.train.to(first.device), self._streams, first.updates)

    def train_dataloader(self) -> UpdateBlocks:
        """The batches of all updates, in blocks."""
        return UpdateBlocks(self.batches(), self._first.validation_interval)

    def val_dataloader(self) -> EvaluationBatches:
        """All validation examples."""
        return self._first.val_dataloader()
