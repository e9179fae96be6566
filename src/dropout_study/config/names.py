"""The names that a configuration may use, known before torch is loaded; a test holds the registries to them."""

from typing import NamedTuple


class Facts(NamedTuple):
    """What is known of a data set before it is read."""

    side: int
    train: int


DATASETS = {
    "digits": Facts(side=8, train=1_097),
    "mnist": Facts(side=28, train=50_000),
    "fashion_mnist": Facts(side=28, train=50_000),
    "kmnist": Facts(side=28, train=50_000),
}


RULES = ("weight_scaling", "monte_carlo", "geometric", "exact_arithmetic", "exact_geometric")
PROBES = ("enumeration", "bags", "removal", "ensemble", "units", "corruption", "timing")
