"""bfloat16: passes through a rounded copy of the weights, updates in float32."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dropout_study.config.schema import Config, ConfigError
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import sample
from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.running.checkpoint import Checkpoint
from dropout_study.running.run import begin
from dropout_study.training import half_precision
from dropout_study.training.half_precision import HalfCopy, has_bfloat16
from dropout_study.training.trainer import make_trainer
from support.images import random_images

SEEDS = [3, 4]
NETWORKS = {
    "mlp": MLP(784, 10, [32, 32], input_rate=0.2, hidden_rate=0.5),
    "lenet": LeNet(10, dropout="pools"),
}


def gradients(cohort: Cohort, outputs: Callable[..., list[Tensor]], l2: float = 0.0) -> Tensor:
    """The gradients of the squared logits for one batch with masks, plus L2, as one vector."""
    x = torch.rand(len(SEEDS), 6, 784, generator=torch.Generator().manual_seed(0))
    factors = sample(cohort.stacked.sites, SEEDS, update=0, batch=6)
    cohort.zero_grad()
    loss = outputs(x, factors)[-1].square().sum()
    (loss + l2 * sum(p.square().sum() for p in cohort.parameters())).backward()
    computed = [p.grad for p in cohort.parameters()]

    return torch.cat([grad.flatten() for grad in computed if grad is not None])


@pytest.mark.parametrize("l2", [0.0, 1.0])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_gradients_are_those_of_float32_within_rounding(network: Network, l2: float) -> None:
    """If this failed, masks, layers or regularizers would be lost on the way through the copy."""
    cohort = Cohort(network, SEEDS)
    half = HalfCopy(cohort)

    for _ in range(2):  # the second time the copy exists
        exact = gradients(cohort, cohort.outputs, l2).clone()
        rounded = gradients(cohort, half.outputs, l2)
        assert rounded.dtype == torch.float32
        assert (rounded - exact).norm() < 0.05 * exact.norm()
        assert not torch.equal(rounded, exact), "nothing was computed in bfloat16"

        with torch.no_grad():
            for p in cohort.parameters():
                p.mul_(-1.5)  # of which the copy learns at its next pass


def test_a_network_has_the_same_gradients_alone_and_among_others() -> None:
    """If this failed, the networks of a cohort would be coupled."""
    cohort = Cohort(NETWORKS["mlp"], SEEDS)
    x = torch.rand(len(SEEDS), 6, 784, generator=torch.Generator().manual_seed(0))
    HalfCopy(cohort).outputs(x, {})[-1].sum().backward()
    alone = cohort.part([1])
    HalfCopy(alone).outputs(x[1:], {})[-1].sum().backward()

    for p, own in zip(cohort.parameters(), alone.parameters(), strict=True):
        assert p.grad is not None
        assert own.grad is not None
        torch.testing.assert_close(p.grad[1:], own.grad, rtol=0.02, atol=0.02)


def test_updates_smaller_than_the_spacing_of_bfloat16_add_up() -> None:
    """If this failed, the networks would stop learning where updates become small."""
    cohort = Cohort(NETWORKS["mlp"], SEEDS)
    half = HalfCopy(cohort)
    before = torch.cat([p.detach().flatten() for p in cohort.parameters()])
    optimizer = torch.optim.AdamW(cohort.parameters(), lr=1e-6, weight_decay=0, fused=True)

    for _ in range(10):
        gradients(cohort, half.outputs)
        optimizer.step()

    moved = torch.cat([p.detach().flatten() for p in cohort.parameters()]) - before
    assert moved.abs().max() == pytest.approx(1e-5, rel=0.1)
    assert (moved.abs() > 5e-6).float().mean() > 0.5


@pytest.mark.parametrize(
    ("flags", "found"),
    [("flags\t\t: avx512f avx512_bf16", True), ("Features\t: fp asimd", False)],
    ids=["with", "without"],
)
def test_what_a_processor_can_do_is_read_from_its_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, found: bool
) -> None:
    """If this failed, training would be refused where it works, or take 30 times as long."""
    monkeypatch.setattr(half_precision, "CPU_INFO", tmp_path / "cpuinfo")
    assert not has_bfloat16(torch.device("cpu")), "on another system than Linux"
    (tmp_path / "cpuinfo").write_text(flags, encoding="utf-8")
    assert has_bfloat16(torch.device("cpu")) is found


def test_a_processor_without_bfloat16_is_refused(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a sweep would seem to hang."""
    monkeypatch.setattr(half_precision, "CPU_INFO", tmp_path / "missing")
    config = make_config("trainer=cpu", "trainer.precision=bf16")

    refused = r"precision=bf16 cannot be used.*precision=32-true"
    checkpoint = Checkpoint.find([config], [config])

    with pytest.raises(ConfigError, match=refused):
        begin(config, tmp_path, None, random_images(8), 1, checkpoint)
    with pytest.raises(ConfigError, match=refused):
        make_trainer(config, tmp_path)
