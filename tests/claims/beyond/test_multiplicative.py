"""Activations against additive and multiplicative noise."""

import pytest

from dropout_study.claims.beyond.multiplicative import Multiplicative
from support.rows import Columns, curve, row, runs

CLAIM = Multiplicative()


def net(noise: str, rate: float, layers: dict[int, float]) -> Columns:
    """A net with the mean activations of its layers."""
    settings = {
        "test/error/weight_scaling": 5.0,
        "optimizer.lr": 0.001,
        "model.hidden_rate": rate,
    }
    return row(f"{noise}, rate {rate:g}", 100, curve("units/activation", layers), settings)


STUDIES = {
    "growth": runs(
        net("additive", 0.2, {1: 0.5, 2: 1}),
        net("additive", 0.5, {1: 9, 2: 9}),
        net("additive", 0.8, {1: 4, 2: 2}),
        net("gaussian", 0.2, {1: 1, 2: 1}),
        net("gaussian", 0.5, {1: 9, 2: 9}),
        net("gaussian", 0.8, {1: 0.25, 2: 2}),
        rates=[0.2, 0.8],
    )
}


def test_growth_is_in_doublings_between_the_weakest_and_the_strongest_noise() -> None:
    """If this failed, layers, kinds or strengths would be mixed up. 0.5 to 4 is three doublings."""
    effects = CLAIM.estimate(STUDIES)
    values = {
        part: {layer: list(effect.values) for layer, effect in cases.items()}
        for part, cases in effects.items()
    }
    assert values == {
        "additive: units grow": {"layer 1": [3], "layer 2": [1]},
        "multiplicative: they do not": {"layer 1": [-2], "layer 2": [1]},
    }


@pytest.mark.parametrize(
    ("part", "layer", "distance"),
    [
        ("additive: units grow", "layer 1", 3),
        ("multiplicative: they do not", "layer 1", 2),
        ("multiplicative: they do not", "layer 2", -1),
    ],
)
def test_growth_supports_the_one_part_and_contradicts_the_other(
    part: str, layer: str, distance: float
) -> None:
    """If this failed, a side of a criterion would be turned."""
    effect = CLAIM.estimate(STUDIES)[part][layer]
    assert CLAIM.parts[part].criterion.distance(effect.estimate()) == distance


def test_the_figure_has_the_standard_deviations_of_the_noise() -> None:
    """If this failed, rates would be drawn as strengths. sqrt(0.8 / 0.2) = 2."""
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    first, _ = figure.axes
    drawn = [line for line in first.lines if len(line.get_xdata()) == 3]
    assert list(drawn[0].get_xdata()) == pytest.approx([0.5, 1, 2])
    assert len(CLAIM.context_lines(STUDIES)) == 6
