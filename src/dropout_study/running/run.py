"""One run from configuration to store: load, build, reserve, train, evaluate, record."""

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Trainer

from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.evaluation.evaluate import check_evaluation, evaluate_cohort
from dropout_study.report.mlflow_run_page import write_run_page
from dropout_study.running.memory import check_memory
from dropout_study.running.outcome import collect_results, recorded
from dropout_study.running.reservation import new_record, reserve, save_config
from dropout_study.tracking import provenance
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store
from dropout_study.tracking.stored_cohorts import WEIGHTS_FILE, load_stored_weights
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.checkpoints import Checkpointing, checkpoint_name, resumable
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import ProgressBar, UpdateCounter, fit, make_trainer

log = logging.getLogger(__name__)


@dataclass
class Parts:
    """What a configuration describes, built and ready to train."""

    data: DataModule
    module: CohortTraining
    trainer: Trainer
    checkpoint: Path


def run_cohort(
    config: Config, folder: Path, sweep: Path | None, watch: Callable[[int], None]
) -> Record:
    """Train, evaluate and record the cohort of a configuration.

    Nothing is trained if the study evaluates the cohorts of another (`study.cohorts_from`).

    Args:
        config: what to train; an interrupted run of the same configuration is resumed.
        folder: takes the record and its files.
        sweep: the folder of the sweep that it belongs to; without one, a progress bar is shown.
        watch: called with the number of updates now and then; an exception of it ends training.

    Raises:
        ConfigError: the data cannot be read, a rule cannot be used, the condition does not fit into
            memory, or the cohorts to evaluate are missing.
        Taken: another process has begun to train some of the seeds; nothing was done.
        Stopped: raised by `watch`.
    """
    quiet()
    store = Store(config.tracking.uri)
    parts = _build(config, folder, watch, shows_bar=sweep is None and sys.stderr.isatty())

    if config.study.cohorts_from:
        load_stored_weights(parts.module.cohort, config, store)

    with as_many_threads_as_pay(parts.module.cohort, config.data.batch_size):  # as in training
        record = new_record(config, parts.data, parts.trainer.strategy.root_device, sweep, store)

    save_config(config, folder)
    record.artifacts += provenance.write_files(folder)
    run_id = reserve(config, record, folder, store)
    log.info("%s: %d seeds, %d updates", record.name, len(config.seeds), config.budget.updates)

    with recorded(record, folder, store, run_id):
        _train(config, parts, record)
        evaluate_cohort(config, parts.module.cohort, parts.data, record)
        _write_results(config, parts, record, folder)

    _remove_checkpoints(parts.checkpoint)

    if config.debug.profile:
        log.info(cast("Any", parts.trainer).profiler.summary())

    return record


def quiet() -> None:
    """Keep Lightning's advertisements, device messages and internal notes off the terminal."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=library)


def _build(config: Config, folder: Path, watch: Callable[[int], None], shows_bar: bool) -> Parts:
    """Load the data, and build the networks and what trains them.

    Raises:
        ConfigError: the data cannot be read, a rule cannot be used, or memory is too small.
    """
    images = load_images(config.data)
    check_memory(config, images, trains=not config.study.cohorts_from)

    file = _checkpoint(config)
    network = make_network(config.model, images.inputs, images.classes)
    checkpointing = Checkpointing(file, 60 * config.checkpoint.minutes)
    module = CohortTraining(config, network, checkpointing)
    check_evaluation(config, module.cohort)

    bar = [ProgressBar()] if shows_bar else []
    trainer = make_trainer(config, folder, [UpdateCounter(watch), *bar])
    updates = config.budget.updates
    interval = validation_interval(config)
    device = trainer.strategy.root_device
    data = DataModule(images, config.data, config.seeds, updates, interval, device)

    return Parts(data, module, trainer, file)


def _train(config: Config, parts: Parts, record: Record) -> None:
    """Train the networks, unless a store held them, and copy their results to the record."""
    if config.rerun:
        parts.checkpoint.unlink(missing_ok=True)

    if config.study.cohorts_from:
        return

    try:
        with as_many_threads_as_pay(parts.module.cohort, config.data.batch_size):
            fit(parts.module, parts.trainer, parts.data, _resumable(parts.checkpoint))
    finally:
        collect_results(record, parts.module)


def _write_results(config: Config, parts: Parts, record: Record, folder: Path) -> None:
    """Write the weights, if they are kept, and what the page of the run shows."""
    if config.tracking.cohort:
        torch.save(parts.module.cohort.state_dict(), folder / WEIGHTS_FILE)

    record.artifacts += write_run_page(record, folder)


def _checkpoint(config: Config) -> Path:
    """Path of the checkpoint from which an interrupted run of this configuration resumes."""
    return Path(config.checkpoint.folder) / checkpoint_name(config)


def _resumable(file: Path) -> Path | None:
    """The checkpoint, if there is one; a damaged one, or that of another run, is renamed."""
    if not file.exists():
        return None

    if resumable(file):
        log.info("resuming from %s", file)
        return file

    aside = file.replace(file.with_suffix(".damaged"))
    log.warning(
        "%s is damaged or of another run; it is now %s, and training begins anew", file, aside.name
    )

    return None


def _remove_checkpoints(file: Path) -> None:
    """Remove the checkpoint of a run that is complete, and what was left beside it."""
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink(missing_ok=True)
