"""One run from configuration to store: load, train, evaluate, record."""

import dataclasses
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf

from dropout_study.config import condition
from dropout_study.config.names import DATASETS
from dropout_study.config.schema import Config
from dropout_study.config.uri import masked
from dropout_study.data.batches import combined
from dropout_study.data.datasets import load_images
from dropout_study.evaluation.evaluate import check_rules, evaluate_cohort
from dropout_study.measures import metrics
from dropout_study.report.mlflow_run_page import write_run_page
from dropout_study.running.memory import check_memory
from dropout_study.tracking import provenance, recorder
from dropout_study.tracking.lookup import look_up
from dropout_study.tracking.record import RECORD_FILE, Record, RunStatus, SeedRecord
from dropout_study.tracking.store import UNREACHABLE, Store
from dropout_study.tracking.stored_cohorts import CONFIG_FILE, WEIGHTS_FILE, load_stored_weights
from dropout_study.tracking.tags import RERUN
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.checkpoints import Checkpointing, checkpoint_name, resumable
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import ProgressBar, UpdateCounter, fit, make_trainer

log = logging.getLogger(__name__)

LOG_FILE = "train.log"


class Taken(Exception):
    """Another process has begun to train some of the seeds."""


class Stopped(Exception):
    """Training was told to stop."""


def run_cohort(
    config: Config, folder: Path, sweep: Path | None, watch: Callable[[int], None]
) -> Record:
    """Train, evaluate and record the cohort of a configuration; `folder` takes the record and its files.

    Nothing is trained if the study evaluates the cohorts of another (`study.cohorts_from`).

    Args:
        config: what to train; an interrupted run of the same is resumed.
        folder: takes the record and its files.
        sweep: the folder of the sweep that it belongs to; without one, a progress bar is shown.
        watch: is told the number of updates now and then; what it raises ends training.

    Raises:
        ConfigError: the data cannot be read, the rules not be used, or the cohorts to evaluate are
            not there.
        Taken: nothing was done.
        Stopped: `watch` has raised it.
    """
    quiet()
    store = Store(config.tracking.uri)
    images = load_images(config.data)
    file = _checkpoint(config)
    checkpointing = Checkpointing(file, 60 * config.checkpoint.minutes)
    check_memory(config, images, trains=not config.study.cohorts_from)
    network = make_network(config.model, images.inputs, images.classes)
    module = CohortTraining(config, network, checkpointing)
    check_rules(config, module.cohort)

    if config.study.cohorts_from:
        load_stored_weights(module.cohort, config, store)

    bar = [ProgressBar()] if sweep is None and sys.stderr.isatty() else []
    callbacks = [UpdateCounter(watch), *bar]
    trainer = make_trainer(config, folder, callbacks)
    updates = config.budget.updates
    interval = validation_interval(config)
    device = trainer.strategy.root_device
    data = DataModule(images, config.data, config.seeds, updates, interval, device)
    record = _record(config, data, device, sweep, store)
    save_config(config, folder)
    record.artifacts += provenance.write_files(folder)
    run_id = _claim(config, record, folder, store)
    log.info("%s: %d seeds, %d updates", record.name, len(config.seeds), config.budget.updates)

    with recorded(record, folder, store, run_id):
        if config.rerun:
            file.unlink(missing_ok=True)

        if not config.study.cohorts_from:
            try:
                with as_many_threads_as_pay(module.cohort, config.data.batch_size):
                    fit(module, trainer, data, _resumable(file))
            finally:
                _collect(record, module)

        evaluate_cohort(config, module.cohort, data, record)

        if config.tracking.cohort:
            torch.save(module.cohort.state_dict(), folder / WEIGHTS_FILE)

        record.artifacts += write_run_page(record, folder)

    for left in file.parent.glob(f"{file.name}*"):
        left.unlink(missing_ok=True)

    if config.debug.profile:
        log.info(cast("Any", trainer).profiler.summary())

    return record


def quiet() -> None:
    """Keep Lightning's advertisements, device messages and notes on its own internals off the terminal."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=library)


def _record(
    config: Config, data: DataModule, device: torch.device, sweep: Path | None, store: Store
) -> Record:
    """What is known of a run before it starts."""
    digests = data.digests()
    digest = combined(digests)
    dataset = {
        "name": config.data.name,
        "digest": digest,
        "source": DATASETS[config.data.name].source,
        "train_size": data.subsets.shape[1],
    }

    tags = {
        "config_digest": condition.condition_digest(config),
        "data_digest": digest,
        "training_digest": condition.training_digest(config),
        "budget": config.budget.name,
    }

    tags |= (
        {"arm": config.study.arm, "candidate": str(config.study.candidate)}
        if config.study.arm
        else {}
    )
    tags |= {RERUN: "true"} if config.rerun else {}
    tags |= {"sweep": Record.load(sweep).id} if sweep and (sweep / RECORD_FILE).exists() else {}

    return Record(
        experiment=config.study.name,
        description=config.study.title,
        name=condition.condition_name(config),
        params=condition.flat_params(config),
        tags=tags | provenance.tags(device),
        dataset=dataset,
        seeds=[
            SeedRecord(seed, digest) for seed, digest in zip(config.seeds, digests, strict=True)
        ],
        artifacts=[
            CONFIG_FILE,
            LOG_FILE,
            RECORD_FILE,
            *([WEIGHTS_FILE] if config.tracking.cohort else []),
        ],
        store=store.shown,
    )


def _claim(config: Config, record: Record, folder: Path, store: Store) -> str | None:
    """Record the run as begun, and return its id if the store takes it now; unless another is faster.

    Raises:
        Taken: it has.
    """
    try:
        with store.lock():
            if not config.rerun:
                known = look_up(store, config.study.name, record.tags["config_digest"])
                if known.missing(config.seeds) != config.seeds:
                    raise Taken

            record.save(folder)
            return recorder.record(folder, store)
    except UNREACHABLE as error:
        log.warning(
            "the store does not take the run now, and will get it later: %s", masked(str(error))
        )
        record.save(folder)
        return None


def _checkpoint(config: Config) -> Path:
    """Where the run of a configuration is resumed from: a place that the next start finds."""
    return Path(config.checkpoint.folder) / checkpoint_name(config)


def _resumable(file: Path) -> Path | None:
    """The checkpoint, if there is one; one that is damaged or of another run is put aside."""
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


def save_config(config: Config, folder: Path) -> None:
    """Write the configuration beside the results, without passwords; `config.load` reads it."""
    plain = OmegaConf.create(dataclasses.asdict(config))
    plain.tracking.uri = masked(config.tracking.uri)
    OmegaConf.save(plain, folder / CONFIG_FILE)


@contextmanager
def recorded(record: Record, folder: Path, store: Store, run_id: str | None) -> Iterator[None]:
    """Record a run however it ends, with signs of life until then; a store that is away gets it later."""
    try:
        with recorder.heartbeat(folder, store, run_id):
            yield

        failed = [seed for seed in record.seeds if seed.failure]
        if failed:
            names = ", ".join(f"seed {seed.seed} {seed.failure}" for seed in failed)
            record.end(
                RunStatus.FAILED, f"{len(failed)} of {len(record.seeds)} seeds failed: {names}"
            )
        else:
            record.end(RunStatus.FINISHED)
    except (KeyboardInterrupt, SystemExit) as error:
        record.end(RunStatus.KILLED, "interrupted")

        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning turns Ctrl-C into an exit
            raise KeyboardInterrupt from error

        raise
    except Stopped as error:
        record.end(RunStatus.KILLED, str(error))
        raise
    except BaseException as error:
        logging.getLogger("traceback").error(
            "the run failed", exc_info=error
        )  # before the log is recorded
        record.fail(masked(f"{type(error).__name__}: {error}"))
        raise
    finally:
        record.save(folder)
        recorder.try_to_record(folder, store)


def _collect(record: Record, module: CohortTraining) -> None:
    """Hand the results of the networks to their seeds; a network that failed has no result."""
    failures = _failures(module)

    for i, seed in enumerate(record.seeds):
        if i in failures:
            seed.failure = failures[i]
        else:
            seed.metrics = {key: values[i] for key, values in module.results.items()}
            losses = [point.values[i] for point in module.curves if point.key == "train/loss"]
            seed.metrics |= (
                {"train/loss_fluctuation": metrics.fluctuation(losses)} if len(losses) > 4 else {}
            )
        for point in module.curves:
            if math.isfinite(point.values[i]):
                seed.curves.setdefault(point.key, []).append(
                    (point.update, point.values[i], point.time_ms)
                )


def _failures(module: CohortTraining) -> dict[int, str]:
    """Index of each network that failed -> why; with one network, its whole bag fails."""
    failures = {
        i: f"diverged (its loss was not a number at update {update})"
        for i, update in module.diverged.items()
    }

    for key, values in module.results.items():
        for i, value in enumerate(values):
            if not math.isfinite(value):  # the last update broke it, after the last loss was seen
                failures.setdefault(i, f"diverged (its {key} is not a number)")

    size = module.config.bag if "bags" in module.config.probes else 1
    broken = {i // size for i in failures}

    for i in range(len(module.config.seeds)):
        if i // size in broken:
            failures.setdefault(i, "is in a bag with one that diverged")

    return failures
