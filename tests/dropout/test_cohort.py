"""A cohort computes what its networks compute alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from dropout_study.config.schema import Config
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.dropout.masks import sample
from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import make_trainer
from support.images import random_images

NETWORKS = [MLP(784, 10, [8, 6], "tanh", 0.2, 0.5), LeNet(10, "all", 0.5), LeNet(10, "pools")]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_cohort_of_r_is_r_singles(network: Network) -> None:
    """If this failed, batching the networks would change what they compute."""
    cohort = Cohort(network, [3, 1, 4]).double()
    x = torch.rand(3, 5, 784, dtype=torch.float64)
    masks = sample(network.sites, cohort.seeds, 0, 5, dtype=torch.float64)
    together = cohort.outputs(x, masks)

    for r in range(3):
        alone = cohort.member(r).outputs(x[r], {name: m[r] for name, m in masks.items()})
        for output, own in zip(together, alone, strict=True):
            torch.testing.assert_close(output[r], own, rtol=0, atol=1e-12)

    torch.testing.assert_close(cohort(x, masks), together[-1])


@pytest.mark.parametrize("network", NETWORKS)
def test_stages_can_be_run_in_two_parts(network: Network) -> None:
    """If this failed, what is computed once before the first random site would not fit what
    follows.
    """
    cohort = Cohort(network, [0, 1]).double()
    x = torch.rand(5, 784, dtype=torch.float64)
    # One mask for all examples.
    masks = sample(network.sites, cohort.seeds, 0, 1, dtype=torch.float64)

    stages = len(network.sites)
    for cut in range(1, stages):
        first = cohort.outputs(x, masks, range(cut))
        rest = cohort.outputs(first[-1], masks, range(cut, stages))
        torch.testing.assert_close(rest[-1], cohort(x, masks), rtol=0, atol=1e-12)


def test_shared_inputs_are_seen_by_all_networks() -> None:
    """If this failed, evaluation would need a copy of the data for each network."""
    cohort = Cohort(NETWORKS[0], [0, 1])
    x = torch.rand(5, 784)
    torch.testing.assert_close(cohort(x), cohort(x.expand(2, 5, 784)))


def test_parameters_are_registered_under_the_plain_names() -> None:
    """If this failed, optimizers or checkpoints would miss weights, or see the template's."""
    names = {name: tuple(p.shape) for name, p in Cohort(NETWORKS[0], [0, 1]).named_parameters()}
    assert names["stacked.layers.0.weight"] == (2, 784, 8)
    assert len(names) == 6
    assert all(p.device.type == "cpu" for p in Cohort(NETWORKS[0], [0, 1]).parameters())


def test_a_part_of_a_cohort_is_its_networks() -> None:
    """If this failed, other networks than those that did not fail would be judged."""
    cohort = Cohort(NETWORKS[0], [5, 3, 8])
    x = torch.rand(4, 784)
    part = cohort.part([2, 0])
    assert part.seeds == (8, 5)
    assert torch.equal(part(x), cohort(x)[[2, 0]])
    next(part.parameters()).data.zero_()
    assert cohort(x)[[2, 0]].any(), "and its weights are its own"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_unless_they_are_not_used(
    tmp_path: Path, value: float
) -> None:
    """If this failed, a diverged network would be judged, or would cost the others their
    evaluation.
    """
    cohort = Cohort(MLP(4, 3, [5]), [7, 9])
    file = tmp_path / "cohort.pt"
    cohort.stacked.layers[1].bias.data[1, 0] = value
    torch.save(cohort.state_dict(), file)

    with pytest.raises(ValueError, match=r"not finite, of seeds \[9\]: .* rerun=true"):
        load_weights(cohort, file)

    load_weights(cohort, file, seeds=[7])


def test_gradients_are_independent() -> None:
    """If this failed, the sum of the losses would couple the seeds."""
    cohort = Cohort(NETWORKS[0], [0, 1])
    cohort(torch.rand(2, 5, 784))[1].square().sum().backward()

    for p in cohort.parameters():
        assert p.grad is not None
        assert (p.grad[0] == 0).all()
        assert (p.grad[1] != 0).any()


def trained(
    config: Config, seeds: list[int], trainer: Callable[[Config], pl.Trainer]
) -> torch.Tensor:
    """Logits on validation images after the budget, `[R, N, C]`."""
    config.seeds = seeds
    images = random_images(28)
    data = DataModule(images, config.data, seeds, config.budget.updates)
    module = CohortTraining(config, make_network(config, 784, 10))
    trainer(config).fit(module, datamodule=data)

    with torch.no_grad():
        x = images.validation.batch(torch.arange(50))[0]
        return module(x.to(next(module.parameters()).dtype))


MLP_ARGUMENTS = ("model=mlp", "model.widths=[32,32]", "model.input_rate=0.2", "optimizer=adamw")
AUTOENCODER_ARGUMENTS = ("model=autoencoder", "model.widths=[32]", "model.input_rate=0.2")
LENET_ARGUMENTS = ("model=lenet", "model.dropout=all", "optimizer=sgd", "optimizer.lr=0.01")


@pytest.mark.parametrize(
    ("arguments", "precision", "tolerance"),
    [
        (MLP_ARGUMENTS, "32-true", 1e-4),
        (MLP_ARGUMENTS, "64-true", 1e-9),
        (AUTOENCODER_ARGUMENTS, "32-true", 1e-4),
        (AUTOENCODER_ARGUMENTS, "64-true", 1e-9),
        (LENET_ARGUMENTS, "32-true", 1e-4),
        (LENET_ARGUMENTS, "64-true", 1e-9),
    ],
    ids=["mlp32", "mlp64", "autoencoder32", "autoencoder64", "lenet32", "lenet64"],
)
def test_after_50_updates_a_network_is_the_same_alone_and_in_a_cohort_of_5(
    make_config: Callable[..., Config],
    tmp_path_factory: pytest.TempPathFactory,
    arguments: tuple[str, ...],
    precision: str,
    tolerance: float,
) -> None:
    """If this failed, results would depend on how many seeds are trained together."""
    quiet()
    precision_argument = f"trainer.precision={precision}"
    common = (
        "data=mnist",
        "data.batch_size=16",
        "budget.updates=50",
        "budget.validations=1",
        "trainer=cpu",
    )
    config = make_config(*common, *arguments, precision_argument)

    def trainer(config: Config) -> pl.Trainer:
        return make_trainer(config, tmp_path_factory.mktemp("run"))

    together = trained(config, [7, 3, 11, 0, 5], trainer)
    alone = trained(config, [11], trainer)
    torch.testing.assert_close(together[2], alone[0], rtol=0, atol=tolerance)
    assert not torch.allclose(together[1], alone[0], rtol=0, atol=100 * tolerance), (
        "seeds must differ"
    )


def test_initial_weights_are_bitwise_the_same_alone_and_in_a_cohort() -> None:
    """If this failed, a seed would start from other weights when more seeds are added."""
    many = Cohort(NETWORKS[1], [5, 8, 2])
    one = Cohort(NETWORKS[1], [8])
    for (_, a), (_, b) in zip(many.named_parameters(), one.named_parameters(), strict=True):
        assert torch.equal(a[1], b[0])
