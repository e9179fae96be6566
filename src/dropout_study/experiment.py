"""One run from configuration to store: load, train, evaluate, record."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf

from dropout_study import config as schema
from dropout_study import provenance, tracking, training
from dropout_study.config import Config, Model
from dropout_study.data import CLASSES, DataModule, combined, load
from dropout_study.networks import MLP, LeNet, Network
from dropout_study.record import Record, SeedRecord

log = logging.getLogger(__name__)

LOG, CONFIG, COHORT = "train.log", "config.yaml", "cohort.pt"


def run(config: Config, folder: Path) -> None:
    """Train, evaluate and record the cohort of a configuration; `folder` takes the record and its files.

    Raises:
        ConfigError: the data cannot be read.
    """
    quiet()
    images = load(config.data)
    data = DataModule(images, config.data, config.seeds, config.budget.updates)
    module = training.CohortTraining(config, make_network(config.model, images.inputs, CLASSES))
    trainer = training.make_trainer(config, str(folder), progress=sys.stderr.isatty())
    record = _record(config, data, trainer.strategy.root_device)
    OmegaConf.save(OmegaConf.structured(config), folder / CONFIG)
    log.info("%s: %d seeds, %d updates", record.name, len(config.seeds), config.budget.updates)
    with recorded(record, folder, config.tracking.uri):
        try:
            training.fit(module, trainer, data)
        finally:
            _collect(record, module)
        if config.tracking.cohort:
            torch.save(module.cohort.state_dict(), folder / COHORT)
    if config.debug.profile:
        log.info(cast("Any", trainer).profiler.summary())


def make_network(model: Model, inputs: int, classes: int) -> Network:
    """The network that a configuration describes."""
    match model:
        case schema.SoftmaxRegression(input_rate=input_rate):
            return MLP(inputs, classes, input_rate=input_rate)
        case schema.MLP(widths=widths, activation=activation, input_rate=input_rate, hidden_rate=hidden_rate):
            return MLP(inputs, classes, widths, activation, input_rate, hidden_rate)
        case schema.LeNet(dropout=dropout, hidden_rate=hidden_rate):
            return LeNet(classes, dropout, cast("float", hidden_rate))  # `read` has filled it in
    raise TypeError(f"no network is called {model.name}")


def quiet() -> None:
    """Keep Lightning's advertisements, device messages and notes on its own internals off the terminal."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")


def _record(config: Config, data: DataModule, device: torch.device) -> Record:
    """What is known of a run before it starts."""
    digests = data.digests()
    digest = combined(digests)
    dataset = {
        "name": config.data.name,
        "digest": digest,
        "source": "sklearn.datasets.load_digits" if config.data.name == "digits" else config.data.name,
        "train_size": data.subsets.shape[1],
    }
    tags = {
        "config_digest": schema.digest(config),
        "data_digest": digest,
        "budget": config.budget.name,
    }
    return Record(
        experiment=config.study.name,
        description=config.study.title,
        name=schema.condition(config),
        params=schema.flat(config),
        tags=tags | provenance.tags(device, Path(__file__).parent),
        dataset=dataset,
        seeds=[SeedRecord(seed, digest) for seed, digest in zip(config.seeds, digests, strict=True)],
        artifacts=[CONFIG, LOG, *([COHORT] if config.tracking.cohort else [])],
    )


@contextmanager
def recorded(record: Record, folder: Path, uri: str) -> Iterator[None]:
    """Record a run when it starts and however it ends."""
    try:
        record.save(folder)
        tracking.record(folder, uri)
        yield
        record.end("FINISHED")
    except (KeyboardInterrupt, SystemExit) as error:  # Lightning turns the first into the second
        record.end("KILLED", "interrupted")
        raise KeyboardInterrupt from error
    except BaseException as error:
        logging.getLogger("traceback").error("the run failed", exc_info=error)  # before the log is recorded
        record.end("FAILED", f"{type(error).__name__}: {error}")
        raise
    finally:
        record.save(folder)
        tracking.record(folder, uri)


def _collect(record: Record, module: training.CohortTraining) -> None:
    """Hand the results of the networks to their seeds."""
    for i, seed in enumerate(record.seeds):
        seed.metrics = {key: values[i] for key, values in module.results.items()}
        for point in module.curves:
            seed.curves.setdefault(point.key, []).append((point.update, point.values[i], point.time_ms))
