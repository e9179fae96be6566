"""Runs from configuration to store: load, build, reserve, train, evaluate, record.

Conditions that are trained together have a run each. They share one training; before and after it,
each is treated as if it were alone, and fails alone.
"""

import logging
import shutil
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Callback, Trainer

from dropout_study.config.condition import condition_digest, uses_test_data
from dropout_study.config.schema import Autoencoder, Config
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.evaluation.evaluate import check_evaluation
from dropout_study.report.mlflow_run_page import write_run_page
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.checkpoint import Checkpoint
from dropout_study.running.evaluating import evaluate, evaluation_bar, list_passes
from dropout_study.running.job import stop_reason
from dropout_study.running.memory import check_memory
from dropout_study.running.outcome import collect_results, ended_together, recorded
from dropout_study.running.reservation import new_record, reserve, save_config, save_sources
from dropout_study.running.stopping import EndsReport, StopAtCheckpoint, ValidationTimer
from dropout_study.running.watch import Report, Watch
from dropout_study.tracking import provenance
from dropout_study.tracking.record import Record
from dropout_study.tracking.recorder import heartbeat
from dropout_study.tracking.store import Store
from dropout_study.tracking.stored_cohorts import MODEL_FOLDER, WEIGHTS_FILE, load_stored_weights
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.checkpoints import Checkpointing
from dropout_study.training.data_module import DataModule, JoinedData
from dropout_study.training.members import members_of
from dropout_study.training.module import CohortTraining, Diverged
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import (
    ProgressBar,
    UpdateCounter,
    check_precision,
    device_of,
    finish,
    make_trainer,
    train,
)

log = logging.getLogger(__name__)


@dataclass
class Run:
    """The run of a condition, from its reservation on.

    Attributes:
        config: the condition and its seeds.
        folder: takes the record and its files.
        store: takes the run.
        data: the examples of each seed.
        network: the architecture.
        record: what is recorded.
        run_id: in the store; None if the store takes the run later.
        training: its networks, once they are trained.
        trainer: what has trained them.
    """

    config: Config
    folder: Path
    store: Store
    data: DataModule
    network: Network
    record: Record
    run_id: str | None
    training: CohortTraining | None = None
    trainer: Trainer | None = None


def run_cohort(config: Config, folder: Path, sweep: Path | None, watch: Watch) -> Record:
    """Train, evaluate and record the cohort of a configuration.

    Nothing is trained if the study evaluates the cohorts of another (`study.cohorts_from`).

    Args:
        config: what to train; an interrupted run of the same configuration is resumed.
        folder: takes the record and its files.
        sweep: the folder of the sweep that it belongs to; without one, a progress bar is shown.
        watch: notes how far it is.

    Raises:
        ConfigError: the data cannot be read, a rule cannot be used, the condition does not fit into
            memory, or the cohorts to evaluate are missing.
        Taken: another process has begun to train some of the seeds; nothing was done.
        Stopped: the sweep was asked to stop.
    """
    checkpoint = Checkpoint.find([config], [config])
    images = load_images(config.data)
    run = begin(config, folder, sweep, images, len(config.seeds), checkpoint)

    with heartbeat({run.folder: run.run_id}, run.store), measured([run]):
        shows_bar = sweep is None and sys.stderr.isatty()
        train_together([run], checkpoint, sweep, watch, shows_bar)

        with evaluation_bar(shows_bar, watch.report_on(0)) as report:
            complete(run, report)

    checkpoint.remove()

    return run.record


def begin(
    config: Config,
    folder: Path,
    sweep: Path | None,
    images: Images,
    networks: int,
    checkpoint: Checkpoint,
) -> Run:
    """Check that a condition can be trained, and reserve its seeds.

    Args:
        config: the condition and its seeds.
        folder: takes the record and its files.
        sweep: the folder of the sweep that it belongs to.
        images: its data set.
        networks: how many are trained together.
        checkpoint: of an interrupted training, whose run is then continued.

    Raises:
        ConfigError, Taken: as `run_cohort`.
    """
    quiet()
    trains = not config.study.cohorts_from
    check_memory(config, images, trains)
    network = make_network(config, images.inputs, images.classes)
    check_evaluation(config, network)

    store = Store(config.tracking.uri)
    interval = validation_interval(config)
    device = device_of(config.trainer.accelerator)
    check_precision(config.trainer.precision, device)
    data = DataModule(images, config.data, config.seeds, config.budget.updates, interval, device)
    training = None if trains else CohortTraining(config, network)

    if training:
        load_stored_weights(training.cohort, config, store)

    with as_many_threads_as_pay(network, networks, config.data.batch_size):  # as in training
        record = new_record(config, data, device, sweep, store)

    checkpoint.resume(record, config)
    save_config(config, folder)
    record.artifacts += provenance.write_files(folder) + save_sources(config, folder)
    run_id = reserve(config, record, folder, store)
    log.info("%s: %d seeds, %d updates", record.name, len(config.seeds), config.budget.updates)

    return Run(config, folder, store, data, network, record, run_id, training)


def train_together(
    runs: Sequence[Run],
    checkpoint: Checkpoint,
    sweep: Path | None,
    watch: Watch,
    shows_bar: bool = False,
) -> None:
    """Train the networks of some runs as one cohort, unless a store held them.

    Args:
        runs: their conditions differ in nothing but what a member may have of its own.
        checkpoint: to resume from, and to be written.
        sweep: the folder of the sweep that they belong to.
        watch: notes how far they are.
        shows_bar: whether a progress bar is shown.

    Raises:
        Stopped: the sweep was asked to stop. All runs are then recorded with this end, as with any
            other.
    """
    BOTTOM_LINE.clear()
    if runs[0].training:
        return

    first = runs[0].config

    with ended_together([(run.record, run.folder) for run in runs], runs[0].store):
        if checkpoint.is_found:
            log.info("resuming from %s", checkpoint.file)

        checkpoint.note_runs({condition_digest(run.config): run.record for run in runs})
        cohorts = checkpoint.cohorts([run.config for run in runs])
        together = _cohort_of(cohorts, runs[0], checkpoint.file)
        callbacks = _callbacks(runs, sweep, checkpoint.file, watch, shows_bar)
        trainer = make_trainer(first, runs[0].folder, callbacks)
        networks = len(together.cohort.seeds)
        threads = as_many_threads_as_pay(runs[0].network, networks, first.data.batch_size)
        data = JoinedData([_data_of(config, runs[0].data) for config in cohorts])

        try:
            with threads, suppress(Diverged):  # which each run finds out for itself
                train(together, trainer, data, checkpoint.file if checkpoint.is_found else None)
        except BaseException:
            with suppress(Exception):  # the first error is the one that is reported
                _take_apart(together, cohorts, runs, trainer)
                for run in runs:
                    collect_results(run.record, cast("CohortTraining", run.training))
            raise

        _take_apart(together, cohorts, runs, trainer)


def _callbacks(
    runs: Sequence[Run], sweep: Path | None, checkpoint: Path, watch: Watch, shows_bar: bool
) -> list[Callback]:
    """What looks on while networks are trained (arguments as in `train_together`)."""
    factors = _validations_that_evaluations_take(runs)
    callbacks: list[Callback] = [
        EndsReport(watch.count_updates),
        UpdateCounter(watch.count_updates),
        ValidationTimer(lambda seconds: watch.foresee([seconds * each for each in factors])),
        StopAtCheckpoint(partial(stop_reason, sweep), checkpoint),
    ]

    return [*callbacks, ProgressBar()] if shows_bar else callbacks


def _validations_that_evaluations_take(runs: Sequence[Run]) -> list[float]:
    """How many times as long as a validation of all networks each evaluation takes, about."""
    images = runs[0].data.images
    networks = sum(len(run.config.seeds) for run in runs)

    return [
        sum(list_passes(run.config, run.network, len(images.test)))
        * (len(run.config.seeds) / networks)
        * (len(images.test) / len(images.validation))
        if uses_test_data(run.config)
        else 0.0
        for run in runs
    ]


def _cohort_of(cohorts: Sequence[Config], run: Run, file: Path) -> CohortTraining:
    """The networks of some conditions as one cohort, built as that of one of the runs."""
    images = run.data.images
    members = [
        member
        for config in cohorts
        for member in members_of(config, make_network(config, images.inputs, images.classes))
    ]
    trained = {condition_digest(config): config.seeds for config in cohorts}
    checkpointing = Checkpointing(file, 60 * run.config.checkpoint.minutes, trained)

    return CohortTraining(run.config, run.network, checkpointing, members)


def _data_of(config: Config, like: DataModule) -> DataModule:
    """The examples of a condition, from the data set and on the device of another one."""
    return DataModule(
        like.images,
        config.data,
        config.seeds,
        like.updates,
        like.validation_interval,
        like.device,
    )


def _take_apart(
    together: CohortTraining, cohorts: Sequence[Config], runs: Sequence[Run], trainer: Trainer
) -> None:
    """Give each run its networks."""
    if len(runs) == 1 and together.cohort.seeds == tuple(runs[0].config.seeds):
        runs[0].training, runs[0].trainer = together, trainer
        return

    trained = [(condition_digest(config), seed) for config in cohorts for seed in config.seeds]

    for run in runs:
        digest = condition_digest(run.config)
        networks = [trained.index((digest, seed)) for seed in run.config.seeds]
        run.training = together.part(run.config, run.network, networks)
        run.trainer = trainer


def complete(run: Run, report: Report) -> None:
    """Test and evaluate the trained networks of a run, and record it.

    Candidates of a search meet no test data: they are validated alone.

    Args:
        run: whose networks are trained.
        report: called with the share of the evaluation that is done.

    Raises:
        Diverged: no network is left to test.
    """
    training = cast("CohortTraining", run.training)
    is_tested = uses_test_data(run.config)
    if is_tested:
        report(0.0)

    with recorded(run.record, run.folder, run.store):
        if run.trainer:
            run.trainer.limit_test_batches = 1.0 if is_tested else 0

            try:
                with as_many_threads_as_pay(
                    run.network, len(run.config.seeds), run.config.data.batch_size
                ):
                    finish(training, run.trainer, run.data)
            finally:
                collect_results(run.record, training)

        if is_tested:
            evaluate(run.config, training.cohort, run.data, run.record, report)

        if run.config.tracking.cohort:
            torch.save(training.cohort.state_dict(), run.folder / WEIGHTS_FILE)

        if run.config.tracking.model:
            _save_model(run, training.cohort)

        run.record.artifacts += write_run_page(run.record, run.folder)

    if run.config.debug.profile and run.trainer:
        log.info(cast("Any", run.trainer).profiler.summary())


def measured(runs: Iterable[Run]) -> AbstractContextManager[None]:
    """Note what the machine does while some runs are computed, where that is asked for."""
    records = [run.record for run in runs if run.config.tracking.system_metrics]
    if not records:
        return nullcontext()

    from dropout_study.tracking.system_metrics import system_metrics

    return system_metrics(records)


def _save_model(run: Run, cohort: Cohort) -> None:
    """Write the networks that did not fail into the run's folder, as a model of MLflow.

    What is trained and evaluated counts without a model, too: a failure is a warning.
    """
    from dropout_study.tracking.stored_model import EXAMPLES, save_model

    networks = [i for i, seed in enumerate(run.record.seeds) if not seed.failure]
    test = run.data.images.test
    inputs, _ = test.batch(torch.arange(EXAMPLES, device=test.labels.device))
    classifies = run.config.model.name != Autoencoder.name

    try:
        save_model(cohort.part(networks), classifies, inputs, run.folder / MODEL_FOLDER)
    except Exception as error:
        shutil.rmtree(run.folder / MODEL_FOLDER, ignore_errors=True)
        log.warning("%s: its model could not be saved: %s", run.record.name, error)


def quiet() -> None:
    """Keep Lightning's advertisements, device messages and internal notes off the terminal."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=library)
