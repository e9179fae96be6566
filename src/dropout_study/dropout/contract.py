"""What the network of a plug-in must be, for a cohort of it to be what its networks are alone."""

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Network

EXAMPLES = 3
SEEDS = (0, 1)


class BrokenContract(ValueError):
    """A network that cannot be trained in a cohort; the message says what it lacks."""


@torch.no_grad()
def check_network(network: Network, inputs: int, classes: int) -> None:
    """Refuse a network that would be another one in a cohort, or whose masks have no effect.

    Args:
        network: that of a plug-in.
        inputs: numbers per example.
        classes: their number.

    Raises:
        BrokenContract: saying what is wrong.
    """
    _check_type(network)
    _check_sites(network, inputs)
    _check_initialization(network)
    _check_outputs(network, inputs, classes)
    _check_masks(network, inputs)


def _require(ok: bool, otherwise: str) -> None:
    if not ok:
        raise BrokenContract(otherwise)


def _check_type(network: Network) -> None:
    """Refuse other modules, and state besides parameters."""
    is_network = isinstance(network, Network)
    _require(is_network, f"it is a {type(network).__name__}, not a dropout_study.plugin.Network")

    buffers = [name for name, _ in network.named_buffers()]
    _require(
        not buffers,
        f"it has buffers ({', '.join(buffers)}). A network is a function of parameters, inputs and "
        "masks: the running statistics of batch normalization would be shared by the networks of a "
        "cohort and depend on the masks that were drawn. Layer normalization has none",
    )

    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    _require(not frozen, f"its parameters {', '.join(frozen)} require no gradient")


def _check_sites(network: Network, inputs: int) -> None:
    """Refuse sites without names of their own, or whose first one is not the inputs."""
    sites: tuple[Site, ...] = getattr(network, "sites", ())
    typed = len(sites) > 0 and all(isinstance(site, Site) for site in sites)
    _require(typed, "its `sites` are no tuple of dropout_study.plugin.Site, one per stage")

    layers = getattr(network, "layers", ())
    paired = len(layers) == len(sites)
    _require(
        paired, f"it has {len(layers)} `layers` for {len(sites)} sites, one for each is needed"
    )

    names = [site.name for site in sites]
    _require(len(set(names)) == len(names), f"its sites share names: {', '.join(names)}")

    first = sites[0]
    is_input = first.name == "input" and first.shape == (inputs,)
    _require(is_input, f"its first site is {first}, not the {inputs} inputs, called `input`")


def _check_initialization(network: Network) -> None:
    """Refuse weights that depend on anything but the seed."""
    drawn = [_weights(network, seed) for seed in (0, 0, 1)]
    torch.rand(1)  # of the global generator
    again = _weights(network, 0)

    repeats = all(torch.equal(drawn[0][name], again[name]) for name in again)
    _require(
        repeats and all(torch.equal(drawn[0][name], drawn[1][name]) for name in again),
        "`initialize` gives other weights at each call: draw from "
        "dropout_study.plugin.generator(Purpose.INIT, seed, site=...), and set every parameter",
    )
    differs = any(not torch.equal(drawn[0][name], drawn[2][name]) for name in again)
    _require(differs, "`initialize` gives the same weights for every seed")


def _weights(network: Network, seed: int) -> dict[str, Tensor]:
    """The weights of a seed, whatever the parameters were before."""
    for p in network.parameters():
        p.fill_(float("nan"))

    network.initialize(seed)
    weights = {name: p.clone() for name, p in network.named_parameters()}
    unset = [name for name, weight in weights.items() if not weight.isfinite().all()]
    _require(not unset, f"`initialize` does not set {', '.join(unset)}")

    return weights


def _check_outputs(network: Network, inputs: int, classes: int) -> None:
    """Refuse outputs of another shape, and networks that are not the same in a cohort and alone."""
    x = _examples(inputs)
    cohort = Cohort(network, SEEDS)
    outputs = cohort.outputs(x)
    shapes = [(len(SEEDS), EXAMPLES, *site.shape) for site in network.sites[1:]]
    shapes.append((len(SEEDS), EXAMPLES, classes))

    for i, (output, shape) in enumerate(zip(outputs, shapes, strict=True)):
        _require(
            tuple(output.shape) == shape,
            f"stage {i} of a cohort of {len(SEEDS)} networks gives {tuple(output.shape)} for "
            f"{EXAMPLES} examples, not {shape}: its arithmetic must keep leading axes",
        )

    of_each = cohort(x.expand(len(SEEDS), -1, -1))
    close = torch.allclose(of_each, outputs[-1], rtol=1e-4, atol=1e-5)
    _require(close, "inputs of each network give other outputs than the same inputs for all")

    alone = torch.stack([cohort.member(i)(x) for i in range(len(SEEDS))])
    same = torch.allclose(alone, outputs[-1], rtol=1e-4, atol=1e-5)
    _require(same, "a network of a cohort gives other outputs than it gives alone")
    of_one = torch.stack([cohort(x[i : i + 1])[:, 0] for i in range(EXAMPLES)], 1)
    apart = torch.allclose(of_one, outputs[-1], rtol=1e-4, atol=1e-5)
    _require(apart, "the output for an example depends on the other examples of its batch")


def _check_masks(network: Network, inputs: int) -> None:
    """Refuse stages that see more than the masked units of their site."""
    x = _examples(inputs)
    cohort = Cohort(network, SEEDS)

    for site in network.sites:
        none = {site.name: torch.zeros(len(SEEDS), EXAMPLES, *site.shape)}
        changes = not torch.allclose(cohort(x, none), cohort(x), rtol=1e-6, atol=1e-7)
        _require(changes, f"dropping all units of the site {site.name} changes nothing")


def _examples(inputs: int) -> Tensor:
    """Inputs in (0, 1), the same at every call."""
    values = torch.arange(1.0, EXAMPLES * inputs + 1).view(EXAMPLES, inputs)
    return (values * 0.618).frac() * 0.9 + 0.05
