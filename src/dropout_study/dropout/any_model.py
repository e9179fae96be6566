"""The rules on any model of yours: a plain nn.Module that gives logits `[N, C]`.

A stochastic pass is a pass of training in which nothing learns: what drops is in training mode,
all else, such as batch norm, in evaluation mode (see `dropout_layers`).
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import cast

import torch
from torch import Tensor, nn

from dropout_study.dropout.dropout_layers import (
    RefuseIdleDropout,
    dropout_off,
    dropout_on,
    dropout_rates,
)
from dropout_study.dropout.ensemble import Ensemble, means, widen
from dropout_study.dropout.randomness import Purpose, generator

RandomStates = dict[torch.device, Tensor]
"""Device -> the global state of its random numbers."""


@torch.no_grad()
def weight_scaling(model: nn.Module, x: Tensor) -> Tensor:
    """Log-probabilities `[N, C]` of one pass in evaluation mode, for a model that gives logits.

    Raises:
        ValueError: the model gives no logits `[N, C]`, or draws random numbers.

    Example:
        >>> model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)).train()
        >>> x = torch.rand(5, 4)
        >>> torch.equal(weight_scaling(model, x), model.eval()(x).log_softmax(-1))
        True
    """
    with dropout_off(model):
        logits, drew = _run(model, x, {d: _random_state(d) for d in _devices(model, x)})

    _warn_of_probabilities(model, logits)

    if drew:
        raise ValueError(
            f"{type(model).__name__} draws random numbers in evaluation mode: pass `self.training` "
            "to its calls of dropout (to attention `dropout_p=p if self.training else 0.0`), and "
            "keep modules in an nn.ModuleList, not in a list."
        )

    return widen(logits).log_softmax(-1)


@torch.no_grad()
def subnetworks(model: nn.Module, x: Tensor, count: int, seed: int = 0) -> Iterator[Tensor]:
    """Yield the log-probabilities `[N, C]` of stochastic passes.

    A pass draws masks as in training: nn.Dropout draws one for each example. The same seed gives
    the same passes for the same inputs; the global random state is left as it was.

    Raises:
        ValueError: `count` is below 1; the model gives no logits `[N, C]`, has no dropout, or some
            that stays off; or it has a rate above 0 and draws no random numbers.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        >>> passes = torch.stack(list(subnetworks(model, torch.rand(5, 4), count=10)))
        >>> passes.shape
        torch.Size([10, 5, 3])
        >>> bool((passes[0] != passes[1]).any())  # each pass has masks of its own
        True
    """
    if count < 1:
        raise ValueError(f"count={count}: give a number of passes from 1 on")

    rates = dropout_rates(model)
    devices = _devices(model, x)

    for k in range(count):
        sources = {d: generator(Purpose.EVALUATION_MASK, seed, k, device=d) for d in devices}
        states = {device: source.get_state() for device, source in sources.items()}

        with dropout_on(model), nullcontext() if k else RefuseIdleDropout():
            logits, drew = _run(model, x, states)

        if k == 0:
            _warn_of_probabilities(model, logits)

        if not drew and any(rates.values()) and len(x):
            idle = ", ".join(name or "itself" for name, rate in rates.items() if rate)
            raise ValueError(
                f"{type(model).__name__} draws no random numbers in a stochastic pass, so all its "
                f"subnetworks are one: its `forward` has to call what has a rate above 0 ({idle})."
            )

        yield widen(logits).log_softmax(-1)


def monte_carlo(model: nn.Module, x: Tensor, counts: Sequence[int], seed: int = 0) -> Ensemble:
    """Both means over the first k stochastic passes, `[K, N, C]`, for each k of `counts`.

    Args:
        model: gives logits `[N, C]`; has dropout.
        x: a batch of its inputs.
        counts: numbers of passes k, ascending.
        seed: of the masks.

    Raises:
        ValueError: as in `subnetworks` and `rules.means`.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        >>> monte_carlo(model, torch.rand(5, 4), counts=[1, 10, 100]).arithmetic.shape
        torch.Size([3, 5, 3])
    """
    return means(subnetworks(model, x, max(counts, default=0), seed), counts)


def _run(model: nn.Module, x: Tensor, states: RandomStates) -> tuple[Tensor, bool]:
    """Logits `[N, C]` of a pass from given random states, and whether it drew random numbers.

    The model gets a copy of the inputs, since it may change them in place. The global random
    states are left as they were.

    Raises:
        ValueError: the model gives something else.
    """
    before = {device: _random_state(device) for device in states}

    try:
        _set_random_states(states)
        output = model(x.clone())
        drew = any(not torch.equal(_random_state(d), state) for d, state in states.items())
    finally:
        _set_random_states(before)

    name = type(model).__name__

    if not isinstance(output, Tensor):
        raise ValueError(
            f"{name} gives a {type(output).__name__}: wrap it in a module whose `forward` returns "
            "its logits alone, a tensor [N, C]."
        )

    shaped = output.dim() == 2 and len(output) == len(x) and output.shape[1] > 1
    if not (shaped and output.is_floating_point()):
        raise ValueError(
            f"{name} gives {output.dtype} {list(output.shape)} for {len(x)} inputs: wrap it in a "
            "module whose `forward` returns logits [N, C], a row for each input and a column for "
            "each of at least two classes (of a single logit z, "
            "`torch.cat([torch.zeros_like(z), z], 1)`)."
        )

    return output, drew


def _warn_of_probabilities(model: nn.Module, logits: Tensor) -> None:
    """Warn of a model that ends in softmax: each row is in [0, 1] and adds up to 1."""
    sums = widen(logits).sum(-1)
    if len(logits) and (logits >= 0).all() and ((sums - 1).abs() < 0.01).all():
        warnings.warn(
            f"{type(model).__name__} gives probabilities, and the rules apply softmax once more: "
            "remove its softmax, or return the logarithm of its probabilities.",
            stacklevel=4,
        )


def _devices(model: nn.Module, x: Tensor) -> set[torch.device]:
    """Where random numbers may be drawn: the CPU, and the devices of the model and its inputs."""
    return {torch.device("cpu"), x.device, *(p.device for p in model.parameters())}


def _random_state(device: torch.device) -> Tensor:
    """The state of a device."""
    if device.type == "cpu":
        return torch.get_rng_state()
    return cast("Tensor", torch.get_device_module(device).get_rng_state(device))


def _set_random_states(states: RandomStates) -> None:
    """Set the states of these devices, and of no other."""
    for device, state in states.items():
        if device.type == "cpu":
            torch.set_rng_state(state)
        else:
            torch.get_device_module(device).set_rng_state(state, device)
