"""Rules evaluated on a stored cohort."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from dropout_study.config import read
from dropout_study.config.schema import Config, ConfigError, Evaluate
from dropout_study.data.datasets import load_images
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.evaluation.evaluate import check_rules, distinct_rules, evaluate_cohort
from dropout_study.measures.statistics import PERCENT, interval
from dropout_study.report.mlflow_run_page import write_run_page
from dropout_study.running.memory import check_memory
from dropout_study.running.run import quiet
from dropout_study.system.processes import now_ms
from dropout_study.tracking import recorder
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store, quiet_mlflow
from dropout_study.tracking.stored_cohorts import CONFIG_FILE, WEIGHTS_FILE, download
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule


def reevaluate(chosen: Evaluate, folder: Path) -> Record:
    """Evaluate rules on a stored cohort and record them in its run; return the record.

    Args:
        chosen: the run (or checkpoint), the rules, the number of masks.
        folder: takes the files of a run that has to be fetched.

    Raises:
        ConfigError: the run or checkpoint is missing, deleted, truncated, not that of a cohort, or
            of other networks; or the networks drop nothing, and weight scaling is not asked for.
    """
    quiet()
    quiet_mlflow()
    store = Store(chosen.tracking.uri)
    checkpoint = Path(chosen.run)
    if checkpoint.suffix == ".pt" or checkpoint.exists():
        folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    else:
        download(chosen.run, store, folder)
        if not (folder / WEIGHTS_FILE).exists():
            raise ConfigError(
                f"run={chosen.run} cannot be evaluated: its weights were not kept; "
                "train it again with rerun=true tracking.cohort=true."
            )

    config = read.load_config(folder / CONFIG_FILE)
    config.rules = chosen.rules
    config.mc = chosen.mc
    config.data.root = data_root(chosen, config)
    images = load_images(config.data)
    check_memory(config, images, trains=False)
    cohort = Cohort(make_network(config.model, images.inputs, images.classes), config.seeds)

    if config.trainer.precision == "64-true":
        cohort.double()

    try:
        record = Record.load(folder)
        load_weights(cohort, folder / WEIGHTS_FILE, [seed.seed for seed in record.successful])
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise ConfigError(f"run={chosen.run} cannot be evaluated: {error}") from error

    if not record.successful:
        raise ConfigError(f"run={chosen.run} cannot be evaluated, for it failed: {record.reason}")

    check_rules(config, cohort)

    if not distinct_rules(config.rules, cohort):
        raise ConfigError(
            f"rules={config.rules} cannot be used: run={chosen.run} drops no units, so that "
            "all rules are weight scaling; say rules=[weight_scaling]."
        )

    evaluate_cohort(
        config, cohort, DataModule(images, config.data, config.seeds, config.budget.updates), record
    )
    record.evaluated_ms = now_ms()
    record.store = store.shown
    record.artifacts = list(dict.fromkeys(record.artifacts + write_run_page(record, folder)))
    record.save(folder)
    recorder.try_to_record(folder, store)

    return record


def data_root(chosen: Evaluate, config: Config) -> str:
    """Where the data of a stored run are now: as typed, where they were, or in their usual place."""
    were = config.data.root
    if chosen.data_root or Path(were).expanduser().is_dir():
        return chosen.data_root or were

    return os.environ.get("DROPOUT_STUDY_DATA", "data")


def results_table(record: Record, rules: Sequence[str]) -> Table:
    """The measures of each rule, mean over seeds."""
    table = Table(
        title=record.name,
        caption=f"test data; mean and 95 % interval over {len(record.successful)} seeds",
    )

    for heading in ("rule", "error %", "95 % interval", "NLL (nats)", "Brier", "ECE"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")

    for rule in rules:
        if record.values(f"test/brier/{rule}"):
            measures = {
                m: interval(record.values(f"test/{m}/{rule}"))
                for m in ("error", "nll", "brier", "ece")
            }
            error = measures["error"].within(PERCENT)
            spread = f"{error.low:.2f} to {error.high:.2f}" if error.n > 1 else "-"
            others = [f"{measures[m].mean:.4f}" for m in ("nll", "brier", "ece")]
            table.add_row(rule, f"{error.mean:.2f}", spread, *others)

    return table
