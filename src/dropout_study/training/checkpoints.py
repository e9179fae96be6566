"""Checkpoints from which an interrupted run resumes."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch

from dropout_study.config.condition import combined_digest, condition_digest
from dropout_study.config.schema import Config
from dropout_study.training.build import validation_interval

CHECKPOINT_VERSION = 5  # of the format; checkpoints of other versions are ignored


class Checkpointing:
    """Writes a checkpoint from time to time, from which an interrupted run resumes.

    Masks and batches follow from the number of the update, so a resumed run ends as one that was
    never interrupted, bit for bit.

    Args:
        file: replaced atomically; a checkpoint holds its name.
        seconds: between two checkpoints.
        trained: digest of each condition -> its seeds, in the order of the networks.
    """

    def __init__(
        self, file: Path, seconds: float, trained: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self.file = file
        self.trained = {digest: list(seeds) for digest, seeds in (trained or {}).items()}
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
    """File name of the checkpoint of conditions: the same at every start of the same jobs.

    It has the validation interval, which the digest leaves out, since Lightning counts blocks,
    whose length depends on it.

    Args:
        configs: the conditions that are trained together, in their order.
    """
    first = configs[0]
    trained = json.dumps([[condition_digest(config), config.seeds] for config in configs])
    interval = validation_interval(first)
    run = f"{first.study.name}-{combined_digest([trained])}-{interval}"

    return f"{run}.{CHECKPOINT_VERSION}.ckpt"


def trained_in(file: Path) -> dict[str, list[int]] | None:
    """The networks of an intact checkpoint that was written under its name: digest -> seeds.

    None for a file that is no such checkpoint.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
        is_own = content["run"] == file.name
        trained = content["trained"]
    except Exception:  # a damaged or foreign file may raise anything
        return None

    return dict(trained) if is_own else None
