"""From a configuration to a network, its task, and the interval of its validations."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from dropout_study.config import schema
from dropout_study.config.checks import require
from dropout_study.config.schema import Config, Model
from dropout_study.dropout.masks import Shared, Site
from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.dropout.noise import NOISES, UNSCALED
from dropout_study.measures.tasks import CLASSIFICATION, RECONSTRUCTION, Task, with_metrics
from dropout_study.training.own_network import Architecture, checked_network

IMAGE_AXES = 3
"""Of units in channels: channel, row, column."""


def validation_interval(config: Config) -> int:
    """Updates between two validations, at least 1."""
    return max(1, config.budget.updates // config.budget.validations)


def make_network(config: Config, inputs: int, classes: int) -> Network:
    """The network of a configuration.

    Args:
        config: its kind, sizes and rates, and the noise on its units.
        inputs: numbers per example, such as the pixels of an image.
        classes: number of classes.

    Raises:
        ConfigError: the network of a plug-in cannot be trained in a cohort, or has another number
            of layers than limits.
    """
    network = _architecture(config.model, inputs, classes)
    norms = config.regularizer.max_norm
    layers = len(network.layers)
    allowed = f"a list of one limit, or of {layers}: model={config.model.name} has so many layers"
    require(len(norms) in (0, 1, layers), "regularizer.max_norm", norms, allowed)

    network.sites = tuple(
        _with_noise(site, config.mask, layer.weight.shape)
        for site, layer in zip(network.sites, network.typed_layers(), strict=True)
    )

    return network


def _architecture(model: Model, inputs: int, classes: int) -> Network:
    """A network whose units are dropped."""
    match model:
        case schema.SoftmaxRegression(input_rate=input_rate):
            return MLP(inputs, classes, input_rate=input_rate)
        case schema.MLP(
            widths=widths, activation=activation, input_rate=input_rate, hidden_rate=hidden_rate
        ):
            return MLP(inputs, classes, widths, activation, input_rate, hidden_rate)
        case schema.LeNet(dropout=dropout, hidden_rate=hidden_rate):
            return LeNet(classes, dropout, cast("float", hidden_rate))  # `read` has filled it in
        case schema.Autoencoder(widths=widths, input_rate=input_rate, hidden_rate=hidden_rate):
            return MLP(inputs, inputs, widths, "relu", input_rate, hidden_rate)
        case Architecture():
            return checked_network(model, inputs, classes)

    raise TypeError(f"no network is called {model.name}")


def _with_noise(site: Site, mask: schema.Mask, weights: Sequence[int]) -> Site:
    """A site with the noise of a configuration.

    Args:
        site: drops units.
        mask: the noise.
        weights: shape of the weights that read the units.
    """
    shared = Shared(mask.shared)
    by_channel = mask.by_channel and len(site.shape) == IMAGE_AXES
    noise = UNSCALED if shared is Shared.TRAINING else NOISES[mask.name]

    return replace(
        site,
        noise=noise,
        shared=shared,
        by_channel=by_channel,
        weights=tuple(weights) if mask.weights else (),
    )


def make_task(config: Config) -> Task:
    """What the networks of a configuration learn, and how they are judged."""
    match config.model:
        case schema.Autoencoder(loss=loss):
            return RECONSTRUCTION[loss]

    return with_metrics(CLASSIFICATION, config.metrics)
