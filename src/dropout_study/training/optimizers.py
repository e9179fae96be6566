"""Optimizers and learning-rate schedules, from their configuration."""

from collections.abc import Sequence
from dataclasses import dataclass

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
        lr: learning rate of the networks.
        networks: which of the cohort they are.
        tensors: their part of each parameter.
    """

    lr: float
    networks: slice
    tensors: list[Tensor]


def slices_of(
    parameters: Sequence[nn.Parameter], rates: Sequence[tuple[float, slice]]
) -> list[Slices]:
    """The slices of stacked parameters that have learning rates of their own.

    Args:
        parameters: of a cohort, `[R, ...]`.
        rates: learning rates, each with the networks that have it. If all have the same one, the
            slice is the parameters themselves.
    """
    if len(rates) == 1:
        (lr, networks), *_ = rates
        return [Slices(lr, networks, list(parameters))]

    return [Slices(lr, own, [p.detach()[own] for p in parameters]) for lr, own in rates]


def hand_gradients(parameters: Sequence[nn.Parameter], slices: Sequence[Slices]) -> None:
    """Give each slice its part of the gradients of the parameters."""
    if len(slices) == 1:
        return

    for part in slices:
        for tensor, p in zip(part.tensors, parameters, strict=True):
            tensor.grad = None if p.grad is None else p.grad[part.networks]


def make_optimizer(config: Optimizer, slices: Sequence[Slices]) -> optim.Optimizer:
    """The optimizer, in its fused form: one pass over memory per update."""
    groups = [{"params": part.tensors, "lr": part.lr} for part in slices]

    match config:
        case AdamW(weight_decay=weight_decay):
            return optim.AdamW(groups, weight_decay=weight_decay, fused=True)
        case SGD(momentum=momentum):
            return optim.SGD(groups, momentum=momentum, fused=True)
    raise TypeError(f"no optimizer is called {config.name}")


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
