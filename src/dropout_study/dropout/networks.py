"""The networks of the study, as pure functions of inputs and masks.

`network(x, masks)` has no training mode: training passes sampled masks, weight scaling passes none.

Parameters may carry a leading axis R: the network is then R networks in lock-step, and so are its
inputs `[R, N, ...]`, or they are `[N, ...]`, which all R share. (Layers that know this axis compute
what `torch.func.vmap` makes of layers that do not, in 9 to 16 % less time per update.)
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from dropout_study.dropout.masks import Masks, Site
from dropout_study.dropout.noise import Added, Factors
from dropout_study.dropout.randomness import Purpose, generator

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "identity": lambda h: h,
}


class Linear(nn.Module):
    """`x @ weight + bias` with the weight stored `[in, out]`.

    Stacked over a cohort, nn.Linear's `[out, in]` would copy every weight gradient transposed,
    about 30 % of a step.

    Attributes:
        incoming: the (negative) axes of one unit's incoming weights.
        places: how many places of an example each weight is applied at.
    """

    incoming = (-2,)
    places = 1

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, in]` to `[N, out]`, or `[R, N, in]` to `[R, N, out]`."""
        return x @ self.weight + self.bias.unsqueeze(-2)


class Convolution(nn.Conv2d):
    """A 5 x 5 convolution without padding.

    Args:
        inputs: number of input channels.
        outputs: number of output channels.
        side: pixels along each side of its square inputs.

    Attributes:
        incoming: the (negative) axes of one unit's incoming weights.
        places: how many places of an image each weight is applied at.
        output_side: pixels along each side of its outputs.
    """

    incoming = (-3, -2, -1)

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__(inputs, outputs, kernel_size=5)
        self.output_side = side - 4
        self.places = self.output_side**2

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, in, H, W]` to `[N, out, H - 4, W - 4]`, or both with a leading axis R."""
        bias = cast("Tensor", self.bias)
        if bias.dim() == 1:
            return F.conv2d(x, self.weight, bias)

        images = x if x.dim() == 5 else x.expand(len(bias), *x.shape)

        # With channels last, one network after the other takes two thirds of the time that R groups
        # of channels take.
        outputs = [
            F.conv2d(_channels_last(images_of_one), _channels_last(weight), bias_of_one)
            for images_of_one, weight, bias_of_one in zip(images, self.weight, bias, strict=True)
        ]

        return _channels_third(torch.stack([z.permute(0, 2, 3, 1) for z in outputs]))


def _channels_last(x: Tensor) -> Tensor:
    """Images `[N, C, H, W]` with the channels of a place side by side in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def _channels_third(h: Tensor) -> Tensor:
    """Images `[R, N, H, W, C]` as `[R, N, C, H, W]`, without a copy."""
    return h.permute(0, 1, 4, 2, 3)


def masked(h: Tensor, mask: Factors) -> Tensor:
    """Units times their factors, or plus their noise, of one draw for each example or for all.

    Args:
        h: units `[..., N, *shape]`.
        mask: factors `[..., N, *shape]` or `[..., 1, *shape]`.

    Example:
        >>> masked(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 2.0]])).tolist()
        [[0.0, 4.0], [0.0, 8.0]]
    """
    if isinstance(mask, Added):
        return h + mask.noise

    if mask.dim() == 5 and mask.shape[1] == 1:
        # Laid out in memory as the outputs of a convolution are, it halves the time.
        mask = _channels_third(mask.permute(0, 1, 3, 4, 2).contiguous())

    return h * mask


def pool(h: Tensor) -> Tensor:
    """The maximum over 2 x 2 places of each channel, `[..., H, W]` to `[..., H/2, W/2]`.

    Args:
        h: images `[N, C, H, W]`, or `[R, N, C, H, W]` of R networks; H and W are even.

    Example:
        >>> pool(torch.arange(16.0).view(1, 1, 4, 4)).tolist()
        [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    if not torch.is_grad_enabled():
        # Half the time of max_pool2d on the CPU, but its gradient takes 20 times as long.
        columns = torch.maximum(h[..., 0::2], h[..., 1::2])
        return torch.maximum(columns[..., 0::2, :], columns[..., 1::2, :])

    if h.dim() == 4:
        return F.max_pool2d(h, 2)

    return cast("Tensor", F.max_pool2d(h.flatten(0, 1), 2).unflatten(0, h.shape[:2]))


class Network(nn.Module):
    """A classifier as a chain of stages, each behind a dropout site.

    Stage i reads the units of site i, some of them dropped, and gives the units of site i + 1; the
    last stage is linear and gives the logits.

    Attributes:
        sites: one per stage; where nothing is ever dropped the rate is 0.
        layers: the layer with weights of each stage.
    """

    sites: tuple[Site, ...]
    layers: nn.ModuleList

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        """Logits `[N, C]`, with a leading axis R if the parameters have one.

        Args:
            x: inputs `[N, D]` in [0, 1].
            masks: factors per site, `[N, *site.shape]`, or `[1, *site.shape]` for one mask for all
                examples; a site that is absent drops nothing.
        """
        return self.outputs(x, masks)[-1]

    def outputs(
        self, x: Tensor, masks: Masks | None = None, stages: range | None = None
    ) -> list[Tensor]:
        """The output of every stage, before any mask of the next site.

        Args:
            x: inputs `[N, D]`; with `stages`, the units of the site of the first of them.
            masks: as in `forward`.
            stages: consecutive stages to run; None runs all, an empty range none.
        """
        if stages is None:
            stages = range(len(self.sites))

        outputs = []
        h = x

        for i in stages:
            site = self.sites[i]

            if not masks or site.name not in masks:
                h = self.stage(i, h)
            elif site.weights:
                h = self._stage_of(i, h, masks[site.name])
            else:
                h = self.stage(i, masked(h, masks[site.name]))

            outputs.append(h)

        return outputs

    def _stage_of(self, i: int, h: Tensor, mask: Factors) -> Tensor:
        """The output of stage i with noise on its weights: factors `[..., 1, *weight.shape]`."""
        name = f"layers.{i}.weight"
        weight = self.get_parameter(name)
        noisy = masked(weight, mask.view(*weight.shape))
        output: Tensor = functional_call(_Stage(self, i), {f"network.{name}": noisy}, (h,))

        return output

    def stage(self, i: int, h: Tensor) -> Tensor:
        """The output of stage i for its masked units `[..., *sites[i].shape]`; abstract."""
        raise NotImplementedError

    def incoming(self) -> dict[str, tuple[int, ...]]:
        """Name of each weight -> the (negative) axes of one unit's incoming weights."""
        return {f"layers.{i}.weight": layer.incoming for i, layer in enumerate(self.typed_layers())}

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw weights and biases uniformly within 1/sqrt(fan in), PyTorch's default."""
        for i, layer in enumerate(self.typed_layers()):
            bias = cast("Tensor", layer.bias)
            fan_in = math.prod(layer.weight.shape[axis] for axis in layer.incoming)
            bound = 1 / math.sqrt(fan_in)

            for j, parameter in enumerate((layer.weight, bias)):
                source = generator(Purpose.INIT, seed, site=2 * i + j)
                drawn = torch.empty(parameter.shape, dtype=parameter.dtype)  # on the CPU
                parameter.copy_(drawn.uniform_(-bound, bound, generator=source))

    def typed_layers(self) -> list[Linear | Convolution]:
        """The layers with weights, in order."""
        return cast("list[Linear | Convolution]", list(self.layers))


class _Stage(nn.Module):
    """A stage of a network as a module, whose parameters can be replaced."""

    def __init__(self, network: Network, i: int) -> None:
        super().__init__()
        self.network = network
        self.i = i

    def forward(self, h: Tensor) -> Tensor:
        return self.network.stage(self.i, h)


class MLP(Network):
    """A fully connected network; without hidden layers it is softmax regression.

    Args:
        inputs: number of input units D.
        classes: number of classes C.
        widths: units of each hidden layer.
        activation: `relu`, `tanh`, `sigmoid` or `identity`.
        input_rate: probability of dropping an input.
        hidden_rate: probability of dropping a hidden unit, the same in all layers.

    Example:
        >>> network = MLP(inputs=4, classes=3, widths=[8], hidden_rate=0.5)
        >>> network.initialize(seed=0)
        >>> network(torch.rand(5, 4)).shape
        torch.Size([5, 3])
        >>> [(site.name, site.rate) for site in network.sites]
        [('input', 0.0), ('hidden0', 0.5)]
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        widths: Sequence[int] = (),
        activation: str = "relu",
        input_rate: float = 0.0,
        hidden_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise([inputs, *widths, classes]))
        self.activation = ACTIVATIONS[activation]
        hidden = (Site(f"hidden{i}", (width,), hidden_rate) for i, width in enumerate(widths))
        self.sites = (Site("input", (inputs,), input_rate), *hidden)

    def stage(self, i: int, h: Tensor) -> Tensor:
        """The output of stage i for its units `[..., *sites[i].shape]`."""
        z: Tensor = self.layers[i](h)
        return self.activation(z) if i < len(self.layers) - 1 else z


class LeNet(Network):
    """conv 20 5x5 - pool - conv 50 5x5 - pool - fully connected 500 (ReLU) - C, on 28 x 28 images.

    The LeNet of Gal and Ghahramani (2015), https://arxiv.org/abs/1506.02158, linear in its
    convolutions. Their released network, `lenet_all_dropout_train_test.prototxt`, is `all`: it
    drops before pooling. The maximum of masked and scaled values is not that of their means, so
    that weight scaling is biased there; after pooling a linear layer follows.

    Args:
        classes: number of classes C.
        dropout: what is dropped: `none`; `fc`, units of the 500; `all`, those and, element by
            element, the outputs of both convolutions before pooling; or `pools`, the units of the
            500 and the outputs of both pooling layers.
        hidden_rate: probability of dropping a unit.

    Example:
        >>> [site.name for site in LeNet(10, dropout="all").sites if site.masked]
        ['conv1', 'conv2', 'fc']
    """

    def __init__(self, classes: int, dropout: str = "fc", hidden_rate: float = 0.5) -> None:
        super().__init__()
        first = Convolution(1, 20, side=28)
        second = Convolution(20, 50, side=12)
        self.layers = nn.ModuleList([first, second, Linear(800, 500), Linear(500, classes)])
        self.drops_before_pooling = dropout == "all"

        convolved, fully_connected = {
            "none": (0.0, 0.0),
            "fc": (0.0, hidden_rate),
            "pools": (hidden_rate, hidden_rate),
            "all": (hidden_rate, hidden_rate),
        }[dropout]

        name, share = ("conv", 1) if self.drops_before_pooling else ("pool", 2)
        sides = [layer.output_side // share for layer in (first, second)]
        self.sites = (
            Site("input", (784,), 0.0),
            Site(f"{name}1", (20, sides[0], sides[0]), convolved),
            Site(f"{name}2", (50, sides[1], sides[1]), convolved),
            Site("fc", (500,), fully_connected),
        )

    def stage(self, i: int, h: Tensor) -> Tensor:
        """The output of stage i for its units `[..., *sites[i].shape]`.

        Pooling ends the stage of its convolution, or begins the next one if masks apply before it.
        """
        if i == 0:
            h = h.unflatten(-1, (1, 28, 28))

        if self.drops_before_pooling and i in (1, 2):
            h = pool(h)

        if i == 2:
            h = h.flatten(-3)

        z: Tensor = self.layers[i](h)

        if not self.drops_before_pooling and i in (0, 1):
            z = pool(z)

        return torch.relu(z) if i == 2 else z
