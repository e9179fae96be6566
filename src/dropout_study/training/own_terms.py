"""Terms of the loss that plug-ins add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from dropout_study.config.schema import ConfigError, Term


@dataclass(frozen=True)
class Update:
    """What a term of the loss may depend on: one update of R networks.

    Attributes:
        outputs: of the last stage under the masks of this update, `[R, B, C]`: logits of classes.
        targets: labels `[R, B]`; of an autoencoder, images `[R, B, D]`.
        hidden: outputs of each hidden stage, before the mask of the next site, `[R, B, ...]`.
        weights: of each layer, without biases, `[R, ...]`.
    """

    outputs: Tensor
    targets: Tensor
    hidden: Sequence[Tensor]
    weights: Sequence[Tensor]

    def of(self, network: int) -> "Update":
        """The same of one network alone; R is 1."""
        own = slice(network, network + 1)
        return Update(
            self.outputs[own],
            self.targets[own],
            [units[own] for units in self.hidden],
            [weight[own] for weight in self.weights],
        )


@dataclass
class LossTerm(Term):
    """A term of the loss of a plug-in: its options and strength, and what it adds."""

    def penalty(self, update: Update) -> Tensor:
        """What a strength of 1 adds to each network's loss, `[R]`; abstract.

        Args:
            update: what the networks did with a batch.
        """
        raise NotImplementedError


class OwnTerms:
    """The terms of plug-ins in the losses of R networks.

    Args:
        of_networks: name -> term, for each network; its networks differ in strengths alone.
    """

    def __init__(self, of_networks: Sequence[Mapping[str, Term]]) -> None:
        self._terms = cast("Mapping[str, LossTerm]", of_networks[0])
        self._strengths = {
            name: torch.tensor([terms[name].strength for terms in of_networks], dtype=torch.float64)
            for name in self._terms
        }
        self._unchecked = set(self._terms)

    def __bool__(self) -> bool:
        return bool(self._terms)

    def penalty(self, update: Update) -> Tensor | float:
        """What the terms add to each network's loss, `[R]`; 0 without terms.

        Raises:
            ConfigError: a term does not give a number for each network that depends on that network
                alone.
        """
        total: Tensor | float = 0.0

        for name, term in self._terms.items():
            if name in self._unchecked:
                _check(name, term, update)
                self._unchecked.remove(name)

            values = term.penalty(update).to(update.outputs.dtype)  # hidden units may be halved
            self._strengths[name] = self._strengths[name].to(values)
            total = total + self._strengths[name] * values

        return total


@torch.no_grad()
def _check(name: str, term: LossTerm, update: Update) -> None:
    """Refuse a term that is random, or couples the networks of a cohort."""
    networks = len(update.outputs)
    refused = f"regularizer={name} cannot be used: its penalty"

    try:
        values, again = term.penalty(update), term.penalty(update)
        alone = [term.penalty(update.of(i)) for i in range(networks)]
    except Exception as error:
        raise ConfigError(f"{refused} fails: {type(error).__name__}: {error}") from error

    if not isinstance(values, Tensor):
        raise ConfigError(f"{refused} is a {type(values).__name__}, not a tensor.")

    if tuple(values.shape) != (networks,):
        raise ConfigError(
            f"{refused} is {tuple(values.shape)} for {networks} networks, not ({networks},)."
        )

    # A network that has diverged has no number, here and in every comparison below.
    if not torch.allclose(values, again, rtol=0, atol=0, equal_nan=True):
        raise ConfigError(f"{refused} is another one for the same update.")

    tolerance = {"rtol": 1e-2 if values.dtype == torch.bfloat16 else 1e-3, "atol": 1e-5}

    if not torch.allclose(torch.cat(alone), values, equal_nan=True, **tolerance):
        raise ConfigError(
            f"{refused} of a network depends on the other networks of its cohort: average over "
            "examples and units, and keep the first axis."
        )
