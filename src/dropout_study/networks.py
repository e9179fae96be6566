"""The networks of the study, as pure functions of inputs and masks.

`network(x, masks)` has no training mode: training passes sampled masks, weight scaling passes none.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, cast, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dropout_study.masks import Masks, Site
from dropout_study.randomness import Purpose, generator

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "identity": lambda h: h,
}


class Linear(nn.Module):
    """`x @ weight + bias` with the weight stored `[in, out]`.

    Stacked over a cohort, nn.Linear's `[out, in]` would copy every weight gradient transposed, about 30 % of a step.
    """

    incoming = (-2,)

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., out]`."""
        return x @ self.weight + self.bias


class Convolution(nn.Conv2d):
    """A 5 x 5 convolution without padding."""

    incoming = (-3, -2, -1)

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=5)


class Network(nn.Module):
    """A classifier with dropout sites.

    Attributes:
        sites: where masks apply, in the order of the forward pass.
        layers: the layers with weights, in the same order; the last gives the logits.
    """

    sites: tuple[Site, ...]
    layers: nn.ModuleList

    @overload
    def forward(self, x: Tensor, masks: Masks = ..., hidden: Literal[False] = ...) -> Tensor: ...
    @overload
    def forward(self, x: Tensor, masks: Masks, hidden: Literal[True]) -> tuple[Tensor, list[Tensor]]: ...

    def forward(
        self, x: Tensor, masks: Masks | None = None, hidden: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Logits of a batch.

        Args:
            x: inputs `[N, D]` in [0, 1].
            masks: factors per site, `[N, *site.shape]`; a site that is absent drops nothing.
            hidden: also return the activations of the hidden layers, before their masks.

        Returns:
            Logits `[N, C]`, or a pair of logits and a list of `[N, units]`.
        """
        logits, activations = self.run(x, masks or {})
        return (logits, activations) if hidden else logits

    def run(self, x: Tensor, masks: Masks) -> tuple[Tensor, list[Tensor]]:
        """Logits and hidden activations; what a kind of network defines."""
        raise NotImplementedError

    def incoming(self) -> dict[str, tuple[int, ...]]:
        """Name of each weight -> its (negative) axes over which one unit's incoming weights extend."""
        return {f"layers.{i}.weight": layer.incoming for i, layer in enumerate(self._typed_layers())}

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw weights and biases uniformly within 1/sqrt(fan in), PyTorch's own default, from `seed` alone."""
        for i, layer in enumerate(self._typed_layers()):
            weight, bias = layer.weight, cast("Tensor", layer.bias)
            bound = 1 / math.sqrt(math.prod(weight.shape[axis] for axis in layer.incoming))
            for j, parameter in enumerate((weight, bias)):
                parameter.uniform_(-bound, bound, generator=generator(Purpose.INIT, seed, site=2 * i + j))

    def _typed_layers(self) -> list["Linear | Convolution"]:
        return cast("list[Linear | Convolution]", list(self.layers))


def dropped(h: Tensor, site: str, masks: Masks) -> Tensor:
    """The units h with those dropped at `site` set to 0 (h' = h * mu / keep)."""
    return h * masks[site] if site in masks else h


class MLP(Network):
    """A fully connected network; without hidden layers it is softmax regression.

    Args:
        inputs: number of input units D.
        classes: number of classes C.
        widths: units of each hidden layer.
        activation: `relu`, `tanh`, `sigmoid` or `identity`.
        input_rate: probability of dropping an input.
        hidden_rate: probability of dropping a hidden unit, the same in all layers.
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
        sizes = [inputs, *widths, classes]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(sizes))
        self.activation = ACTIVATIONS[activation]
        self.hidden_sites = [f"hidden{i}" for i in range(len(widths))]
        self.sites = (
            Site("input", (inputs,), input_rate),
            *(Site(name, (w,), hidden_rate) for name, w in zip(self.hidden_sites, widths, strict=True)),
        )

    def run(self, x: Tensor, masks: Masks) -> tuple[Tensor, list[Tensor]]:
        """See `Network.run`."""
        activations = []
        h = dropped(x, "input", masks)
        for layer, site in zip(self.layers, self.hidden_sites, strict=False):
            activations.append(self.activation(layer(h)))
            h = dropped(activations[-1], site, masks)
        return self.layers[-1](h), activations


class LeNet(Network):
    """conv 20 5x5 - pool - conv 50 5x5 - pool - fully connected 500 - C, on 28 x 28 images.

    The LeNet of Gal and Ghahramani (2015, arXiv 1506.02158): `fc` drops units of the 500 only, `all` those
    and, element by element, the outputs of both pooling layers.
    """

    def __init__(self, classes: int, dropout: str = "fc", hidden_rate: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Convolution(1, 20), Convolution(20, 50), Linear(800, 500), Linear(500, classes)])
        places = [Site("pool1", (20, 12, 12), hidden_rate), Site("pool2", (50, 4, 4), hidden_rate)]
        last = Site("fc", (500,), hidden_rate)
        self.sites = {"none": (), "fc": (last,), "all": (*places, last)}[dropout]

    def run(self, x: Tensor, masks: Masks) -> tuple[Tensor, list[Tensor]]:
        """See `Network.run`."""
        conv1, conv2, fc, output = self.layers
        h1 = F.max_pool2d(conv1(x.unflatten(-1, (1, 28, 28))), 2)
        h2 = F.max_pool2d(conv2(dropped(h1, "pool1", masks)), 2)
        h3 = torch.relu(fc(dropped(h2, "pool2", masks).flatten(-3)))
        return output(dropped(h3, "fc", masks)), [h1.flatten(-3), h2.flatten(-3), h3]
