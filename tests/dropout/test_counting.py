"""Counting subnetworks: the textbook's figure of 2 inputs and 2 hidden units."""

import pytest
import torch

from dropout_study.dropout.counting import count_connected, count_functions, count_masks
from dropout_study.dropout.networks import MLP


def textbook(bias: float) -> MLP:
    """Two inputs, two hidden ReLU units, one output; all 4 units droppable; weights in general
    position.
    """
    network = MLP(2, 1, [2]).double()
    source = torch.Generator().manual_seed(1)

    for layer in network.layers:
        layer.weight.data = (
            torch.rand(layer.weight.shape, generator=source, dtype=torch.float64) + 0.5
        )
        layer.bias.data = bias * (
            torch.rand(layer.bias.shape, generator=source, dtype=torch.float64) + 0.5
        )

    return network


def test_the_textbook_network_has_16_masks_9_of_them_connected() -> None:
    """If this failed, claim `subnetworks` would be counted wrongly: 2^4, and (2^2 - 1)(2^2 - 1)."""
    assert count_masks(textbook(1.0)) == 16
    assert count_connected(textbook(1.0)) == 9


@pytest.mark.parametrize(("bias", "functions"), [(1.0, 13), (0.0, 10)])
def test_distinct_functions_are_13_with_biases_and_10_without(bias: float, functions: int) -> None:
    """If this failed, masks and functions would be confused.

    Without hidden units one function; with one of two, 4 (2 each) sets of inputs; with both, 4.
    Without biases a
    hidden unit without inputs is dead: one function 0, and 3 x 3 others.
    """
    inputs = (
        torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4 - 1
    )
    assert count_functions(textbook(bias), inputs) == functions
