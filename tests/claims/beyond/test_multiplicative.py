"""Sizes of units against additive and multiplicative noise."""

import math

import pytest

from dropout_study.analysis.runs import Runs
from dropout_study.claims.beyond.multiplicative import Multiplicative
from support.rows import Columns, curve, row, runs

CLAIM = Multiplicative()


def net(
    noise: str, rate: float, means: dict[int, float], share: float = 0.5, val_error: float = 5
) -> Columns:
    """A net with the mean activations of its layers, of which a share of the units is active."""
    settings = {
        "test/error/weight_scaling": 5.0,
        "val/error": val_error,
        "model.hidden_rate": rate,
    }
    return row(
        f"{noise}, rate {rate:g}",
        100,
        curve("units/activation", means),
        curve("units/active", dict.fromkeys(means, share)),
        settings,
    )


def studies(strongest: float = 5, middle: float = 5) -> dict[str, Runs]:
    """Nets of both kinds, with the validation errors of two of Gaussian noise."""
    growth = runs(
        net("additive", 0.2, {1: 0.5, 2: 1}),
        net("additive", 0.5, {1: 9, 2: 9}),
        net("additive", 0.8, {1: 2, 2: 1}, share=0.25),
        net("gaussian", 0.2, {1: 1, 2: 1}),
        net("gaussian", 0.5, {1: 9, 2: 9}, val_error=middle),
        net("gaussian", 0.8, {1: 0.5, 2: 4}, val_error=strongest),
        rates=[0.2, 0.8],
        gate=10,
    )

    return {"growth": growth}


STUDIES = studies()


def test_growth_is_in_doublings_of_active_units() -> None:
    """If this failed, layers, kinds or strengths would be mixed up, or units that are off count.

    Additive, layer 1: from 0.5 / 0.5 to 2 / 0.25, three doublings; layer 2: from 2 to 4, one.
    Multiplicative: one halving, and two doublings.
    """
    effects = CLAIM.estimate(STUDIES)
    values = {
        part: {layer: list(effect.values) for layer, effect in cases.items()}
        for part, cases in effects.items()
    }
    assert values == {
        "units grow with additive noise": {"layer 1": [3], "layer 2": [1]},
        "more than multiplicative": {"layer 1": [4], "layer 2": [-1]},
    }


@pytest.mark.parametrize(("layer", "distance"), [("layer 1", 3), ("layer 2", 1)])
def test_units_have_to_grow_with_additive_noise(layer: str, distance: float) -> None:
    """If this failed, the side of the criterion would be turned."""
    effect = CLAIM.estimate(STUDIES)["units grow with additive noise"][layer]
    criterion = CLAIM.parts["units grow with additive noise"].criterion
    assert criterion.distance(effect.estimate()) == distance


def test_nets_that_do_not_learn_decide_nothing() -> None:
    """If this failed, units that shrink since nothing is learned would pass for the answer."""
    assert CLAIM.left_out(studies(middle=90)) == []
    failed = studies(strongest=12)
    assert CLAIM.left_out(failed) == [
        "the premise is not met, and nothing is decided: nets with gaussian, rate 0.8 have a mean "
        "validation error of 12.0 %, above 10 %"
    ]

    for cases in CLAIM.estimate(failed).values():
        assert all(math.isnan(value) for effect in cases.values() for value in effect.values)


@pytest.mark.parametrize(("layer", "distance"), [("layer 1", 4), ("layer 2", -1)])
def test_multiplicative_noise_has_to_leave_less_growth(layer: str, distance: float) -> None:
    """If this failed, the side of the criterion would be turned."""
    effect = CLAIM.estimate(STUDIES)["more than multiplicative"][layer]
    criterion = CLAIM.parts["more than multiplicative"].criterion
    assert criterion.distance(effect.estimate()) == distance


def test_noise_is_shown_beside_the_units() -> None:
    """If this failed, nobody could see whether growth makes the noise insignificant.

    s is sqrt(0.8 / 0.2) = 2, active units are 2 / 0.25 = 8 and 4.
    """
    line = next(each for each in CLAIM.context_lines(STUDIES) if "additive, rate 0.8" in each)
    assert "mean of active units 8 and 4" in line
    assert line.endswith("s divided by that mean 0.25 and 0.5")


def test_the_figure_has_the_standard_deviations_of_the_noise() -> None:
    """If this failed, rates would be drawn as strengths."""
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    first, _ = figure.axes
    drawn = [line for line in first.lines if len(line.get_xdata()) == 3]
    assert list(drawn[0].get_xdata()) == pytest.approx([0.5, 1, 2])
