"""What looks on while networks are trained: reports of how far they are, and the wish to stop.

Training that is asked to stop ends between two updates, behind a checkpoint.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl

from dropout_study.system.termination import Stopped
from dropout_study.training.build import validation_interval
from dropout_study.training.checkpoints import Checkpointing

if TYPE_CHECKING:
    from dropout_study.training.module import CohortTraining

LOOK_SECONDS = 0.25
"""Between two looks at whether training must stop."""


class StopAtCheckpoint(pl.Callback):
    """Writes a checkpoint and ends training as soon as it must stop.

    No checkpoint is written right before a validation, which Lightning would leave out after
    resuming: training then ends with the next block. Where every update is validated, it ends
    without a checkpoint.

    Args:
        stop_reason: why training must stop; empty as long as it need not.
        file: takes the checkpoint.
    """

    def __init__(self, stop_reason: Callable[[], str], file: Path) -> None:
        self._stop_reason = stop_reason
        self._write = Checkpointing(file, seconds=0)
        self._looked = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        """Look whether training must stop, now and then.

        Raises:
            Stopped: it must.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return

        interval = validation_interval(cast("CohortTraining", module).config)
        is_before_validation = trainer.global_step % interval == 0
        if is_before_validation and interval > 1:
            return

        self._looked = time.monotonic()
        if not (reason := self._stop_reason()):
            return

        if not is_before_validation:
            self._write(trainer)

        raise Stopped(reason)


class EndsReport(pl.Callback):
    """Reports the number of updates as training begins, resumes or ends.

    Args:
        listener: is called with the number.
    """

    def __init__(self, listener: Callable[[int], None]) -> None:
        self._listener = listener

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Report the number."""
        self._listener(trainer.global_step)

    def on_train_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Report the number."""
        self._listener(trainer.global_step)


class ValidationTimer(pl.Callback):
    """Reports how long each validation takes.

    Args:
        listener: is called with the seconds.
    """

    def __init__(self, listener: Callable[[float], None]) -> None:
        self._listener = listener
        self._began = 0.0

    def on_validation_start(self, *_: Any) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_validation_end(self, *_: Any) -> None:
        """Report what it says."""
        self._listener(time.monotonic() - self._began)
