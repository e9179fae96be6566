"""Networks: hand-counted parameters, hand-computed outputs, where masks apply."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dropout_study.config import names
from dropout_study.dropout import networks
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import enumerate_masks
from dropout_study.dropout.networks import MLP, LeNet, pool


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

    assert count(MLP(784, 784, [256])) == (784 * 256 + 256) + (256 * 784 + 784) == 402_448

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


PLACEMENTS = {
    "none": ("pool", []),
    "fc": ("pool", ["fc"]),
    "pools": ("pool", ["pool1", "pool2", "fc"]),
    "all": ("conv", ["conv1", "conv2", "fc"]),
}
"""What `model.dropout` can be -> what ends the first stages of a LeNet, and which sites drop."""
SHAPES = {
    "pool": [(784,), (20, 12, 12), (50, 4, 4), (500,)],
    "conv": [(784,), (20, 24, 24), (50, 8, 8), (500,)],
}


@pytest.mark.parametrize("dropout", PLACEMENTS)
def test_lenet_declares_the_sites_of_its_choice_and_uses_them(dropout: str) -> None:
    """If this failed, `model.dropout` would name sites that are not dropped."""
    network = LeNet(10, dropout, 0.5)
    network.initialize(0)
    x = torch.rand(2, 784)
    active = [site for site in network.sites if site.masked]
    assert [site.name for site in active] == PLACEMENTS[dropout][1]

    for site in active:
        assert not torch.equal(network(x, {site.name: torch.zeros(2, *site.shape)}), network(x))


@pytest.mark.parametrize("dropout", PLACEMENTS)
def test_the_stages_of_every_lenet_have_the_shapes_counted_by_hand(dropout: str) -> None:
    """If this failed, masks would apply to other units than published, or be drawn from other
    streams than those of the networks that are recorded.
    """
    network = LeNet(10, dropout, 0.5)
    name, _ = PLACEMENTS[dropout]
    shapes = SHAPES[name]
    assert count(network) == 431_080, "dropout has no parameters"
    assert [site.name for site in network.sites] == ["input", f"{name}1", f"{name}2", "fc"]
    assert [site.shape for site in network.sites] == shapes

    outputs = network.outputs(torch.rand(2, 784))
    assert [tuple(h.shape[1:]) for h in outputs] == [*shapes[1:], (10,)]


def test_wherever_it_drops_a_lenet_without_masks_is_the_same_function() -> None:
    """If this failed, placements would differ in more than their masks."""
    x = torch.rand(2, 784)
    logits = []

    for dropout in PLACEMENTS:
        network = LeNet(10, dropout)
        network.initialize(0)
        logits.append(network(x))

    assert all(torch.equal(logits[0], other) for other in logits[1:])


def copying_lenet(dropout: str) -> LeNet:
    """A LeNet whose convolutions copy: the first the image, the second the first channel of it."""
    network = LeNet(10, dropout).double()

    with torch.no_grad():
        for layer in network.layers[:2]:
            layer.weight.zero_()
            layer.bias.zero_()
            layer.weight[0, 0, 0, 0] = 1.0

    return network


def four_pixels() -> Tensor:
    """An image that is 1, 2, 3, 4 in its upper left corner and 0 elsewhere."""
    image = torch.zeros(1, 28, 28, dtype=torch.float64)
    image[0, :2, :2] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    return image.flatten(1)


def corner(dropout: str, site: str, mask: Tensor) -> float:
    """What the second convolution gives in its corner if the site's corner is masked."""
    network = copying_lenet(dropout)
    shape = next(declared.shape for declared in network.sites if declared.name == site)
    factors = torch.ones(1, *shape, dtype=torch.float64)
    factors[0, 0, : len(mask), : len(mask)] = mask

    return network.outputs(four_pixels(), {site: factors})[1][0, 0, 0, 0].item()


def test_the_maximum_of_masked_values_is_not_the_masked_maximum() -> None:
    """If this failed, `all` would drop after pooling, or `pools` before: of 1, 2, 3, 4, with 1 and
    3 kept and doubled, the maximum is 6; the maximum 4 is kept, which makes 8, or dropped.
    """
    keeps_the_left = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    assert corner("all", "conv1", keeps_the_left) == 6
    assert corner("pools", "pool1", torch.tensor([[2.0]])) == 8
    assert corner("pools", "pool1", torch.tensor([[0.0]])) == 0
    assert corner("all", "conv1", torch.ones(2, 2)) == corner("pools", "pool1", torch.ones(1, 1))


def test_weight_scaling_is_biased_before_pooling_alone() -> None:
    """If this failed, the two placements would not differ in what the study compares them for.

    The expected maximum of 1, 2, 3, 4, each dropped or doubled, is 8/2 + 6/4 + 4/8 + 2/16; without
    masks it is 4. After pooling the expectation is 4.
    """
    masks = 2.0 * enumerate_masks(4).view(-1, 2, 2)
    before = [corner("all", "conv1", mask) for mask in masks]
    after = [corner("pools", "pool1", 2.0 * mask) for mask in torch.tensor([[[0.0]], [[1.0]]])]
    assert sum(before) / 16 == 6.125
    assert sum(after) / 2 == 4


def test_after_pooling_the_next_convolution_is_exact_under_weight_scaling() -> None:
    """If this failed, `pools` would not be linear between its mask and the next pooling."""
    network = LeNet(10, "pools").double()
    network.initialize(0)
    pooled = network.outputs(torch.rand(1, 784, dtype=torch.float64))[0]
    factors = torch.ones(16, *pooled.shape[1:], dtype=torch.float64)
    factors[:, 3, 5:7, 5:7] = 2.0 * enumerate_masks(4).view(-1, 2, 2)
    convolve = network.layers[1]
    mean = convolve(pooled * factors).mean(0)
    torch.testing.assert_close(mean, convolve(pooled)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("networks", [1, 3])
def test_pooling_is_the_same_with_and_without_gradients(networks: int) -> None:
    """If this failed, training and evaluation would pool differently, or mix networks."""
    h = torch.randn(networks, 5, 4, 6, 6)
    expected = torch.stack([F.max_pool2d(images, 2) for images in h])
    assert torch.equal(pool(h), expected)
    assert torch.equal(pool(h[0]), expected[0])

    with torch.no_grad():
        assert torch.equal(pool(h), expected)
        assert torch.equal(pool(h[0]), expected[0])


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


def test_every_placement_can_be_configured() -> None:
    """If this failed, a placement would be offered that no LeNet has, or the reverse."""
    assert set(PLACEMENTS) == set(names.PLACEMENTS)
