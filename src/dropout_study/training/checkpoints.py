"""Checkpoints from which an interrupted run resumes."""

import os
import time
from pathlib import Path

import pytorch_lightning as pl
import torch

from dropout_study.config.condition import combined_digest, condition_digest
from dropout_study.config.schema import Config
from dropout_study.training.build import validation_interval

CHECKPOINT_VERSION = 4  # of the format; checkpoints of other versions are ignored


class Checkpointing:
    """Writes a checkpoint from time to time, from which an interrupted run resumes.

    Masks and batches follow from the number of the update, so a resumed run ends as one that was
    never interrupted, bit for bit.

    Args:
        file: replaced atomically; a checkpoint holds its name.
        seconds: between two checkpoints.
    """

    def __init__(self, file: Path, seconds: float) -> None:
        self.file = file
        self._seconds = seconds
        self._written = time.monotonic()

    def __call__(self, trainer: pl.Trainer) -> None:
        """Write a checkpoint if it is time."""
        if time.monotonic() - self._written < self._seconds:
            return

        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_name(f"{self.file.name}.{os.getpid()}.partial")
        trainer.save_checkpoint(partial)

        with partial.open("rb") as written:
            os.fsync(written.fileno())

        partial.replace(self.file)
        self._written = time.monotonic()


def checkpoint_name(*configs: Config) -> str:
    """File name of the checkpoint of conditions: the same at every start of the same training.

    It has the validation interval, which the digest leaves out, since Lightning counts blocks,
    whose length depends on it.

    Args:
        configs: the conditions that are trained together, in their order.
    """
    first = configs[0]
    conditions = [condition_digest(config) for config in configs]
    condition = conditions[0] if len(configs) == 1 else combined_digest(conditions)
    seeds = combined_digest([str(seed) for config in configs for seed in config.seeds])
    interval = validation_interval(first)
    run = f"{first.study.name}-{condition}-{seeds}-{interval}"

    return f"{run}.{CHECKPOINT_VERSION}.ckpt"


def resumable(file: Path) -> bool:
    """Whether a file is an intact checkpoint that was written under its name."""
    try:
        run = torch.load(file, map_location="cpu", weights_only=True)["run"]
    except Exception:  # a damaged or foreign file may raise anything
        return False
    return bool(run == file.name)
