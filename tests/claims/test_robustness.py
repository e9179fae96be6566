"""Corrupted images."""

import re

import numpy as np
import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims import robustness
from dropout_study.claims.robustness import ARMS, DROPPED, MISSING, UNSEEN, Robustness
from dropout_study.config.names import CORRUPTIONS, DECIDING_SEVERITIES
from dropout_study.data import corruptions
from support.rows import Columns, curve, row, runs

CLAIM = Robustness()
BEYOND = 90.0
"""Error at severities that do not count."""


def net(arm: str, seed: int, wrong: dict[str, list[float]]) -> Columns:
    """A net with the share of the severities at which each of four images is misclassified."""
    columns: Columns = {"test/error/weight_scaling": 5.0, "training_digest": arm}

    for kind in CORRUPTIONS:
        shares = wrong.get(kind, [0, 0, 0, 0])
        error = 100 * sum(shares) / len(shares)
        counting = dict.fromkeys(range(1, DECIDING_SEVERITIES[kind] + 1), error)
        columns |= curve(f"corruption/{kind}", dict.fromkeys(range(1, 6), BEYOND) | counting)
        columns[f"wrong/corrupted/{kind}"] = np.array(shares)

    return row(arm, seed, columns)


NETS = [
    net("none", 100, {"noise": [1, 1, 1, 0], "occlusion": [1, 1, 1, 0], "blur": [1, 1, 0, 0]}),
    net("none", 101, {"noise": [1, 1, 1, 1], "missing_pixels": [1, 1, 0, 0]}),
    net("none", 102, {"noise": [1, 1, 1, 1]}),
    net("hidden 0.5", 100, {"noise": [1, 0.5, 0, 0], "blur": [1, 1, 1, 0]}),
    net("hidden 0.5", 101, {"missing_pixels": [1, 0.5, 0, 0], "blur": [1, 0, 0, 0]}),
    *(net("input 0.2", seed, {kind: [1, 1, 1, 1] for kind in MISSING}) for seed in (100, 101)),
    *(net("input 0.2, hidden 0.5", seed, {}) for seed in (100, 101)),
]
STUDIES = {"robustness": runs(*NETS)}


def test_noise_and_missing_information_are_what_the_sentence_names() -> None:
    """If this failed, the sign would be turned, or other kinds of corruption would be averaged in.

    Hidden units: seed 100 has (75 + 0 + 75) / 3 - 37.5 / 3 = 37.5, seed 101
    (100 + 50 + 0) / 3 - 37.5 / 3 = 37.5. Inputs: 50 - 100 twice.
    """
    effects = CLAIM.estimate(STUDIES)["noise and missing information"]
    criterion = CLAIM.parts["noise and missing information"].criterion
    assert list(effects["dropped hidden units"].values) == pytest.approx([37.5, 37.5])
    assert list(effects["dropped inputs"].values) == pytest.approx([-50, -50])
    assert criterion.distance(effects["dropped hidden units"].estimate()) > 0
    assert criterion.distance(effects["dropped inputs"].estimate()) < 0


def test_unseen_conditions_are_decided_apart() -> None:
    """If this failed, one clause of the sentence would answer for the other.

    Blur is one of four kinds: (50 - 75) / 4 and (0 - 25) / 4.
    """
    effects = CLAIM.estimate(STUDIES)["unseen conditions"]
    criterion = CLAIM.parts["unseen conditions"].criterion
    assert list(effects["dropped hidden units"].values) == pytest.approx([-6.25, -6.25])
    assert criterion.distance(effects["dropped hidden units"].estimate()) < 0
    assert set(UNSEEN) == {"blur", "contrast", "rotation", "translation"}
    assert set(MISSING) | set(UNSEEN) == set(CORRUPTIONS)


def test_hidden_units_and_inputs_decide_and_not_both_together() -> None:
    """If this failed, nets that drop both would have to gain, which the sentence does not say."""
    for cases in CLAIM.estimate(STUDIES).values():
        assert list(cases) == ["dropped hidden units", "dropped inputs"]


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_only_severities_that_decide_enter_the_error(kind: str) -> None:
    """If this failed, images that are hardly digits any more would decide.

    The last severity that counts has an error of its own, 60 %; all others 10 %.
    """
    last = DECIDING_SEVERITIES[kind]
    points = dict.fromkeys(range(1, 6), BEYOND) | dict.fromkeys(range(1, last), 10.0) | {last: 60.0}
    kept = {f"wrong/corrupted/{kind}": np.zeros(4)}
    nets = runs(row("none", 100, curve(f"corruption/{kind}", points), kept))
    expected = (10 * (last - 1) + 60) / last
    assert robustness.errors(nets, [kind]).percent[100] == pytest.approx(expected)


def test_differences_are_kept_by_image_and_common_seed() -> None:
    """If this failed, intervals would leave out the test images, or pair nets of two seeds.

    Image 2 of seed 100: wrong under noise and occlusion, with dropout at half of the severities of
    noise: 100 * (2 - 0.5) / 3. Seed 102 has no dropout net.
    """
    effect = CLAIM.estimate(STUDIES)["noise and missing information"]["dropped hidden units"]
    assert list(effect.seeds) == [100, 101]
    assert effect.images is not None
    assert effect.images[0].tolist() == pytest.approx([100 / 3, 50, 200 / 3, 0], rel=1e-6)
    assert effect.images.mean(axis=1).tolist() == pytest.approx(effect.values)


def test_every_kind_of_dropout_has_a_panel_with_the_gain_of_each_corruption() -> None:
    """If this failed, a gain would be drawn beside another kind, or with another sign."""
    panels = CLAIM.draw(STUDIES).axes
    assert [axes.get_title("left") for axes in panels] == [
        "dropped hidden units",
        "dropped inputs",
        "both dropped",
    ]
    rows = [label.get_text() for label in panels[0].get_yticklabels()]
    assert rows == [kind.replace("_", " ") for kind in (*MISSING, *UNSEEN)]
    assert list(panels[0].lines[0].get_xdata()) == [37.5, 100]  # noise, of each seed


def test_every_kind_of_corruption_has_a_panel_with_all_severities() -> None:
    """If this failed, a kind would be measured and never drawn, or severities be left out."""
    *panels, legend = CLAIM.extra_figure(STUDIES).axes
    names = [kind.replace("_", " ") for kind in CORRUPTIONS]
    assert [axes.get_title("left") for axes in panels] == names

    for axes, kind in zip(panels, CORRUPTIONS, strict=True):
        assert [str(line.get_label()) for line in axes.lines] == list(ARMS)
        assert axes.get_xticks().tolist() == [1, 2, 3, 4, 5], kind

    noise = {str(line.get_label()): list(line.get_ydata()) for line in panels[0].lines}
    assert noise["no dropout"] == pytest.approx([(75 + 100 + 100) / 3] * 4 + [BEYOND])
    assert noise["dropped hidden units"] == [18.75] * 4 + [BEYOND]
    assert [text.get_text() for text in legend.get_legend().get_texts()] == list(ARMS)


def test_the_context_has_every_arm_and_kind() -> None:
    """If this failed, a gain would be printed for another kind or with another sign."""
    lines = CLAIM.context_lines(STUDIES)
    assert [re.split(":|, gain", line)[0] for line in lines] == [*ARMS, *DROPPED]
    assert "test error 5.00 % on clean images" in lines[0]
    assert "noise 91.7, missing pixels 16.7, occlusion 25.0, blur 16.7" in lines[0]
    assert lines[4].startswith("dropped hidden units, gain in points: noise +68.75")


def test_training_is_shown_as_reference_recorded_it() -> None:
    """If this failed, training curves would be sought in a study that trains nothing."""
    trained = runs(*NETS, row("other", 100, {"training_digest": "other"}))
    conditions = CLAIM.trained_conditions(STUDIES | {"reference": trained})
    assert list(conditions) == list(ARMS)
    assert list(conditions["both dropped"].frame["seed"]) == [100, 101]


def test_missing_results_are_named() -> None:
    """If this failed, nets on which no corruption was measured would end in a traceback."""
    without_inputs = [network for network in NETS if network["arm"] != "input 0.2"]
    with pytest.raises(ResultsMissing, match=r"no results with arm=input 0\.2"):
        CLAIM.estimate({"robustness": runs(*without_inputs)})

    bare = [row(arm, 100) for arm in ARMS.values()]
    with pytest.raises(ResultsMissing, match="corruption/noise was not measured"):
        CLAIM.estimate({"robustness": runs(*bare)})

    with pytest.raises(ResultsMissing, match="no results with arm=none"):
        CLAIM.trained_conditions(STUDIES)


def test_kinds_of_corruption_that_disagree_are_named_beside_the_answer() -> None:
    """If this failed, gains and losses that cancel would be reported as no effect."""
    always, never = [1.0] * 4, [0.0] * 4
    plain, dropped = {"noise": always, "blur": never}, {"noise": never, "blur": always}
    arms = {arm: dropped if "hidden" in arm else plain for arm in ARMS.values()}
    nets = runs(*(net(arm, seed, wrong) for arm, wrong in arms.items() for seed in (100, 101)))
    hidden, inputs = CLAIM.remarks({"robustness": nets})

    assert hidden.startswith(
        "by kind of corruption, with dropped hidden units (intervals not adjusted): "
        "error falls: noise (100.00 points); error rises: blur (100.00 points); "
        "open: missing pixels (0.00 points)"
    )
    assert "(intervals not adjusted): open: noise (0.00 points), " in inputs


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_severities_are_described_as_they_are_made(kind: str) -> None:
    """If this failed, the caption would name other strengths than the images have."""
    assert set(robustness.SEVERITIES) == set(CORRUPTIONS)
    described = " ".join(str(corruptions.CORRUPTIONS[kind].change.__doc__).split())
    said = robustness.SEVERITIES[kind]
    assert f"{said[0].upper()}{said[1:]}." == described
