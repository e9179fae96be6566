"""Checkpoints from which an interrupted run resumes."""

import os
import time
from pathlib import Path

import pytorch_lightning as pl
import torch

from dropout_study.config.condition import condition_digest
from dropout_study.config.schema import Config
from dropout_study.data.batches import combined
from dropout_study.training.build import validation_interval

CHECKPOINT = 4  # changes with what a checkpoint holds: one of another version is not resumed


class Checkpointing:
    """Now and then writes all that training needs to go on after an interruption.

    Masks and batches follow from the update, so a run that goes on from a checkpoint ends as one
    that was never interrupted, bit for bit.

    Args:
        file: is replaced whole or not at all.
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
    """The name of the checkpoint of a run, which the next start of the same run finds.

    Lightning counts blocks, whose length follows from the validations, which the digest leaves out.
    """
    seeds = combined([str(seed) for seed in config.seeds])
    every = validation_interval(config)
    return f"{config.study.name}-{condition_digest(config)}-{seeds}-{every}.{CHECKPOINT}.ckpt"


def resumable(file: Path) -> bool:
    """Whether a file is the checkpoint that its name says (`checkpoint_name`)."""
    try:
        run = torch.load(file, map_location="cpu", weights_only=True)["run"]
    except Exception:  # whatever a damaged or foreign file makes of itself
        return False
    return bool(run == file.name)
