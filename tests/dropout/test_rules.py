"""Prediction rules: what each computes, and that it computes the same however it is cut into
pieces.
"""

import dataclasses
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.config import names
from dropout_study.dropout import rules
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import means
from dropout_study.dropout.enumeration import exact
from dropout_study.dropout.masks import Site, enumerate_masks, log_probability, sample
from dropout_study.dropout.networks import MLP, LeNet, Network
from dropout_study.dropout.randomness import Purpose
from dropout_study.dropout.rules import (
    RULES,
    Averages,
    Rule,
    bagging,
    means_of,
    monte_carlo,
    predict,
    subnetworks,
    weight_scaling,
)
from support.trained import DIGITS, trained

X = torch.rand(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def cohort(network: Network, seeds: tuple[int, ...] = (0, 1), gain: float = 3.0) -> Cohort:
    """Networks in float64 with large weights, so that subnetworks disagree."""
    made = Cohort(network, seeds).double()
    for p in made.parameters():
        p.data *= gain

    return made


@given(st.integers(1, 10), st.floats(0.01, 0.99))
@settings(deadline=None)
def test_mask_probabilities_sum_to_1_and_keep_each_unit_with_keep(units: int, rate: float) -> None:
    """If this failed, the weights of the ensembles would not be a distribution, or not that of the
    masks.
    """
    site = Site("h", (units,), rate)
    probabilities = log_probability(site).exp()
    masks = enumerate_masks(units).double()
    assert len(masks.unique(dim=0)) == 2**units
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(
        probabilities @ masks, torch.full((units,), site.keep, dtype=torch.float64)
    )


@pytest.mark.parametrize(
    "network",
    [MLP(784, 10, [7], "tanh", 0.2, 0.5), *(LeNet(10, where) for where in ("fc", "pools", "all"))],
)
def test_monte_carlo_does_not_depend_on_chunks_companions_or_the_other_counts(
    network: Network,
) -> None:
    """If this failed, a Monte-Carlo estimate could not be repeated."""
    made = cohort(network, gain=1.0)
    x = torch.rand(5, 784, dtype=torch.float64)
    whole = monte_carlo(made, x, [1, 3, 4])
    again = monte_carlo(made, x, [1, 3, 4], chunk_bytes=1)
    alone = monte_carlo(made, x[3:4], [3])
    other = Cohort(network, [1]).double()

    for one, two in ((whole.arithmetic, again.arithmetic), (whole.geometric, again.geometric)):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-12)

    torch.testing.assert_close(whole.arithmetic[1, :, 3:4], alone.arithmetic[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(
        monte_carlo(other, x, [4]).arithmetic[0, 0], whole.arithmetic[2, 1], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("dropout", ["fc", "pools", "all"])
def test_subnetworks_are_passes_under_their_masks(dropout: str) -> None:
    """If this failed, the stages that subnetworks share would be masked, or computed twice."""
    made = cohort(LeNet(10, dropout), gain=1.0)
    x = torch.rand(5, 784, dtype=torch.float64)
    sites = made.stacked.sites

    for k, log_probs in enumerate(subnetworks(made, x, 3)):
        masks = sample(sites, made.seeds, k, 1, Purpose.EVALUATION_MASK, torch.float64)
        direct = made(x, masks).log_softmax(-1)
        torch.testing.assert_close(log_probs, direct, rtol=0, atol=1e-12)


def test_monte_carlo_means_are_those_of_its_samples() -> None:
    """If this failed, the sampled means would be weighted, or not normalized."""
    made = cohort(MLP(4, 3, [5], hidden_rate=0.5))
    samples = torch.stack(list(subnetworks(made, X, 7)))
    estimate = monte_carlo(made, X, [2, 7])
    torch.testing.assert_close(estimate.arithmetic[0].exp(), samples[:2].exp().mean(0))
    torch.testing.assert_close(estimate.geometric[1], samples.mean(0).log_softmax(-1))
    assert samples.unique(dim=0).shape[0] == 7


@pytest.mark.parametrize("counts", [[], [0, 1], [3, 2], [2, 2], [-1]])
def test_counts_of_masks_that_do_not_ascend_from_1_are_refused(counts: list[int]) -> None:
    """If this failed, an estimate would stand under another number of masks, or be left out."""
    with pytest.raises(ValueError, match=re.escape(f"counts={counts}: give distinct numbers")):
        monte_carlo(cohort(MLP(4, 3, [5], hidden_rate=0.5)), X, counts)


def test_more_masks_than_samples_are_refused() -> None:
    """If this failed, the last estimates would be left out without a word."""
    with pytest.raises(ValueError, match=r"counts=\[1, 3\]: there are fewer than 3 samples"):
        means(torch.zeros(2, 4, 3).log_softmax(-1), [1, 3])


def test_monte_carlo_agrees_with_enumeration_within_its_standard_error() -> None:
    """If this failed, sampling would be biased: at most 1 of 2,000 deviations beyond 5 standard
    errors.
    """
    made = trained(MLP(16, 10, [12], hidden_rate=0.5))
    x = DIGITS.test.batch(torch.arange(200))[0].double()
    k = 1000
    estimate = monte_carlo(made, x, [k]).arithmetic[0].exp()
    mean = exact(made, x).arithmetic.exp()
    second = torch.zeros_like(mean)

    site = made.stacked.sites[-1]
    for log_weight, mask in zip(log_probability(site), enumerate_masks(12), strict=True):
        factors = {site.name: (mask.double() / site.keep).expand(2, 1, 12)}
        second += log_weight.exp() * made(x, factors).softmax(-1).square()

    standard_error = ((second - mean.square()).clamp_min(0) / k).sqrt() + 1e-9
    beyond = (estimate - mean).abs() > 5 * standard_error
    assert beyond.shape == (2, 200, 10)
    assert beyond.sum((1, 2)).max() <= 1


def test_the_monte_carlo_error_falls_as_one_over_the_root_of_k() -> None:
    """If this failed, samples would not be independent: slope -1/2 on log-log axes, over 200 fresh
    networks' masks.
    """
    made = Cohort(MLP(4, 3, [8], hidden_rate=0.5), range(200)).double()
    for p in made.parameters():
        p.data = p.data[:1].expand_as(p) * 3  # one network; 200 seeds of masks

    counts = [1, 4, 16, 64, 256]
    deviation = monte_carlo(made, X, counts).arithmetic.exp() - exact(made, X).arithmetic.exp()
    spread = deviation.square().mean((1, 2, 3)).sqrt()
    slope = torch.linalg.lstsq(
        torch.stack([torch.tensor(counts).log().double(), torch.ones(5).double()], 1),
        spread.log().unsqueeze(1),
    ).solution[0].item()  # fmt: skip
    assert slope == pytest.approx(-0.5, abs=0.03)


def test_bags_average_disjoint_members() -> None:
    """If this failed, a bag would contain members of another, or average logarithms."""
    log_probs = torch.randn(6, 2, 3, dtype=torch.float64).log_softmax(-1)
    bags = bagging(log_probs, 3)
    assert bags.shape == (3, 2, 2, 3)
    torch.testing.assert_close(bags[0], log_probs[[0, 3]])
    torch.testing.assert_close(bags[1, 1].exp(), log_probs[3:5].exp().mean(0))
    torch.testing.assert_close(bags[2, 0].exp(), log_probs[:3].exp().mean(0))

    with pytest.raises(ValueError, match="6 members do not divide into bags of 4"):
        bagging(log_probs, 4)


def test_sums_are_taken_in_single_precision_at_least() -> None:
    """If this failed, sums of half-precision networks would stop growing; double be rounded."""
    for dtype, within in ((torch.bfloat16, 1e-5), (torch.float64, 1e-12)):
        made = Cohort(MLP(4, 3, [6], input_rate=0.2, hidden_rate=0.5), (0, 1)).to(dtype)
        x = X.to(dtype)
        sampled = monte_carlo(made, x, [1_000])
        enumerated = exact(made, x)

        means_of_masks = [*vars(sampled).values(), *vars(enumerated).values()]
        for log_probs in (*means_of_masks, weight_scaling(made, x)):
            assert log_probs.dtype == torch.promote_types(dtype, torch.float32)
            assert (log_probs.double().exp().sum(-1) - 1).abs().max() < within


def test_predictions_in_half_precision_are_averaged_in_single() -> None:
    """If this failed, a user's own samples in half precision would add up to a part of 1."""
    samples = torch.randn(1_000, 2, 3, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    halved = samples.bfloat16()
    assert torch.equal(bagging(halved, 1_000), bagging(halved.float(), 1_000))

    for one, other in zip(
        vars(means(halved, [1_000])).values(),
        vars(means(halved.float(), [1_000])).values(),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "rule",
    [weight_scaling, lambda c, x: exact(c, x).geometric, lambda c, x: exact(c, x).arithmetic],
)
def test_every_rule_gives_distributions(rule) -> None:  # noqa: ANN001
    """If this failed, a rule's probabilities would not sum to 1."""
    log_probs = rule(cohort(MLP(4, 3, [5], hidden_rate=0.5)), X)
    assert log_probs.shape == (2, 6, 3)
    torch.testing.assert_close(log_probs.logsumexp(-1), torch.zeros(2, 6, dtype=torch.float64))


def test_the_registry_holds_the_rules_that_can_be_configured() -> None:
    """If this failed, a configuration would name a rule that does not exist, or never offer one
    that does.
    """
    assert list(RULES) == names.RULES


def test_rules_of_the_same_subnetworks_share_one_pass_over_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, masks would be sampled or enumerated once for each rule that
    averages them.
    """
    made = cohort(MLP(4, 3, [5], hidden_rate=0.5))
    alone = {name: rule.predict(made, X, 7) for name, rule in RULES.items()}
    computed: list[Averages] = []
    ensemble = rules._ensemble

    def counted(averages: Averages, *arguments: Any) -> rules.Ensemble:
        computed.append(averages)
        return ensemble(averages, *arguments)

    monkeypatch.setattr(rules, "_ensemble", counted)
    together = dict(predict(made, X, list(RULES), samples=7))
    assert computed == [Averages.SAMPLED, Averages.ALL]
    assert all(torch.equal(together[name], alone[name]) for name in RULES)


def test_a_rule_of_its_own_arithmetic_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a rule that is neither mean, as a median, could not be evaluated beside
    others, or the pool of their masks would take it for a mean.
    """

    def median(made: Cohort, x: torch.Tensor, samples: int) -> torch.Tensor:
        return torch.stack(list(subnetworks(made, x, samples))).median(0).values.log_softmax(-1)

    monkeypatch.setitem(RULES, "median", Rule(median, Averages.SAMPLED))
    made = cohort(MLP(4, 3, [5], hidden_rate=0.5))
    predicted = dict(predict(made, X, ["monte_carlo", "median"], samples=7))
    assert torch.equal(predicted["median"], median(made, X, 7))
    assert torch.equal(predicted["monte_carlo"], monte_carlo(made, X, [7]).arithmetic[0])
    assert list(means_of(["median", "monte_carlo"], Averages.SAMPLED)) == ["monte_carlo"]


@pytest.mark.parametrize("name", ["weight_scaling", "geometric", "exact_arithmetic"])
def test_only_the_mean_whose_curve_is_measured_may_ask_for_one(name: str) -> None:
    """If this failed, the error of the arithmetic mean of sampled masks would be recorded under the
    name of another rule.
    """
    with pytest.raises(ValueError, match="arithmetic mean of sampled masks"):
        dataclasses.replace(RULES[name], curve="other")
