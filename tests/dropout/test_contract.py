"""What the network of a plug-in must be: each way of not being it is refused with its reason."""

import pytest
import torch
from torch import Tensor, nn

from dropout_study.dropout.contract import BrokenContract, check_network
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import MLP, LeNet, Linear, Network
from dropout_study.dropout.noise import Gaussian

INPUTS = 6
CLASSES = 3


class _Good(Network):
    """Two stages, one hidden layer; the others below break it in one place each."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Linear(INPUTS, 5), Linear(5, CLASSES)])
        self.sites = (Site("input", (INPUTS,), 0.0), Site("hidden", (5,), 0.5))

    def stage(self, i: int, h: Tensor) -> Tensor:
        z: Tensor = self.layers[i](h)
        return torch.tanh(z) if i == 0 else z


class _WithBatchNorm(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)


class _Frozen(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.layers[0].weight.requires_grad_(False)


class _WithoutSites(_Good):
    def __init__(self) -> None:
        super().__init__()
        del self.sites


class _OtherFirstSite(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.sites = (Site("hidden0", (INPUTS,), 0.0), self.sites[1])


class _SameNames(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.sites = (self.sites[0], Site("input", (5,), 0.5))


class _OwnNoise(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.sites = (self.sites[0], Site("hidden", (5,), 0.5, Gaussian()))


class _OwnChannels(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.sites = (self.sites[0], Site("hidden", (5,), 0.5, by_channel=True))


class _Random(_Good):
    def initialize(self, _: int) -> None:
        for p in self.parameters():
            p.data.copy_(torch.randn(p.shape))


class _SeedIgnored(_Good):
    def initialize(self, _: int) -> None:
        super().initialize(7)


class _HalfInitialized(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(CLASSES))


class _OtherShape(_Good):
    def stage(self, i: int, h: Tensor) -> Tensor:
        return super().stage(i, h)[..., :2] if i == 1 else super().stage(i, h)


class _WithoutNetworksAxis(_Good):
    def stage(self, i: int, h: Tensor) -> Tensor:
        z = super().stage(i, h)
        return z[0] if i == 1 and z.dim() == 3 else z


class _Coupled(_Good):
    """Networks of a cohort share the mean of their logits."""

    def stage(self, i: int, h: Tensor) -> Tensor:
        z = super().stage(i, h)
        return z + z.mean(0, keepdim=True) if i == 1 and z.dim() == 3 else z


class _Batched(_Good):
    """Examples see the mean over their batch."""

    def stage(self, i: int, h: Tensor) -> Tensor:
        z = super().stage(i, h)
        return z - z.mean(-2, keepdim=True) if i == 0 else z


class _Deaf(_Good):
    """The second stage reads what the first one gave before the mask."""

    def stage(self, i: int, h: Tensor) -> Tensor:
        if i == 0:
            self._kept = super().stage(0, h)
            return self._kept

        return super().stage(1, self._kept)


class _Skip(_Good):
    """The last stage reads what was there before the mask, besides the masked units."""

    def stage(self, i: int, h: Tensor) -> Tensor:
        if i == 0:
            self._kept = super().stage(0, h)
            return self._kept

        return super().stage(1, h + self._kept)


class _Bent(_Good):
    def stage(self, i: int, h: Tensor) -> Tensor:
        return super().stage(i, h.relu() if i == 1 else h)


class _Constant(_Good):
    def stage(self, i: int, h: Tensor) -> Tensor:
        return super().stage(i, h) * torch.ones(1)


class _OtherLayers(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.layers[0] = nn.Linear(INPUTS, 5)


class _TooFewLayers(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.layers = self.layers[:1]


class _StrangeWeight(_Good):
    def incoming(self) -> dict[str, tuple[int, ...]]:
        return {"nothing": (-2,)}


class _WeightTwice(_Good):
    def __init__(self) -> None:
        super().__init__()
        self.again = self.layers[0]

    def incoming(self) -> dict[str, tuple[int, ...]]:
        return super().incoming() | {"again.weight": (-2,)}


class _AxisOfNetworks(_Good):
    def incoming(self) -> dict[str, tuple[int, ...]]:
        return {"layers.0.weight": (0,)}


@pytest.mark.parametrize(
    ("network", "refused"),
    [
        (nn.Linear(INPUTS, CLASSES), "it is a Linear, not a dropout_study.plugin.Network"),
        (_WithBatchNorm(), "it has buffers .*norm.running_mean.*batch normalization"),
        (_Frozen(), "layers.0.weight require no gradient"),
        (_WithoutSites(), "`sites` are no tuple"),
        (_OtherFirstSite(), "not the 6 inputs"),
        (_SameNames(), "sites share names: input, input"),
        (_OwnNoise(), r"its sites declare noise \(hidden\): .* `mask=`, as in mask=gaussian"),
        (_OwnChannels(), "its sites declare noise"),
        (_Random(), "other weights at each call"),
        (_SeedIgnored(), "same weights for every seed"),
        (_HalfInitialized(), "does not set scale"),
        (_OtherShape(), r"stage 1 .* gives \(2, 3, 2\) for 3 examples, not \(2, 3, 3\)"),
        (_WithoutNetworksAxis(), r"stage 1 .* gives \(3, 3\) for 3 examples"),
        (_Coupled(), "other outputs than it gives alone"),
        (_Batched(), "depends on the other examples of its batch"),
        (_Deaf(), "a mask of the site hidden does not reach the outputs"),
        (_Skip(), "stage 1 or a later one reads more than the units of hidden"),
        (_Bent(), "the logits must be linear"),
        (_Constant(), "stage 0 gives torch.float32 for units of torch.bfloat16"),
        (_OtherLayers(), "its `layers` are 2 for 2 sites; it needs one for each, Linear or"),
        (_TooFewLayers(), "its `layers` are 1 for 2 sites"),
        (_StrangeWeight(), "`incoming` names nothing, which are no parameters"),
        (_WeightTwice(), "`incoming` names a weight twice"),
        (_AxisOfNetworks(), "the axes of layers.0.weight in `incoming` must be negative"),
    ],
    ids=lambda each: type(each).__name__.strip("_") if isinstance(each, nn.Module) else "",
)
def test_what_would_be_another_network_in_a_cohort_is_refused(
    network: Network, refused: str
) -> None:
    """If this failed, a study would be of networks that its seeds do not describe."""
    with pytest.raises(BrokenContract, match=refused):
        check_network(network, INPUTS, CLASSES)


def test_networks_of_the_project_keep_the_contract() -> None:
    """If this failed, the contract would ask for more than a cohort needs."""
    check_network(_Good(), INPUTS, CLASSES)
    check_network(MLP(INPUTS, CLASSES, [4, 4], hidden_rate=0.5, input_rate=0.2), INPUTS, CLASSES)
    check_network(MLP(INPUTS, CLASSES), INPUTS, CLASSES)

    for dropout in ("none", "fc", "pools", "all"):
        check_network(LeNet(10, dropout), 784, 10)
