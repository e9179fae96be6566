"""Regularizers against hand-computed penalties."""

import torch

from dropout_study.config.schema import Regularizer
from dropout_study.training.regularizers import Strengths, penalty, project

WEIGHTS = [
    torch.tensor([[[1.0, -2.0]], [[3.0, 0.0]]]),
    torch.tensor([[[0.5]], [[-1.0]]]),
]  # two networks
HIDDEN = [torch.tensor([[[1.0, -1.0], [0.0, 4.0]], [[0.0, 0.0], [2.0, 0.0]]])]


def test_each_penalty_is_the_one_computed_by_hand_network_by_network() -> None:
    """If this failed, an arm would be regularized by something else, or by another network's
    weights.
    """
    by_hand = {"l2": [5.25, 10.0], "l1": [3.5, 4.0], "sparsity": [3.0, 1.0]}
    for name, expected in by_hand.items():
        strengths = Strengths.of([Regularizer(**{name: 0.1}), Regularizer(**{name: 0.2})], layers=2)
        result = penalty(strengths.to(HIDDEN[0]), WEIGHTS, HIDDEN)
        torch.testing.assert_close(result, torch.tensor([0.1, 0.2]) * torch.tensor(expected))

    both = Strengths.of([Regularizer(l2=1.0, l1=2.0)] * 2, layers=2).to(HIDDEN[0])
    result = penalty(both, WEIGHTS, HIDDEN)
    torch.testing.assert_close(result, torch.tensor([5.25 + 7.0, 10.0 + 8.0]))


def test_no_regularizer_costs_nothing() -> None:
    """If this failed, the plain arm would pay for sums it does not need."""
    assert penalty(Strengths.of([Regularizer()] * 2, layers=2), WEIGHTS, HIDDEN) == 0.0


def test_max_norm_shrinks_long_columns_and_leaves_short_ones() -> None:
    """If this failed, the constraint would act on the wrong axis, or on weights that satisfy it."""
    # Two networks, two inputs, two units of norm 5 and 0.5.
    weight = torch.tensor([[3.0, 0.3], [4.0, 0.4]]).repeat(2, 1, 1)
    project(weight, (-2,), torch.tensor([2.0, 0.25]))
    shrunk = [[[1.2, 0.3], [1.6, 0.4]], [[0.15, 0.15], [0.2, 0.2]]]
    torch.testing.assert_close(weight, torch.tensor(shrunk))


def test_max_norm_leaves_weights_below_the_limit_bit_for_bit() -> None:
    """If this failed, ten thousand updates would shrink units that satisfy the constraint."""
    limits = torch.linspace(0.3, 3, 1000)
    weight = torch.rand(1000, 4, 5) * 0.05
    before = weight.clone()
    project(weight, (-2,), limits)
    assert torch.equal(weight, before)
