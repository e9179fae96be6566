"""Subnetworks on their own."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.independent_units import IndependentUnits
from support.reference import studies
from support.rows import Columns, curve, misclassified

CLAIM = IndependentUnits()


def net(halved: list[float], whole: float, rare: float = 0.0) -> Columns:
    """A net: shares of misclassifications when halved, error of the whole, 99th percentile."""
    removed = misclassified("removed_50", halved)
    error = 100 * sum(halved) / len(halved)

    return {
        "wrong/removed_50": removed["wrong/removed_50"],
        "test/error/weight_scaling": whole,
        **curve("removal/error", {0: whole, 50: error}),
        **curve("removal/worst", {0: whole, 50: error}),
        "subnetworks/error": 30.0,
        "subnetworks/error_median": 31.0,
        "subnetworks/error_p95": 32.0,
        "subnetworks/error_p99": rare,
        "subnetworks/error_worst": 99.0,
    }


MEASURED = {
    "none": [net([1, 0.5, 0, 0], whole=10), net([1, 1, 0, 0], whole=10)],
    "hidden 0.2": [net([1, 1, 1, 0], 20, rare=20.5), net([1, 1, 0.5, 0], 20, rare=20.75)],
    "hidden 0.5": [net([0.5, 0, 0, 0], 10, rare=13), net([0.25, 0, 0, 0], 10, rare=14)],
}
STUDIES = studies(MEASURED)


def test_halved_nets_without_dropout_have_to_be_worse() -> None:
    """If this failed, the sign would be turned, or the rates would be averaged.

    hidden 0.2: 37.5 - 75, 50 - 62.5; hidden 0.5: 37.5 - 12.5, 50 - 6.25.
    """
    effects = CLAIM.estimate(STUDIES)["without specific others"]
    criterion = CLAIM.parts["without specific others"].criterion
    assert list(effects["hidden 0.2"].values) == [-37.5, -12.5]
    assert list(effects["hidden 0.5"].values) == [25, 43.75]
    assert criterion.distance(effects["hidden 0.2"].estimate()) < 0
    assert criterion.distance(effects["hidden 0.5"].estimate()) > 0


def test_the_99th_percentile_decides_and_not_the_mean_or_the_worst() -> None:
    """If this failed, 'every subnetwork' would be the typical one, or one of a thousand.

    hidden 0.2: half a point and 0.75 above the whole net; hidden 0.5: 3 and 4 points.
    """
    effects = CLAIM.estimate(STUDIES)["reasonably well"]
    criterion = CLAIM.parts["reasonably well"].criterion
    assert list(effects["hidden 0.2"].values) == [0.5, 0.75]
    assert list(effects["hidden 0.5"].values) == [3, 4]
    assert criterion.distance(effects["hidden 0.2"].estimate()) > 0
    assert criterion.distance(effects["hidden 0.5"].estimate()) < 0


def test_the_figure_shows_removal_and_quantiles() -> None:
    """If this failed, the quantiles would stand at the wrong names."""
    left, right = CLAIM.draw(STUDIES).axes
    removal = {str(line.get_label()): list(line.get_ydata()) for line in left.lines}
    assert removal["none"] == [10, 43.75]
    assert len({line.get_color() for line in left.lines}) == 3
    quantiles = {str(line.get_label()): list(line.get_ydata()) for line in right.lines}
    assert list(quantiles) == ["hidden 0.2", "hidden 0.5"]
    assert quantiles["hidden 0.5"] == [10, 31, 32, 13.5, 99]
    names = [label.get_text() for label in right.get_xticklabels()]
    assert names == ["whole net", "median", "1 in 20", "1 in 100", "1 in 1,000"]


def test_the_context_has_subnetworks_of_the_nets_that_drop() -> None:
    """If this failed, a net without dropout, its own only subnetwork, would count as a thousand."""
    lines = CLAIM.context_lines(STUDIES)
    drawn = [line.partition(":")[0] for line in lines if "drawn as in training" in line]
    assert drawn == ["hidden 0.2", "hidden 0.5"]
    assert lines[0].startswith("none: test error 10.00 % of the whole net, 43.75 % with half")


def test_missing_results_are_named() -> None:
    """If this failed, a net that was never trained or does not work would decide."""
    with pytest.raises(ResultsMissing, match="no results of study reference"):
        CLAIM.estimate({"units": STUDIES["units"]})

    with pytest.raises(ResultsMissing, match="validation error of at most 5 %"):
        CLAIM.estimate(studies(MEASURED, val_error=50.0))

    with pytest.raises(ResultsMissing, match=r"no results with arm=hidden 0\.5"):
        CLAIM.estimate(studies({arm: MEASURED[arm] for arm in ("none", "hidden 0.2")}))
