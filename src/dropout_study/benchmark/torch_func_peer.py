"""Networks with dropout in PyTorch, many at once: with `torch.func`, and with packed layers."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional as F

from dropout_study.benchmark.peers import plain_network


class FuncUpdates:
    """Updates of R networks by `vmap` of a network's gradient; a call is one.

    Args:
        images: what is learned, `[N, D]`.
        labels: `[N]`.
        widths: of the hidden layers.
        rate: probability of dropping a hidden unit.
        nets: number of networks R.
        batch: examples of an update and network.
        compiled: whether `torch.compile` compiles it, at the first call.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        widths: list[int],
        rate: float,
        nets: int,
        batch: int,
        compiled: bool = False,
    ) -> None:
        networks = [plain_network(widths, rate, images.shape[1]) for _ in range(nets)]
        self._parameters, self._buffers = stack_module_state(networks)
        network = networks[0].to("meta")

        def loss(
            parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, labels: Tensor
        ) -> Tensor:
            return F.cross_entropy(functional_call(network, (parameters, buffers), (x,)), labels)

        gradients = vmap(grad_and_value(loss), randomness="different")
        self._gradients = torch.compile(gradients) if compiled else gradients
        self._optimizer = torch.optim.AdamW(self._parameters.values(), fused=True)
        self._images = images
        self._labels = labels
        self._shape = (nets, batch)

    def __call__(self) -> Tensor:
        """One batch, one step; the losses `[R]` before."""
        rows = torch.randint(len(self._labels), self._shape)
        values = {name: parameter.detach() for name, parameter in self._parameters.items()}
        losses: Tensor
        gradients, losses = self._gradients(
            values, self._buffers, self._images[rows], self._labels[rows]
        )

        for name, parameter in self._parameters.items():
            parameter.grad = gradients[name]

        self._optimizer.step()

        return losses


class PackedUpdates:
    """Updates of R networks whose layers carry a leading axis R, as in TabPack; a call is one.

    Args:
        images: what is learned, `[N, D]`.
        labels: `[N]`.
        widths: of the hidden layers.
        rate: probability of dropping a hidden unit.
        nets: number of networks R.
        batch: examples of an update and network.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        widths: list[int],
        rate: float,
        nets: int,
        batch: int,
    ) -> None:
        sizes = [images.shape[1], *widths, 10]
        blocks = [PackedLinear(a, b, nets) for a, b in pairwise(sizes[:-1])]
        stages = [nn.Sequential(block, nn.ReLU(), nn.Dropout(rate)) for block in blocks]
        self._network = nn.Sequential(*stages, PackedLinear(sizes[-2], sizes[-1], nets))
        self._optimizer = torch.optim.AdamW(self._network.parameters(), fused=True)
        self._images = images
        self._labels = labels
        self._shape = (nets, batch)

    def __call__(self) -> Tensor:
        """One batch, one step; the losses `[R]` before."""
        rows = torch.randint(len(self._labels), self._shape)
        logits = self._network(self._images[rows])
        losses = F.cross_entropy(
            logits.flatten(0, 1), self._labels[rows].flatten(), reduction="none"
        )
        means = losses.view(self._shape).mean(1)

        self._optimizer.zero_grad()
        means.sum().backward()
        self._optimizer.step()

        return means.detach()


class PackedLinear(nn.Module):
    """R linear layers `[R, out, in]` in one product of batches."""

    def __init__(self, inputs: int, outputs: int, nets: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(nets, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(nets, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[R, N, in]` to `[R, N, out]`."""
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.transpose(1, 2))
