"""Linear regression with dropped inputs against all masks, and against its ridge twin."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.dropout import linear_regression as regression
from dropout_study.dropout.masks import Site
from support.trained import DIGITS

PIXELS = DIGITS.train.batch(torch.arange(200))[0].double()
LABELS = DIGITS.train.labels[:200].double()


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_the_mean_over_all_masks_is_a_ridge_penalty(rate: float) -> None:
    """If this failed, dropout on linear regression would not be the penalty of the book."""
    site = Site("input", (16,), rate)
    w = torch.linspace(-1, 1, 16, dtype=torch.float64)
    over_masks = regression.dropout_loss(w, PIXELS, LABELS, site)
    closed = regression.ridge_loss(w, PIXELS, LABELS, site)
    torch.testing.assert_close(over_masks, closed, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_both_twins_have_one_solution(rate: float) -> None:
    """If this failed, training with dropout and with the penalty would end in other weights."""
    inputs = PIXELS[:, PIXELS.std(0) > 0]
    site = Site("input", (inputs.shape[1],), rate)
    dropped = regression.dropout_solution(inputs, LABELS, site)
    torch.testing.assert_close(
        dropped, regression.ridge_solution(inputs, LABELS, site), rtol=1e-9, atol=1e-12
    )

    leaf = dropped.clone().requires_grad_()
    regression.dropout_loss(leaf, inputs, LABELS, site).backward()
    assert leaf.grad is not None
    assert leaf.grad.abs().max() < 1e-8 * LABELS.square().sum(), "no minimum of the loss"


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 6), st.floats(0.05, 0.9), st.integers(0, 2**31))
def test_of_any_inputs_and_rate(inputs: int, examples: int, rate: float, seed: int) -> None:
    """If this failed, the identity would hold for digits alone."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(examples, inputs, generator=source, dtype=torch.float64)
    y, w = (torch.randn(n, generator=source, dtype=torch.float64) for n in (examples, inputs))
    site = Site("input", (inputs,), rate)
    torch.testing.assert_close(
        regression.dropout_loss(w, x, y, site), regression.ridge_loss(w, x, y, site)
    )


def test_one_weight_by_hand() -> None:
    """If this failed, the coefficient would be keep/rate, or count an example twice.

    By hand: x = 2, y = 3, rate 0.5: (0 with mu = 0, 4 w with mu = 1) averages to
    (9 + (3 - 4 w)^2) / 2, which w = 3/4 makes smallest, at 4.5.
    """
    x = torch.tensor([[2.0]], dtype=torch.float64)
    y = torch.tensor([3.0], dtype=torch.float64)
    site = Site("input", (1,), 0.5)
    w = regression.dropout_solution(x, y, site)
    assert w.item() == pytest.approx(0.75)
    assert regression.ridge_loss(w, x, y, site).item() == pytest.approx(4.5)
