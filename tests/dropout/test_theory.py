"""The equations of section 7.12, each as a test; where the notes slip, the docstring has the
equation corrected.
"""

import math

import pytest
import torch

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact, exact_normal
from dropout_study.dropout.masks import Site, enumerate_masks, log_probability
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.rules import bagging, weight_scaling
from support.trained import X, trained


@pytest.fixture(scope="module")
def softmax_regression() -> Cohort:
    return trained(MLP(16, 10))


def with_rate(cohort: Cohort, rate: float) -> Cohort:
    """The same weights with another input rate."""
    network = MLP(16, 10, input_rate=rate)
    made = Cohort(network, cohort.seeds).double()
    made.load_state_dict(cohort.state_dict())

    return made


def enumerated(cohort: Cohort, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities of all masks `[M]` and log p(y | v; d) `[M, C]` of the first network for one
    example `[16]`.
    """
    masks = enumerate_masks(16).double() / cohort.stacked.sites[0].keep
    layer = cohort.member(0).layers[0]

    return log_probability(cohort.stacked.sites[0]).exp(), (
        (masks * x) @ layer.weight + layer.bias
    ).log_softmax(-1)


def test_7_52_bagging_averages_probabilities() -> None:
    """(1/k) sum_i p_i(y | x). If this failed, bagging would be something else."""
    log_probs = torch.randn(5, 4, 3, dtype=torch.float64).log_softmax(-1)
    torch.testing.assert_close(bagging(log_probs, 5)[-1, 0].exp(), log_probs.exp().sum(0) / 5)


def test_7_53_the_arithmetic_ensemble_weights_predictions_by_mask_probability(
    softmax_regression: Cohort,
) -> None:
    """sum_mu p(mu) p(y | x, mu). If this failed, `exact().arithmetic` would not be the ensemble of
    the chapter.
    """
    cohort = with_rate(softmax_regression, 0.2)
    probabilities, log_probs = enumerated(cohort, X[0])
    expected = (probabilities.unsqueeze(1) * log_probs.exp()).sum(0)
    torch.testing.assert_close(
        exact(cohort, X[:1]).arithmetic[0, 0].exp(), expected, rtol=0, atol=1e-12
    )


def test_7_54_the_plain_root_is_the_weighted_mean_for_keep_one_half(
    softmax_regression: Cohort,
) -> None:
    """The 2^d-th root of prod_mu p(y | x, mu).

    Corrected: it is the mask-probability-weighted mean; the plain root holds for keep = 1/2 alone.
    If this failed, the two would agree for other keeps too, or not for 1/2.
    """
    for rate, same in ((0.5, True), (0.2, False)):
        probabilities, log_probs = enumerated(with_rate(softmax_regression, rate), X[0])
        plain = log_probs.mean(0)
        weighted = (probabilities.unsqueeze(1) * log_probs).sum(0)
        assert torch.allclose(plain, weighted, rtol=0, atol=1e-12) == same


def test_7_55_7_58_the_geometric_ensemble_is_normalized_over_the_classes(
    softmax_regression: Cohort,
) -> None:
    """p(y | v) = p~(y | v) / sum_y' p~(y' | v).

    Corrected in 7.58: the sum is over y' for the same v. Before it, the mean sums to less than 1.
    If this failed, the ensemble would not be a distribution.
    """
    cohort = with_rate(softmax_regression, 0.5)
    probabilities, log_probs = enumerated(cohort, X[0])
    unnormalized = (probabilities.unsqueeze(1) * log_probs).sum(0).exp()
    assert unnormalized.sum() < 0.999
    ensemble = exact(cohort, X[:1]).geometric[0, 0].exp()
    torch.testing.assert_close(ensemble, unnormalized / unnormalized.sum(), rtol=0, atol=1e-12)
    assert ensemble.sum().item() == pytest.approx(1, abs=1e-12)


def test_7_56_softmax_regression(softmax_regression: Cohort) -> None:
    """P(y | v) = softmax(W^T v + b)_y. If this failed, weights `[in, out]` would be read
    transposed.
    """
    layer = softmax_regression.member(0).layers[0]
    z = [sum(layer.weight[i, y] * X[0, i] for i in range(16)) + layer.bias[y] for y in range(10)]
    expected = torch.stack(z).softmax(0)
    torch.testing.assert_close(
        softmax_regression(X[:1])[0, 0].softmax(0), expected, rtol=0, atol=1e-12
    )


def test_7_57_a_mask_multiplies_the_inputs(softmax_regression: Cohort) -> None:
    """P(y | v; d) = softmax(W^T (d * v) + b)_y; mu = [1, 0, 1] gives [h1, 0, h3] (the notes print
    h2).
    """
    mask = torch.zeros(16, dtype=torch.float64)
    mask[[0, 2, 7]] = 1
    layer = softmax_regression.member(0).layers[0]
    masked = softmax_regression(X[:1], {"input": mask.expand(2, 1, 16)})[0, 0]
    torch.testing.assert_close(
        masked, layer.weight.T @ (mask * X[0]) + layer.bias, rtol=0, atol=1e-12
    )
    assert (torch.tensor([1.0, 2.0, 3.0]) * torch.tensor([1, 0, 1])).tolist() == [1, 0, 3]


def test_7_59_to_7_65_each_step_of_the_derivation(softmax_regression: Cohort) -> None:
    """From the root of the product of softmaxes to exp of the mean exponent.

    Corrected: the roots are 2^n-th; in 7.63 the denominator does not depend on y; 7.65 has one exp
        and no log:
    exp((1/2^n) sum_d (W_{:,y}^T (d * v) + b_y)). If this failed, some step of the derivation would
    be wrong.
    """
    layer = softmax_regression.member(0).layers[0]
    v = X[0]
    masks = enumerate_masks(16).double()
    z = (masks * v) @ layer.weight + layer.bias
    root_of_product = z.log_softmax(-1).mean(0)  # 7.59-7.61, in logarithms
    numerator = z.mean(0)  # 7.62, 7.63: the latter is free of y
    denominator = z.logsumexp(-1).mean()
    torch.testing.assert_close(root_of_product, numerator - denominator, rtol=0, atol=1e-12)
    # 7.64.
    torch.testing.assert_close(root_of_product.softmax(0), numerator.softmax(0), rtol=0, atol=1e-12)
    # 7.65.
    exponent = sum(layer.weight[i] * v[i] * masks[:, i].mean() for i in range(16)) + layer.bias
    torch.testing.assert_close(numerator, exponent, rtol=0, atol=1e-12)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_7_66_weight_scaling_is_the_geometric_ensemble_of_softmax_regression(
    softmax_regression: Cohort, keep: float
) -> None:
    """exp(keep W_{:,y}^T v + b_y), normalized, for any keep; the bias is not scaled.

    All 65,536 masks, trained weights.

    If this failed, the central claim of the section would not hold, or the weights of the masks be
    wrong.
    """
    cohort = with_rate(softmax_regression, 1 - keep)
    # Weights as trained are divided by keep inside the masks; scaling them by keep undoes it: W is
    # used as it is.
    torch.testing.assert_close(
        exact(cohort, X).geometric, weight_scaling(cohort, X), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_weight_scaling_is_exact_for_deep_linear_networks(keep: float) -> None:
    """Independent masks at inputs and two hidden layers, 12 units.

    A product of independent factors has the product of their means.
    If this failed, exactness would need a single layer.
    """
    network = MLP(4, 3, [5, 3], "identity", 1 - keep, 1 - keep)
    cohort = Cohort(network, [0, 1]).double()
    x = torch.rand(10, 4, dtype=torch.float64)
    torch.testing.assert_close(
        exact(cohort, x).geometric, weight_scaling(cohort, x), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_weight_scaling_is_not_exact_behind_a_nonlinearity(activation: str) -> None:
    """If this failed, the enumeration would only repeat weight scaling, or the claim `approximate`
    be empty.
    """
    network = MLP(16, 10, [8], activation, 0.0, 0.5)
    only_output = trained(network)
    # Masks behind the nonlinearity only: still linear in the mask.
    torch.testing.assert_close(
        exact(only_output, X).geometric, weight_scaling(only_output, X), rtol=0, atol=1e-12
    )
    network = MLP(4, 3, [6], activation, 0.5, 0.0)

    cohort = Cohort(network, [0]).double()
    for p in cohort.parameters():
        p.data *= 3

    x = torch.rand(10, 4, dtype=torch.float64)
    ensemble = exact(cohort, x).geometric
    scaled = weight_scaling(cohort, x)
    divergence = (ensemble.exp() * (ensemble - scaled)).sum(-1)
    assert 1e-4 < divergence.mean() < 1


def test_the_expected_input_is_keep_times_the_full_one_in_the_first_layer_alone() -> None:
    """E[W^T (mu * v)] = keep W^T v: exact before the first nonlinearity, not behind it (the notes'
    intuition).
    """
    site = Site("input", (4,), 0.3)
    masks = enumerate_masks(4).double()
    probabilities = log_probability(site).exp().unsqueeze(1)
    first = torch.randn(4, 5, dtype=torch.float64)
    second = torch.randn(5, 2, dtype=torch.float64)
    v = torch.rand(4, dtype=torch.float64)
    z = (masks * v) @ first
    torch.testing.assert_close(
        (probabilities * z).sum(0), site.keep * (v @ first), rtol=0, atol=1e-12
    )
    behind = (probabilities * (z.relu() @ second)).sum(0)
    assert not torch.allclose(behind, site.keep * ((v @ first).relu() @ second), atol=1e-3)


def test_regression_with_normal_outputs_is_exact_and_the_mixture_is_wider() -> None:
    """The geometric mean of normals of one variance is normal with the mean of weight scaling.

    The arithmetic one is a mixture with variance sigma^2 + Var(mean).
    If this failed, dropout's exactness would stop at classification.
    """
    cohort = Cohort(MLP(4, 1, [3], "identity", 0.2, 0.4), [0, 1]).double()
    for p in cohort.parameters():
        p.data *= 3

    x = torch.rand(5, 4, dtype=torch.float64)
    variance = 0.3
    ensemble = exact_normal(cohort, x, variance)
    torch.testing.assert_close(ensemble.mean, cohort(x), rtol=0, atol=1e-12)
    # By hand, for one example of the first network: densities on a grid.
    weights = []
    means = []

    for bits in enumerate_masks(7):
        keeps = [cohort.stacked.sites[0].keep] * 4 + [cohort.stacked.sites[1].keep] * 3
        weights.append(
            math.prod(k if b else 1 - k for k, b in zip(keeps, bits.tolist(), strict=True))
        )
        factors = bits.double() / torch.tensor(keeps, dtype=torch.float64)
        masks = {"input": factors[:4].expand(2, 1, 4), "hidden0": factors[4:].expand(2, 1, 3)}
        means.append(cohort(x[:1], masks)[0, 0, 0])

    w = torch.tensor(weights, dtype=torch.float64)
    m = torch.stack(means)
    grid = torch.linspace(-8, 8, 20_001, dtype=torch.float64)
    log_densities = -0.5 * (grid - m.unsqueeze(1)) ** 2 / variance
    geometric = (w @ log_densities).softmax(0)

    arithmetic = (w @ log_densities.exp()) / (w @ log_densities.exp()).sum()
    for density, expected in (
        (geometric, ensemble.geometric_variance),
        (arithmetic, ensemble.arithmetic_variance),
    ):
        mean = (density * grid).sum()
        assert mean.item() == pytest.approx(ensemble.mean[0, 0, 0].item(), abs=1e-6)
        assert (density * (grid - mean) ** 2).sum().item() == pytest.approx(
            expected[0, 0, 0].item(), abs=1e-6
        )

    assert ensemble.arithmetic_variance[0, 0, 0] > 1.05 * variance
