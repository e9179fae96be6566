"""Metrics against answers computed by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dropout_study.measures.metrics import (
    BINS,
    brier,
    calibration_gaps,
    disagreement,
    errors,
    mutual_information,
    nll,
    predictive_entropy,
)

LOG_PROBS = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]).log()
LABELS = torch.tensor([0, 1])


def ece(log_probs: Tensor, labels: Tensor, bins: int = BINS) -> Tensor:
    """The calibration error of all examples, from the gaps of its bins."""
    return calibration_gaps(log_probs, labels, bins).abs().sum(-1) / log_probs.shape[-2]


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


def test_brier_is_the_squared_distance_to_the_label() -> None:
    """If this failed, Brier scores would miss a class: 0.25 + 2/16, and 0.01 + 0.64 + 0.49."""
    torch.testing.assert_close(brier(LOG_PROBS, LABELS), torch.tensor([0.375, 1.14]))


def test_ece_of_three_predictions_by_hand() -> None:
    """If this failed, calibration would be binned wrongly: two of four around 0.56; 1.0 in the last
    bin.
    """
    probs = torch.tensor([[0.55, 0.45], [0.58, 0.42], [1.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 1, 0, 0])
    by_hand = (2 * abs(0.565 - 0.5) + 2 * abs(1.0 - 0.5)) / 4
    assert ece(probs.log(), labels, bins=10).item() == pytest.approx(by_hand, abs=1e-6)


def test_ece_puts_confidence_1_with_its_neighbours() -> None:
    """If this failed, saturated predictions would be judged apart from those of 0.99: the gaps must
    cancel.
    """
    probs = torch.tensor([[1.0, 0.0], [0.98, 0.02]])
    assert ece(probs.log(), torch.tensor([0, 0])).item() == pytest.approx(0.01, abs=1e-6)


def test_uncertainty_of_full_agreement_and_full_disagreement() -> None:
    """If this failed, mutual information would not separate doubt from disagreement:
    0, and ln 2.
    """
    half = torch.tensor([[0.5, 0.5]]).log()
    sure = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]).log()
    torch.testing.assert_close(predictive_entropy(half), torch.tensor([math.log(2)]))
    torch.testing.assert_close(mutual_information(half.expand(3, 1, 2)), torch.zeros(1))
    torch.testing.assert_close(mutual_information(sure), torch.tensor([math.log(2)]))


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_mutual_information_lies_between_0_and_the_entropy(seed: int, k: int) -> None:
    """If this failed, rounding or a wrong mean would give impossible information."""
    log_probs = (
        torch.randn(k, 4, 3, generator=torch.Generator().manual_seed(seed)).mul(5).log_softmax(-1)
    )
    information = mutual_information(log_probs)
    mean = log_probs.logsumexp(0) - math.log(k)
    assert (information >= 0).all()
    assert (information <= predictive_entropy(mean) + 1e-6).all()


def test_disagreement_counts_pairs_by_hand() -> None:
    """If this failed, disagreement would count a subnetwork with itself: votes 0, 0, 1 give 2 of 3
    pairs.
    """
    votes = torch.tensor([[[0.0, -1.0]], [[0.0, -1.0]], [[-1.0, 0.0]]])
    torch.testing.assert_close(disagreement(votes), torch.tensor([2 / 3]))


@pytest.mark.parametrize("measure", [disagreement, mutual_information])
@pytest.mark.parametrize("members", [LOG_PROBS.expand(1, 2, 3), LOG_PROBS])
def test_what_is_of_subnetworks_needs_two(measure: Callable[..., Tensor], members: Tensor) -> None:
    """If this failed, one prediction would agree with itself, or examples pass for subnetworks."""
    with pytest.raises(ValueError, match="at least two subnetworks"):
        measure(members)


@pytest.mark.parametrize("measure", [errors, nll, brier, ece])
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.tensor([[0], [1]]), r"int64 \[2, 1\]: for predictions \[2, 3\] give .* \[2\]"),
        (torch.tensor([0]), r"int64 \[1\]"),
        (torch.tensor(0), r"int64 \[\]"),
        (torch.tensor([0.0, 1.0]), r"float32 \[2\]"),
        (torch.tensor([1, 3]), "labels are from 1 to 3: number the 3 classes from 0"),
        (torch.tensor([-100, 2]), "labels are from -100 to 2"),
    ],
)
def test_labels_of_other_shapes_or_classes_are_refused(
    measure: Callable[[Tensor, Tensor], Tensor], labels: Tensor, said: str
) -> None:
    """If this failed, labels would be compared with every example, or be of no class there is."""
    with pytest.raises(ValueError, match=said):
        measure(LOG_PROBS, labels)


@pytest.mark.parametrize("given", [LOG_PROBS.exp(), LOG_PROBS + 1])
def test_probabilities_and_logits_are_refused(given: Tensor) -> None:
    """If this failed, confidences could be above 1, and entropies be of no distribution."""
    for measure in (nll, brier, ece):
        with pytest.raises(ValueError, match=r"add up to .*: give log-probabilities"):
            measure(given, LABELS)
    for measure in (predictive_entropy, lambda given: mutual_information(given.expand(2, 2, 3))):
        with pytest.raises(ValueError, match=r"add up to .*: give log-probabilities"):
            measure(given)


def test_half_precision_is_summed_in_single_and_double_in_double() -> None:
    """If this failed, sums over many examples or passes would be rounded off."""
    log_probs = LOG_PROBS.repeat(1_000, 1)
    labels = LABELS.repeat(1_000)
    halved = log_probs.bfloat16()
    torch.testing.assert_close(ece(halved, labels), ece(halved.float(), labels))
    assert nll(halved, labels).dtype == brier(halved, labels).dtype == torch.float32

    members = torch.randn(1_000, 2, 3, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    halved = members.bfloat16()
    torch.testing.assert_close(mutual_information(halved), mutual_information(halved.float()))
    alike = LOG_PROBS.double().log_softmax(-1).expand(3, 2, 3)
    assert mutual_information(alike).max() < 1e-12


def test_nothing_is_infinite_for_a_prediction_that_is_certain_and_wrong() -> None:
    """If this failed, one image would make the NLL of a whole test set infinite."""
    log_probs = torch.tensor([[200.0, 0.0]]).log_softmax(-1)
    assert nll(log_probs, torch.tensor([1])).item() == 200
    assert predictive_entropy(log_probs).isfinite().all()
