"""Evaluating rules on a stored cohort."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from dropout_study.config import read
from dropout_study.config.checks import check_autoencoder, check_metrics, check_rules
from dropout_study.config.condition import training_digest
from dropout_study.config.schema import Config, ConfigError, Evaluate
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.evaluation.evaluate import check_evaluation, distinct_rules
from dropout_study.measures.statistics import PERCENT, interval, spread_in_words
from dropout_study.report.mlflow_run_page import write_run_page
from dropout_study.running.evaluating import evaluate, evaluation_bar
from dropout_study.running.memory import check_memory
from dropout_study.running.reservation import save_sources
from dropout_study.running.run import quiet
from dropout_study.running.sweep_tables import spread_heading
from dropout_study.system.processes import now_ms
from dropout_study.tracking import recorder, tags
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store, quiet_mlflow
from dropout_study.tracking.stored_cohorts import CONFIG_FILE, WEIGHTS_FILE, download
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule


def reevaluate(chosen: Evaluate, folder: Path) -> Record:
    """Evaluate rules on a stored cohort and record them in its run; return the record.

    Args:
        chosen: the run (or checkpoint), the rules, the number of masks.
        folder: takes the files of a run that has to be downloaded.

    Raises:
        ConfigError: the run or checkpoint is missing, deleted, truncated, not that of a cohort, or
            of other networks; or the networks drop nothing, and the rules lack weight scaling.
    """
    quiet()
    quiet_mlflow()
    store = Store(chosen.tracking.uri)
    folder = _files(chosen, store, folder)

    config = read.load_config(folder / CONFIG_FILE)
    config.rules = chosen.rules
    config.metrics = chosen.metrics
    config.mc = chosen.mc
    config.data.root = data_root(chosen, config)
    check_rules(config.rules)
    check_metrics(config.metrics)
    check_autoencoder(config)

    images = load_images(config.data)
    check_memory(config, images, trains=False)
    record, cohort = _load_cohort(chosen, config, images, folder)
    _check_rules(chosen, config, images, cohort)

    data = DataModule(images, config.data, config.seeds, config.budget.updates)

    with evaluation_bar(is_shown=True, report=lambda _: None) as report:
        evaluate(config, cohort, data, record, report)

    record.evaluated_ms = now_ms()
    record.store = store.shown
    written = [*write_run_page(record, folder), *save_sources(config, folder)]
    record.artifacts = list(dict.fromkeys([*record.artifacts, *written]))
    record.save(folder)
    recorder.try_to_record(folder, store)

    return record


def data_root(chosen: Evaluate, config: Config) -> str:
    """The folder of a stored run's data: as typed, where it was, or where data usually are."""
    if chosen.data_root:
        return chosen.data_root

    if Path(config.data.root).expanduser().is_dir():
        return config.data.root

    return os.environ.get("DROPOUT_STUDY_DATA", "data")


def results_table(record: Record, rules: Sequence[str], metrics: Sequence[str]) -> Table:
    """The measures of each rule, and the metrics of plug-ins: means over the seeds."""
    seeds = len(record.successful)
    table = Table(title=record.name, caption=f"test data; means over {seeds} seeds")

    for heading in (
        "rule",
        "error %",
        spread_heading([seeds]),
        "NLL (nats)",
        "Brier",
        "ECE",
        *metrics,
    ):
        table.add_column(heading, justify="left" if heading == "rule" else "right")

    for rule in rules:
        if record.values(f"test/nll/{rule}"):
            table.add_row(*_row(record, rule, metrics))

    return table


def _files(chosen: Evaluate, store: Store, folder: Path) -> Path:
    """The folder with the files of a run: that of its checkpoint, or `folder` once downloaded.

    Raises:
        ConfigError: the store has no such run, or no weights of it.
    """
    checkpoint = Path(chosen.run)
    if checkpoint.suffix == ".pt" or checkpoint.exists():
        return checkpoint if checkpoint.is_dir() else checkpoint.parent

    download(chosen.run, store, folder)

    if not (folder / WEIGHTS_FILE).exists():
        raise ConfigError(
            f"run={chosen.run} cannot be evaluated: its weights were not kept; "
            "train it again with rerun=true tracking.cohort=true."
        )

    return folder


def _load_cohort(
    chosen: Evaluate, config: Config, images: Images, folder: Path
) -> tuple[Record, Cohort]:
    """The record of a run, and its networks.

    Raises:
        ConfigError: a file is missing, truncated or of other networks, every network failed, or the
            settings mean something else now.
    """
    cohort = Cohort(make_network(config, images.inputs, images.classes), config.seeds)
    if config.trainer.precision == "64-true":
        cohort.double()

    try:
        record = Record.load(folder)
        load_weights(cohort, folder / WEIGHTS_FILE, [seed.seed for seed in record.successful])
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise ConfigError(f"run={chosen.run} cannot be evaluated: {error}") from error

    recorded = record.tags.get(tags.TRAINING_DIGEST)
    if recorded is not None and recorded != training_digest(config):
        raise ConfigError(
            f"run={chosen.run} cannot be evaluated: its settings mean other networks now than when "
            "it was trained; train it again."
        )

    if not record.successful:
        raise ConfigError(f"run={chosen.run} cannot be evaluated, for it failed: {record.reason}")

    return record, cohort


def _check_rules(chosen: Evaluate, config: Config, images: Images, cohort: Cohort) -> None:
    """Refuse rules that cannot be used, or that all amount to weight scaling.

    Raises:
        ConfigError: naming the rules.
    """
    # Parts of plug-ins are tried on a cohort of their own, which needs a single network.
    check_evaluation(config, make_network(config, images.inputs, images.classes))

    if not distinct_rules(config.rules, cohort):
        raise ConfigError(
            f"rules={config.rules} cannot be used: run={chosen.run} drops no units, so that "
            "all rules are weight scaling; use rules=[weight_scaling]."
        )


def _row(record: Record, rule: str, metrics: Sequence[str]) -> list[str]:
    """The cells of one rule: error with its interval, then the means of the other measures."""
    errors = record.values(f"test/error/{rule}")
    measured = [record.values(f"test/{key}/{rule}") for key in ("nll", "brier", "ece", *metrics)]
    means = [f"{interval(values).mean:.4f}" if values else "-" for values in measured]

    return [rule, f"{interval(errors).mean:.2f}", spread_in_words(errors, PERCENT), *means]
