"""Pairs of hidden units removed together and one by one: whether units depend on each other."""

import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.dropout.networks import Network
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.evaluation.probes.findings import Curves, Finding, Findings, Probed
from dropout_study.evaluation.sample_sizes import INTERACTION_IMAGES, INTERACTION_PAIRS

FIRST_STREAM = 2_000
"""Number of the random stream of the first layer's pairs; no site has as high a number."""

FINDINGS = (
    Finding(
        "interactions/pair",
        "nats",
        "mean |loss(without i and j) - loss(without i) - loss(without j) + loss| of pairs of "
        "units, by layer",
    ),
    Finding("interactions/unit", "nats", "mean |loss(without i) - loss| of their units, by layer"),
    Finding("interactions/ratio", "", "the first divided by the second, by layer"),
)


@torch.no_grad()
def interactions(probed: Probed) -> Findings:
    """Effects of removing hidden units, alone and in pairs, on the mean NLL of weight scaling.

    A removed unit gives 0 and the others are not scaled up. Two units that act independently have
    an interaction of 0. The differences are small, and are computed in float64.
    """
    batches = list(probed.batches())
    x = torch.cat([images for images, _ in batches])[:INTERACTION_IMAGES].double()
    labels = torch.cat([classes for _, classes in batches])[:INTERACTION_IMAGES]
    layers = range(1, len(probed.cohort.stacked.sites))
    effects = []

    for i, seed in enumerate(probed.cohort.seeds):
        network = probed.cohort.member(i).double()
        outputs = network.outputs(x)
        of_network = [
            _effects(
                network, layer, outputs, labels, _pairs(outputs[layer - 1][0].numel(), seed, layer)
            )
            for layer in layers
        ]
        effects.append(torch.stack(of_network))

    pair, unit = torch.stack(effects, 1).unbind(-1)  # [layers, R]
    steps = list(layers)
    curves: Curves = {
        "interactions/pair": (steps, pair),
        "interactions/unit": (steps, unit),
        "interactions/ratio": (steps, pair / unit),
    }

    return Findings(curves=curves)


def _pairs(units: int, seed: int, layer: int) -> Tensor:
    """Random pairs of different units of a layer, `[INTERACTION_PAIRS, 2]`."""
    source = generator(Purpose.EVALUATION_MASK, seed, site=FIRST_STREAM + layer)
    first = torch.randint(units, (INTERACTION_PAIRS,), generator=source)
    distance = torch.randint(1, max(units, 2), (INTERACTION_PAIRS,), generator=source)

    return torch.stack([first, (first + distance) % units], 1)


def _effects(
    network: Network, layer: int, outputs: list[Tensor], labels: Tensor, pairs: Tensor
) -> Tensor:
    """Mean absolute interaction of the pairs and mean absolute effect of their units, `[2]`."""
    removal = Removal(network, layer, outputs, labels)
    alone = torch.stack([torch.stack([removal([i]), removal([j])]) for i, j in pairs.tolist()])
    together = torch.stack([removal(pair) for pair in pairs.tolist()])
    interaction = together - alone.sum(1)

    return torch.stack([interaction.abs().mean(), alone.abs().mean()])


class Removal:
    """By how much the mean NLL of a network rises when some units of a layer are removed.

    Only the stages behind them are computed, and only for images on which they are active.

    Args:
        network: in float64.
        layer: number of the site whose units are removed.
        outputs: of every stage of the whole network.
        labels: `[N]`.
    """

    def __init__(self, network: Network, layer: int, outputs: list[Tensor], labels: Tensor) -> None:
        self._network = network
        self._layer = layer
        self._shape = outputs[layer - 1].shape[1:]
        self._units = outputs[layer - 1].flatten(1)
        self._logits = outputs[-1]
        self._labels = labels
        self._losses = F.cross_entropy(self._logits, labels, reduction="none")

    def __call__(self, units: list[int]) -> Tensor:
        """The rise of the loss in nats without these units."""
        affected = (self._units[:, units] != 0).any(1).nonzero().squeeze(1)
        logits = self._without(units, affected)
        losses = F.cross_entropy(logits, self._labels[affected], reduction="none")

        return (losses - self._losses[affected]).sum() / len(self._labels)

    def _without(self, units: list[int], images: Tensor) -> Tensor:
        """Logits of some images without some units."""
        stages = range(self._layer, len(self._network.sites))

        if len(stages) == 1:  # linear: the units' terms are subtracted
            weight = self._network.layers[self._layer].get_parameter("weight")
            return self._logits[images] - self._units[images][:, units] @ weight[units]

        kept = self._units[images]
        kept[:, units] = 0

        return self._network.outputs(kept.unflatten(1, self._shape), stages=stages)[-1]
