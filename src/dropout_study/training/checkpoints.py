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
        file: replaced atomically.
        seconds: between two checkpoints.
    """

    def __init__(self, file: Path, seconds: float) -> None:
        self._file = file
        self._seconds = seconds
        self._written = time.monotonic()

    def __call__(self, trainer: pl.Trainer) -> None:
        """Write a checkpoint if it is time."""
        if time.monotonic() - self._written < self._seconds:
            return

        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_name(f"{self._file.name}.{os.getpid()}.partial")
        trainer.save_checkpoint(partial)

        with partial.open("rb") as written:
            os.fsync(written.fileno())

        partial.replace(self._file)
        self._written = time.monotonic()


def checkpoint_name(config: Config) -> str:
    """File name of a run's checkpoint: the same at every start of the same run.

    It has the validation interval, which the digest leaves out, since Lightning counts blocks,
    whose length depends on it.
    """
    seeds = combined_digest([str(seed) for seed in config.seeds])
    interval = validation_interval(config)
    run = f"{config.study.name}-{condition_digest(config)}-{seeds}-{interval}"

    return f"{run}.{CHECKPOINT_VERSION}.ckpt"


def resumable(file: Path) -> bool:
    """Whether a file is an intact checkpoint of the run in its name (`checkpoint_name`)."""
    try:
        run = torch.load(file, map_location="cpu", weights_only=True)["run"]
    except Exception:  # a damaged or foreign file may raise anything
        return False
    return bool(run == file.name)
