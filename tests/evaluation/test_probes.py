"""Probes against values computed by hand or another way."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.config import names
from dropout_study.data.corruptions import CORRUPTIONS, corrupt
from dropout_study.dropout import rules
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import means
from dropout_study.dropout.enumeration import exact
from dropout_study.dropout.fast_dropout import fast_dropout, fast_dropout_arithmetic
from dropout_study.dropout.linear_regression import dropout_loss, ridge_loss
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import MLP, LeNet
from dropout_study.dropout.rules import bagging, subnetworks, weight_scaling
from dropout_study.evaluation.predictions import score_rules
from dropout_study.evaluation.probes import PROBES, Probed
from dropout_study.evaluation.probes.halves import split_in_halves
from dropout_study.evaluation.probes.interactions import Removal
from dropout_study.evaluation.probes.subnetworks import block_means, block_sizes
from dropout_study.evaluation.probes.units import correlation, effective_rank
from dropout_study.evaluation.sample_sizes import HALVES_SPLITS, TIMED_NETWORKS
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
    linear = Probed(Cohort(MLP(16, 3, input_rate=0.5), [0, 1]), BATCHES)
    found = PROBES[name](linear if name == "ridge" else probed())
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


def percent_wrong(log_probs: torch.Tensor) -> torch.Tensor:
    """Error in percent of predictions `[..., 60, C]` of the images."""
    return 100 * metrics.errors(log_probs, LABELS).double().mean(-1)


def test_blocks_are_disjoint_and_average_probabilities() -> None:
    """If this failed, an image would be judged by masks of two blocks, by logarithms, or by a block
    that is not full.
    """
    net = dataclasses.replace(probed(), samples=23, per_image=[3, 50])
    found = PROBES["subnetworks"](net)
    members = torch.stack(list(rules.subnetworks(net.cohort, X, 23)))
    steps, errors = found.curves["blocks/error"]
    _, nll = found.curves["blocks/nll"]
    assert list(steps) == [1, 2, 3, 5, 10, 20, 23]

    for k, error, likelihood in zip(steps, errors, nll, strict=True):
        blocks = members[: 23 // k * k].exp().unflatten(0, (-1, k)).mean(1).log()
        torch.testing.assert_close(error, percent_wrong(blocks).mean(0))
        wanted = metrics.nll(blocks, LABELS).double().mean((0, 2))
        torch.testing.assert_close(likelihood, wanted, rtol=1e-5, atol=1e-6)

    assert {"blocks_1", "blocks_3"} < set(found.wrong)
    assert "blocks_50" not in found.wrong, "there are fewer masks"
    threes = members[:21].exp().unflatten(0, (-1, 3)).mean(1).log()
    shares = metrics.errors(threes, LABELS).double().mean(0)
    torch.testing.assert_close(found.wrong["blocks_3"], shares)


@given(st.integers(1, 40), st.lists(st.integers(1, 50), max_size=3))
@settings(deadline=None)
def test_one_pass_gives_every_block_of_every_size(pool: int, chosen: list[int]) -> None:
    """If this failed, a block would repeat or leave out a subnetwork."""
    source = torch.Generator().manual_seed(pool)
    samples = torch.randn(pool, 2, 3, generator=source, dtype=torch.float64).log_softmax(-1)
    sizes = block_sizes(pool, chosen)
    blocks: dict[int, list[torch.Tensor]] = {k: [] for k in sizes}

    for k, mean in block_means(samples, sizes):
        blocks[k].append(mean)

    for k, found in blocks.items():
        wanted = samples[: pool // k * k].exp().unflatten(0, (-1, k)).mean(1).log()
        torch.testing.assert_close(torch.stack(found), wanted)


def test_single_subnetworks_and_the_pool_agree_with_what_other_probes_and_rules_find() -> None:
    """If this failed, the same word would mean two things, or the worst subnetwork not be one."""
    net = dataclasses.replace(probed(), samples=100)
    found = PROBES["subnetworks"](net)
    other = PROBES["ensemble"](net)
    members = torch.stack(list(rules.subnetworks(net.cohort, X, 100)))
    errors = percent_wrong(members)

    for mine, theirs in {
        "subnetworks/error": "single/error",
        "subnetworks/error_worst": "single/error_worst",
        "subnetworks/error_best": "single/error_best",
        "subnetworks/disagreement": "single/disagreement",
        "pool/error_arithmetic": "ensemble/error",
    }.items():
        wanted = other.metrics[theirs].double()
        torch.testing.assert_close(found.metrics[mine].double(), wanted, rtol=1e-5, atol=1e-6)

    torch.testing.assert_close(found.metrics["subnetworks/error_p99"], errors.quantile(0.99, dim=0))
    assert torch.equal(found.wrong["pool_arithmetic"], other.wrong["ensemble"])
    torch.testing.assert_close(found.wrong["blocks_1"], other.wrong["single"])
    whole = score_rules(net.cohort, BATCHES, ["geometric"], 100)["geometric"]
    assert torch.equal(found.wrong["pool_geometric"], whole.wrong())
    last = found.curves["blocks/error"][1][-1]
    torch.testing.assert_close(found.metrics["pool/error_arithmetic"], last)
    target = members.mean(0).log_softmax(-1).double()
    scaled = weight_scaling(net.cohort, X)
    kl = (target.exp() * (target - scaled)).sum(-1).mean(-1)
    torch.testing.assert_close(found.metrics["pool/kl_geometric"], kl, rtol=1e-3, atol=1e-7)


def test_a_network_that_never_drops_is_its_only_subnetwork() -> None:
    """If this failed, the same network would be computed a hundred times, or differ from itself."""
    net = probed(rate=0.0)
    found = PROBES["subnetworks"](net)
    steps, errors = found.curves["blocks/error"]
    assert list(steps) == [1]
    torch.testing.assert_close(errors[0], percent_wrong(weight_scaling(net.cohort, X)))
    assert found.metrics["pool/kl_arithmetic"].abs().max() < 1e-6
    assert found.metrics["subnetworks/disagreement"].tolist() == [0, 0]


def two_units(weight: float, second: float) -> Cohort:
    """Inputs and two hidden units of value 1 that add to the logit of class 0; no dropout."""
    cohort = Cohort(MLP(2, 2, [2], "relu", 0.0, 0.0), [0]).double()
    for name, p in cohort.named_parameters():
        p.data.zero_()
        if name.endswith("0.weight"):
            p.data[0] = torch.eye(2)
        elif name.endswith("1.weight"):
            p.data[0, :, 0] = torch.tensor([weight, second])

    return cohort


def test_an_interaction_computed_by_hand() -> None:
    """If this failed, `interactions` would scale the remaining units, or subtract another loss: two
    units that add 1 each have the loss ln(1 + e^-2), one has ln(1 + e^-1), none has ln 2.
    """
    cohort = two_units(1.0, 1.0)
    found = PROBES["interactions"](Probed(cohort, [(torch.ones(1, 2), torch.tensor([0]))]))
    both, one, none = (math.log1p(math.exp(-z)) for z in (2, 1, 0))
    pair = abs(none - 2 * one + both)
    assert float(found.curves["interactions/pair"][1]) == pytest.approx(pair, abs=1e-12)
    assert float(found.curves["interactions/unit"][1]) == pytest.approx(one - both, abs=1e-12)
    ratio = pair / (one - both)
    assert float(found.curves["interactions/ratio"][1]) == pytest.approx(ratio, abs=1e-12)


def test_a_unit_that_does_nothing_interacts_with_no_other() -> None:
    """If this failed, an interaction would contain the effects of single units."""
    found = PROBES["interactions"](
        Probed(two_units(3.0, 0.0), [(torch.ones(1, 2), torch.tensor([0]))])
    )
    assert float(found.curves["interactions/pair"][1]) == 0
    assert float(found.curves["interactions/unit"][1]) > 0.1


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_removing_units_is_running_the_whole_network_without_them(activation: str) -> None:
    """If this failed, the shortcut (images on which a unit is active, later stages alone) would
    give another loss.
    """
    network = probed(activation).cohort.member(0).double()
    x = X.double()
    outputs = network.outputs(x)

    for layer, units in ((1, [0, 3]), (2, [2, 1]), (2, [0])):
        site = network.sites[layer]
        mask = torch.ones(1, *site.shape, dtype=torch.float64)
        mask[:, units] = 0
        without = torch.nn.functional.cross_entropy(network(x, {site.name: mask}), LABELS)
        whole = torch.nn.functional.cross_entropy(outputs[-1], LABELS)
        rise = Removal(network, layer, outputs, LABELS)(units)
        torch.testing.assert_close(rise, without - whole, rtol=0, atol=1e-12)


def test_two_halves_have_every_unit_once_and_together_make_the_whole() -> None:
    """If this failed, "complementary" would not hold, or the halves not be scaled as in
    training: the mean of both factors of a unit is 1 where a layer has an even number of units.
    """
    cohort = Cohort(MLP(16, 3, [5, 4]), [3, 4])
    one, other = split_in_halves(cohort, 0)

    for site in cohort.stacked.sites[1:]:
        kept = one[site.name] > 0
        assert torch.equal(kept, other[site.name] == 0)
        assert kept.sum((1, 2)).tolist() == [math.prod(site.shape) // 2] * 2
        torch.testing.assert_close(one[site.name].mean(-1), torch.ones(2, 1))
        torch.testing.assert_close(other[site.name].mean(-1), torch.ones(2, 1))

    again, _ = split_in_halves(Cohort(MLP(16, 3, [5, 4]), [4]), 0)
    assert torch.equal(again["hidden0"][0], one["hidden0"][1]), "a function of the seed"
    assert not torch.equal(split_in_halves(cohort, 1)[0]["hidden0"], one["hidden0"])


def test_halves_are_judged_alone_and_by_their_mean_probabilities() -> None:
    """If this failed, a half would be judged with the other's units, or logits be averaged."""
    net = probed()
    found = PROBES["halves"](net)
    splits = [split_in_halves(net.cohort, i) for i in range(HALVES_SPLITS)]
    alone = torch.stack(
        [torch.stack([net.cohort(X, half).log_softmax(-1) for half in split]) for split in splits]
    )
    torch.testing.assert_close(found.metrics["halves/error"], percent_wrong(alone).mean((0, 1)))
    together = percent_wrong(alone.exp().mean(1)).mean(0)
    torch.testing.assert_close(found.metrics["halves/error_mean"], together)
    whole = percent_wrong(weight_scaling(net.cohort, X))
    torch.testing.assert_close(found.metrics["halves/error_whole"], whole)
    torch.testing.assert_close(100 * found.wrong["halves_mean"].mean(-1), together)
    differing = (alone[:, 0].argmax(-1) != alone[:, 1].argmax(-1)).double().mean((0, 2))
    torch.testing.assert_close(found.metrics["halves/disagreement"], differing)


def test_weight_scaling_diverges_from_the_exact_means_as_computed_directly() -> None:
    """If this failed, the divergence would be of other images, or in the other direction."""
    net = probed()
    net.cohort.double()
    found = PROBES["divergence"](net).metrics
    x = X.double()
    scaled = weight_scaling(net.cohort, x)

    for mean, target in vars(exact(net.cohort, x)).items():
        kl = (target.exp() * (target - scaled)).sum(-1).mean(-1)
        torch.testing.assert_close(found[f"divergence/kl_{mean}"], kl, rtol=1e-9, atol=1e-12)
        other = (target.argmax(-1) != scaled.argmax(-1)).double().mean(-1)
        torch.testing.assert_close(found[f"divergence/disagreement_{mean}"], other)


def test_the_images_of_every_kind_are_found_at_the_severities_that_decide() -> None:
    """If this failed, a claim on some severities would compare the images of others."""
    net = probed()
    found = PROBES["corruption_by_kind"](net)
    plain = PROBES["corruption"](net)
    assert all(torch.equal(found.metrics[key], value) for key, value in plain.metrics.items())

    for kind in CORRUPTIONS:
        _, errors = found.curves[f"corruption/{kind}"]
        deciding = errors[: names.DECIDING_SEVERITIES[kind]]
        shares = found.wrong[f"corrupted/{kind}"]
        torch.testing.assert_close(100 * shares.mean(-1), deciding.mean(0))


@pytest.mark.parametrize("mean", ["geometric", "arithmetic"])
def test_moments_are_compared_with_the_exact_means(mean: str) -> None:
    """If this failed, fast dropout would be judged by another mean, or in the other direction."""
    net = probed()
    net.cohort.double()
    found = PROBES["moments"](net).metrics
    x = X.double()
    target = getattr(exact(net.cohort, x), mean)

    fast = {"geometric": fast_dropout, "arithmetic": fast_dropout_arithmetic}[mean]
    approximations = {"weight_scaling": weight_scaling, "fast_dropout": fast}

    for rule, predict in approximations.items():
        predicted = predict(net.cohort, x)
        kl = (target.exp() * (target - predicted)).sum(-1).mean(-1)
        torch.testing.assert_close(found[f"moments/kl_{mean}_{rule}"], kl, rtol=1e-9, atol=1e-12)


def test_the_twin_of_linear_regression_has_the_penalty_of_its_rate() -> None:
    """If this failed, the check would hold for any penalty, or compare a loss with itself.

    With a quarter of the inputs dropped, the penalty of a half would be three times as large.
    """
    batches = [(X[:, :4], LABELS)]
    net = Probed(Cohort(MLP(4, 3, input_rate=0.25), seeds=[0, 1]).double(), batches)
    found = PROBES["ridge"](net).metrics
    assert found["ridge/loss_error"].shape == (2,)
    assert found["ridge/loss_error"].max() < 1e-14
    assert found["ridge/solution_error"].max() < 1e-13

    weights = net.cohort.stacked.layers[0].weight[0].T
    site = net.cohort.stacked.sites[0]
    x, y = X[:, :4].double(), (LABELS == 0).double()
    loss = dropout_loss(weights[0], x, y, site)
    for rate in (0.0, 0.5):
        other = ridge_loss(weights[0], x, y, Site("input", (4,), rate))
        assert (other / loss - 1).abs() > 1e-3


def test_an_input_that_is_0_in_all_images_is_left_out_of_the_regressions() -> None:
    """If this failed, no weight of it would be the best, and the equations singular."""
    cohort = Cohort(MLP(5, 3, input_rate=0.25), seeds=[0, 1]).double()
    x = X[:, :5].clone()
    x[:, 2] = 0
    found = PROBES["ridge"](Probed(cohort, [(x, LABELS)])).metrics
    assert found["ridge/loss_error"].max() < 1e-14
    assert found["ridge/solution_error"].max() < 1e-13
