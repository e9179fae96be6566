"""Small trainings in a process of their own, whose variables choose arithmetic and threads.

In `tests/`: `python -m support.repeated FILE` writes what `Repeated` reads.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from dropout_study.config import read, resolvers
from dropout_study.dropout.masks import sample
from dropout_study.dropout.rules import weight_scaling
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import fit, make_trainer
from support.images import random_images
from support.paths import CONF, ROOT

COMMON = ("trainer=cpu", "seeds=[0,1]", "budget.validations=1", "budget.updates=60")
MLP = ("model.widths=[32,32]", "model.input_rate=0.2", *COMMON)
TRAININGS = {
    "mlp": MLP,
    "mlp in double precision": (*MLP, "trainer.precision=64-true"),
    "lenet": ("data=mnist", "model=lenet", "data.batch_size=4", *COMMON),
}
"""Name -> overrides of a training on 200 images of noise."""

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
"""Variables under which PyTorch, MKL and oneDNN compute as on a processor without AVX-512."""

OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
}
"""The same for a processor without AVX2."""


@dataclass(frozen=True)
class Repeated:
    """What a training drew and gave.

    Attributes:
        instructions: those that PyTorch chose, such as `AVX2`.
        integers: batches and masks of the first update: what is drawn as whole numbers.
        first_weights: parameters before the first update.
        weights: parameters after the last.
        log_probs: predictions of the test images, `[R, N, C]`.
        results: metric -> one value per network.
    """

    instructions: str
    integers: list[Tensor]
    first_weights: list[Tensor]
    weights: list[Tensor]
    log_probs: Tensor
    results: dict[str, list[float]]


@cache
def repeated(**variables: str) -> dict[str, Repeated]:
    """Each of `TRAININGS` in a fresh process with these variables of the environment.

    The process has one thread unless the variables say otherwise.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trained.pt"
        command = [sys.executable, "-m", "support.repeated", str(file)]
        subprocess.run(command, cwd=ROOT / "tests", env=environment, check=True)
        trained = torch.load(file)

    return {name: Repeated(**values) for name, values in trained.items()}


def trained(overrides: tuple[str, ...], folder: Path) -> Repeated:
    """One training, in this process."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = read.read_config(compose("train", list(overrides)))

    images = random_images(28 if config.data.name == "mnist" else 8)
    data = DataModule(
        images, config.data, config.seeds, config.budget.updates, validation_interval(config)
    )
    network = make_network(config, images.inputs, 10)
    training = CohortTraining(config, network)
    first_weights = [p.detach().clone() for p in training.cohort.parameters()]
    first_batch = next(iter(data.batches()))
    masks = sample(network.sites, config.seeds, 0, config.data.batch_size)

    fit(training, make_trainer(config, folder), data)
    weights = [p.detach() for p in training.cohort.parameters()]
    x, _ = images.test.batch(torch.arange(len(images.test)))
    log_probs = weight_scaling(training.cohort, x.to(weights[0].dtype))

    return Repeated(
        instructions=torch.backends.cpu.get_cpu_capability(),
        integers=[*first_batch, *masks.values()],
        first_weights=first_weights,
        weights=weights,
        log_probs=log_probs,
        results=training.results,
    )


def main(file: str) -> None:
    """Write each of `TRAININGS`, as the fields of `Repeated`."""
    resolvers.register()

    with tempfile.TemporaryDirectory() as folder:
        results = {name: trained(overrides, Path(folder)) for name, overrides in TRAININGS.items()}

    torch.save({name: asdict(values) for name, values in results.items()}, file)


if __name__ == "__main__":
    main(sys.argv[1])
