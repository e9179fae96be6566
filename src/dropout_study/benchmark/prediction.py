"""Prediction: many masks of one network, sampled or all of them."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from dropout_study.benchmark.comparison import Row, in_turn, ratio
from dropout_study.benchmark.peers import name_of_repeated, passes, plain_network, repeated
from dropout_study.dropout import enumeration as enumerated
from dropout_study.dropout import rules
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import MAX_UNITS
from dropout_study.dropout.networks import MLP

WIDTHS = [1024, 1024]
EXAMPLES = 500
MASKS = 100
FEW = 20  # masks
MANY = 400
USUAL = 100  # images at once, of the peers
BATCHES = (USUAL, 500)
UNITS = MAX_UNITS


def seconds(action: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def memory(masks: int) -> float:
    """The most memory, in MiB, that Monte Carlo held above what its process held before (Linux)."""
    cohort, x = setting()
    rules.monte_carlo(cohort, x[:2], [2])  # what the first call alone holds for ever
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _held("VmRSS")
    rules.monte_carlo(cohort, x, [masks])

    return _held("VmHWM") - before


def memory_of_a_process(masks: int) -> float:
    """`memory` in a new process: reuse of memory that was freed before would not be counted."""
    code = f"from {__name__} import memory; print(memory({masks}))"
    return float(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )


def _held(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def setting() -> tuple[Cohort, Tensor]:
    """One network, and images."""
    return Cohort(MLP(784, 10, WIDTHS, hidden_rate=0.5), [0]), torch.rand(EXAMPLES, 784)


def sampling(rounds: int) -> list[Row]:
    """Monte Carlo with 100 masks, against two ways of the peers, at two batch sizes."""
    cohort, x = setting()
    model: nn.Module = plain_network(WIDTHS, 0.5)
    ways = {f"{MASKS} passes of the model": passes, name_of_repeated(): repeated}
    rivals: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds(lambda: rules.monte_carlo(cohort, x, [MASKS]))
    }
    names = []

    for name, way in ways.items():
        sizes = {batch: partial(seconds, partial(way, model, x, MASKS, batch)) for batch in BATCHES}
        few = {
            str(batch): partial(seconds, partial(way, model, x, FEW, batch)) for batch in BATCHES
        }
        tried = in_turn(few, 1)
        best = min(BATCHES, key=lambda batch: tried[str(batch)][0])
        chosen = {
            f"{name} (batch {USUAL})": sizes[USUAL],
            f"{name} (batch {best}, its best)": sizes[best],
        }
        rivals |= chosen
        names += list(chosen)

    times = in_turn(rivals, rounds)
    little, much = (memory_of_a_process(masks) for masks in (FEW, MANY))
    what = f"{MASKS} masks, {EXAMPLES} images, 784-1024-1024-10"
    growth = much / little

    return [
        *(
            Row(
                "prediction",
                f"{what}, each for all images, to one per image by {name}",
                *ratio(times, name, "ours"),
                2.5,
            )
            for name in names
        ),
        Row(
            "prediction",
            f"memory of {MANY} masks to that of {FEW}",
            growth,
            growth,
            growth,
            at_most=2,
        ),
        Row("prediction", f"memory of {MANY} masks", much, much, much, unit="MiB"),
    ]


@torch.no_grad()
def enumeration(rounds: int) -> list[Row]:
    """All masks of 20 units, to a write of as much memory."""
    cohort = Cohort(MLP(64, 10, [UNITS], hidden_rate=0.5), [0])
    x = torch.rand(1, 64)
    units = cohort.outputs(x, stages=range(1))[-1].unsqueeze(1)  # [R, M, N, n]

    def write() -> Tensor:
        return torch.empty(1, 1, 1, 10, 2**UNITS).fill_(1.0)

    times = in_turn(
        {
            "write": lambda: seconds(write),
            "logits": lambda: seconds(lambda: enumerated.logits_by_doubling(cohort, units)),
            "means": lambda: seconds(lambda: enumerated.exact(cohort, x)),
        },
        3 * rounds,
    )
    what = f"the 2^{UNITS} subnetworks of {UNITS} units, 10 classes"
    both = sorted(times["means"])

    return [
        Row(
            "enumeration",
            f"{what}, logits to a write of as many numbers",
            *ratio(times, "logits", "write"),
            at_most=3,
        ),
        Row(
            "enumeration",
            f"{what}, both means",
            median(both),
            both[0],
            both[-1],
            at_most=0.5,
            unit="s",
        ),
    ]
