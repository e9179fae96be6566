"""A cohort: R networks of one architecture, one per seed, evaluated in lock-step."""

import copy
import pickle
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from dropout_study.dropout.masks import Masks, Site, fixed_masks
from dropout_study.dropout.networks import Network


class Cohort(nn.Module):
    """R networks as one module whose parameters carry a leading axis `[R, ...]`.

    The stacked parameters are ordinary parameters under the names of the plain network, so
    optimizers, devices and checkpoints work unchanged.

    Args:
        network: the architecture; its own weights are not used.
        seeds: one per network; each network is initialized from its seed alone. Networks of one
            seed begin with equal weights.
        sites: of each network, where their rates differ; None: those of the architecture.

    Attributes:
        seeds: one per network.
        stacked: the architecture with the stacked parameters.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8]), seeds=[0, 1, 2])
        >>> x = torch.rand(5, 4)
        >>> cohort(x).shape
        torch.Size([3, 5, 3])
        >>> torch.allclose(cohort.member(1)(x), cohort(x)[1], atol=1e-6)
        True
    """

    def __init__(
        self,
        network: Network,
        seeds: Sequence[int],
        sites: Sequence[Sequence[Site]] | None = None,
    ) -> None:
        super().__init__()
        self.seeds = tuple(seeds)
        self.stacked = copy.deepcopy(network)
        drawn = {}

        for seed in dict.fromkeys(self.seeds):
            self.stacked.initialize(seed)
            drawn[seed] = _copies(self.stacked)

        stacked = {
            name: torch.stack([drawn[seed][name] for seed in self.seeds])
            for name, _ in self.stacked.named_parameters()
        }
        _replace_parameters(self.stacked, stacked)
        self._remove_units(sites or [network.sites] * len(self.seeds))

    @torch.no_grad()
    def _remove_units(self, sites: Sequence[Sequence[Site]]) -> None:
        """Set the outgoing weights of units that a network never has to 0, where they stay."""
        for network, (seed, own) in enumerate(zip(self.seeds, sites, strict=True)):
            for i, kept in fixed_masks(own, seed).items():
                self.stacked.typed_layers()[i].weight[network, ~kept] = 0

    def forward(self, x: Tensor, masks: Masks | None = None) -> Tensor:
        """Logits `[R, N, C]`.

        Args:
            x: inputs `[N, D]`, shared by all networks, or `[R, N, D]`.
            masks: factors `[R, N, *site.shape]` for some of the sites, or `[R, 1, *site.shape]` for
                one mask for all examples.
        """
        return self.outputs(x, masks)[-1]

    def outputs(
        self, x: Tensor, masks: Masks | None = None, stages: range | None = None
    ) -> list[Tensor]:
        """The output `[R, N, ...]` of every stage (see `Network.outputs`).

        Args:
            x: inputs as in `forward`; with `stages`, the units `[R, N, ...]` of the first of them.
            masks: as in `forward`.
            stages: consecutive stages to run; None runs all, an empty range none.
        """
        return self.stacked.outputs(x, masks, stages)

    def part(self, indices: Sequence[int]) -> "Cohort":
        """A cohort of the networks at some indices, with copies of their weights."""
        chosen = copy.deepcopy(self)
        chosen.seeds = tuple(self.seeds[i] for i in indices)
        weights = _copies(self.stacked)
        _replace_parameters(chosen.stacked, {name: w[list(indices)] for name, w in weights.items()})

        return chosen

    def member(self, index: int) -> Network:
        """A plain network with a copy of the weights of the cohort's network at `index`."""
        network = copy.deepcopy(self.stacked)
        weights = _copies(self.stacked)
        _replace_parameters(network, {name: w[index].clone() for name, w in weights.items()})

        return network


def _copies(network: Network) -> dict[str, Tensor]:
    """Name -> a copy of each parameter."""
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def _replace_parameters(network: Network, values: Mapping[str, Tensor]) -> None:
    """Give a network other parameters under the names of its own, of any shape."""
    for name, value in values.items():
        module, _, key = name.rpartition(".")
        setattr(network.get_submodule(module), key, nn.Parameter(value))


def load_weights(cohort: Cohort, file: Path, seeds: Collection[int] | None = None) -> None:
    """Load stored weights into a cohort; only tensors are read, no pickled code is run.

    Args:
        cohort: takes the weights.
        file: stored by `tracking.cohort=true`.
        seeds: of the networks whose weights must be finite; None means all.

    Raises:
        ValueError: the file is missing, truncated, not a checkpoint, or of other networks, or
            weights of the given seeds are not finite.
    """
    try:
        cohort.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except FileNotFoundError as error:
        raise ValueError(
            f"there is no checkpoint {file}; train with tracking.cohort=true"
        ) from error
    except (pickle.UnpicklingError, EOFError, OSError) as error:
        raise ValueError(f"{file} is truncated or not a checkpoint of weights alone") from error
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{file} is truncated, or a checkpoint of other networks: {reason}"
        ) from error

    _check_finite(cohort, file, cohort.seeds if seeds is None else seeds)


def _check_finite(cohort: Cohort, file: Path, seeds: Collection[int]) -> None:
    finite = torch.stack([p.isfinite().flatten(1).all(1) for p in cohort.parameters()]).all(0)
    diverged = [seed for seed, ok in zip(cohort.seeds, finite, strict=True) if not ok]
    broken = [seed for seed in diverged if seed in seeds]
    if broken:
        raise ValueError(
            f"{file} holds weights that are not finite, of seeds {broken}: "
            "train them again with rerun=true tracking.cohort=true"
        )
