"""The least memory that a condition needs, against what is available."""

import math
import sys
from pathlib import Path
from typing import cast

import psutil
import torch
from rich.filesize import decimal

from dropout_study.config.schema import SGD, Config, ConfigError
from dropout_study.data.batches import EVALUATION_BATCH
from dropout_study.data.images import Images
from dropout_study.dropout.masks import Shared, Site
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import RULES
from dropout_study.evaluation.predictions import sparse_counts
from dropout_study.training.build import make_network


def check(config: Config, network: Network, examples: int, trains: bool) -> None:
    """Refuse a condition that cannot fit into memory, before anything is trained.

    Only tensors that certainly exist at the same time are counted. Half of the machine counts as
    free in any case: what other processes hold now may be free later.

    Args:
        config: the condition and its seeds.
        network: one of its networks; on the device `meta` it takes no memory itself.
        examples: their number in the test set.
        trains: whether the networks are trained, and not taken from a store.

    Raises:
        ConfigError: with the memory needed and available, and a remedy.
    """
    memory = psutil.virtual_memory()
    free = max(memory.available, memory.total // 2) + psutil.swap_memory().free
    available = min(free, _limit())
    sizes = "lower model.widths, the number of seeds, or data.batch_size"

    remedies = {
        sizes if trains else "take a larger machine": training(config, network, trains),
        "lower mc.samples or mc.redraws": sampling(config, network, examples),
    }
    for remedy, needed in remedies.items():
        if needed > available:
            raise ConfigError(
                f"This condition needs at least {decimal(needed)} of memory, "
                f"and {decimal(available)} is available: {remedy}."
            )


def _limit() -> int:
    """Bytes that the control groups of this process allow, as set by containers and SLURM."""
    try:
        group = Path("/proc/self/cgroup").read_text(encoding="ascii").strip().rpartition("::")[2]
        folder = Path("/sys/fs/cgroup") / group.lstrip("/")
    except OSError:  # not on Linux
        return sys.maxsize

    limits = [place / "memory.max" for place in (folder, *folder.parents)]
    texts = [file.read_text(encoding="ascii").strip() for file in limits if file.exists()]

    return min((int(text) for text in texts if text != "max"), default=sys.maxsize)


def training(config: Config, network: Network, trains: bool) -> int:
    """Bytes of weights, gradients, states of the optimizer, and activations of a batch.

    If a GPU trains, only the weights are counted, which are created in main memory.
    """
    weights = len(config.seeds) * sum(p.numel() for p in network.parameters()) * _bytes(config)
    on_gpu = config.trainer.accelerator != "cpu" and torch.cuda.is_available()
    if on_gpu or not trains:
        return 2 * weights  # of the single networks, and stacked

    states = 2

    if isinstance(config.optimizer, SGD):
        states = 1 if config.optimizer.momentum else 0

    best = 1 if config.budget.weights == "best" else 0
    batch = len(config.seeds) * config.data.batch_size * sum(map(_per_example, network.sites))
    half = 2 if config.trainer.precision.startswith("bf16") else 1
    copies = 0.5 if config.trainer.precision == "bf16" else 0

    return int(weights * (2 + states + best + copies)) + batch * _bytes(config) // half


def _per_example(site: Site) -> int:
    """Numbers that an example has at a site: its units, their masks, and the product of both."""
    units = math.prod(site.shape)
    if not site.masked or site.weights:
        return units

    masks = math.prod(site.drawn_shape) if site.shared is Shared.NOTHING else 0

    return 2 * units + masks


def sampling(config: Config, network: Network, examples: int) -> int:
    """Bytes of the pool of sampled predictions, which is copied once, and of its re-draws."""
    pooled = any(RULES[rule].curve for rule in config.rules)
    if not pooled or not any(site.masked for site in network.sites):
        return 0

    rows = min(examples, EVALUATION_BATCH)
    classes = cast("torch.Tensor", network.layers[-1].weight).shape[-1]
    pool = 2 * config.mc.samples * len(config.seeds) * rows * classes * _bytes(config)
    largest = config.mc.samples // 5
    wrong = len(sparse_counts(largest)) * len(config.seeds) * examples

    return pool + config.mc.redraws * (8 * largest + wrong)


def _bytes(config: Config) -> int:
    """Bytes of a weight or a prediction."""
    return 8 if config.trainer.precision == "64-true" else 4


def check_memory(config: Config, images: Images, trains: bool) -> None:
    """Refuse a condition that cannot fit into memory: `check` for its network and test set.

    Raises:
        ConfigError: with the memory needed and available, and a remedy.
    """
    with torch.device("meta"):
        network = make_network(config, images.inputs, images.classes)

    check(config, network, len(images.test), trains)
