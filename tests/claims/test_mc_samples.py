"""Sampled masks against weight scaling."""

from collections.abc import Mapping

import numpy as np
import pytest

from dropout_study.analysis.criteria import Asked, decide
from dropout_study.analysis.runs import Effect, ResultsMissing
from dropout_study.claims import mc_samples
from dropout_study.claims.mc_samples import MonteCarloSamples
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = MonteCarloSamples()


def net(
    arm: str,
    seed: int,
    scaled: list[int],
    masks: dict[int, list[float]],
) -> Columns:
    """A net: images that weight scaling misclassifies, and shares of them by number of masks."""
    errors = {k: 100 * sum(shares) / len(shares) for k, shares in masks.items()}
    names = {k: f"blocks_{k}" for k in masks} | {max(masks): "pool_arithmetic"}
    wrong = {f"wrong/{names[k]}": np.array(shares) for k, shares in masks.items()}

    return row(
        arm,
        seed,
        misclassified("weight_scaling", scaled),
        curve("blocks/error", errors),
        curve("blocks/nll", dict.fromkeys(masks, 0.25)),
        {"test/nll/weight_scaling": 0.5},
        wrong,
    )


def change_by(images: int, arm: str, seed: int) -> Columns:
    """A net whose 20 masks err on some more images of 200 than weight scaling, which errs on 20."""
    scaled = [1] * 20 + [0] * 180
    errors = 20 + images
    few = [1.0] * errors + [0.0] * (200 - errors)

    return net(arm, seed, scaled, {1: [1.0] * 200, 20: few, 300: few})


def outcomes(effects: Mapping[str, Mapping[str, Effect]]) -> dict[str, str]:
    """The outcomes of gain and loss, decided together."""
    asked = {
        name: Asked(CLAIM.parts[name], effects[name])
        for name in ("some models gain", "others lose")
    }
    return {name: decision.outcome for name, decision in decide(asked).items()}


FEW = [1, 0.5, 0, 0]
"""Shares of misclassification, 37.5 % in the mean."""
LENET = [
    net("LeNet", 100, [1, 1, 0, 0], {1: [1, 1, 1, 0], 20: FEW, 300: [1, 0, 0, 0]}),
    net("LeNet", 101, [1, 1, 1, 0], {1: [1, 1, 1, 1], 20: FEW, 300: [1, 0, 0, 0]}),
]
MLPS = [
    net(arm, seed, [1, 0, 0, 0], {1: [1, 1, 0, 0], 20: FEW, 1000: last})
    for arm, last in (("hidden 0.5", [0, 0, 0, 0]), ("input 0.2, hidden 0.5", [1, 1, 0, 0]))
    for seed in (100, 101)
]
STUDIES = {"mc_samples": runs(*LENET), "sampling": runs(*MLPS)}


def test_a_model_gains_where_20_masks_err_less_than_weight_scaling() -> None:
    """If this failed, the sign would be turned, or one mask or the whole pool would be asked.

    LeNet: 50 - 37.5 and 75 - 37.5; the fully connected nets: 25 - 37.5.
    """
    effects = CLAIM.estimate(STUDIES)["some models gain"]
    criterion = CLAIM.parts["some models gain"].criterion
    assert list(effects) == ["LeNet", "MLP, hidden 0.5", "MLP, input and hidden"]
    assert list(effects["LeNet"].values) == [12.5, 37.5]
    assert list(effects["MLP, hidden 0.5"].values) == [-12.5, -12.5]
    assert criterion.distance(effects["LeNet"].estimate()) > 0
    assert criterion.distance(effects["MLP, hidden 0.5"].estimate()) < 0


def test_the_same_gain_counts_against_in_the_part_on_models_that_lose() -> None:
    """If this failed, one model could be the one that gains and the one that does not."""
    estimated = CLAIM.estimate(STUDIES)
    part = CLAIM.parts["others lose"]
    assert estimated["others lose"] == estimated["some models gain"]
    assert part.criterion.distance(estimated["others lose"]["LeNet"].estimate()) < 0
    assert part.criterion.distance(estimated["others lose"]["MLP, hidden 0.5"].estimate()) > 0
    assert part.some


def test_models_that_gain_and_others_that_lose_support_both_parts() -> None:
    """If this failed, one model that loses would contradict the gain of another, or a claim without
    a model that loses would be supported.

    Of 200 images, 20 masks err on 9, 10 and 11 fewer in LeNet, and on as many more in the others.
    """
    changes = {100: 9, 101: 10, 102: 11}
    gaining = [change_by(-change, "LeNet", seed) for seed, change in changes.items()]
    losing = [
        change_by(change, arm, seed)
        for arm in ("hidden 0.5", "input 0.2, hidden 0.5")
        for seed, change in changes.items()
    ]
    asked = {"mc_samples": runs(*gaining), "sampling": runs(*losing)}
    effects = CLAIM.estimate(asked)
    assert list(effects["some models gain"]["LeNet"].values) == [4.5, 5, 5.5]
    assert list(effects["others lose"]["MLP, hidden 0.5"].values) == [-4.5, -5, -5.5]
    assert outcomes(effects) == {"some models gain": "supported", "others lose": "supported"}

    lenet = {name: {"LeNet": cases["LeNet"]} for name, cases in effects.items()}
    assert outcomes(lenet) == {"some models gain": "supported", "others lose": "not found"}


def test_the_context_compares_weight_scaling_with_the_whole_pool() -> None:
    """If this failed, 20 masks would answer for the book's other case, or the sign be turned.

    Weight scaling minus 1,000 masks: 25 - 0 and 25 - 50.
    """
    _, hidden, both = CLAIM.context_lines(STUDIES)
    assert "weight scaling minus 1000 masks +25.000" in hidden
    assert "weight scaling minus 1000 masks -25.000" in both


def test_the_share_of_the_gain_is_a_ratio_of_means() -> None:
    """If this failed, seeds with a small gain would dominate a mean of ratios, or errors at the
    wrong numbers of masks be divided.

    20 masks save 75 - 37.5 = 37.5 and 100 - 37.5 = 62.5 points, the pool 50 and 75: the share is
    50 / 62.5 = 0.8. By the delta method seed 100 has 0.8 + (37.5 - 0.8 * 50) / 62.5 = 0.76 and
    seed 101 0.8 + (62.5 - 0.8 * 75) / 62.5 = 0.84.
    """
    effect = CLAIM.estimate(STUDIES)["about 20"]["LeNet"]
    assert list(effect.values) == pytest.approx([0.76, 0.84])
    assert effect.estimate().mean == pytest.approx(0.8)
    assert CLAIM.parts["about 20"].criterion.distance(effect.estimate()) == pytest.approx(-0.1)


def test_images_contribute_to_the_share_by_the_same_formula() -> None:
    """If this failed, the interval of the share would leave out the test images.

    Seed 100, image 2: 20 masks save 100 * (1 - 0.5) = 50 points, the pool 100, hence
    0.8 + (50 - 0.8 * 100) / 62.5 = 0.32. Image 3: both save 100, 0.8 + (100 - 80) / 62.5 = 1.12.
    """
    effect = CLAIM.estimate(STUDIES)["about 20"]["LeNet"]
    assert effect.images is not None
    assert effect.images[0].tolist() == pytest.approx([0.8, 0.32, 1.12, 0.8], abs=1e-6)
    assert effect.images.mean(axis=1).tolist() == pytest.approx([0.76, 0.84], abs=1e-6)


def test_a_model_that_masks_do_not_improve_has_no_share() -> None:
    """If this failed, a gain of 0 would divide, and a negative one turn the sign of the share."""
    estimated = CLAIM.estimate(STUDIES)
    assert list(estimated["about 20"]) == ["LeNet", "MLP, hidden 0.5"]
    lines = CLAIM.context_lines(STUDIES)
    assert ["there is no share" in line for line in lines] == [False, False, True]

    flat = [net("flat", 100, [1, 0], {1: [1, 0], 20: [1, 0], 100: [1, 0]})]
    with pytest.raises(ResultsMissing, match="in no model does the whole pool of masks err less"):
        mc_samples.gaining({"flat": runs(*flat)})


def test_differences_of_test_errors_are_kept_by_image() -> None:
    """If this failed, their intervals would leave out the test images, or pair the wrong seeds.

    Image 2 of seed 101: weight scaling errs, half of the blocks of 20 do.
    """
    gain = CLAIM.estimate(STUDIES)["some models gain"]["LeNet"]
    assert list(gain.seeds) == [100, 101]
    assert gain.images is not None
    assert gain.images[1].tolist() == [0, 50, 100, 0]


def test_the_context_names_the_number_of_masks_from_which_on_scaling_is_matched() -> None:
    """If this failed, a k at which masks are worse would be printed as sufficient.

    LeNet's masks are better from 20 on, 37.5 - 50 and 37.5 - 75 points, by an interval of
    -25 ± 159 that contains the margin; only nets without spread have a sufficient number.
    """
    lenet, hidden, both = CLAIM.context_lines(STUDIES)
    assert "weight scaling 62.500 %, 1 mask 87.500 %, 20 masks 37.500 %, 300 masks 25" in lenet
    assert "excess over weight scaling below 0.05 points at no number tried;" in lenet
    assert "excess over weight scaling below 0.05 points from 1,000 masks on;" in hidden
    assert "weight scaling below 0.05 points at no number tried;" in both
    assert "and in NLL +0.2500" in lenet  # 0.5 - 0.25 nats
    assert "2 seeds" in lenet


def test_the_figure_has_a_panel_for_each_model() -> None:
    """If this failed, the curve of a model would be drawn under the name of another."""
    lenet, hidden, both = CLAIM.draw(STUDIES).axes
    assert lenet.get_title("left") == "LeNet"
    assert both.get_title("left") == "MLP, input and hidden"
    lines = {str(line.get_label()): list(line.get_ydata()) for line in lenet.lines}
    assert lines["Monte Carlo"] == [87.5, 37.5, 25]
    assert lines["weight scaling"] == [62.5, 62.5]
    assert list(hidden.lines[0].get_xdata()) == [1, 20, 1000]


def test_missing_results_are_named() -> None:
    """If this failed, a model of a study that was run in part would be left out in silence."""
    with pytest.raises(ResultsMissing, match=r"no results with arm=input 0\.2, hidden 0\.5"):
        CLAIM.estimate(STUDIES | {"sampling": runs(*MLPS[:2])})

    without_20 = [net("LeNet", 100, [1, 0], {1: [1, 1], 300: [1, 0]})]
    with pytest.raises(ResultsMissing, match="blocks/error was not measured at 20"):
        CLAIM.estimate(STUDIES | {"mc_samples": runs(*without_20)})


def test_the_study_of_the_claim_decides_it_alone_and_says_what_is_not_compared() -> None:
    """If this failed, one would need a day of other studies, or miss that models are left out."""
    alone = {"mc_samples": STUDIES["mc_samples"]}
    gains, of_both = (CLAIM.estimate(each)["some models gain"] for each in (alone, STUDIES))
    assert set(of_both) - set(gains) == {"MLP, hidden 0.5", "MLP, input and hidden"}
    assert all(gains[name].values == of_both[name].values for name in gains)
    assert CLAIM.left_out(STUDIES) == []
    assert CLAIM.left_out(alone) == [
        "not compared, since study sampling has no results: MLP, hidden 0.5; MLP, input and hidden"
    ]


def test_a_single_mask_that_beats_weight_scaling_is_named_beside_the_answer() -> None:
    """If this failed, a reader would credit the mean with what a single mask does already."""
    few = [1.0] * 2 + [0.0] * 198
    scaled = [1] * 20 + [0] * 180
    nets = [net("LeNet", seed, scaled, {1: few, 20: few, 300: few}) for seed in (100, 101)]
    studies = {"mc_samples": runs(*nets), "sampling": runs(*MLPS)}
    assert CLAIM.remarks(studies) == [
        "a single mask already errs less than weight scaling (LeNet: 1.00 and 10.00 %): what 20 "
        "masks gain there is not the gain of a mean"
    ]
    assert CLAIM.remarks(STUDIES) == []
