"""Optimizers and learning-rate schedules, from their configuration."""

import torch
from torch import optim
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


def make_optimizer(config: Optimizer, parameters: list[torch.nn.Parameter]) -> optim.Optimizer:
    """The optimizer, in its fused form: one pass over memory per update."""
    match config:
        case AdamW(lr=lr, weight_decay=weight_decay):
            return optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=True)
        case SGD(lr=lr, momentum=momentum):
            return optim.SGD(parameters, lr=lr, momentum=momentum, fused=True)
    raise TypeError(f"no optimizer is called {config.name}")


def make_schedule(config: Config, optimizer: optim.Optimizer) -> lr_scheduler.LRScheduler:
    """The learning-rate schedule over the budget; it steps once per update."""
    updates = config.budget.updates

    match config.schedule:
        case OneCycle(warmup=warmup):
            # Momentum belongs to the optimizer's own configuration and does not cycle.
            return lr_scheduler.OneCycleLR(
                optimizer, config.optimizer.lr, updates, pct_start=warmup, cycle_momentum=False
            )
        case Exponential(final=final):
            return lr_scheduler.LambdaLR(
                optimizer, lambda update: float(final ** (update / updates))
            )
        case InverseT(half_life=half_life):
            return lr_scheduler.LambdaLR(optimizer, lambda update: 1 / (1 + update / half_life))

    return lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
