"""How long a condition would take, from its first updates."""

import dataclasses
import tempfile
import time
from pathlib import Path

from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.dropout.rules import RULES
from dropout_study.evaluation import predictions
from dropout_study.evaluation.evaluate import check_rules
from dropout_study.running.memory import check_memory
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import UpdateCounter, make_trainer


def estimate(config: Config) -> float:
    """About how many seconds training and evaluating a configuration would take, from its first updates."""
    quiet()
    images = load_images(config.data)
    short = dataclasses.replace(
        config, budget=dataclasses.replace(config.budget, updates=30, validations=1)
    )
    check_memory(config, images, trains=not config.study.cohorts_from)
    module = CohortTraining(short, make_network(config.model, images.inputs, images.classes))
    check_rules(config, module.cohort)
    times: dict[int, float] = {}  # by update
    clock = UpdateCounter(lambda update: times.update({update: time.perf_counter()}), interval=10)

    threads = as_many_threads_as_pay(module.cohort, config.data.batch_size)
    with threads, tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(short, Path(folder), [clock])
        device = trainer.strategy.root_device
        data = DataModule(images, config.data, config.seeds, 30, device=device)
        trainer.fit(module, datamodule=data)

    module.cohort.to(device)  # Lightning takes the networks off the device after training
    first = min(times)
    last = max(times)
    validation = time.perf_counter() - times[last]
    start = time.perf_counter()
    predictions.score_rules(module.cohort, data.test_dataloader()[0], config.rules, 10)
    sampling = time.perf_counter() - start

    if any(RULES[rule].curve for rule in config.rules):
        sampling *= 2 * config.mc.samples / 10  # the curve over masks takes about as long

    if config.study.cohorts_from:
        return sampling

    training_time = (times[last] - times[first]) / (last - first) * config.budget.updates
    validations = min(config.budget.validations, config.budget.updates)

    return training_time + validation * (validations + 2) + sampling
