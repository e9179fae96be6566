"""How well images are reconstructed: hand-computed answers, and what holds for any image."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from dropout_study.measures.reconstruction import (
    cross_entropy,
    mean_squared_error,
    squared_error,
)
from dropout_study.measures.scores import Scores
from dropout_study.measures.tasks import RECONSTRUCTION

LOG_ODDS = torch.tensor([[math.log(3), 0.0], [0.0, -math.log(3)]], dtype=torch.float64)
"""Of the pixels 3/4 and 1/2, and 1/2 and 1/4."""
IMAGES = torch.tensor([[1.0, 0.5], [0.0, 0.25]])
SQUARED = [(1 / 4) ** 2, (1 / 2) ** 2]
CROSS_ENTROPY = [
    -math.log(3 / 4) + math.log(2),
    math.log(2) - math.log(1 / 4) / 4 - 3 * math.log(3 / 4) / 4,
]


def test_errors_and_losses_are_those_computed_by_hand() -> None:
    """If this failed, an autoencoder would minimize, or be judged by, something else."""
    assert squared_error(LOG_ODDS, IMAGES).tolist() == pytest.approx(SQUARED)
    assert mean_squared_error(LOG_ODDS, IMAGES).tolist() == pytest.approx([s / 2 for s in SQUARED])
    assert cross_entropy(LOG_ODDS, IMAGES).tolist() == pytest.approx(CROSS_ENTROPY)


@pytest.mark.parametrize("loss", RECONSTRUCTION)
def test_scores_of_a_reconstruction_are_means_over_images(loss: str) -> None:
    """If this failed, unequal batches would be weighted wrongly, or the error would depend on the
    loss.
    """
    scores = Scores(task=RECONSTRUCTION[loss])
    both = torch.stack([LOG_ODDS, LOG_ODDS.flip(0)])
    scores.add(both[:, :1], IMAGES[:1])
    scores.add(both[:, 1:], IMAGES[1:])
    means = scores.means()
    assert list(means) == ["error", "nll"]
    assert means["error"][0].item() == pytest.approx(100 * sum(SQUARED) / 4)
    assert means["nll"][0].item() == pytest.approx(sum(CROSS_ENTROPY) / 2)
    assert scores.wrong()[0].tolist() == pytest.approx([s / 2 for s in SQUARED])
    assert scores.wrong()[1, 0].item() == pytest.approx(((1 / 2) ** 2 + (1 / 4) ** 2) / 2)


def test_the_target_is_the_image() -> None:
    """If this failed, an autoencoder would learn labels."""
    x = torch.rand(3, 4)
    labels = torch.zeros(3, dtype=torch.long)
    assert all(task.targets(x, labels) is x for task in RECONSTRUCTION.values())


PIXELS = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=9)


def log_odds(pixels: list[float]) -> Tensor:
    """Log odds of pixels that are kept off 0 and 1."""
    return torch.tensor([pixels], dtype=torch.float64).clamp(1e-6, 1 - 1e-6).logit()


@given(PIXELS, st.data())
def test_no_reconstruction_is_better_than_the_image(
    pixels: list[float], data: st.DataObject
) -> None:
    """If this failed, a perfect autoencoder would not be the best, or errors would leave 0 to 1."""
    size = len(pixels)
    image = torch.tensor([pixels], dtype=torch.float64)
    guess = log_odds(data.draw(st.lists(st.floats(0, 1), min_size=size, max_size=size)))
    assert 0 <= mean_squared_error(guess, image).item() <= 1
    assert mean_squared_error(log_odds(pixels), image).item() < 1e-11
    assert cross_entropy(log_odds(pixels), image) <= cross_entropy(guess, image) + 1e-4


def test_certain_and_wrong_pixels_have_finite_losses() -> None:
    """If this failed, one pixel would make the loss of a whole network infinite."""
    outputs = torch.tensor([[200.0, -200.0]])
    image = torch.tensor([[0.0, 1.0]])
    assert cross_entropy(outputs, image).item() == 400
    assert mean_squared_error(outputs, image).item() == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_sums_over_pixels_are_taken_in_float32_at_least(dtype: torch.dtype) -> None:
    """If this failed, the sum over 784 pixels would stop growing in bfloat16."""
    outputs = torch.zeros(1, 784, dtype=dtype)
    image = torch.ones(1, 784)
    assert squared_error(outputs, image).item() == 196
    assert cross_entropy(outputs, image).item() == pytest.approx(784 * math.log(2), rel=1e-6)


def test_cross_entropy_is_that_of_torch() -> None:
    """If this failed, the sign or the roles of outputs and images would be swapped."""
    outputs = torch.randn(2, 3, 5, dtype=torch.float64)
    images = torch.rand(3, 5, dtype=torch.float64)
    p = outputs.sigmoid()
    expected = F.binary_cross_entropy(p, images.expand(2, 3, 5), reduction="none").sum(-1)
    torch.testing.assert_close(cross_entropy(outputs, images), expected)
