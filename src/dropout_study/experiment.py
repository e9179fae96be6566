"""One run from configuration to store: load, train, evaluate, record."""

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from rich.table import Table

from dropout_study import config as schema
from dropout_study import evaluation, provenance, tracking, training
from dropout_study.cohort import Cohort, load_weights
from dropout_study.config import Config, ConfigError, Evaluate, Model
from dropout_study.data import CLASSES, DataModule, combined, load
from dropout_study.networks import MLP, LeNet, Network
from dropout_study.record import FILE, Record, SeedRecord, now_ms
from dropout_study.rules import check_enumerable
from dropout_study.statistics import interval

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
    check_rules(config, module.cohort)
    trainer = training.make_trainer(config, str(folder), progress=sys.stderr.isatty())
    record = _record(config, data, trainer.strategy.root_device)
    OmegaConf.save(OmegaConf.structured(config), folder / CONFIG)
    log.info("%s: %d seeds, %d updates", record.name, len(config.seeds), config.budget.updates)
    with recorded(record, folder, config.tracking.uri):
        try:
            training.fit(module, trainer, data)
        finally:
            _collect(record, module)
        evaluate(config, module.cohort, data, record)
        if config.tracking.cohort:
            torch.save(module.cohort.state_dict(), folder / COHORT)
    if config.debug.profile:
        log.info(cast("Any", trainer).profiler.summary())


def check_rules(config: Config, cohort: Cohort) -> None:
    """Refuse rules that enumerate more units than can be.

    Raises:
        ConfigError: naming the rules and the number of units.
    """
    if any(rule.startswith("exact") for rule in config.rules):
        try:
            check_enumerable(cohort)
        except ValueError as error:
            raise ConfigError(f"rules={config.rules} cannot be used: {error}") from error


def evaluate(config: Config, cohort: Cohort, data: DataModule, record: Record) -> None:
    """Add to the record what the configured rules achieve on test data, and the curves over the number of masks.

    Without a site that drops all rules are weight scaling, and there is nothing to sample.
    """
    drops = any(site.rate for site in cohort.network.sites)
    rules = [rule for rule in config.rules if drops or rule == "weight_scaling"]
    test = data.test_dataloader()[0]
    if data.trainer:
        cohort.to(data.trainer.strategy.root_device)  # Lightning takes the networks off the device after testing
    for key, values in evaluation.evaluate(cohort, test, rules, config.mc.samples).items():
        for seed, value in zip(record.seeds, values, strict=True):
            seed.metrics[f"test/{key}"] = value
    if drops and "monte_carlo" in rules:
        curves = evaluation.mask_curves(cohort, test, config.mc.samples, config.mc.redraws)
        for key, curve in curves.items():
            for i, seed in enumerate(record.seeds):
                for suffix, of_seed in (("", curve.mean[:, i]), ("_sd", curve.sd[:, i])):
                    points = zip(curve.counts, of_seed.tolist(), strict=True)
                    seed.curves[f"mc/{key}{suffix}"] = [(k, value, now_ms()) for k, value in points]


def reevaluate(chosen: Evaluate, folder: Path) -> Record:
    """Evaluate rules on a stored cohort and record them in its run; return the record.

    Args:
        chosen: the run (or checkpoint), the rules, the number of masks.
        folder: takes the files of a run that has to be fetched.

    Raises:
        ConfigError: the run or checkpoint is missing, truncated, or of other networks.
    """
    quiet()
    checkpoint = Path(chosen.run)
    if checkpoint.suffix == ".pt" or checkpoint.exists():
        folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    else:
        tracking.download(chosen.run, chosen.tracking.uri, folder)
    config = schema.load(folder / CONFIG)
    config.rules, config.mc, config.data.root = chosen.rules, chosen.mc, chosen.data_root or config.data.root
    images = load(config.data)
    cohort = Cohort(make_network(config.model, images.inputs, CLASSES), config.seeds)
    if config.trainer.precision == "64-true":
        cohort.double()
    try:
        load_weights(cohort, folder / COHORT)
        record = Record.load(folder)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise ConfigError(f"run={chosen.run} cannot be evaluated: {error}") from error
    check_rules(config, cohort)
    evaluate(config, cohort, DataModule(images, config.data, config.seeds, config.budget.updates), record)
    record.evaluated_ms = now_ms()
    record.save(folder)
    tracking.record(folder, chosen.tracking.uri)
    return record


def results_table(record: Record, rules: Sequence[str]) -> Table:
    """The measures of each rule, mean over seeds."""
    table = Table(
        title=record.name, caption=f"test data; mean over {len(record.seeds)} seeds; ± is half a 95 % interval"
    )
    for heading in ("rule", "error %", "±", "NLL (nats)", "Brier", "ECE"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for rule in rules:
        if record.values(f"test/brier/{rule}"):
            measures = {m: interval(record.values(f"test/{m}/{rule}")) for m in ("error", "nll", "brier", "ece")}
            error = measures["error"]
            others = [f"{measures[m].mean:.4f}" for m in ("nll", "brier", "ece")]
            table.add_row(rule, f"{error.mean:.2f}", f"{error.high - error.mean:.2f}" if error.n > 1 else "-", *others)
    return table


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
        artifacts=[CONFIG, LOG, FILE, *([COHORT] if config.tracking.cohort else [])],
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
