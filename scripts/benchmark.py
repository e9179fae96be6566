"""How fast training is: `scripts/train.py` beside a plain PyTorch loop and beside the matrix product alone.

Absolute times mean little on a shared machine. The rivals run in turn, and what is reported is the ratio of
their medians.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

from dropout_study.record import Record
from dropout_study.training import LOG_EVERY

TRAIN = Path(__file__).parent / "train.py"
BATCH = 128
SEEDS = 10


def seconds_per_update(overrides: list[str], updates: int) -> float:
    """Median time of an update in steady state, through the script: from the time stamps of its loss curve."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"tracking.uri=sqlite:///{folder}/mlflow.db"
        budget = [f"budget.updates={updates}", "budget.validations=1", f"data.batch_size={BATCH}"]
        command = [sys.executable, str(TRAIN), *overrides, *budget, store, f"hydra.run.dir={folder}/run"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        times = [time_ms for _, _, time_ms in Record.load(Path(folder, "run")).seeds[0].curves["train/loss"]]
    gaps = [b - a for a, b in pairwise(times[1:])]  # without the first, which warms up
    return median(gaps) / LOG_EVERY / 1000


def seconds_plain(widths: list[int], updates: int) -> float:
    """Median time of an update of one network in a plain loop: nn.Linear, nn.Dropout, fused AdamW, data in memory."""
    sizes = [784, *widths]
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.5)]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], 10))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    images, labels = torch.rand(50_000, 784), torch.randint(10, (50_000,))

    def update() -> None:
        index = torch.randint(50_000, (BATCH,))
        loss = F.cross_entropy(network(images[index]), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return timed(update, updates)


def seconds_product() -> float:
    """Median time of a product of 128 x 1024 and 1024 x 1024."""
    a, b = torch.rand(BATCH, 1024), torch.rand(1024, 1024)
    return timed(lambda: a @ b, 500)


def timed(action: Callable[[], object], times: int) -> float:
    """Median duration of an action in seconds."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return median(durations)


def training(rounds: int, updates: int, data: str) -> dict[str, float]:
    """The ratios, each from `rounds` of both rivals in turn."""
    small = ["model.widths=[64,64]", f"data={data}", f"seeds={list(range(SEEDS))}".replace(" ", "")]
    large = ["model.widths=[1024,1024]", f"data={data}", "seeds=[0]"]
    cohort, plain, one, product = [], [], [], []
    for _ in range(rounds):
        cohort.append(seconds_per_update(small, updates))
        plain.append(seconds_plain([64, 64], updates))
        product.append(seconds_product())
        one.append(seconds_per_update(large, updates // 3))
        product.append(seconds_product())
    weights = sum(a * b + b for a, b in zip([784, 1024, 1024], [1024, 1024, 10], strict=True))
    return {
        "cohort of 10, 784-64-64-10: examples/s over all seeds, to a plain loop over one": SEEDS
        * median(plain)
        / median(cohort),
        "one 784-1024-1024-10 with dropout: share of the sgemm rate": (6 * BATCH * weights / median(one))
        / (2 * BATCH * 1024**2 / median(product)),
        "threads": float(torch.get_num_threads()),
    }


def main() -> None:
    """Print the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="times each rival runs (default 3)")
    parser.add_argument("--updates", type=int, default=1500, help="updates of a small network a round (default 1500)")
    parser.add_argument("--data", default="mnist", help="a data set of 28 x 28 images (default mnist)")
    arguments = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if root := os.environ.get("DROPOUT_STUDY_DATA"):
        os.environ["DROPOUT_STUDY_DATA"] = str(Path(root).absolute())  # the runs have a folder of their own
    print(json.dumps(training(arguments.rounds, arguments.updates, arguments.data), indent=2))


if __name__ == "__main__":
    main()
