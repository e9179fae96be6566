"""Optimizers and learning-rate schedules, from their configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn, optim
from torch.optim import lr_scheduler

from dropout_study.config.schema import (
    SGD,
    AdamW,
    Config,
    Exponential,
    InverseT,
    OneCycle,
    Optimizer,
)


@dataclass(frozen=True)
class Slices:
    """Parts of the stacked parameters of a cohort, which share their memory.

    Attributes:
        config: the optimizer of these networks.
        networks: which of the cohort they are.
        tensors: their part of each parameter.
    """

    config: Optimizer
    networks: slice
    tensors: list[Tensor]


def slices_of(parameters: Sequence[nn.Parameter], optimizers: Sequence[Optimizer]) -> list[Slices]:
    """The slices of stacked parameters whose networks follow each other and are updated alike.

    Args:
        parameters: of a cohort, `[R, ...]`.
        optimizers: one per network. If all are equal, the slice is the parameters themselves.
    """
    starts = [i for i, own in enumerate(optimizers) if i == 0 or own != optimizers[i - 1]]
    if len(starts) == 1:
        return [Slices(optimizers[0], slice(None), list(parameters))]

    parts = [slice(a, b) for a, b in pairwise([*starts, len(optimizers)])]

    return [
        Slices(optimizers[part.start], part, [p.detach()[part] for p in parameters])
        for part in parts
    ]


def hand_gradients(parameters: Sequence[nn.Parameter], slices: Sequence[Slices]) -> None:
    """Give each slice its part of the gradients of the parameters."""
    if len(slices) == 1:
        return

    for part in slices:
        for tensor, p in zip(part.tensors, parameters, strict=True):
            tensor.grad = None if p.grad is None else p.grad[part.networks]


def make_optimizer(slices: Sequence[Slices]) -> optim.Optimizer:
    """The optimizer, in its fused form: one pass over memory per update."""
    groups = [{"params": part.tensors, **_settings(part.config)} for part in slices]

    match slices[0].config:
        case AdamW():
            return optim.AdamW(groups, fused=True)
        case SGD():
            return optim.SGD(groups, fused=True)
    raise TypeError(f"no optimizer is called {slices[0].config.name}")


def _settings(config: Optimizer) -> dict[str, float]:
    """What PyTorch calls the settings of an optimizer."""
    match config:
        case AdamW(lr=lr, weight_decay=weight_decay):
            return {"lr": lr, "weight_decay": weight_decay}
        case SGD(lr=lr, momentum=momentum):
            return {"lr": lr, "momentum": momentum}

    return {"lr": config.lr}


def make_schedule(config: Config, optimizer: optim.Optimizer) -> lr_scheduler.LRScheduler:
    """The learning-rate schedule over the budget; it steps once per update."""
    updates = config.budget.updates

    match config.schedule:
        case OneCycle(warmup=warmup):
            highest = [group["lr"] for group in optimizer.param_groups]
            # Momentum belongs to the optimizer's own configuration and does not cycle.
            return lr_scheduler.OneCycleLR(
                optimizer, highest, updates, pct_start=warmup, cycle_momentum=False
            )
        case Exponential(final=final):
            return lr_scheduler.LambdaLR(
                optimizer, lambda update: float(final ** (update / updates))
            )
        case InverseT(half_life=half_life):
            return lr_scheduler.LambdaLR(optimizer, lambda update: 1 / (1 + update / half_life))

    return lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
