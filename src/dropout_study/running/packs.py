"""Packs: jobs of a sweep whose networks are trained together, as one cohort.

Two jobs may be packed if their conditions differ in nothing but what a member of a cohort can have
of its own: seeds, dropout rates, strengths of regularizers, learning rate and weight decay,
training subset; and how they are evaluated. Packing is how jobs are executed, not what they are:
each has the identity, the record and, within rounding, the results that it has alone.

Imports neither torch nor Lightning.
"""

import dataclasses
import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.condition import identity
from dropout_study.config.data_set import DataSet, facts_of
from dropout_study.config.schema import MLP, Autoencoder, Config, Optimizer, SoftmaxRegression

OWN = (
    "model.input_rate",
    "model.hidden_rate",
    "regularizer.l2",
    "regularizer.l1",
    "regularizer.sparsity",
    "regularizer.max_norm",
    "optimizer.lr",
    "optimizer.weight_decay",
    "data.train_size",
    "data.resample",
)
"""The keys of a condition in which the members of a cohort may differ."""
OF_EXAMPLES = {"data.train_size", "data.resample"}
"""Those of them that say which examples a network learns from."""
FOLDER = "packs"
"""In the folder of a sweep: what its launcher gets, a folder per pack."""
FILE = "jobs.pickle"
"""In the folder of a pack: its jobs."""


@dataclass(frozen=True)
class Size:
    """How much work and memory some networks need, or may need.

    Attributes:
        networks: their number.
        operations: of an update, in floating-point operations: 6 x batch x weights.
        bytes: weights, gradients, two states of the optimizer, activations with masks and products.
    """

    networks: int = 0
    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: "Size") -> "Size":
        return Size(
            self.networks + other.networks,
            self.operations + other.operations,
            self.bytes + other.bytes,
        )

    def fits(self, limit: "Size") -> bool:
        """Whether nothing is above a limit."""
        return (
            self.networks <= limit.networks
            and self.operations <= limit.operations
            and self.bytes <= limit.bytes
        )


# Beyond these, arithmetic alone takes the time of an update.
LARGEST = {
    "cpu": Size(networks=128, operations=3e9, bytes=1e9),
    "gpu": Size(networks=128, operations=3e11, bytes=2e10),
}
"""The largest pack by `trainer.accelerator`; what is chosen automatically counts as a CPU."""


@dataclass
class Assignment:
    """A job that a process carries out.

    Attributes:
        composed: its configuration, without Hydra's part.
        folder: takes its files.
        name: what to call it until its condition is known.
    """

    composed: DictConfig
    folder: Path
    name: str


def packs_of(jobs: Sequence[Assignment], at_least: int = 1) -> list[list[Assignment]]:
    """Put jobs into packs, in the order of the first job of each.

    Args:
        jobs: of a sweep.
        at_least: how many workers there are: each gets work, if there are jobs enough.
    """
    groups: dict[str, list[tuple[Assignment, Config]]] = {}
    packs: dict[str, list[list[Assignment]]] = {}

    for number, job in enumerate(jobs):
        config = config_of(job.composed)

        if config and job.composed.pack and _pays(config):
            key = json.dumps(shared_settings(config), sort_keys=True)
            groups.setdefault(key, []).append((job, config))
            packs[key] = []
        else:
            packs[f"alone {number}"] = [[job]]

    total = sum(_work(config) for group in groups.values() for _, config in group)

    for key, group in groups.items():
        packs[key] = _cut(group, total / at_least)

    return [pack for cut in packs.values() for pack in cut]


def config_of(composed: DictConfig) -> Config | None:
    """The configuration of a job; None if it cannot be used, which the job itself reports."""
    try:
        return read.read_config(composed)
    except Exception:
        return None


def _cut(group: Sequence[tuple[Assignment, Config]], share: float) -> list[list[Assignment]]:
    """Cut jobs that may be packed into packs that are no larger than a pack may be.

    Args:
        group: the jobs.
        share: work that one worker should get.
    """
    packs: list[list[Assignment]] = []
    used = Size()
    work = 0.0

    # Neighbours of equal settings are updated by one call of the optimizer.
    for job, config in sorted(group, key=lambda each: _settings(each[1].optimizer)):
        own = size_of(config)
        used += own
        work += _work(config)

        if packs and used.fits(_largest(config)) and work <= share:
            packs[-1].append(job)
        else:
            packs.append([job])
            used = own
            work = _work(config)

    return packs


def _settings(optimizer: Optimizer) -> tuple[float, float]:
    return optimizer.lr, getattr(optimizer, "weight_decay", 0.0)


def shared_settings(config: Config) -> dict[str, Any]:
    """All that the training of a pack depends on, but for what each member has of its own."""
    chosen = identity(config, parts=("training",))
    own = {*OWN, *(f"terms.{name}.strength" for name in config.terms)}
    # The data set of a plug-in may read them.
    own -= OF_EXAMPLES if isinstance(config.data, DataSet) else set()
    shared = {key: value for key, value in chosen.items() if key not in own}
    regularizer = dataclasses.asdict(config.regularizer)
    terms = [term for term, strength in regularizer.items() if strength]
    # How many examples a program makes changes which they are.
    generated_examples = config.data.train_size if facts_of(config.data).generated else None

    return shared | {
        "generated_examples": generated_examples,
        "study": config.study.name,
        "store": config.tracking.uri,
        "root": config.data.root,
        "accelerator": config.trainer.accelerator,
        "updates": config.budget.updates,
        "validations": config.budget.validations,
        "checkpoints": config.checkpoint.folder,
        "terms": [*terms, *sorted(config.terms)],
        "rerun": config.rerun,
        "profile": config.debug.profile,
    }


def size_of(config: Config) -> Size:
    """The size of a condition of fully connected networks."""
    layers = _layers(config)
    batch = config.data.batch_size
    networks = len(config.seeds)
    weights = sum(a * b for a, b in pairwise(layers))
    number = 8 if config.trainer.precision == "64-true" else 4

    return Size(
        networks,
        6.0 * batch * weights * networks,
        number * networks * (4.0 * weights + 3.0 * batch * sum(layers)),
    )


def _work(config: Config) -> float:
    """The floating-point operations of the whole training of a condition."""
    return size_of(config).operations * config.budget.updates


def _pays(config: Config) -> bool:
    """Whether a condition is trained faster with others: two of its kind make a pack."""
    if config.study.cohorts_from or not _layers(config):
        return False

    own = size_of(config)

    return (own + own).fits(_largest(config))


def _largest(config: Config) -> Size:
    """The largest pack where a condition is trained."""
    return LARGEST["gpu" if config.trainer.accelerator == "gpu" else "cpu"]


def _layers(config: Config) -> list[int]:
    """Units of each layer of a fully connected network, inputs first; none for others."""
    facts = facts_of(config.data)
    inputs = facts.inputs // config.data.pool**2
    classes = len(config.data.classes) or facts.classes

    match config.model:
        case MLP(widths=widths):
            return [inputs, *widths, classes]
        case SoftmaxRegression():
            return [inputs, classes]
        case Autoencoder(widths=widths):
            return [inputs, *widths, inputs]

    return []


def save(packs: Sequence[Sequence[Assignment]], sweep: Path) -> None:
    """Write the jobs of each pack into its folder, where the launcher's process finds them."""
    for number, pack in enumerate(packs):
        folder = sweep / FOLDER / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        folder.parent.chmod(0o700)  # a configuration may hold a password
        (folder / FILE).write_bytes(pickle.dumps(pack))


def load(folder: Path) -> list[Assignment]:
    """The jobs of a pack, as the sweep has written them.

    Args:
        folder: that of the pack.
    """
    return cast("list[Assignment]", pickle.loads((folder / FILE).read_bytes()))
