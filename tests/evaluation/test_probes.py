"""Probes against values computed by hand or another way."""

import math

import pytest
import torch

from dropout_study.config import names
from dropout_study.data.corruptions import corrupt
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import means
from dropout_study.dropout.enumeration import exact
from dropout_study.dropout.networks import MLP, LeNet
from dropout_study.dropout.rules import bagging, subnetworks, weight_scaling
from dropout_study.evaluation.predictions import score_rules
from dropout_study.evaluation.probes import PROBES, Probed
from dropout_study.evaluation.probes.units import correlation, effective_rank
from dropout_study.evaluation.sample_sizes import TIMED_NETWORKS
from dropout_study.measures import metrics

SOURCE = torch.Generator().manual_seed(0)
X = torch.rand(60, 16, generator=SOURCE)
LABELS = torch.arange(60) % 3
BATCHES = [(X[:40], LABELS[:40]), (X[40:], LABELS[40:])]


def probed(activation: str = "relu", seeds: int = 2, bag: int = 1, rate: float = 0.5) -> Probed:
    cohort = Cohort(MLP(16, 3, [5, 4], activation, 0.0, rate), range(seeds))
    for p in cohort.parameters():
        p.data *= 3

    return Probed(cohort, BATCHES, bag)


def test_every_probe_that_can_be_configured_exists() -> None:
    """If this failed, a study would fail after training, or a probe be offered that
    does not exist.
    """
    assert tuple(PROBES) == tuple(names.PROBES)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_finds_what_it_declares(name: str) -> None:
    """If this failed, a finding would have no unit and no meaning, or be declared and
    never found.
    """
    found = PROBES[name](probed())
    declared = [finding.name for finding in PROBES[name].findings]
    keys = [*found.metrics, *found.curves, *found.wrong, *found.pictures]
    assert sorted(declared) == sorted(keys)


def test_with_no_unit_removed_the_error_is_that_of_weight_scaling_and_it_grows() -> None:
    """If this failed, the curve of removal would not start where the net stands, or units not be
    removed.
    """
    net = probed()
    found = PROBES["removal"](net)
    steps, errors = found.curves["removal/error"]
    whole = score_rules(net.cohort, BATCHES, ["weight_scaling"], 1)["weight_scaling"]
    assert list(steps) == list(range(0, 100, 10))
    torch.testing.assert_close(errors[0], whole.means()["error"])
    assert (found.curves["removal/worst"][1] >= errors).all()
    torch.testing.assert_close(100 * found.wrong["removed_50"].mean(-1), errors[5])


def test_an_ensemble_is_the_mean_of_the_probabilities_of_the_members_that_are_judged_alone() -> (
    None
):
    """If this failed, the gain would compare an ensemble with members that are not its own."""
    net = probed()
    found = PROBES["ensemble"](net)
    members = torch.stack(list(subnetworks(net.cohort, X, 100)))
    alone = 100 * metrics.errors(members, LABELS).double().mean(-1)
    together = 100 * metrics.errors(means(members, [100]).arithmetic[0], LABELS).double().mean(-1)
    torch.testing.assert_close(found.metrics["single/error"], alone.mean(0))
    torch.testing.assert_close(found.metrics["single/error_worst"], alone.amax(0))
    torch.testing.assert_close(found.metrics["ensemble/error"], together)
    torch.testing.assert_close(100 * found.wrong["single"].mean(-1), alone.mean(0))
    torch.testing.assert_close(
        found.metrics["single/disagreement"],
        metrics.disagreement(members).double().mean(-1),
        rtol=1e-5,
        atol=1e-7,
    )


def test_bags_belong_to_their_first_members() -> None:
    """If this failed, a bag would be paired with a dropout net of another seed."""
    net = probed(seeds=6, bag=3, rate=0.0)
    found = PROBES["bags"](net)
    steps, errors = found.curves["bag/error"]
    expected = bagging(weight_scaling(net.cohort, X), 3)
    assert list(steps) == [1, 2, 3]
    torch.testing.assert_close(
        errors[:, [0, 3]], 100 * metrics.errors(expected, LABELS).double().mean(-1)
    )
    assert errors[:, [1, 2, 4, 5]].isnan().all()
    assert torch.equal(found.wrong["bag"][3], metrics.errors(expected[-1, 1], LABELS).double())


def test_correlation_of_units_computed_by_hand() -> None:
    """If this failed, `co_adaptation` would be decided by something else; a unit that never varies
    has none.
    """
    a = torch.tensor([1.0, 2.0, 3.0, 4.0])
    h = torch.stack(
        [a, 5 - 2 * a, torch.zeros(4), torch.tensor([1.0, -1.0, -1.0, 1.0])], -1
    ).unsqueeze(0)
    assert float(correlation(h)) == pytest.approx((1 + 0 + 0) / 3)
    assert float(correlation(h[..., :1])) == 0


def test_features_are_the_incoming_weights_of_the_first_units() -> None:
    """If this failed, the pictures would be of other units, or their pixels lie in another order
    than the inputs'.
    """
    net = probed()
    # [2, 16, 5]
    (weight,) = (p for name, p in net.cohort.named_parameters() if name.endswith("layers.0.weight"))
    weight.data = torch.arange(160.0).view(2, 16, 5)
    picture = PROBES["units"](net).pictures["features"]
    assert picture.shape == (2, 4, 20)
    assert picture[0, 0].tolist() == [unit + 5 * pixel for unit in range(5) for pixel in range(4)]
    assert picture[1, 3, -1] == 159  # the last pixel of the last unit
    oblong = Cohort(MLP(15, 3, [5]), range(2))
    assert PROBES["units"](Probed(oblong, [(X[:, :15], LABELS)])).pictures == {}
    filters = Cohort(LeNet(10), range(1))
    assert PROBES["units"](Probed(filters, [(torch.rand(3, 784), LABELS[:3])])).pictures == {}


def test_the_statistics_of_units_are_curves_over_the_layers_and_nothing_else() -> None:
    """If this failed, a metric of the same key would be lost, and its last layer be read for the
    mean.
    """
    net = probed()
    found = PROBES["units"](net)
    first, second, _ = net.cohort.outputs(X)
    steps, values = found.curves["units/activation"]
    assert list(steps) == [1, 2]
    wanted = torch.stack([h.double().mean((1, 2)) for h in (first, second)])
    torch.testing.assert_close(values, wanted)
    assert found.metrics == {}


def test_the_effective_rank_of_equal_directions_is_their_number() -> None:
    """If this failed, "rank" would not count directions."""
    eye = torch.cat([torch.eye(4), -torch.eye(4)]).unsqueeze(0)
    assert float(effective_rank(eye)) == pytest.approx(4.0)
    assert float(effective_rank(eye * torch.tensor([1.0, 0, 0, 0]))) == pytest.approx(1.0)


def test_corrupted_errors_are_those_of_the_corrupted_images() -> None:
    """If this failed, batches would be corrupted alike, or severities be mixed up."""
    net = probed()
    found = PROBES["corruption"](net)
    steps, errors = found.curves["corruption/noise"]
    parts = [corrupt(X[:40], "noise", 2, 0), corrupt(X[40:], "noise", 2, 1)]
    wrong = metrics.errors(weight_scaling(net.cohort, torch.cat(parts)), LABELS).double()
    torch.testing.assert_close(errors[list(steps).index(2)], 100 * wrong.mean(-1))
    every = torch.stack([curve for key, (_, curve) in found.curves.items()])
    torch.testing.assert_close(found.metrics["corruption/error"], every.mean((0, 1)))
    torch.testing.assert_close(100 * found.wrong["corrupted"].mean(-1), every.mean((0, 1)))


def test_enumeration_is_exact_for_linear_nets_and_only_for_those() -> None:
    """If this failed, the claims on exactness would be decided wrongly."""
    linear, relu = (probed(activation) for activation in ("identity", "relu"))
    for net in (linear, relu):
        net.cohort.double()

    exactly, roughly = (PROBES["enumeration"](net).metrics for net in (linear, relu))
    assert exactly["exact/masks"].tolist() == [2**9] * 2

    for key in (
        "weight_scaling_error",
        "normal_error",
        "kl",
        "arithmetic_sum_error",
        "geometric_sum_error",
    ):
        assert float(exactly[f"exact/{key}"].abs().max()) < 1e-12, key

    assert float(roughly["exact/weight_scaling_error"].min()) > 1e-3
    geometric = exact(relu.cohort, X[:40].double()).geometric
    kl = (
        (geometric.exp() * (geometric - weight_scaling(relu.cohort, X[:40].double())))
        .sum(-1)
        .mean(-1)
    )
    torch.testing.assert_close(roughly["exact/kl"], kl)


def test_sampling_comes_nearer_with_the_root_of_the_number_of_masks() -> None:
    """If this failed, the slope would not be that of a mean of independent samples."""
    net = probed(seeds=5)
    net.cohort.double()
    slopes = PROBES["enumeration"](net).metrics["exact/mc_slope"]
    assert float(slopes.mean()) == pytest.approx(-0.5, abs=0.03)


def test_operations_are_counted_as_they_must_be() -> None:
    """If this failed, the ratios of operations would be of other things than the
    ratios of times.
    """
    found = PROBES["timing"](Probed(probed().cohort, BATCHES))
    assert found.metrics["cost/flops_dropout"].tolist() == [1.0, 1.0]
    assert found.metrics["cost/flops_bag"].tolist() == [TIMED_NETWORKS, TIMED_NETWORKS]
    assert found.metrics["cost/flops_scaling"].tolist() == [1.0, 1.0]
    assert 1 < float(found.metrics["cost/flops_monte_carlo"][0]) <= TIMED_NETWORKS

    for name in ("dropout", "bag", "scaling", "monte_carlo"):
        steps, ratios = found.curves[f"cost/{name}"]
        assert ratios.shape == (len(steps), 2)
        assert not any(math.isnan(value) for value in ratios.flatten().tolist())

    assert float(found.curves["cost/bag"][1].median()) > 3
