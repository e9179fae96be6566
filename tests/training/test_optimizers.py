"""Schedules against values computed by hand."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from dropout_study.config.schema import Config
from dropout_study.training.optimizers import make_optimizer, make_schedule, slices_of


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["schedule=constant"], {0: 1.0, 50: 1.0, 99: 1.0}),
        (["schedule=exponential", "schedule.final=0.01"], {0: 1.0, 50: 0.1, 100: 0.01}),
        (["schedule=inverse_t", "schedule.half_life=50"], {0: 1.0, 50: 0.5, 100: 1 / 3}),
        (["schedule=one_cycle", "schedule.warmup=0.5"], {0: 1 / 25, 49: 1.0, 99: 1 / 250_000}),
    ],
    ids=["constant", "exponential", "inverse_t", "one_cycle"],
)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_learning_rate_follows_its_schedule(
    make_config: Callable[..., Config],
    optimizer: str,
    arguments: list[str],
    expected: dict[int, float],
) -> None:
    """If this failed, the learning rate would not be what the configuration says."""
    config = make_config(
        f"optimizer={optimizer}", "optimizer.lr=0.5", "budget.updates=100", *arguments
    )
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    half = dataclasses.replace(config.optimizer, lr=0.25)
    made = make_optimizer(slices_of(parameters, [config.optimizer, half]))
    schedule = make_schedule(config, made)
    rates = []

    for _ in range(101):
        first, second = (group["lr"] for group in made.param_groups)
        assert second == pytest.approx(first / 2)
        rates.append(first)
        made.step()

        if len(rates) <= 100:
            schedule.step()

    for update, factor in expected.items():
        assert rates[update] == pytest.approx(0.5 * factor, rel=1e-5), update
