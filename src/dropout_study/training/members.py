"""What the networks of a cohort may differ in: seed, rates, regularization, optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass

from dropout_study.config.schema import Config, Optimizer, Regularizer, Term
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Network


@dataclass(frozen=True)
class Member:
    """What a network of a cohort has of its own.

    Attributes:
        seed: of its initial weights, its batches and its masks.
        sites: where it drops, and at which rates.
        regularizer: which terms its loss has, and whether its weights are limited.
        terms: of plug-ins, by their names.
        optimizer: its learning rate and weight decay.
    """

    seed: int
    sites: tuple[Site, ...]
    regularizer: Regularizer
    terms: Mapping[str, Term]
    optimizer: Optimizer


def members_of(config: Config, network: Network) -> list[Member]:
    """The networks of a condition, one per seed.

    Args:
        config: the condition and its seeds.
        network: one of its networks.
    """
    return [
        Member(seed, network.sites, config.regularizer, config.terms, config.optimizer)
        for seed in config.seeds
    ]
