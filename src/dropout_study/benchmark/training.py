"""Training: this project against plain loops, DataLoaders, and the matrix product alone."""

import io
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from dropout_study.benchmark.comparison import Row, in_turn, once_each, per_call, ratio
from dropout_study.benchmark.machine import product
from dropout_study.benchmark.peers import PlainLoop, seconds_of_loader
from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images
from dropout_study.dropout import masks
from dropout_study.running.job import Job
from dropout_study.running.run import run_cohort
from dropout_study.running.watch import Watch
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule, JoinedData
from dropout_study.training.members import members_of
from dropout_study.training.module import LOG_INTERVAL, CohortTraining
from dropout_study.training.optimizers import (
    hand_gradients,
    make_optimizer,
    make_schedule,
    slices_of,
)

Configure = Callable[..., Config]
Rival = Callable[[], float]
"""Does its work, and tells how many seconds a piece of it took."""
BATCH = 128
NETS = 10
SMALL = [64, 64]
LARGE = [1024, 1024]
LOADERS = [(batch, workers) for batch in (BATCH, 512, 2048) for workers in (0, 2)]


def operations(widths: list[int], batch: int, inputs: int = 784) -> int:
    """Floating-point operations of an update as they are usually counted: 6 x batch x weights.

    Two a weight and example forwards, and four backwards; the first layer's inputs need no
    gradient, so that of a net 784-1024-1024-10 a seventh is never done.
    """
    sizes = [inputs, *widths, 10]
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
        "rerun=true",
    ]


class Terminal(io.StringIO):
    """What is written to it is shown to nobody, but progress bars are drawn."""

    def isatty(self) -> bool:
        """It claims to be a terminal."""
        return True


class Turns(Watch):
    """Calls a function with the number of updates, each time that it has grown.

    Args:
        config: what is trained.
        turn: the function.
    """

    def __init__(self, config: Config, turn: Callable[[int], None]) -> None:
        super().__init__([Job("benchmark")], config.budget.updates)
        self._turn = turn
        self._counted = -1

    def count_updates(self, number: int) -> None:
        """Call the function."""
        if number > self._counted:
            self._counted = number
            self._turn(number)


def beside(config: Config, rivals: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of an update of `scripts/train.py`, and of a call of each rival.

    They take turns: whenever the run has made 50 updates and noted its losses, each rival makes 50
    calls. Bare updates have the threads of the run, the others all.
    """
    available = torch.get_num_threads()
    times: dict[str, list[float]] = {"run": [], **{name: [] for name in rivals}}
    resumed = 0.0
    made = 0

    def turn(update: int) -> None:
        nonlocal resumed, made

        if made:  # the first updates warm up
            times["run"].append((time.perf_counter() - resumed) / (update - made))

        own = torch.get_num_threads()

        for name, rival in rivals.items():
            torch.set_num_threads(own if isinstance(rival, BareUpdates) else available)
            start = time.perf_counter()

            for _ in range(LOG_INTERVAL):
                rival()

            times[name].append((time.perf_counter() - start) / LOG_INTERVAL)

        torch.set_num_threads(own)
        resumed = time.perf_counter()
        made = update

    with tempfile.TemporaryDirectory() as folder, redirect_stderr(Terminal()):
        run_cohort(config, Path(folder), None, Turns(config, turn))

    return {name: median(of) for name, of in times.items()}


class BareUpdates:
    """Updates of a cohort without Lightning, metrics and tracking; a call is one.

    Args:
        config: a condition and its seeds.
        images: its data set.
        others: conditions that are trained with it.
    """

    def __init__(self, config: Config, images: Images, others: Sequence[Config] = ()) -> None:
        configs = [config, *others]
        updates = config.budget.updates
        data = JoinedData([DataModule(images, each.data, each.seeds, updates) for each in configs])
        members = [
            member
            for each in configs
            for member in members_of(each, make_network(each, images.inputs, images.classes))
        ]
        network = make_network(config, images.inputs, images.classes)
        self._batches = iter(data.batches())
        self._module = CohortTraining(config, network, members=members)
        self._sampler = masks.Sampler(
            [member.sites for member in members], [member.seed for member in members]
        )
        self._parameters = list(self._module.cohort.parameters())
        self._slices = slices_of(self._parameters, [member.optimizer for member in members])
        self._optimizer = make_optimizer(self._slices)
        self._schedule = make_schedule(config, self._optimizer)
        self._config = config
        self._update = 0

    def __call__(self) -> Tensor:
        """One batch, masks, one step; the losses `[R]`."""
        x, labels = next(self._batches)
        halves = self._config.trainer.precision == "bf16"
        dtype = torch.bfloat16 if halves else torch.float32
        factors = self._sampler.draw(self._update, x.shape[1], dtype)
        losses = self._module.losses(x, labels, factors)
        self._module.cohort.zero_grad()
        losses.sum().backward()
        hand_gradients(self._parameters, self._slices)
        self._optimizer.step()
        self._schedule.step()
        self._update += 1

        return losses.detach()


def in_rounds(
    configure: Configure,
    widths: list[int],
    nets: int,
    updates: int,
    rounds: int,
    others: Mapping[str, Rival],
) -> dict[str, list[float]]:
    """Time of each rival per round, divided by that of a bare update without dropout.

    Args:
        configure: makes a configuration.
        widths: of the hidden layers.
        nets: in lock-step.
        updates: of a run.
        rounds: how often all is done.
        others: what is timed beside, once a round; each tells its own seconds.
    """
    dropping, plain = (
        configure(
            *overrides(widths, rate, nets), f"budget.updates={updates}", "budget.validations=1"
        )
        for rate in (0.5, 0.0)
    )
    images = load_images(dropping.data)
    pixels = images.train.images.float() / 255
    labels = images.train.labels
    times: dict[str, list[float]] = {}

    for _ in range(rounds):
        rivals: dict[str, Callable[[], object]] = {
            "bare, rate 0": BareUpdates(plain, images),
            "bare": BareUpdates(dropping, images),
            "plain": PlainLoop(pixels, labels, widths, 0.5, BATCH),
            "plain, rate 0": PlainLoop(pixels, labels, widths, 0.0, BATCH),
            "product": product,
        }
        found = beside(dropping, rivals)
        without = beside(plain, {"bare, rate 0": BareUpdates(plain, images)})
        unit = found["bare, rate 0"]
        found |= once_each(others)

        found["run, rate 0"] = without["run"] / without["bare, rate 0"] * unit
        for name, seconds in found.items():
            times.setdefault(name, []).append(seconds / unit)

    return times


def small(configure: Configure, rounds: int) -> list[Row]:
    """A cohort of ten small nets, where Python and memory cost more than arithmetic."""
    root = configure().data.root

    with tempfile.TemporaryDirectory() as folder:
        loaders: dict[str, Rival] = {
            f"batch {batch}, {workers} workers": partial(
                seconds_of_loader, root, SMALL, 0.5, batch, workers, Path(folder)
            )
            for batch, workers in LOADERS
        }
        tried = in_turn(loaders, 1)
        default = f"batch {BATCH}, 0 workers"
        best = min(loaders, key=lambda name: tried[name][0])
        times = in_rounds(
            configure, SMALL, NETS, 300, rounds, {name: loaders[name] for name in (default, best)}
        )

    to_default, to_best = (ratio(times, name, "run", NETS * BATCH) for name in (default, best))
    ten = "ten nets 784-64-64-10"
    loader = "Lightning with a DataLoader"

    return [
        Row(
            "training",
            f"{ten}, examples/s to {loader} over one ({default})",
            *to_default,
            at_least=20,
        ),
        Row("training", f"{ten}, examples/s to {loader} at its best ({best})", *to_best),
        Row(
            "training",
            f"{ten}, examples/s to a plain loop over one",
            *ratio(times, "plain", "run", NETS),
            1.8,
        ),
        Row(
            "training", f"{ten}, time to the bare step", *ratio(times, "run", "bare"), at_most=1.12
        ),
        Row("dropout", f"{ten}, time to rate 0", *ratio(times, "run", "run, rate 0"), at_most=1.25),
        Row(
            "dropout",
            "one net 784-64-64-10, plain loop, time to rate 0",
            *ratio(times, "plain", "plain, rate 0"),
        ),
    ]


def large(configure: Configure, rounds: int) -> list[Row]:
    """One large net, where arithmetic is all there should be."""
    config = configure(*overrides(LARGE, 0.5, 1), "budget.updates=100", "trainer.precision=bf16")
    half = BareUpdates(config, load_images(config.data))
    times = in_rounds(
        configure, LARGE, 1, 150, rounds, {"bf16": lambda: per_call(half, 3, warm_up=1)}
    )
    share = operations(LARGE, BATCH) / (2 * BATCH * 1024**2)
    one = "one net 784-1024-1024-10"

    return [
        Row(
            "training",
            f"{one}, share of the sgemm rate",
            *ratio(times, "product", "run", share),
            0.65,
        ),
        Row(
            "training",
            f"{one}, bare step, share of the sgemm rate",
            *ratio(times, "product", "bare", share),
        ),
        Row(
            "training",
            f"{one}, plain loop, share of the sgemm rate",
            *ratio(times, "product", "plain", share),
        ),
        Row(
            "training",
            f"{one}, bare step, bf16, updates/s to float32",
            *ratio(times, "bare", "bf16"),
            2.5,
        ),
        Row("dropout", f"{one}, time to rate 0", *ratio(times, "run", "run, rate 0"), at_most=1.08),
        Row(
            "dropout", f"{one}, plain loop, time to rate 0", *ratio(times, "plain", "plain, rate 0")
        ),
    ]
