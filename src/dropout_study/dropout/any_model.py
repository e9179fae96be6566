"""The rules on any model of yours: a plain nn.Module that gives logits `[N, C]`.

A stochastic pass is a pass of training in which nothing learns: what drops is in training mode,
all else, such as batch norm, in evaluation mode. Dropout that can be seen to stay off, or to be on
where it must be off, is an error.
"""

import inspect
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.dropout.rules import Ensemble, means, widen

DROPOUT = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
CALLS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)
FUSED = (nn.MultiheadAttention, nn.TransformerEncoderLayer)  # run as one kernel unless in training

RandomStates = dict[torch.device, Tensor]
"""Device -> the global state of its random numbers."""


@contextmanager
def dropout_on(model: nn.Module) -> Iterator[None]:
    """Let what drops drop, and nothing else learn; every mode is restored afterwards.

    On are nn.Dropout and its kin, the `dropout=` of attention and of recurrent layers, and modules
    of your own that drop if their `forward` finds `self.training` set. Batch norm stays off.

    Raises:
        ValueError: the model has no dropout, or a module changes its buffers while it drops.
    """
    rates = _rates(model)
    named = model.named_modules()
    dropping = [module for name, module in named if name in rates or isinstance(module, FUSED)]

    with dropout_off(model), _buffers_kept(dropping):
        for module in dropping:
            module.training = True  # `train()` would reach into the children
        yield


@contextmanager
def dropout_off(model: nn.Module) -> Iterator[None]:
    """Put the whole model into evaluation mode; every mode is restored afterwards."""
    modes = {module: module.training for module in model.modules()}

    try:
        model.eval()
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@torch.no_grad()
def weight_scaling(model: nn.Module, x: Tensor) -> Tensor:
    """Log-probabilities `[N, C]` of one pass in evaluation mode, for a model that gives logits.

    Raises:
        ValueError: the model gives no logits `[N, C]`, or draws random numbers.
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
    """Log-probabilities `[N, C]` of one stochastic pass after the other.

    A pass draws masks as in training: nn.Dropout draws one for each example. The same seed gives
    the same passes for the same inputs; the global random state is left as it was.

    Raises:
        ValueError: `count` is below 1; the model gives no logits `[N, C]`, has no dropout, or some
            that stays off; or it has a rate above 0 and draws no random numbers.
    """
    if count < 1:
        raise ValueError(f"count={count}: give a number of passes from 1 on")

    rates = _rates(model)
    devices = _devices(model, x)

    for k in range(count):
        sources = {d: generator(Purpose.EVALUATION_MASK, seed, k, device=d) for d in devices}
        states = {device: source.get_state() for device, source in sources.items()}

        with dropout_on(model), nullcontext() if k else _IdleDropoutRefused():
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
    """Both means over k stochastic passes, `[K, N, C]`, for each k of the ascending `counts`, in one pass over them.

    Args:
        model: gives logits `[N, C]`; has dropout.
        x: a batch of its inputs.
        counts: numbers of passes.
        seed: of the masks.

    Raises:
        ValueError: as in `subnetworks` and `rules.means`.
    """
    return means(subnetworks(model, x, max(counts, default=0), seed), counts)


def _rates(model: nn.Module) -> dict[str, float]:
    """Name of each module that drops by itself in training mode -> its rate.

    Raises:
        ValueError: there is none.
    """
    rates = {name: _rate(module) for name, module in model.named_modules()}
    dropping = {name: rate for name, rate in rates.items() if rate is not None}
    if not dropping:
        raise ValueError(
            f"{type(model).__name__} has no dropout module, so all its subnetworks are one: use "
            "nn.Dropout (in an nn.ModuleList, not in a list), or call dropout in the `forward` of "
            "a module with `training=self.training`."
        )

    return dropping


def _rate(module: nn.Module) -> float | None:
    """The rate at which a module itself drops in training mode; None if it does not.

    Of a module of the user's own it is the largest number with a name of rates, or 1 without any.
    """
    if isinstance(module, DROPOUT):
        return module.p

    if isinstance(module, nn.MultiheadAttention | nn.RNNBase) and module.dropout:
        return module.dropout

    if type(module).__module__.startswith("torch.") or not _drops(module):
        return None

    numbers = {n: v for n, v in vars(module).items() if isinstance(v, int | float)}
    rates = [v for n, v in numbers.items() if n == "p" or re.search("drop|rate|prob", n)]

    return max((float(rate) for rate in rates if not isinstance(rate, bool)), default=1.0)


def _drops(module: nn.Module) -> bool:
    """Whether a module of the user's own drops in training mode, by the names in its `forward`.

    It does if it asks for `training`, and has no other state (children, parameters or buffers) or
    speaks of dropping: in its class, a keyword, or a name that is not that of a child, which has a
    flag of its own.
    """
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    if code is None or "training" not in code.co_names:
        return False

    children = dict(module.named_children())
    if not (children or [*module.parameters(), *module.buffers()]):
        return True

    keywords = chain(*(constant for constant in code.co_consts if isinstance(constant, tuple)))
    functions = [name for name in code.co_names if name not in children]

    return any("drop" in str(n).lower() for n in (type(module).__name__, *keywords, *functions))


@contextmanager
def _buffers_kept(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put the modules' own buffers back afterwards.

    Raises:
        ValueError: one has changed.
    """
    kept = [(m, name, buffer) for m in modules for name, buffer in m.named_buffers(recurse=False)]
    for module, name, buffer in kept:
        setattr(module, name, buffer.clone())

    try:
        yield
    finally:
        used = [module.get_buffer(name) for module, name, _ in kept]
        for module, name, buffer in kept:
            setattr(module, name, buffer)

    for (module, name, buffer), after in zip(kept, used, strict=True):
        if not torch.equal(buffer, after):
            raise ValueError(
                f"{type(module).__name__} changes its buffer `{name}` while it drops, and a "
                "prediction must not change a model: drop in a module of its own, without buffers."
            )


class _IdleDropoutRefused(TorchFunctionMode):
    """Refuses calls of dropout as a function that are off: whose flag they pass was not seen."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make a call of PyTorch, if it is not refused."""
        options = kwargs or {}
        if func in CALLS and options.get("p") and not options.get("training"):
            raise ValueError(
                f"{func.__name__} with p={options['p']} stays off in a stochastic pass: use "
                "nn.Dropout, or call it in the `forward` of a module with `training=self.training`."
            )

        return func(*args, **options)


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
            f"{type(model).__name__} gives probabilities, of which the rules take the softmax once "
            "more: leave its softmax out, or take the logarithm of what it gives.",
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
