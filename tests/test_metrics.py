"""Metrics against answers computed by hand."""

import math

import torch

from dropout_study.metrics import errors, nll

LOG_PROBS = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]).log()
LABELS = torch.tensor([0, 1])


def test_errors_count_wrong_classes() -> None:
    """If this failed, error would not be the share of wrong predictions."""
    assert errors(LOG_PROBS, LABELS).tolist() == [False, True]


def test_nll_is_minus_the_log_probability_of_the_label() -> None:
    """If this failed, NLL would not be in nats, or would read the wrong class."""
    torch.testing.assert_close(nll(LOG_PROBS, LABELS), torch.tensor([math.log(2), math.log(5)]))


def test_a_cohort_shares_labels_or_has_its_own() -> None:
    """If this failed, the networks of a cohort would be judged by each other's labels."""
    both = LOG_PROBS.expand(2, 2, 3)
    assert nll(both, LABELS).shape == (2, 2)
    own = torch.stack([LABELS, torch.tensor([0, 2])])
    assert errors(both, own).tolist() == [[False, True], [False, False]]
