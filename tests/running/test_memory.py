"""What cannot fit into memory is refused before it is trained, and nothing else."""

from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pytest
import torch

from dropout_study.config import names
from dropout_study.config.schema import Config, ConfigError
from dropout_study.running import memory
from dropout_study.training.build import make_network

Make = Callable[..., Config]
SMALL = (
    "trainer=cpu",
    "seeds=[0,1]",
    "model.widths=[3]",
    "data.batch_size=7",
    "mc.samples=50",
    "mc.redraws=4",
)
WEIGHTS = 64 * 3 + 3 + 3 * 10 + 10


def needs(config: Config, examples: int = 400) -> tuple[int, int]:
    """Bytes of training and of sampling."""
    inputs = names.DATASETS[config.data.name].side ** 2 // config.data.pool**2

    with torch.device("meta"):
        network = make_network(config, inputs, 10)

    return memory.training(config, network, trains=True), memory.sampling(config, network, examples)


@pytest.mark.parametrize(
    ("overrides", "tensors", "units"),
    [
        ([], 4, 64 + 9),  # weights, gradients and two moments; units, masks and their product
        (["model.hidden_rate=0"], 4, 64 + 3),
        (["model.input_rate=0.2"], 4, 3 * 64 + 9),
        (["optimizer=sgd"], 3, 64 + 9),
        (["optimizer=sgd", "optimizer.momentum=0"], 2, 64 + 9),
        (["budget.weights=best"], 5, 64 + 9),
        (["mask=gaussian"], 4, 64 + 9),
        (["mask=per_update"], 4, 64 + 6),  # one mask for the batch; units and their product
        (["mask=dropconnect"], 4, 64 + 3),  # nothing but units
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_training_keeps_weights_and_a_batch(
    make_config: Make, overrides: list[str], tensors: int, units: int
) -> None:
    """If this failed, a condition that fits would be refused, or memory run out in training."""
    training, _ = needs(make_config(*SMALL, *overrides))
    assert training == 4 * 2 * (tensors * WEIGHTS + 7 * units)
    wide, _ = needs(make_config(*SMALL, *overrides, "trainer.precision=64-true"))
    assert wide == 2 * training


def test_places_of_a_channel_share_a_mask(make_config: Make) -> None:
    """If this failed, whole channels would be refused where they fit."""
    lenet = ("trainer=cpu", "model=lenet", "model.dropout=pools", "data=mnist", "seeds=[0]")
    batch = ("data.batch_size=7",)
    each, _ = needs(make_config(*lenet, *batch))
    channels, _ = needs(make_config(*lenet, *batch, "mask=by_channel"))
    units = 20 * 12 * 12 + 50 * 4 * 4
    assert each - channels == 4 * 7 * (units - 20 - 50)


def test_sampling_keeps_a_pool_and_its_redraws(make_config: Make) -> None:
    """If this failed, a pool that cannot be stored would be reported after the training."""
    _, sampling = needs(make_config(*SMALL))
    pool = 2 * 50 * 2 * 400 * 10 * 4
    redraws = 4 * (8 * 10 + 7 * 2 * 400)  # up to ten of the masks; seven points of the curve
    assert sampling == pool + redraws
    assert needs(make_config(*SMALL, "rules=[weight_scaling]"))[1] == 0
    assert needs(make_config(*SMALL, "model.hidden_rate=0"))[1] == 0


def test_the_largest_networks_of_the_studies_fit(make_config: Make) -> None:
    """If this failed, the published sizes would be refused on an ordinary machine."""
    seeds = f"seeds={list(range(10))}"
    config = make_config("data=mnist", "model.widths=[2048,2048]", "mc.samples=1000", seeds)
    assert max(needs(config, 10_000)) < 2 * 2**30


def test_what_cannot_fit_is_refused_with_both_figures(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a condition would die after hours, or one that fits be refused."""
    config = make_config(*SMALL)
    network = make_network(config, 64, 10)
    training, sampling = needs(config)
    assert training < sampling

    def machine(available: int, total: int, swap: int = 0) -> None:
        monkeypatch.setattr(
            psutil, "virtual_memory", lambda: SimpleNamespace(available=available, total=total)
        )
        monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=swap))

    for fits in ((sampling, sampling), (0, 2 * sampling), (0, 0, sampling)):
        machine(*fits)
        memory.check(config, network, 400, trains=True)

    machine(sampling - 1, sampling)

    with pytest.raises(
        ConfigError, match=r"at least 3\.2 MB of memory, and 3\.2 MB is available: lower mc"
    ):
        memory.check(config, network, 400, trains=True)

    machine(sampling, sampling)

    with monkeypatch.context() as contained, pytest.raises(ConfigError, match="lower mc"):
        contained.setattr(memory, "_limit", lambda: sampling - 1)
        memory.check(config, network, 400, trains=True)

    machine(training - 1, 0)

    with pytest.raises(
        ConfigError, match=r"lower model.widths, the number of seeds, or data.batch_size\.$"
    ):
        memory.check(config, network, 400, trains=True)
