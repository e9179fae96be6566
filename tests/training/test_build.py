"""A configuration reaches the networks that are built from it."""

from collections.abc import Callable

import pytest

from dropout_study.config.schema import Config
from dropout_study.dropout.masks import Shared, Site
from dropout_study.dropout.noise import NOISES, UNSCALED
from dropout_study.training.build import make_network

Make = Callable[..., Config]
PLAIN = {
    "noise": NOISES["bernoulli"],
    "shared": Shared.NOTHING,
    "by_channel": False,
    "weights": (),
}


@pytest.mark.parametrize(
    ("mask", "differs"),
    [
        ("bernoulli", {}),
        ("gaussian", {"noise": NOISES["gaussian"]}),
        ("additive", {"noise": NOISES["additive"]}),
        ("per_update", {"shared": Shared.UPDATE}),
        ("per_network", {"shared": Shared.TRAINING, "noise": UNSCALED}),
        ("dropconnect", {"shared": Shared.UPDATE, "weights": (8, 4)}),
        ("by_channel", {"by_channel": True}),
    ],
)
def test_every_site_has_the_noise_of_the_configuration(
    make_config: Make, mask: str, differs: dict[str, object]
) -> None:
    """If this failed, an arm with another kind of noise would be trained with dropped units."""
    is_lenet = mask == "by_channel"
    model = (
        ["model=lenet", "model.dropout=pools", "data=mnist"] if is_lenet else ["model.widths=[8,4]"]
    )
    network = make_network(make_config(f"mask={mask}", *model), 784 if is_lenet else 64, 10)
    site = network.sites[1]
    assert noise_of(site) == PLAIN | differs


def noise_of(site: Site) -> dict[str, object]:
    """What a site says of its noise."""
    return {key: getattr(site, key) for key in PLAIN}
