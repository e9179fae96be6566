"""How long a condition would take: each part of the work timed on little, and extrapolated."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dropout_study.config.schema import Config
from dropout_study.data.batches import EvaluationBatches
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images, Split
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import RULES, Averages
from dropout_study.evaluation import predictions
from dropout_study.evaluation.evaluate import check_evaluation, distinct_rules, sampling_cohort
from dropout_study.evaluation.probes import PROBES, Probed
from dropout_study.measures.tasks import Task
from dropout_study.running.memory import check_memory
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule, JoinedData
from dropout_study.training.members import members_of
from dropout_study.training.module import CohortTraining
from dropout_study.training.threads import as_many_threads_as_pay
from dropout_study.training.trainer import UpdateCounter, device_of, make_trainer

UPDATES = 200
"""How many updates are timed at most."""
UPDATE_SECONDS = 1.0
"""After so long no further updates are timed."""
INTERVAL = 10
"""Updates between two readings of the clock."""
VALIDATION_IMAGES = 100
"""Validation examples while updates are timed."""
FIRST_IMAGES = 16
"""Test images of the first evaluation that is timed."""
GROWTH = 4
"""How many times as many images each further evaluation has: a line needs points that are apart."""
EVALUATION_SECONDS = 0.3
"""An evaluation that takes so long, and twice as long as the smaller one before, is the last."""
LONGEST_SECONDS = 2.0
"""An evaluation that takes so long is the last one, whatever the smaller one took."""
SAMPLES = 10
"""How many subnetworks are timed of rules and probes that sample as many as `mc.samples` says."""
LEARNING_RATE = 1e-6
"""Of the timed updates: no network diverges, whatever rate it would have."""

Batches = predictions.Batches


@dataclass(frozen=True)
class Line:
    """Seconds by number of images: a line through two measurements.

    Attributes:
        images: of the larger measurement.
        seconds: that it took.
        slope: further seconds per further image.
    """

    images: int
    seconds: float
    slope: float

    def at(self, images: int) -> float:
        """Seconds for a number of images.

        >>> Line(images=100, seconds=2.0, slope=0.01).at(300)
        4.0
        """
        return max(self.seconds + self.slope * (images - self.images), 0.0)


@dataclass(frozen=True)
class Part:
    """A part of an evaluation.

    Attributes:
        line: its seconds by number of test images.
        images: at most so many test images count; None: all do.
        repetitions: how often the configuration has done what was timed.
    """

    line: Line
    images: int | None = None
    repetitions: float = 1.0

    def seconds(self, test_images: int) -> float:
        """How long it takes on a test set."""
        images = min(test_images, self.images or test_images)
        return self.repetitions * self.line.at(images)


@dataclass(frozen=True)
class Cost:
    """What the work on a cohort costs.

    Attributes:
        forward: one pass of weight scaling, with scores, over examples that all networks share.
        learned: the same over the training examples of each network, which are gathered for it.
        evaluation: rules and probes.
    """

    forward: Line
    learned: Line
    evaluation: list[Part]


MEASURED: dict[str, Cost] = {}
"""What this process has measured: conditions that cost the same share a measurement."""
UPDATES_MEASURED: dict[str, float] = {}
"""Seconds of an update per network, likewise, by all conditions that are trained together."""


def estimate(config: Config, together: Sequence[Config] = ()) -> float:
    """About how many seconds training and evaluating a configuration would take.

    On a CPU these are seconds of computing: what other processes take of its cores is left out.
    Networks that would come from a store need not be there.

    Args:
        config: the condition and its seeds.
        together: all conditions that are trained as one cohort with it, itself among them; of the
            updates it counts its share. None are: it is trained alone.

    Raises:
        ConfigError: the condition cannot be trained, as `run_cohort` says.
    """
    quiet()
    images = load_images(config.data)
    check_memory(config, images, trains=not config.study.cohorts_from)
    network = make_network(config, images.inputs, images.classes)
    check_evaluation(config, network)

    key = cost_key(config)
    if key not in MEASURED:
        MEASURED[key] = _measure(config, network, images)

    if config.study.cohorts_from:
        return _evaluating(images, MEASURED[key])

    updates = config.budget.updates * len(config.seeds) * _seconds_of_update(together or [config])

    return updates + _passes(config, images, MEASURED[key]) + _evaluating(images, MEASURED[key])


def cost_key(config: Config) -> str:
    """All that the cost of an update, or of an evaluation per image, depends on, as text.

    Of rates and coefficients it says whether they are zero. Left out is by what the cost is
    multiplied: updates, validations and examples.
    """
    data = dataclasses.asdict(config.data)
    data["classes"] = len(config.data.classes)
    data["train_size"] = min(config.data.train_size or config.data.batch_size, data["batch_size"])
    data["reserve"] = 0

    settings = {
        "data": data,
        "networks": len(config.seeds),
        "evaluated": bool(config.study.cohorts_from),
        "weights": config.budget.weights,
    }
    for name in ("model", "mask", "regularizer", "optimizer", "schedule", "trainer", "mc"):
        settings[name] = dataclasses.asdict(getattr(config, name))
    for name in ("rules", "probes", "metrics", "bag"):
        settings[name] = getattr(config, name)

    terms = {name: dataclasses.asdict(term) for name, term in config.terms.items()}
    settings |= {"terms": terms, "objective": config.objective}

    return json.dumps(_without_magnitudes(settings), default=str)


def _without_magnitudes(value: Any) -> Any:
    """The same with every float replaced by whether it is zero."""
    if isinstance(value, dict):
        return {key: _without_magnitudes(entry) for key, entry in value.items()}

    if isinstance(value, list):
        return [_without_magnitudes(entry) for entry in value]

    return value != 0 if isinstance(value, float) else value


def _evaluating(images: Images, cost: Cost) -> float:
    """Seconds of rules and probes."""
    return sum(part.seconds(len(images.test)) for part in cost.evaluation)


def _passes(config: Config, images: Images, cost: Cost) -> float:
    """Seconds of all validations and tests."""
    learned = config.data.train_size or len(images.train)
    validations = min(config.budget.validations, config.budget.updates)
    validations += 1 if config.budget.weights == "best" else 0
    passes = validations * cost.forward.at(len(images.validation))

    return passes + cost.forward.at(len(images.test)) + cost.learned.at(learned)


def _seconds_of_update(together: Sequence[Config]) -> float:
    """Seconds of an update per network of some conditions that are trained together."""
    key = " ".join(cost_key(config) for config in together)
    if key not in UPDATES_MEASURED:
        networks = sum(len(config.seeds) for config in together)
        UPDATES_MEASURED[key] = _update_seconds(together) / networks

    return UPDATES_MEASURED[key]


def _shortened(config: Config) -> Config:
    """The configuration of the updates that are timed."""
    budget = dataclasses.replace(config.budget, updates=UPDATES, validations=1)
    optimizer = dataclasses.replace(config.optimizer, lr=LEARNING_RATE)

    return dataclasses.replace(config, budget=budget, optimizer=optimizer)


def _measure(config: Config, network: Network, images: Images) -> Cost:
    """Time some evaluations."""
    device = device_of(config.trainer.accelerator)
    module = CohortTraining(config, network)
    cohort = module.cohort.to(device)
    test = images.test.to(device)
    score = _scoring(cohort, ["weight_scaling"], module.task)

    with as_many_threads_as_pay(network, len(config.seeds), config.data.batch_size):
        forward = time_line(score, test)
        learned = forward

        if not config.study.cohorts_from:
            # Of the whole training set, since subsets of all sizes share the measurement.
            data = dataclasses.replace(config.data, train_size=None)
            subsets = DataModule(images, data, config.seeds, UPDATES).subsets
            learned = time_line(score, images.train.to(device), subsets)

    return Cost(forward, learned, _evaluation(config, cohort, module.task, test))


def _update_seconds(together: Sequence[Config]) -> float:
    """Seconds of an update, from the first interval that Lightning has warmed up for."""
    times: dict[int, float] = {}  # by update
    configs = [_shortened(config) for config in together]
    first = configs[0]

    images = load_images(first.data)
    few = torch.arange(min(VALIDATION_IMAGES, len(images.validation)))
    shortened = dataclasses.replace(images, validation=images.validation.take(few))
    network = make_network(first, images.inputs, images.classes)
    members = [
        member
        for config in configs
        for member in members_of(config, make_network(config, images.inputs, images.classes))
    ]

    device = device_of(first.trainer.accelerator)

    def read_clock(update: int) -> None:
        times[update] = _clock(device)
        begin = min(times)
        if update > begin and times[update] - times[begin] > UPDATE_SECONDS:
            trainer.should_stop = True

    threads = as_many_threads_as_pay(network, len(members), first.data.batch_size)

    with threads, tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(first, Path(folder), [UpdateCounter(read_clock, interval=INTERVAL)])
        parts = [
            DataModule(shortened, config.data, config.seeds, UPDATES, device=device)
            for config in configs
        ]
        module = CohortTraining(first, network, members=members)
        trainer.fit(module, datamodule=JoinedData(parts))

    begin, end = min(times), max(times)

    return (times[end] - times[begin]) / (end - begin)


def _evaluation(config: Config, cohort: Cohort, task: Task, test: Split) -> list[Part]:
    """Rules and probes, timed apart."""
    rules = distinct_rules(config.rules, cohort)
    sampling = [rule for rule in rules if RULES[rule].averages is Averages.SAMPLED]
    others = [rule for rule in rules if rule not in sampling]
    parts = [Part(time_line(_scoring(cohort, others, task), test))] if others else []
    repetitions = config.mc.samples / SAMPLES
    sampler = sampling_cohort(config, cohort)

    if any(RULES[rule].curve for rule in sampling):
        pool = _pooling(sampler, sampling, config)
        parts.append(Part(time_line(pool, test), repetitions=repetitions))
    elif sampling:
        line = time_line(_scoring(sampler, sampling, task), test)
        parts.append(Part(line, repetitions=repetitions))

    for name in config.probes:
        probe = PROBES[name]
        line = time_line(_probing(cohort, name, config), test)
        parts.append(Part(line, probe.images, repetitions if probe.sampled else 1.0))

    return parts


def _scoring(cohort: Cohort, rules: list[str], task: Task) -> Callable[[Batches], object]:
    return lambda batches: predictions.score_rules(cohort, batches, rules, SAMPLES, task)


def _pooling(cohort: Cohort, rules: list[str], config: Config) -> Callable[[Batches], object]:
    redraws = config.mc.redraws
    return lambda batches: predictions.sampled(cohort, batches, rules, SAMPLES, redraws)


def _probing(cohort: Cohort, name: str, config: Config) -> Callable[[Batches], object]:
    return lambda batches: PROBES[name](Probed(cohort, batches, config.bag, SAMPLES))


def time_line(
    evaluate: Callable[[Batches], object], split: Split, indices: Tensor | None = None
) -> Line:
    """Time an evaluation on more and more images, until the images make most of its time.

    Args:
        evaluate: goes through batches of images.
        split: the images, on the device of the networks.
        indices: of the images in the order of their use, `[N]`, or `[R, N]` if every network has
            its own; None takes all of them in order.
    """
    indices = torch.arange(len(split)) if indices is None else indices
    largest = indices.shape[-1]
    images = min(FIRST_IMAGES, largest)
    smaller = 0
    seconds_of_smaller = 0.0
    seconds = _seconds(evaluate, split, indices[..., :images])

    while images < largest and not (smaller and _suffices(seconds, seconds_of_smaller)):
        smaller, seconds_of_smaller = images, seconds
        images = min(GROWTH * images, largest)
        seconds = _seconds(evaluate, split, indices[..., :images])

    slope = (seconds - seconds_of_smaller) / (images - smaller)

    return Line(images, seconds, max(slope, 0.0))


def _suffices(seconds: float, seconds_of_smaller: float) -> bool:
    """Whether the difference of two evaluations is large enough for a slope."""
    is_measurable = seconds >= max(EVALUATION_SECONDS, 2 * seconds_of_smaller)
    return is_measurable or seconds >= LONGEST_SECONDS


def _seconds(evaluate: Callable[[Batches], object], split: Split, indices: Tensor) -> float:
    """Seconds of an evaluation on some images."""
    batches = EvaluationBatches(split, indices)
    start = _clock(split.images.device)
    evaluate(batches)

    return _clock(split.images.device) - start


def _clock(device: torch.device) -> float:
    """A clock that stands still while other processes have the cores of a CPU.

    There it counts what this thread computes: all that is done by one thread, and its own share of
    what several threads do together, in which the others are as fast.
    """
    if device.type == "cpu":
        return time.thread_time()

    if device.type == "cuda":
        torch.cuda.synchronize(device)

    return time.perf_counter()
