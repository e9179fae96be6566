"""What the arithmetic gives: the final metrics of tiny cohorts, to nine digits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.evaluation.predictions import score_rules
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import fit, make_trainer
from support.images import random_images

ADVICE = (
    "other numbers: bump ERA in config/condition.py, for recorded results count no more, or mend"
)
COMMON = (
    "budget.updates=30",
    "budget.validations=1",
    "seeds=[0,1]",
    "trainer.precision=64-true",
    "trainer=cpu",
)
RULES = ("weight_scaling", "monte_carlo", "geometric")
LENET = (
    "data=mnist",
    "data.batch_size=10",
    "model=lenet",
    "optimizer=sgd",
    "optimizer.lr=0.01",
    "regularizer=max_norm",
    "regularizer.max_norm=[0.5]",
)
COHORTS = {
    "mlp": ("model.widths=[16,16]", "model.input_rate=0.2", "optimizer.lr=0.01"),
    "lenet": (*LENET, "model.dropout=pools"),  # which was called `all`
    "lenet before pooling": (*LENET, "model.dropout=all"),
    "softmax regression": ("model=softmax_regression", "model.input_rate=0.5", "regularizer=l1"),
}
PINNED: dict[str, dict[str, list[float]]] = {
    "mlp": {
        "test/error/weight_scaling": [45.75, 74.75],
        "test/nll/geometric": [2.1448800223968445, 2.135337286469875],
        "test/nll/monte_carlo": [2.1390308812709895, 2.138803914516668],
        "test/nll/weight_scaling": [2.1372517646235467, 2.1422605239533845],
        "train/error/weight_scaling": [45.487693710118506, 74.47584320875114],
        "train/nll/weight_scaling": [2.1308816970173727, 2.133322468818257],
        "val/error": [45.666666666666664, 74.66666666666667],
        "val/nll": [2.1337354609918995, 2.1408788034065775],
    },
    "lenet": {
        "test/error/weight_scaling": [90.0, 93.5],
        "test/nll/geometric": [2.3044774827195678, 2.3042269407674287],
        "test/nll/monte_carlo": [2.304487151483772, 2.3042193420473196],
        "test/nll/weight_scaling": [2.303372874062185, 2.30364977496529],
        "train/at_limit": [0.9189655172413793, 0.9086206896551724],
        "train/error/weight_scaling": [89.5, 88.5],
        "train/nll/weight_scaling": [2.3038006389461057, 2.3023588239909616],
        "val/error": [90.0, 88.5],
        "val/nll": [2.3045788321847223, 2.303342775948993],
    },
    "lenet before pooling": {
        "test/error/weight_scaling": [90.0, 90.0],
        "test/nll/geometric": [2.3199519321120206, 2.3123735267731296],
        "test/nll/monte_carlo": [2.3198175430109997, 2.3124367503139767],
        "test/nll/weight_scaling": [2.3082781818259246, 2.305626599071188],
        "train/at_limit": [0.9258620689655173, 0.896551724137931],
        "train/error/weight_scaling": [90.0, 90.0],
        "train/nll/weight_scaling": [2.3085599156289454, 2.3048041172883065],
        "val/error": [90.0, 90.0],
        "val/nll": [2.3099026004262506, 2.305745607762993],
    },
    "softmax regression": {
        "test/error/weight_scaling": [76.0, 74.5],
        "test/nll/geometric": [2.210426803146467, 2.232353069476623],
        "test/nll/monte_carlo": [2.2092783490867056, 2.234004969936781],
        "test/nll/weight_scaling": [2.2064250806075774, 2.2167236154233034],
        "train/error/weight_scaling": [77.48404740200547, 72.74384685505925],
        "train/nll/weight_scaling": [2.212124520648358, 2.206686899704206],
        "val/error": [79.33333333333333, 76.0],
        "val/nll": [2.2216127605490357, 2.2148801848234014],
    },
}
"""Cohort -> metric -> its value for each network."""


@pytest.mark.parametrize("name", COHORTS)
def test_the_same_configuration_gives_the_same_numbers(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    """If this failed, results recorded before and after a change would be averaged as if of one
    code.
    """
    assert measured(make_config(*COHORTS[name], *COMMON), tmp_path) == {
        metric: pytest.approx(values, rel=1e-9, abs=1e-12)
        for metric, values in PINNED[name].items()
    }, ADVICE


def measured(config: Config, folder: Path) -> dict[str, list[float]]:
    """The final metrics of a cohort that is trained and evaluated in double precision."""
    quiet()
    images = random_images(28) if config.data.name == "mnist" else load_images(config.data)
    data = DataModule(images, config.data, config.seeds, config.budget.updates)
    module = CohortTraining(config, make_network(config, images.inputs, 10))
    fit(module, make_trainer(config, folder), data)
    scores = score_rules(module.cohort, data.test_dataloader()[0], RULES, 10)
    sampled = {f"test/nll/{rule}": scores[rule].means()["nll"].tolist() for rule in RULES}

    return module.results | sampled
