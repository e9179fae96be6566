"""What the network of a plug-in must be, for a cohort of it to be what its networks are alone."""

import math

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Convolution, Linear, Network

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
    _check_layers(network)
    _check_initialization(network)
    _check_outputs(network, inputs, classes)
    _check_stages(network, inputs)
    _check_last_stage(network)
    _check_types_of_numbers(network, inputs)


def reason_of(error: Exception) -> str:
    """What is wrong with a part of a plug-in: a broken contract, or an error of its code."""
    return str(error) if isinstance(error, BrokenContract) else f"{type(error).__name__}: {error}"


def require(ok: bool, otherwise: str) -> None:
    """Refuse a part of a plug-in.

    Raises:
        BrokenContract: it is not ok.
    """
    if not ok:
        raise BrokenContract(otherwise)


def _check_type(network: Network) -> None:
    """Refuse other modules, and state besides parameters."""
    is_network = isinstance(network, Network)
    require(is_network, f"it is a {type(network).__name__}, not a dropout_study.plugin.Network")

    buffers = [name for name, _ in network.named_buffers()]
    require(
        not buffers,
        f"it has buffers ({', '.join(buffers)}). A network is a function of parameters, inputs and "
        "masks: the running statistics of batch normalization would be shared by the networks of a "
        "cohort and depend on the masks that were drawn. Layer normalization has none",
    )

    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    require(not frozen, f"its parameters {', '.join(frozen)} require no gradient")


def _check_sites(network: Network, inputs: int) -> None:
    """Refuse sites that share names or declare noise, or whose first one is not the inputs."""
    sites: tuple[Site, ...] = getattr(network, "sites", ())
    typed = len(sites) > 0 and all(isinstance(site, Site) for site in sites)
    require(typed, "its `sites` are no tuple of dropout_study.plugin.Site, one per stage")

    names = [site.name for site in sites]
    require(len(set(names)) == len(names), f"its sites share names: {', '.join(names)}")

    noisy = [site.name for site in sites if site != site.removing(site.rate)]
    require(
        not noisy,
        f"its sites declare noise ({', '.join(noisy)}): a site has a name, a shape and a rate, and "
        "the noise on all sites is typed with `mask=`, as in mask=gaussian",
    )

    first = sites[0]
    is_input = first.name == "input" and first.shape == (inputs,)
    require(is_input, f"its first site is {first}, not the {inputs} inputs, called `input`")


def _check_layers(network: Network) -> None:
    """Refuse other layers than cohorts can have, and axes that belong to another network."""
    layers = list(getattr(network, "layers", ()))
    typed = all(isinstance(layer, Linear | Convolution) for layer in layers)
    require(
        typed and len(layers) == len(network.sites),
        f"its `layers` are {len(layers)} for {len(network.sites)} sites; it needs one for each, "
        "Linear or Convolution of dropout_study.plugin",
    )

    weights = network.incoming()
    known = dict(network.named_parameters(remove_duplicate=False))
    strange = [name for name in weights if name not in known]
    require(not strange, f"`incoming` names {', '.join(strange)}, which are no parameters")

    distinct = len({id(known[name]) for name in weights}) == len(weights)
    require(distinct, "`incoming` names a weight twice")
    outside = [
        name
        for name, axes in weights.items()
        if not all(-known[name].dim() <= axis < 0 for axis in axes)
    ]
    require(not outside, f"the axes of {', '.join(outside)} in `incoming` must be negative ones")


def _check_initialization(network: Network) -> None:
    """Refuse weights that depend on anything but the seed."""
    drawn = [_weights(network, seed) for seed in (0, 0, 1)]
    torch.rand(1)  # of the global generator
    again = _weights(network, 0)

    repeats = all(torch.equal(drawn[0][name], again[name]) for name in again)
    require(
        repeats and all(torch.equal(drawn[0][name], drawn[1][name]) for name in again),
        "`initialize` gives other weights at each call: draw from "
        "dropout_study.plugin.generator(Purpose.INIT, seed, site=...), and set every parameter",
    )
    differs = any(not torch.equal(drawn[0][name], drawn[2][name]) for name in again)
    require(differs, "`initialize` gives the same weights for every seed")


def _weights(network: Network, seed: int) -> dict[str, Tensor]:
    """The weights of a seed, whatever the parameters were before."""
    for p in network.parameters():
        p.fill_(float("nan"))

    network.initialize(seed)
    weights = {name: p.clone() for name, p in network.named_parameters()}
    unset = [name for name, weight in weights.items() if not weight.isfinite().all()]
    require(not unset, f"`initialize` does not set {', '.join(unset)}")

    return weights


def _check_outputs(network: Network, inputs: int, classes: int) -> None:
    """Refuse outputs of another shape, and networks that are not the same in a cohort and alone."""
    x = _examples(inputs)
    cohort = Cohort(network, SEEDS)
    outputs = cohort.outputs(x)
    shapes = [(len(SEEDS), EXAMPLES, *site.shape) for site in network.sites[1:]]
    shapes.append((len(SEEDS), EXAMPLES, classes))

    for i, (output, shape) in enumerate(zip(outputs, shapes, strict=True)):
        require(
            tuple(output.shape) == shape,
            f"stage {i} of a cohort of {len(SEEDS)} networks gives {tuple(output.shape)} for "
            f"{EXAMPLES} examples, not {shape}: its arithmetic must keep leading axes",
        )

    of_each = cohort(x.expand(len(SEEDS), -1, -1))
    close = torch.allclose(of_each, outputs[-1], rtol=1e-4, atol=1e-5)
    require(close, "inputs of each network give other outputs than the same inputs for all")

    alone = torch.stack([cohort.member(i)(x) for i in range(len(SEEDS))])
    same = torch.allclose(alone, outputs[-1], rtol=1e-4, atol=1e-5)
    require(same, "a network of a cohort gives other outputs than it gives alone")
    of_one = torch.stack([cohort(x[i : i + 1])[:, 0] for i in range(EXAMPLES)], 1)
    apart = torch.allclose(of_one, outputs[-1], rtol=1e-4, atol=1e-5)
    require(apart, "the output for an example depends on the other examples of its batch")


def _check_stages(network: Network, inputs: int) -> None:
    """Refuse stages that read anything but the masked units of their site."""
    x = _examples(inputs)
    cohort = Cohort(network, SEEDS)
    outputs = cohort.outputs(x)

    for i, site in enumerate(network.sites):
        lost = {site.name: torch.full((len(SEEDS), EXAMPLES, *site.shape), float("nan"))}
        reached = cohort(x, lost).isnan().flatten(2).any(-1).all()
        require(bool(reached), f"a mask of the site {site.name} does not reach the outputs")

        if i:
            cohort.outputs(1 - x)  # what a stage would keep of it, beside its units
            again = cohort.outputs(outputs[i - 1], stages=range(i, len(network.sites)))[-1]
            same = torch.allclose(again, outputs[-1], rtol=1e-4, atol=1e-5)
            require(same, f"stage {i} or a later one reads more than the units of {site.name}")


def _check_last_stage(network: Network) -> None:
    """Refuse a last stage that is not linear, as exact means over its masks take it to be."""
    cohort = Cohort(network, SEEDS)
    *_, site = network.sites
    units = torch.stack([_examples(math.prod(site.shape)) - 0.5] * len(SEEDS))
    last = len(network.sites) - 1
    weight = cohort.get_parameter(f"stacked.layers.{last}.weight")
    bias = cohort.get_parameter(f"stacked.layers.{last}.bias")
    (outputs,) = cohort.outputs(units.view(-1, EXAMPLES, *site.shape), stages=range(last, last + 1))
    same = torch.allclose(outputs, units @ weight + bias.unsqueeze(1), rtol=1e-4, atol=1e-5)
    require(same, "its last stage is not its last layer alone: the logits must be linear")


def _check_types_of_numbers(network: Network, inputs: int) -> None:
    """Refuse constants of another type than the units, in double or half precision."""
    for dtype in (torch.float64, torch.bfloat16):
        cohort = Cohort(network, SEEDS).to(dtype)
        units = _examples(inputs).to(dtype)

        for i in range(len(network.sites)):
            (units,) = cohort.outputs(units, stages=range(i, i + 1))
            require(units.dtype == dtype, f"stage {i} gives {units.dtype} for units of {dtype}")


def _examples(inputs: int) -> Tensor:
    """Inputs in (0, 1), the same at every call."""
    values = torch.arange(1.0, EXAMPLES * inputs + 1).view(EXAMPLES, inputs)
    return (values * 0.618).frac() * 0.9 + 0.05
