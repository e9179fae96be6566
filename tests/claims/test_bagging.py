"""Bags against dropout."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.bagging import BAGS, SINGLE, Bagging
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = Bagging()


def single(arm: str, seed: int, wrong: list[int], widths: str = "256x256") -> Columns:
    """A single net with the images that it misclassifies."""
    columns: Columns = {"model.widths": widths, "test/nll/weight_scaling": 0.1}
    return row(f"{arm}, {widths}", seed, columns, misclassified("weight_scaling", wrong))


def bag(
    kind: str, seed: int, first_error: float, wrong: list[int], widths: str = "256x256"
) -> list[Columns]:
    """Both members of a bag; the first carries the bag's results."""
    whole = misclassified("bag", wrong)
    results: Columns = {
        "wrong/bag": whole["wrong/bag"],
        **curve("bag/error", {1: first_error, 2: float(str(whole["test/error/bag"]))}),
        **curve("bag/nll", {1: 0.5, 2: 0.3}),
    }
    first = single(kind, seed, [1, 1, 1, 1], widths) | results

    return [first, single(kind, seed + 1, [1, 1, 1, 1], widths)]


NETS = [
    *bag("bagged", 100, first_error=100, wrong=[1, 1, 0, 0]),
    *bag("bagged", 102, first_error=100, wrong=[1, 1, 1, 0]),
    *bag("whole data", 100, first_error=75, wrong=[0, 0, 0, 0]),
    *bag("whole data", 102, first_error=75, wrong=[0, 0, 0, 0]),
    single("dropout", 100, [1, 1, 1, 1]),
    single("dropout", 102, [1, 1, 1, 1]),
    single("long dropout", 100, [1, 0, 0, 0]),
    single("long dropout", 102, [1, 0, 0, 0]),
    single("long plain", 100, [1, 1, 0, 0]),
    single("long plain", 102, [1, 0, 0, 0]),
]
STUDIES = {"bagging": runs(*NETS)}


def test_whole_bags_are_compared_with_dropout_that_was_trained_as_long() -> None:
    """If this failed, a bag of one or a dropout net of a tenth of the cost would decide.

    bagged: 50 - 25, 75 - 25; whole data: 0 - 25 twice.
    """
    effects = CLAIM.estimate(STUDIES)["at equal training cost"]
    criterion = CLAIM.parts["at equal training cost"].criterion
    assert list(effects["bag on resamples, 256-256"].values) == [25, 50]
    assert list(effects["bag on all data, 256-256"].values) == [-25, -25]
    assert criterion.distance(effects["bag on resamples, 256-256"].estimate()) > 0
    assert criterion.distance(effects["bag on all data, 256-256"].estimate()) < 0
    assert list(effects["bag on resamples, 256-256"].seeds) == [100, 102]


def test_the_control_asks_the_same_of_a_plain_net_trained_as_long() -> None:
    """If this failed, further updates alone could pass for dropout: 50 - 25 and 25 - 25."""
    control = CLAIM.estimate(STUDIES)["not the updates alone"]
    assert list(control["256-256"].values) == [25, 0]


def test_the_figure_shows_bags_by_size_and_the_single_nets() -> None:
    """If this failed, lines would stand for other nets than their names say."""
    (axes,) = CLAIM.draw(STUDIES).axes
    lines = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}
    assert lines["bag on resamples"] == [100, 62.5]
    assert lines["dropout, long"] == [25, 25]
    assert lines["plain, long"] == [37.5, 37.5]


def test_both_widths_are_drawn_on_one_scale() -> None:
    """If this failed, a bag would seem as good as one of another width that errs twice as much."""
    wide = [
        *(member for kind in BAGS for member in bag(kind, 100, 2, [0, 0, 0, 0], "512x512")),
        *(single(arm, 100, [0, 0, 0, 0], "512x512") for arm in SINGLE),
    ]
    narrow, wider = CLAIM.draw({"bagging": runs(*NETS, *wide)}).axes
    assert narrow.get_ylim() == wider.get_ylim()
    assert wider.get_ylim()[0] <= 0
    assert wider.get_ylim()[1] >= 100


def test_the_context_states_the_cost_of_prediction() -> None:
    """If this failed, a reader would not learn that a bag predicts in several passes."""
    lines = CLAIM.context_lines(STUDIES)
    assert all("the bag predicts in 2 passes, dropout in one" in line for line in lines)


def test_missing_arms_are_named() -> None:
    """If this failed, a study without its long nets would end in a traceback."""
    without_long = [net for net in NETS if not str(net["arm"]).startswith("long dropout")]
    with pytest.raises(ResultsMissing, match="no results with arm=long dropout, 256x256"):
        CLAIM.estimate({"bagging": runs(*without_long)})

    no_bags = [single("long dropout", 100, [1, 0]), single("long plain", 100, [1, 0])]
    with pytest.raises(ResultsMissing, match="no results with arm=bagged, 256x256"):
        CLAIM.estimate({"bagging": runs(*no_bags)})
