"""What drops in a module of somebody else's, and how to switch it on and off.

Dropout that stays off, or is on where it must be off, is an error where that can be seen.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

DROPOUT_MODULES = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
DROPOUT_FUNCTIONS = (
    F.dropout,
    F.dropout1d,
    F.dropout2d,
    F.dropout3d,
    F.alpha_dropout,
    F.feature_alpha_dropout,
)
FUSED_MODULES = (nn.MultiheadAttention, nn.TransformerEncoderLayer)  # one kernel unless in training


@contextmanager
def dropout_on(model: nn.Module) -> Iterator[None]:
    """Let what drops drop, and nothing else learn; every mode is restored afterwards.

    On are nn.Dropout and its kin, the `dropout=` of attention and of recurrent layers, and modules
    of your own that drop if their `forward` finds `self.training` set. Batch norm stays off.

    Raises:
        ValueError: the model has no dropout, or a module changes its buffers while it drops.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        >>> with dropout_on(model):
        ...     [module.training for module in model]
        [False, False, True]
    """
    rates = dropout_rates(model)
    named = model.named_modules()
    dropping = [
        module for name, module in named if name in rates or isinstance(module, FUSED_MODULES)
    ]

    with dropout_off(model), _restore_buffers(dropping):
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


def dropout_rates(model: nn.Module) -> dict[str, float]:
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
    if isinstance(module, DROPOUT_MODULES):
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
def _restore_buffers(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put the modules' own buffers back afterwards.

    Raises:
        ValueError: one has changed.
    """
    before = [(m, name, buffer) for m in modules for name, buffer in m.named_buffers(recurse=False)]
    for module, name, buffer in before:
        setattr(module, name, buffer.clone())

    try:
        yield
    finally:
        used = [module.get_buffer(name) for module, name, _ in before]
        for module, name, buffer in before:
            setattr(module, name, buffer)

    for (module, name, buffer), after in zip(before, used, strict=True):
        if not torch.equal(buffer, after):
            raise ValueError(
                f"{type(module).__name__} changes its buffer `{name}` while it drops, and a "
                "prediction must not change a model: drop in a module of its own, without buffers."
            )


class RefuseIdleDropout(TorchFunctionMode):
    """Refuses calls of dropout as a function that are off: whose flag they pass was not seen."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make a call of PyTorch, if it is not refused."""
        options = kwargs or {}
        if func in DROPOUT_FUNCTIONS and options.get("p") and not options.get("training"):
            raise ValueError(
                f"{func.__name__} with p={options['p']} stays off in a stochastic pass: use "
                "nn.Dropout, or call it in the `forward` of a module with `training=self.training`."
            )

        return func(*args, **options)
