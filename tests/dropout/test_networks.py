"""Networks: hand-counted parameters, hand-computed outputs, where masks apply."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dropout_study.config import names
from dropout_study.dropout import networks
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP, LeNet


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_those_counted_by_hand() -> None:
    """If this failed, a network would not be the published architecture."""
    assert count(MLP(784, 10)) == 7_850
    assert (
        count(MLP(64, 10, [256, 256]))
        == (64 * 256 + 256) + (256 * 256 + 256) + (256 * 10 + 10)
        == 85_002
    )

    assert (
        count(LeNet(10))
        == (20 * 25 + 20) + (50 * 20 * 25 + 50) + (800 * 500 + 500) + (500 * 10 + 10)
        == 431_080
    )


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", 2.5),
        ("identity", 1.5),
        ("tanh", 0.9640276 - 0.7615942 + 0.5),
        ("sigmoid", 0.8807971 + 0.2689414 + 0.5),
    ],
)
def test_a_tiny_network_computes_the_hand_computed_logit(activation: str, expected: float) -> None:
    """If this failed, layers, activation or bias would be wired wrongly: units at 2 and -1, summed,
    plus 0.5.
    """
    network = MLP(1, 1, [2], activation)
    network.layers[0].weight.data = torch.tensor([[1.0, -2.0]])
    network.layers[0].bias.data = torch.tensor([1.0, 1.0])
    network.layers[1].weight.data = torch.ones(2, 1)
    network.layers[1].bias.data = torch.tensor([0.5])
    assert network(torch.tensor([[1.0]])).item() == pytest.approx(expected, abs=1e-6)


def test_masks_act_on_inputs_and_on_each_hidden_layer() -> None:
    """If this failed, some site would not drop anything, or drop before the activation."""
    network = MLP(3, 2, [4, 5], "sigmoid", 0.2, 0.5)
    network.initialize(1)
    x = torch.rand(6, 3)

    for site in network.sites:
        *hidden, masked = network.outputs(x, {site.name: torch.zeros(6, *site.shape)})

        if site.name == "input":
            assert torch.equal(masked, network(torch.zeros_like(x)))

        if site.name == "hidden1":
            torch.testing.assert_close(masked, network.layers[2].bias.expand(6, 2))

        assert [h.shape[1] for h in hidden] == [4, 5]
        assert all((h > 0).all() for h in hidden), (
            "hidden activations are reported before their masks"
        )


def test_lenet_is_the_convolutional_network_written_out() -> None:
    """If this failed, LeNet would not be conv - pool - conv - pool - 500 - 10."""
    network = LeNet(10)
    network.initialize(0)
    c1, c2, fc, out = network.layers
    x = torch.rand(2, 784)
    h = F.max_pool2d(F.conv2d(x.view(2, 1, 28, 28), c1.weight, c1.bias), 2)
    h = F.max_pool2d(F.conv2d(h, c2.weight, c2.bias), 2)
    h = torch.relu(h.view(2, 800) @ fc.weight + fc.bias)
    torch.testing.assert_close(network(x), h @ out.weight + out.bias)


@pytest.mark.parametrize(
    ("dropout", "names"), [("none", []), ("fc", ["fc"]), ("all", ["pool1", "pool2", "fc"])]
)
def test_lenet_declares_the_sites_of_its_choice_and_uses_them(
    dropout: str, names: list[str]
) -> None:
    """If this failed, `model.dropout` would name sites that are not dropped."""
    network = LeNet(10, dropout, 0.5)
    network.initialize(0)
    x = torch.rand(2, 784)
    active = [site for site in network.sites if site.masked]
    assert [site.name for site in active] == names

    for site in active:
        assert not torch.equal(network(x, {site.name: torch.zeros(2, *site.shape)}), network(x))


def test_initial_weights_fill_their_interval_and_depend_on_the_seed_alone() -> None:
    """If this failed, two conditions with one architecture and seed would not start from the same
    weights.
    """
    one = MLP(100, 10, [50])
    same = MLP(100, 10, [50], "tanh", 0.2, 0.5)
    other = MLP(100, 10, [50])
    for network, seed in ((one, 0), (same, 0), (other, 1)):
        torch.manual_seed(seed + 17)
        network.initialize(seed)

    pairs = list(zip(one.parameters(), same.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) and not torch.equal(a, c) for a, b, c in pairs)
    weight = one.layers[0].weight
    assert 0.099 < weight.abs().max() <= 0.1
    assert weight.mean().abs() < 5 * 0.1 / (3 * 5000) ** 0.5


def test_an_empty_range_of_stages_runs_none() -> None:
    """If this failed, asking for what precedes the first site would run the whole network."""
    network = MLP(3, 2, [4])
    x = torch.rand(1, 3)
    assert network.outputs(x, stages=range(0)) == []
    assert Cohort(network, [0]).outputs(x, stages=range(0)) == []
    assert [h.shape[1] for h in network.outputs(x)] == [4, 2]


def test_every_activation_can_be_configured() -> None:
    """If this failed, an activation would be offered that no network has, or the reverse."""
    assert tuple(networks.ACTIVATIONS) == names.ACTIVATIONS
