"""Evaluating rules: scores over batches, and curves over the number of masks."""

import pytest
import torch

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.rules import monte_carlo, subnetworks, weight_scaling
from dropout_study.evaluation.predictions import sampled, score_rules, sparse_counts
from dropout_study.measures import metrics

X = torch.rand(50, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(50) % 3
BATCHES = [(X[:30], LABELS[:30]), (X[30:], LABELS[30:])]


def cohort() -> Cohort:
    made = Cohort(MLP(4, 3, [6], "tanh", 0.2, 0.5), [0, 1])
    for p in made.parameters():
        p.data *= 3

    return made


def test_each_rule_is_evaluated_under_its_own_name() -> None:
    """If this failed, the columns of the table would be mixed up."""
    made = cohort()
    rules = ["weight_scaling", "monte_carlo", "geometric", "exact_arithmetic", "exact_geometric"]
    results = score_rules(made, BATCHES, rules, 20)
    drawn = monte_carlo(made, X, [20])
    ensemble = exact(made, X)

    expected = dict(zip(rules, (weight_scaling(made, X), drawn.arithmetic[0], drawn.geometric[0],
                                ensemble.arithmetic, ensemble.geometric), strict=True))  # fmt: skip
    for rule, log_probs in expected.items():
        nll = results[rule].means()["nll"].tolist()
        assert nll == pytest.approx(metrics.nll(log_probs, LABELS).mean(1).tolist(), abs=1e-5)
        assert torch.equal(results[rule].wrong(), metrics.errors(log_probs, LABELS))

    assert set(score_rules(made, BATCHES, ["geometric"], 20)) == {"geometric"}


def test_a_pool_gives_the_means_of_all_its_masks_and_the_images_they_miss() -> None:
    """If this failed, Monte Carlo would depend on whether the curve over masks is wanted, too."""
    made = cohort()
    rules = ["monte_carlo", "geometric"]
    found = sampled(made, BATCHES, rules, samples=100, redraws=5, per_image=[7, 50])
    alone = score_rules(made, BATCHES, rules, 100)

    for rule, scores in found.scores.items():
        torch.testing.assert_close(
            scores.means()["nll"], alone[rule].means()["nll"], rtol=1e-5, atol=1e-6
        )
        assert torch.equal(scores.wrong(), alone[rule].wrong())

    assert set(found.wrong) == {7}, "50 masks are more than a fifth of the pool"
    at = found.curves["error"].counts.index(7)
    torch.testing.assert_close(100 * found.wrong[7].mean(-1), found.curves["error"].mean[at])


def test_the_curve_over_masks_falls_towards_the_ensemble_from_the_mean_subnetwork() -> None:
    """If this failed, re-draws would not be of k masks: at k = 1 it is the mean over subnetworks of
    the pool.
    """
    made = cohort()
    curve = sampled(made, BATCHES, [], samples=100, redraws=400).curves["nll"]
    pool = torch.stack(list(subnetworks(made, X, 100)))
    assert curve.counts[0] == 1
    assert curve.counts[-1] == 20
    single = metrics.nll(pool, LABELS).mean((0, 2))
    torch.testing.assert_close(curve.mean[0].float(), single, rtol=0.05, atol=0)
    ensemble = metrics.nll(monte_carlo(made, X, [100]).arithmetic[0], LABELS).mean(1)
    assert (curve.mean.diff(dim=0) < 0).all(), "more masks, better likelihood (Jensen)"
    assert (curve.mean[-1] > ensemble.double()).all()
    assert (curve.sd[-1] < curve.sd[0]).all()


def test_the_same_call_gives_the_same_curve() -> None:
    """If this failed, the pool would be altered by drawing from it, or drawn anew."""
    made = cohort()
    one, two = (sampled(made, BATCHES, [], 50, 7).curves["error"] for _ in range(2))
    assert torch.equal(one.mean, two.mean)
    assert torch.equal(one.sd, two.sd)


def test_counts_are_dense_at_first_and_end_at_the_largest() -> None:
    """If this failed, the figure would miss its ends."""
    assert sparse_counts(1) == [1]
    assert sparse_counts(10) == [1, 2, 3, 4, 6, 7, 10]
    assert sparse_counts(100)[-1] == 100
