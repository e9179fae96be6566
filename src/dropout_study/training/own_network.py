"""Networks of plug-ins."""

from dataclasses import dataclass

from dropout_study.config.schema import ConfigError, Model
from dropout_study.dropout.contract import check_network, reason_of
from dropout_study.dropout.networks import Network


@dataclass
class Architecture(Model):
    """An architecture of a plug-in: its options, and how a network is built."""

    def network(self, inputs: int, classes: int) -> Network:
        """Build a network; abstract.

        Args:
            inputs: numbers per example.
            classes: their number.
        """
        raise NotImplementedError


CHECKED: set[str] = set()
"""The settings of networks that this process has checked."""


def checked_network(model: Architecture, inputs: int, classes: int) -> Network:
    """Build a network, which is checked once for each of its settings.

    Args:
        model: its options.
        inputs: numbers per example.
        classes: their number.

    Raises:
        ConfigError: it cannot be trained in a cohort.
    """
    try:
        network = model.network(inputs, classes)
    except Exception as error:
        raise _refused(model, error) from error

    settings = repr((model, inputs, classes))
    is_for_its_size = isinstance(network, Network) and any(p.is_meta for p in network.parameters())

    if settings not in CHECKED and not is_for_its_size:
        try:
            check_network(network, inputs, classes)
        except Exception as error:
            raise _refused(model, error) from error

        CHECKED.add(settings)

    return network


def _refused(model: Architecture, error: Exception) -> ConfigError:
    """The sentence for a broken contract, or for an error in the plug-in."""
    return ConfigError(f"model={model.name} cannot be used: {reason_of(error)}.")
