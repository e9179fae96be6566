"""Lightning's trainer and its callbacks, and a run from first update to test."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator
from pytorch_lightning.plugins.environments import LightningEnvironment
from tqdm import tqdm

from dropout_study.config.schema import Config, ConfigError
from dropout_study.data.batches import blocks
from dropout_study.training.build import validation_interval
from dropout_study.training.module import LOG_EVERY, CohortTraining


class Watch(pl.Callback):
    """Tells the number of updates now and then; what the listener raises ends training.

    Args:
        listener: is told.
        every: after at least that many updates, and at the end of a block.
    """

    def __init__(self, listener: Callable[[int], None], every: int = LOG_EVERY) -> None:
        self._listener = listener
        self._every = every
        self._told = 0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Tell."""
        if trainer.global_step - self._told >= self._every:
            self._told = trainer.global_step
            self._listener(self._told)


class Signals(pl.Callback):
    """Leaves SIGTERM to whoever handled it before: Lightning would end with exit code 0."""

    def setup(self, *_: Any, **__: Any) -> None:
        """Remember who did."""
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, *_: Any) -> None:
        """Take it back."""
        signal.signal(signal.SIGTERM, self._handler)

    on_validation_start = on_test_start = cast("Any", on_train_start)


class ProgressBar(pl.Callback):
    """One bar over the whole budget, with the current validation error; refreshed now and then, gone at the end."""

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Show the bar."""
        self._bar = tqdm(
            total=trainer.max_steps, initial=trainer.global_step, unit=" updates", leave=False
        )

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        """Move the bar."""
        if trainer.global_step - self._bar.n >= LOG_EVERY:
            if errors := cast("CohortTraining", module).results.get("val/error"):
                self._bar.set_postfix_str(
                    f"validation error {sum(errors) / len(errors):.2f} %", refresh=False
                )
            self._bar.update(trainer.global_step - self._bar.n)

    def teardown(self, *_: Any, **__: Any) -> None:
        """Remove the bar, however training ended."""
        if hasattr(self, "_bar"):
            self._bar.close()


def fit(
    training: CohortTraining,
    trainer: pl.Trainer,
    data: pl.LightningDataModule,
    checkpoint: Path | None = None,
) -> None:
    """Train for the whole budget, put the weights that are kept in place, and test them once.

    The last point of the validation curves is always that of the weights that are kept.

    Args:
        training: the cohort.
        trainer: as `make_trainer` makes it.
        data: of the same seeds.
        checkpoint: where to go on from, if not from the start.
    """
    trainer.fit(training, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    validated = max(
        (point.update for point in training.curves if point.key == "val/error"), default=0
    )
    if validated < training.config.budget.updates:
        trainer.validate(training, datamodule=data, verbose=False)

    if training.config.budget.weights == "best":
        training.restore_best()
        trainer.validate(training, datamodule=data, verbose=False)

    trainer.test(training, datamodule=data, verbose=False)


def make_trainer(config: Config, folder: Path, callbacks: Sequence[pl.Callback] = ()) -> pl.Trainer:
    """The Lightning trainer: one epoch is the whole budget, a batch a block of updates (see `data.Blocks`).

    Results leave through `CohortTraining` alone.

    Raises:
        ConfigError: a GPU is asked for where there is none.
    """
    gpu = CUDAAccelerator.is_available() or MPSAccelerator.is_available()
    if config.trainer.accelerator == "gpu" and not gpu:
        hint = "type trainer=auto or trainer=cpu"
        raise ConfigError(f"trainer=gpu cannot be used: there is no GPU here; {hint}.")

    return pl.Trainer(
        accelerator=config.trainer.accelerator,
        devices=1,
        precision=cast("Any", config.trainer.precision),
        max_epochs=1,
        max_steps=config.budget.updates,
        val_check_interval=blocks(validation_interval(config)),
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[Signals(), *callbacks],
        profiler="simple" if config.debug.profile else None,
        plugins=[LightningEnvironment()],  # one process, whatever variables a scheduler has set
        default_root_dir=str(folder),
    )
