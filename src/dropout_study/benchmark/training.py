"""Training: this project's own path beside plain loops, DataLoaders, and the matrix product alone."""

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from dropout_study import masks
from dropout_study.benchmark.comparison import Row, in_turn, per_call, ratio
from dropout_study.benchmark.machine import product
from dropout_study.benchmark.peers import PlainLoop, seconds_of_loader
from dropout_study.config import Config
from dropout_study.data import DataModule, TrainBatches
from dropout_study.experiment import make_network, run
from dropout_study.images import CLASSES, Images, load
from dropout_study.optimizers import make_optimizer, make_schedule
from dropout_study.training import LOG_EVERY, CohortTraining

Configure = Callable[..., Config]
BATCH, NETS = 128, 10
SMALL, LARGE = [64, 64], [1024, 1024]
LOADERS = [(batch, workers) for batch in (BATCH, 512, 2048) for workers in (0, 2)]


def operations(widths: list[int], batch: int, inputs: int = 784) -> int:
    """Floating-point operations of an update: two a weight and example, forwards and twice backwards."""
    sizes = [inputs, *widths, CLASSES]
    return 6 * batch * sum(a * b for a, b in pairwise(sizes))


def overrides(widths: list[int], rate: float, nets: int, batch: int = BATCH) -> list[str]:
    """The command line of a cohort."""
    seeds = ",".join(str(seed) for seed in range(nets))
    return [
        f"model.widths=[{','.join(str(width) for width in widths)}]",
        f"model.hidden_rate={rate}",
        f"seeds=[{seeds}]",
        f"data.batch_size={batch}",
        "rules=[weight_scaling]",
    ]


def whole(config: Config) -> float:
    """Seconds of an update in steady state, as `scripts/train.py` trains and records it."""
    with tempfile.TemporaryDirectory() as folder:
        record = run(config, Path(folder), None, lambda _: None)
    stamps = [time_ms for _, _, time_ms in record.seeds[0].curves["train/loss"]]
    gaps = [b - a for a, b in pairwise(stamps[1:])]  # without the first, which warms up
    return median(gaps) / LOG_EVERY / 1000


class BareUpdates:
    """Updates of a cohort without Lightning, metrics and tracking; a call is one."""

    def __init__(self, config: Config, images: Images) -> None:
        updates = config.budget.updates
        data = DataModule(images, config.data, config.seeds, updates)
        self._batches = iter(TrainBatches(images.train, data.streams, updates))
        self._module = CohortTraining(config, make_network(config.model, images.inputs, CLASSES))
        self._optimizer = make_optimizer(config.optimizer, list(self._module.cohort.parameters()))
        self._schedule = make_schedule(config, self._optimizer)
        self._config, self._update = config, 0

    def __call__(self) -> Tensor:
        """One batch, masks, one step; the losses `[R]`."""
        x, labels = next(self._batches)
        sites = self._module.cohort.network.sites
        factors = masks.sample(sites, self._config.seeds, self._update, x.shape[1])
        with torch.autocast("cpu", torch.bfloat16, enabled=self._config.trainer.precision == "bf16-mixed"):
            losses = self._module.losses(x, labels, factors)
        self._optimizer.zero_grad()
        losses.sum().backward()
        self._optimizer.step()
        self._schedule.step()
        self._update += 1
        return losses.detach()


def small(configure: Configure, rounds: int) -> list[Row]:
    """A cohort of ten small nets, where Python and memory cost more than arithmetic."""
    updates, calls = 400, 200

    def config(rate: float) -> Config:
        return configure(*overrides(SMALL, rate, NETS), f"budget.updates={updates}", "budget.validations=1")

    images = load(config(0.5).data)
    pixels, labels = images.train.images.float() / 255, images.train.labels
    root = config(0.5).data.root
    rivals: dict[str, Callable[[], float]] = {
        "cohort": lambda: whole(config(0.5)),
        "bare": lambda: per_call(BareUpdates(config(0.5), images), calls),
        "bare, rate 0": lambda: per_call(BareUpdates(config(0.0), images), calls),
        "plain": lambda: per_call(PlainLoop(pixels, labels, SMALL, 0.5, BATCH), calls),
        "plain, rate 0": lambda: per_call(PlainLoop(pixels, labels, SMALL, 0.0, BATCH), calls),
        "cohort, rate 0": lambda: whole(config(0.0)),
    }
    with tempfile.TemporaryDirectory() as folder:
        loaders: dict[str, Callable[[], float]] = {
            f"batch {batch}, {workers} workers": partial(
                seconds_of_loader, root, SMALL, 0.5, batch, workers, Path(folder)
            )
            for batch, workers in LOADERS
        }
        tried = in_turn(loaders, 1)
        default, best = f"batch {BATCH}, 0 workers", min(loaders, key=lambda name: tried[name][0])
        times = in_turn(rivals | {name: loaders[name] for name in (default, best)}, rounds)
    to_default, to_best = (ratio(times, name, "cohort", NETS * BATCH) for name in (default, best))
    ten, loader = "ten nets 784-64-64-10", "Lightning with a DataLoader"
    return [
        Row("training", f"{ten}, examples/s to {loader} over one ({default})", *to_default, at_least=20),
        Row("training", f"{ten}, examples/s to {loader} at its best ({best})", *to_best),
        Row("training", f"{ten}, examples/s to a plain loop over one", *ratio(times, "plain", "cohort", NETS), 1.8),
        Row("training", f"{ten}, time to the bare step", *ratio(times, "cohort", "bare"), at_most=1.12),
        Row("dropout", f"{ten}, time to rate 0", *ratio(times, "cohort", "cohort, rate 0"), at_most=1.25),
        Row("dropout", "one net 784-64-64-10, plain loop, time to rate 0", *ratio(times, "plain", "plain, rate 0")),
    ]


def large(configure: Configure, rounds: int) -> list[Row]:
    """One large net, where arithmetic is all there should be."""
    updates, calls = 200, 40

    def config(rate: float, *more: str) -> Config:
        return configure(*overrides(LARGE, rate, 1), f"budget.updates={updates}", "budget.validations=1", *more)

    images = load(config(0.5).data)
    pixels, labels = images.train.images.float() / 255, images.train.labels
    rivals: dict[str, Callable[[], float]] = {
        "product": lambda: per_call(product, 300),
        "net": lambda: whole(config(0.5)),
        "net, rate 0": lambda: whole(config(0.0)),
        "bare": lambda: per_call(BareUpdates(config(0.5), images), calls),
        "plain": lambda: per_call(PlainLoop(pixels, labels, LARGE, 0.5, BATCH), calls),
        "plain, rate 0": lambda: per_call(PlainLoop(pixels, labels, LARGE, 0.0, BATCH), calls),
        "bf16": lambda: per_call(BareUpdates(config(0.5, "trainer.precision=bf16-mixed"), images), 3, warm_up=1),
    }
    times = in_turn(rivals, rounds)
    share = operations(LARGE, BATCH) / (2 * BATCH * 1024**2)
    one = "one net 784-1024-1024-10"
    return [
        Row("training", f"{one}, share of the sgemm rate", *ratio(times, "product", "net", share), 0.65),
        Row("training", f"{one}, bare step, share of the sgemm rate", *ratio(times, "product", "bare", share)),
        Row("training", f"{one}, plain loop, share of the sgemm rate", *ratio(times, "product", "plain", share)),
        Row("training", f"{one}, bare step, bf16 autocast, updates/s to float32", *ratio(times, "bare", "bf16"), 1.4),
        Row("dropout", f"{one}, time to rate 0", *ratio(times, "net", "net, rate 0"), at_most=1.08),
        Row("dropout", f"{one}, plain loop, time to rate 0", *ratio(times, "plain", "plain, rate 0")),
    ]
