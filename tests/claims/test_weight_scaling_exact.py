"""Weight scaling where it is exact."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.weight_scaling_exact import WeightScalingExact
from support.rows import Columns, row, runs

CLAIM = WeightScalingExact()


def net(arm: str, error: float, normal_error: float = 0.0) -> Columns:
    """A net of one hidden layer."""
    measured: Columns = {
        "exact/weight_scaling_error": error,
        "exact/normal_error": normal_error,
        "model.widths": "8",
    }
    return row(arm, 100, measured)


STUDIES = {
    "enumerable": runs(
        net("softmax regression", error=1e-14),
        net("linear", error=2e-12, normal_error=3e-14),
        net("relu", error=0.5),
    )
}


def test_every_linear_family_is_checked_at_the_tolerance() -> None:
    """If this failed, an error of 2e-12 would pass, or a ReLU net would be asked to be exact."""
    deviations = CLAIM.check(STUDIES)
    criterion = CLAIM.checks["classification"].criterion
    assert list(deviations["classification"]) == ["softmax regression", "linear"]
    assert criterion.holds(deviations["classification"]["softmax regression"])
    assert not criterion.holds(deviations["classification"]["linear"])
    assert criterion.holds(deviations["regression"]["linear"])


def test_the_figure_shows_all_families_with_the_exact_ones_first() -> None:
    """If this failed, rows and points would belong to different families."""
    (axes,) = CLAIM.draw(STUDIES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "linear",
        "softmax regression",
        "relu",
    ]
    drawn = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert drawn == pytest.approx([2e-12, 1e-14, 0.5])


def test_a_missing_family_is_named() -> None:
    """If this failed, softmax regression alone would decide on all linear families."""
    with pytest.raises(ResultsMissing, match="no results with arm=linear"):
        CLAIM.check({"enumerable": runs(net("softmax regression", error=0.0))})
