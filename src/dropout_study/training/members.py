"""What the networks of a cohort may differ in: seed, rates, regularization, learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropout_study.config.schema import Config, Regularizer
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Network


@dataclass(frozen=True)
class Member:
    """What a network of a cohort has of its own.

    Attributes:
        seed: of its initial weights, its batches and its masks.
        sites: where it drops, and at which rates.
        regularizer: which terms its loss has, and whether its weights are limited.
        lr: its learning rate.
    """

    seed: int
    sites: tuple[Site, ...]
    regularizer: Regularizer
    lr: float


def members_of(config: Config, network: Network) -> list[Member]:
    """The networks of a condition, one per seed.

    Args:
        config: the condition and its seeds.
        network: one of its networks.
    """
    return [
        Member(seed, network.sites, config.regularizer, config.optimizer.lr)
        for seed in config.seeds
    ]


def equal_rates(members: Sequence[Member]) -> list[tuple[float, slice]]:
    """Each learning rate with the consecutive members that have it."""
    parts: list[tuple[float, slice]] = []

    for i, member in enumerate(members):
        if parts and parts[-1][0] == member.lr:
            parts[-1] = member.lr, slice(parts[-1][1].start, i + 1)
        else:
            parts.append((member.lr, slice(i, i + 1)))

    return parts
