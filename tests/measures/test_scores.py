"""Scores summed over batches."""

import pytest
import torch

from dropout_study.measures import metrics
from dropout_study.measures.scores import Scores

LOG_PROBS = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
LABELS = torch.arange(50) % 3


def test_scores_of_batches_are_those_of_the_whole() -> None:
    """If this failed, calibration (which is not a mean over examples) would depend on the size of
    batches.
    """
    scores = Scores()
    scores.add(LOG_PROBS[:, :30], LABELS[:30])
    scores.add(LOG_PROBS[:, 30:], LABELS[30:])
    means = scores.means()
    gaps = metrics.calibration_gaps(LOG_PROBS.double(), LABELS)
    error = 100 * metrics.errors(LOG_PROBS, LABELS).double().mean(1)
    assert list(means) == ["error", "nll", "brier", "ece"]
    torch.testing.assert_close(means["ece"], gaps.abs().sum(-1) / 50)
    torch.testing.assert_close(means["error"], error)
    torch.testing.assert_close(means["brier"], metrics.brier(LOG_PROBS.double(), LABELS).mean(1))
    assert torch.equal(scores.wrong(), metrics.errors(LOG_PROBS, LABELS))


def test_scores_of_unequal_batches_are_those_counted_by_hand() -> None:
    """If this failed, error and NLL of unequal batches would be weighted wrongly."""
    scores = Scores(["nll"])
    certain = torch.tensor([[100.0, 0.0], [0.0, 100.0], [100.0, 0.0]]).double().log_softmax(-1)
    scores.add(certain.expand(2, 3, 2), torch.tensor([0, 1, 1]))
    scores.add(torch.full((2, 1, 2), 0.5).log(), torch.tensor([1]))
    means = scores.means()
    assert means["error"].tolist() == [50.0, 50.0]
    assert means["nll"].tolist() == pytest.approx([(100 + 0.6931471805599453) / 4] * 2)


def test_only_the_chosen_measures_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, every validation would take the time of a calibration that no
    one asks for.
    """
    monkeypatch.delattr(metrics, "brier")
    scores = Scores(["nll"])
    scores.add(LOG_PROBS, LABELS)
    assert set(scores.means()) == {"error", "nll"}
