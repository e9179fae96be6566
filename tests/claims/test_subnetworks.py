"""The count of subnetworks."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.subnetworks import Subnetworks
from support.rows import row, runs

CLAIM = Subnetworks()


def enumerated(masks: int, probability_error: float = 0.0) -> dict[str, object]:
    """What the probe finds on a net of four droppable units."""
    return {
        "exact/units": 4.0,
        "exact/masks": float(masks),
        "exact/probability_error": probability_error,
    }


def test_the_counts_of_the_book_s_net_are_as_expected() -> None:
    """If this failed, 16 masks, 9 connected ones and 13 or 10 functions would not be counted."""
    studies = {"enumerable": runs(row("relu", 100, enumerated(16)))}
    deviations = CLAIM.check(studies)["counted"]
    assert {name: list(effect.values) for name, effect in deviations.items()} == {
        "masks": [0],
        "connected masks": [0],
        "functions, with biases": [0],
        "functions, without biases": [0],
    }


def test_a_lost_mask_fails_the_check() -> None:
    """If this failed, an enumeration of half of the masks, or of wrong weights, would hold."""
    nets = runs(row("relu", 100, enumerated(16)), row("tanh", 100, enumerated(8, 1e-3)))
    deviations = CLAIM.check({"enumerable": nets})
    assert list(deviations["enumerated"]["trained nets"].values) == [0, -1]
    assert list(deviations["probabilities"]["trained nets"].values) == [0, 1e-3]

    for name in ("enumerated", "probabilities"):
        assert not CLAIM.checks[name].criterion.holds(deviations[name]["trained nets"])


def test_the_figure_shows_every_trained_net() -> None:
    """If this failed, the points would be others than the enumerated masks."""
    nets = runs(row("relu", 100, enumerated(16)), row("tanh", 100, enumerated(8)))
    (axes,) = CLAIM.draw({"enumerable": nets}).axes
    points = axes.lines[-1]
    assert list(points.get_xdata()) == [4, 4]
    assert list(points.get_ydata()) == [16, 8]


def test_nets_without_enumeration_are_missing_results() -> None:
    """If this failed, a study without its probe would end in a traceback."""
    with pytest.raises(ResultsMissing, match="exact/units was not measured"):
        CLAIM.check({"enumerable": runs(row("relu", 100))})
