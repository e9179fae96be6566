"""The batches of a cohort as a data module of Lightning."""

import hashlib
from collections.abc import Sequence

import pytorch_lightning as pl
import torch

from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.batches import BatchStream, Blocks, EvaluationBatches, TrainBatches, subset
from dropout_study.data.datasets import Images, Split


class DataModule(pl.LightningDataModule):
    """The batches of a cohort, from memory, on the device that trains.

    Args:
        images: the data set.
        config: subset, resampling and size of batches.
        seeds: one per network.
        updates: the budget.
        every: updates between two validations; none: the budget.
    """

    def __init__(
        self,
        images: Images,
        config: Data,
        seeds: Sequence[int],
        updates: int,
        every: int | None = None,
    ) -> None:
        super().__init__()
        self.images, self.updates, self._every = images, updates, every or updates
        labels = images.train.labels
        if config.train_size and config.train_size > len(labels):
            raise ConfigError(
                f"data.train_size={config.train_size} cannot be used: there are {len(labels)} examples."
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
        return TrainBatches(self._placed(self.images.train), self.streams, self.updates)

    def train_dataloader(self) -> Blocks:
        """The same in blocks."""
        return Blocks(self.batches(), self._every)

    def val_dataloader(self) -> EvaluationBatches:
        """All validation examples."""
        return self._whole(self.images.validation)

    def test_dataloader(self) -> list[EvaluationBatches]:
        """All test examples; then each network's own training examples."""
        return [
            self._whole(self.images.test),
            EvaluationBatches(self._placed(self.images.train), self.subsets),
        ]

    def predict_dataloader(self) -> EvaluationBatches:
        """All test examples."""
        return self._whole(self.images.test)

    def digests(self) -> list[str]:
        """For each network a digest of exactly which examples it learnt from, and of the held-out ones."""
        held_out = (
            self.images.validation.ids.numpy().tobytes() + self.images.test.ids.numpy().tobytes()
        )
        rows = self.images.train.ids[self.subsets]
        return [hashlib.sha256(row.numpy().tobytes() + held_out).hexdigest()[:12] for row in rows]

    def _whole(self, split: Split) -> EvaluationBatches:
        return EvaluationBatches(self._placed(split), torch.arange(len(split)))

    def _placed(self, split: Split) -> Split:
        return split.to(self.trainer.strategy.root_device) if self.trainer else split
