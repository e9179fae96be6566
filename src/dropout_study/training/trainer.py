"""Lightning's trainer and its callbacks, and a run from first update to test."""

import os
import signal
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator
from pytorch_lightning.plugins.environments import LightningEnvironment
from tqdm import tqdm

from dropout_study.config.schema import Config, ConfigError
from dropout_study.data.batches import blocks_per_validation
from dropout_study.training.build import validation_interval
from dropout_study.training.half_precision import has_bfloat16
from dropout_study.training.module import CohortTraining


class UpdateCounter(pl.Callback):
    """Reports the number of updates after each block; what the listener raises ends training.

    Args:
        listener: is called with the number of updates.
        interval: updates between two calls, at least.
    """

    def __init__(self, listener: Callable[[int], None], interval: int = 1) -> None:
        self._listener = listener
        self._interval = interval
        self._reported = 0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Report the number of updates if enough have passed."""
        if trainer.global_step - self._reported >= self._interval:
            self._reported = trainer.global_step
            self._listener(self._reported)


class RestoreSignals(pl.Callback):
    """Leaves SIGTERM to its previous handler: Lightning's own would end with exit code 0."""

    def setup(self, *_: Any, **__: Any) -> None:
        """Remember the handler."""
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, *_: Any) -> None:
        """Put the handler back, which Lightning has replaced."""
        signal.signal(signal.SIGTERM, self._handler)

    on_validation_start = on_test_start = cast("Any", on_train_start)


class ProgressBar(pl.Callback):
    """One bar over the whole budget, with the current validation error; gone at the end."""

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Show the bar."""
        self._bar = tqdm(
            total=trainer.max_steps, initial=trainer.global_step, unit=" updates", leave=False
        )

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        """Move the bar, which draws itself ten times a second at most."""
        errors = cast("CohortTraining", module).results.get("val/error")
        if errors:
            mean = sum(errors) / len(errors)
            self._bar.set_postfix_str(f"validation error {mean:.2f} %", refresh=False)

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
    """Train for the whole budget, choose the weights (`budget.weights`), and test them once.

    Args:
        training: the cohort.
        trainer: made by `make_trainer`.
        data: batches of the same seeds.
        checkpoint: resume from it; None starts at the first update.
    """
    train(training, trainer, data, checkpoint)
    finish(training, trainer, data)


def train(
    training: CohortTraining,
    trainer: pl.Trainer,
    data: pl.LightningDataModule,
    checkpoint: Path | None = None,
) -> None:
    """Train for the whole budget (arguments as in `fit`)."""
    trainer.fit(training, datamodule=data, ckpt_path=checkpoint, weights_only=True)


def finish(training: CohortTraining, trainer: pl.Trainer, data: pl.LightningDataModule) -> None:
    """Choose the weights of trained networks (`budget.weights`), and test them once.

    The last point of the validation curves is always that of the chosen weights.

    Args:
        training: the networks.
        trainer: the one that has trained them.
        data: batches of the same seeds.

    Raises:
        Diverged: no network is left to test.
    """
    training.raise_if_all_diverged()
    validated = max(
        (point.update for point in training.curves if point.key == "val/error"), default=0
    )
    if validated < training.config.budget.updates:
        trainer.validate(training, datamodule=data, verbose=False)

    if training.config.budget.weights == "best":
        training.restore_best()
        trainer.validate(training, datamodule=data, verbose=False)

    trainer.test(training, datamodule=data, verbose=False)


@cache
def device_of(accelerator: str) -> torch.device:
    """The device on which Lightning trains.

    Raises:
        ConfigError: `trainer=gpu` where there is no GPU.
    """
    _check_accelerator(accelerator)
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        plugins=[LightningEnvironment()],
    )

    return trainer.strategy.root_device


def _check_accelerator(accelerator: str) -> None:
    """Refuse a GPU where there is none.

    Raises:
        ConfigError: saying so.
    """
    gpu = CUDAAccelerator.is_available() or MPSAccelerator.is_available()
    if accelerator == "gpu" and not gpu:
        hint = "type trainer=auto or trainer=cpu"
        raise ConfigError(f"trainer=gpu cannot be used: there is no GPU here; {hint}.")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse bfloat16 on a device that would emulate it.

    Raises:
        ConfigError: saying so.
    """
    if precision == "bf16" and not has_bfloat16(device):
        raise ConfigError(
            "trainer.precision=bf16 cannot be used: this processor has no bfloat16 arithmetic; "
            "type trainer.precision=32-true."
        )


def _skip_search_for_nvml() -> None:
    """Without a GPU, keep torch from searching the disk for NVIDIA's library.

    Lightning makes torch search for it instead of asking CUDA, and AdamW would search at every
    update: 0.1 to 0.5 ms.
    """
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


def make_trainer(config: Config, folder: Path, callbacks: Sequence[pl.Callback] = ()) -> pl.Trainer:
    """The Lightning trainer: one epoch is the whole budget, one batch a block (`UpdateBlocks`).

    Lightning logs nothing: the results are attributes of `CohortTraining`.

    Args:
        config: accelerator, precision, budget and validations.
        folder: where Lightning may write.
        callbacks: besides the project's own.

    Raises:
        ConfigError: `trainer=gpu` where there is no GPU, or `trainer.precision=bf16` where there is
            no bfloat16 arithmetic.
    """
    _skip_search_for_nvml()
    _check_accelerator(config.trainer.accelerator)

    halves = config.trainer.precision == "bf16"
    trainer = pl.Trainer(
        accelerator=config.trainer.accelerator,
        devices=1,
        # The weights, which are all that Lightning has, are in float32.
        precision=cast("Any", "32-true" if halves else config.trainer.precision),
        max_epochs=1,
        max_steps=config.budget.updates,
        val_check_interval=blocks_per_validation(validation_interval(config)),
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[RestoreSignals(), *callbacks],
        profiler="simple" if config.debug.profile else None,
        plugins=[LightningEnvironment()],  # one process, whatever variables a scheduler has set
        default_root_dir=str(folder),
    )

    check_precision(config.trainer.precision, trainer.strategy.root_device)

    return trainer
