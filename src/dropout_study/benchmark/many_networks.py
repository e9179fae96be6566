"""Training of many small networks, against what trains them as one program elsewhere."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from shutil import which
from typing import Any

import torch
from torch import Tensor

from dropout_study.benchmark.comparison import Row, in_turn, ratio
from dropout_study.benchmark.jax_peer import GENERATORS, INSTALLED, JaxProcess
from dropout_study.benchmark.torch_func_peer import FuncUpdates, PackedUpdates
from dropout_study.benchmark.training import BATCH, SMALL, BareUpdates, Configure, overrides
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images

NETS = (10, 100)
RATE = 0.5
EXAMPLES = 30_000  # of a piece of work that is timed, over all networks, at least
PIECES = 3  # a round
BATCHES = (BATCH, 512, 2048)
THREADS = (1, 2)
OURS = "ours"
FUNC = "torch.func"
COMPILED = "torch.func with torch.compile"
PACKED = "packed layers in PyTorch"
JAX = "JAX"
JAX_DEFAULT = "JAX with its default generator"
MISSING = {COMPILED: "which finds no C++ compiler", JAX: "which is not installed"}  # if so
TARGETS = {JAX: 1.0}  # the least ratio of examples per second
CHOICES = {JAX: {"generator": GENERATORS}}  # besides threads and batch size


@dataclass(frozen=True)
class Setting:
    """What a rival may choose."""

    threads: int = THREADS[0]
    batch: int = BATCH
    generator: str = ""  # of JAX

    def __str__(self) -> str:
        generator = f", {self.generator}" if self.generator else ""
        return f"batch {self.batch}, threads: {self.threads}{generator}"


@dataclass(frozen=True)
class Timing:
    """Seconds per example over all networks, and seconds that compiling took before."""

    seconds: float
    compiling: float = 0.0


Rival = Callable[[Setting], Timing]
"""Times a piece of work at some setting."""
Update = Callable[[], object]


def updates_of(nets: int, batch: int) -> int:
    """The updates of a piece of work.

    >>> updates_of(10, 128), updates_of(100, 2048)
    (24, 1)
    """
    return -(-EXAMPLES // (nets * batch))


def in_process(nets: int, make: Callable[[int], Update]) -> Rival:
    """A rival of this process.

    Args:
        nets: that each update trains.
        make: gives updates at a batch size; the first warms up, and counts as compiling.
    """

    @cache
    def made(batch: int) -> tuple[Update, float]:
        update = make(batch)
        start = time.perf_counter()
        update()

        return update, time.perf_counter() - start

    def timed(setting: Setting) -> Timing:
        with threads(setting.threads):
            update, compiling = made(setting.batch)
            updates = updates_of(nets, setting.batch)
            start = time.perf_counter()

            for _ in range(updates):
                update()

            examples = updates * nets * setting.batch
            return Timing((time.perf_counter() - start) / examples, compiling)

    return timed


@contextmanager
def threads(count: int) -> Iterator[None]:
    """A number of threads of PyTorch within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)

    try:
        yield
    finally:
        torch.set_num_threads(before)


def of_jax(nets: int, processes: Mapping[int, JaxProcess]) -> Rival:
    """JAX, in the process of as many threads."""

    def timed(setting: Setting) -> Timing:
        updates = updates_of(nets, setting.batch)
        taken, compiling = processes[setting.threads].seconds(
            tuple(SMALL), RATE, nets, setting.batch, updates, setting.generator
        )
        return Timing(taken / (updates * nets * setting.batch), compiling)

    return timed


def best_setting(rival: Rival, choices: Mapping[str, Sequence[Any]]) -> Setting:
    """The fastest setting, looked for one choice after the other, each value tried twice."""
    setting = Setting()

    for name, values in choices.items():
        options = [replace(setting, **{name: value}) for value in values]
        times = in_turn({str(i): seconds_of(rival, at) for i, at in enumerate(options)}, 2)
        fastest = min(times, key=lambda i: min(times[i]))
        setting = options[int(fastest)]

    return setting


def seconds_of(rival: Rival, setting: Setting) -> Callable[[], float]:
    """The seconds alone of a rival at a setting."""
    return lambda: rival(setting).seconds


def torch_rivals(
    configure: Configure, images: Images, pixels: Tensor, nets: int
) -> dict[str, Rival]:
    """What PyTorch trains in this process, by name; `pixels` are those of the training pool."""
    data = (pixels, images.train.labels, SMALL, RATE, nets)

    def ours(batch: int) -> Update:
        endless = "budget.updates=1000000"
        return BareUpdates(configure(*overrides(SMALL, RATE, nets, batch), endless), images)

    rivals = {
        OURS: in_process(nets, ours),
        PACKED: in_process(nets, lambda batch: PackedUpdates(*data, batch)),
        FUNC: in_process(nets, lambda batch: FuncUpdates(*data, batch)),
    }

    if which(os.environ.get("CXX", "g++")):
        rivals[COMPILED] = in_process(nets, lambda batch: FuncUpdates(*data, batch, compiled=True))

    return rivals


def best_settings(rivals: Mapping[str, Rival]) -> dict[str, Setting]:
    """The best setting of each rival; what compiles for half a minute takes that of its like."""
    sizes = {"threads": THREADS, "batch": BATCHES}
    best = {
        name: best_setting(rivals[name], {**CHOICES.get(name, {}), **sizes})
        for name in rivals
        if name != COMPILED
    }

    return best | {COMPILED: best[FUNC]}


@contextmanager
def jax_processes(pixels: Tensor, labels: Tensor) -> Iterator[dict[int, JaxProcess]]:
    """A process for each number of threads, ended after the block; none without JAX."""
    with ExitStack() as stack:
        yield {
            count: stack.enter_context(closing(JaxProcess(pixels, labels, count)))
            for count in (THREADS if INSTALLED else ())
        }


def many_networks(configure: Configure, rounds: int) -> list[Row]:
    """Cohorts of 10 and of 100 networks; each rival at its best batch size and threads."""
    images = load_images(configure().data)
    pixels = images.train.images.float().mul(images.train.scale)
    rows = []

    with jax_processes(pixels, images.train.labels) as processes:
        for nets in NETS:
            rivals = torch_rivals(configure, images, pixels, nets)

            if processes:
                rivals[JAX] = of_jax(nets, processes)

            rows += compared(rivals, nets, rounds)

    return rows


def compared(rivals: Mapping[str, Rival], nets: int, rounds: int) -> list[Row]:
    """Examples per second of ours to those of each rival, and what its compiling takes."""
    settings = best_settings(rivals)
    pieces = {name: seconds_of(rival, settings[name]) for name, rival in rivals.items()}

    if JAX in rivals:
        settings[JAX_DEFAULT] = replace(settings[JAX], generator=GENERATORS[0])
        pieces[JAX_DEFAULT] = seconds_of(rivals[JAX], settings[JAX_DEFAULT])

    times = in_turn(pieces, rounds * PIECES)
    networks = f"{nets} nets 784-64-64-10"
    ours = f"{networks}, bare step ({settings[OURS]}), examples/s"
    rows = [
        Row(
            "peers",
            f"{ours} to {name} ({settings[name]})",
            *ratio(times, name, OURS),
            at_least=TARGETS.get(name),
        )
        for name in pieces
        if name != OURS
    ]

    for name, reason in MISSING.items():
        if name in rivals:
            rows.append(compiling(networks, name, rivals[name](settings[name])))
        else:
            what = f"{ours} to {name}, {reason}"
            rows.append(Row("peers", what, at_least=TARGETS.get(name)))

    return rows


def compiling(networks: str, name: str, timing: Timing) -> Row:
    """What compiling took, once."""
    seconds = timing.compiling
    return Row("peers", f"{networks}, compiling of {name}", seconds, seconds, seconds, unit="s")
