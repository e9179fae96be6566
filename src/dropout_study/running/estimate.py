"""How long a condition would take, from its first updates."""

import dataclasses
import tempfile
import time
from pathlib import Path

from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.dropout.rules import RULES
from dropout_study.evaluation import predictions
from dropout_study.evaluation.evaluate import check_evaluation
from dropout_study.running.memory import check_memory
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import UpdateCounter, make_trainer

UPDATES = 30
"""How many updates are timed."""
INTERVAL = 10
"""Updates between two readings of the clock."""
SAMPLES = 10
"""How many subnetworks are timed for the rules that sample."""


def estimate(config: Config) -> float:
    """About how many seconds training and evaluating a configuration would take.

    Raises:
        ConfigError: the condition cannot be trained, as `run_cohort` says.
    """
    quiet()
    images = load_images(config.data)
    check_memory(config, images, trains=not config.study.cohorts_from)
    budget = dataclasses.replace(config.budget, updates=UPDATES, validations=1)
    short = dataclasses.replace(config, budget=budget)
    module = CohortTraining(short, make_network(config.model, images.inputs, images.classes))
    check_evaluation(config, module.cohort)

    times: dict[int, float] = {}  # by update
    clock = UpdateCounter(
        lambda update: times.update({update: time.perf_counter()}), interval=INTERVAL
    )

    threads = as_many_threads_as_pay(module.cohort, config.data.batch_size)
    with threads, tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(short, Path(folder), [clock])
        device = trainer.strategy.root_device
        data = DataModule(images, config.data, config.seeds, UPDATES, device=device)
        trainer.fit(module, datamodule=data)

    first = min(times)
    last = max(times)
    validation = time.perf_counter() - times[last]
    module.cohort.to(device)  # Lightning takes the networks off the device after training
    sampling = _evaluation_seconds(config, module, data)

    if config.study.cohorts_from:
        return sampling

    update = (times[last] - times[first]) / (last - first)
    validations = min(config.budget.validations, config.budget.updates)

    return update * config.budget.updates + validation * (validations + 2) + sampling


def _evaluation_seconds(config: Config, module: CohortTraining, data: DataModule) -> float:
    """About how long evaluating the rules on test data would take."""
    start = time.perf_counter()
    test = data.test_dataloader()[0]
    predictions.score_rules(module.cohort, test, config.rules, SAMPLES, module.task)
    seconds = time.perf_counter() - start

    if any(RULES[rule].curve for rule in config.rules):
        # The curve over the number of masks takes about as long as the rules.
        seconds *= 2 * config.mc.samples / SAMPLES

    return seconds
