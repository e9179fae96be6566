"""Interactions of hidden units, and halves of them."""

import numpy as np
import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.co_adaptation import CoAdaptation
from support.reference import studies
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = CoAdaptation()


def net(
    ratios: tuple[float, float], half: list[float], mean: list[float], whole: list[int]
) -> Columns:
    """A net: interactions of both layers, and the images that halves and all units misclassify."""
    columns: Columns = {}

    for name, ending, shares in (
        ("half", "", half),
        ("halves_mean", "_mean", mean),
        ("halves_whole", "_whole", whole),
    ):
        predictor = misclassified(name, shares)
        columns[f"wrong/{name}"] = predictor[f"wrong/{name}"]
        columns[f"halves/error{ending}"] = predictor[f"test/error/{name}"]

    for key in ("activation", "active", "correlation", "rank"):
        columns |= curve(f"units/{key}", {1: 0.1, 2: 0.2})

    return columns | curve("interactions/ratio", {1: ratios[0], 2: ratios[1]})


MEASURED = {
    "none": [
        net((0.5, 0.25), half=[1, 1, 0, 0], mean=[1, 0, 0, 0], whole=[1, 0, 0, 0]),
        net((0.75, 0.25), half=[1, 1, 1, 0], mean=[1, 0, 0, 0], whole=[1, 0, 0, 0]),
    ],
    "hidden 0.2": [net((9, 9), [1] * 4, [1] * 4, [1] * 4)] * 2,
    "hidden 0.5": [
        net((0.25, 0.5), half=[1, 0.5, 0, 0], mean=[0.5, 0, 0, 0], whole=[1, 0, 0, 0]),
        net((0.25, 0.75), half=[1, 0.5, 0, 0], mean=[0, 0, 0, 0], whole=[1, 0, 0, 0]),
    ],
}
STUDIES = studies(MEASURED)


def test_the_first_layer_decides_and_less_interaction_with_dropout_is_positive() -> None:
    """If this failed, layer 2, where only the softmax interacts, would be a case or be averaged in,
    or more interaction would support the claim.

    Layer 1: 0.5 - 0.25, 0.75 - 0.25; in layer 2 dropout has more interaction.
    """
    effects = CLAIM.estimate(STUDIES)["less co-adapted"]
    criterion = CLAIM.parts["less co-adapted"].criterion
    assert list(effects) == ["layer 1"]
    assert list(effects["layer 1"].values) == [0.25, 0.5]
    assert criterion.distance(effects["layer 1"].estimate()) == 0.375


def test_interactions_of_both_layers_stand_beside_the_answer() -> None:
    """If this failed, a difference would be told without saying of what, or of the wrong net."""
    (said,) = CLAIM.remarks(STUDIES)
    assert said.startswith("interaction of two units, as a share of the effect of one: layer 1, ")
    first, second = said.split("layer ")[1:]
    assert first.startswith("1, without dropout 0.625 (")  # 0.5 and 0.75
    assert first.endswith(", with dropout 0.250 (0.250 to 0.250); ")
    assert second.startswith("2, without dropout 0.250 (0.250 to 0.250), with dropout 0.625 (")


def test_redundant_is_what_a_missing_half_adds_without_dropout_and_not_with() -> None:
    """If this failed, the difference of the whole nets would count as redundancy.

    Without dropout a half adds 25 and 50 points, with dropout 12.5 twice.
    """
    effect = CLAIM.estimate(STUDIES)["redundant"]["hidden 0.5"]
    assert list(effect.values) == [12.5, 37.5]
    assert CLAIM.parts["redundant"].criterion.distance(effect.estimate()) > 0


def test_complementary_is_what_two_halves_gain_over_one() -> None:
    """If this failed, the plain net would be asked: 37.5 - 12.5 and 37.5 - 0 are with dropout."""
    effect = CLAIM.estimate(STUDIES)["complementary"]["hidden 0.5"]
    assert list(effect.values) == [25, 37.5]
    assert CLAIM.parts["complementary"].criterion.distance(effect.estimate()) > 0


def test_effects_of_errors_know_what_each_image_contributes() -> None:
    """If this failed, their intervals would leave out the test images."""
    effects = CLAIM.estimate(STUDIES)
    redundant = effects["redundant"]["hidden 0.5"].images
    assert redundant is not None
    assert redundant[0].tolist() == [0, 50, 0, 0]
    assert effects["complementary"]["hidden 0.5"].images is not None


def test_the_figure_shows_the_halves_of_both_arms() -> None:
    """If this failed, the third arm would be drawn, or halves under wrong names."""
    (axes,) = CLAIM.draw(STUDIES).axes
    means = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    shown = dict(zip(names, means, strict=True))
    halves = ("one half", "two halves", "all units")
    assert names == [f"{half}, {arm}" for half in halves for arm in ("none", "hidden 0.5")]
    assert [shown[f"{half}, hidden 0.5"] for half in halves] == [37.5, 6.25, 25]


def test_the_autoencoder_stands_beside_the_published_activations() -> None:
    """If this failed, 2.0 and 0.7 would have no counterpart, or features would change places."""
    nets = [
        row(
            arm,
            seed,
            {"picture/features": np.full((2, 4), scale)},
            *(curve(f"units/{key}", {1: scale}) for key in ("activation", "active")),
            *(curve(f"units/{key}", {1: 0.5}) for key in ("correlation", "rank")),
        )
        for arm, scale in (("rate 0.0", 2.0), ("rate 0.5", 0.75))
        for seed in (100, 101)
    ]
    with_features = STUDIES | {"autoencoder": runs(*nets)}
    first = CLAIM.context_lines(with_features)[0]
    assert first.startswith("autoencoder, mean activation: 2.000")
    assert "0.750 (0.750 to 0.750) with dropout" in first

    sheet = CLAIM.extra_figure(with_features)
    assert sheet is not None
    assert [axes.get_title("left") for axes in sheet.axes] == ["without dropout", "with dropout"]
    assert CLAIM.extra_figure(STUDIES) is None


def test_missing_results_are_named() -> None:
    """If this failed, nets without the probes would end in a traceback."""
    bare: dict[str, list[Columns]] = {arm: [{}, {}] for arm in MEASURED}
    with pytest.raises(ResultsMissing, match="halves/error was not measured"):
        CLAIM.estimate(studies(bare))
