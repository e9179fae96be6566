"""Curves that are compared step by step, against answers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from dropout_study.analysis import results_files
from dropout_study.analysis.comparison import Row, compare
from dropout_study.analysis.curve_points import images_at, step_in_words
from dropout_study.analysis.list_columns import CURVE as CURVES
from dropout_study.analysis.runs import Runs
from dropout_study.analysis.selection import Selection, select
from dropout_study.config.folder import PUBLISHED, results_path
from dropout_study.config.schema import ConfigError
from support.compared import CURVE, METRIC, nets, sampled

PLAIN = sampled(0.0, [{1: 5.0, 20: 5.0}, {1: 6.0, 20: 6.0}])
DROPPED = sampled(0.5, [{1: 8.0, 20: 4.0}, {1: 10.0, 20: 5.5}])


def selected(
    networks: list[dict[str, object]], by: str = "model.hidden_rate", **options: object
) -> Selection:
    """The points of the curves of some networks."""
    return select(pd.DataFrame(networks), CURVE, "step", by, **options)  # type: ignore[arg-type]


def differences(rows: list[Row]) -> dict[str, list[float]]:
    """Name -> differences by seed, of those that are compared."""
    return {row.name: list(row.difference.values) for row in rows if row.difference is not None}


def test_each_step_of_a_curve_is_a_point_of_its_line() -> None:
    """If this failed, a figure of the error against masks would show other numbers, or one."""
    found = selected([*DROPPED, *PLAIN])
    assert [(each.group, each.x) for each in found.conditions] == [
        (0.0, 1),
        (0.0, 20),
        (0.5, 1),
        (0.5, 20),
    ]
    assert [list(each.nets.column(CURVE)) for each in found.conditions] == [
        [5.0, 6.0],
        [5.0, 6.0],
        [8.0, 10.0],
        [4.0, 5.5],
    ]
    assert [each.name for each in found.conditions][-1] == "rate 0.5, step 20"
    assert found.doubts == []


def test_a_curve_is_compared_with_another_at_the_same_step() -> None:
    """If this failed, 20 masks would be compared with one, or a line with itself."""
    rows = compare(selected([*DROPPED, *PLAIN]), "rate 0", "two-sided")
    assert differences(rows) == {
        "rate 0.5, step 1": [3.0, 4.0],
        "rate 0.5, step 20": [-1.0, -0.5],
    }


def test_arms_name_the_points_of_their_curves() -> None:
    """If this failed, names would repeat every setting of an arm at every step."""
    arms = [net | {"arm": f"arm {net['model.hidden_rate']}"} for net in (*DROPPED, *PLAIN)]
    names = [each.name for each in selected(arms, by="arm").conditions]
    assert names == ["arm 0.0, step 1", "arm 0.0, step 20", "arm 0.5, step 1", "arm 0.5, step 20"]


def test_one_step_is_chosen_like_any_value() -> None:
    """If this failed, to test 20 masks would mean to test, and to adjust for, all others."""
    found = selected([*DROPPED, *PLAIN], where=["step=20"])
    rows = compare(found, "rate 0", "two-sided")
    assert list(differences(rows).values()) == [[-1.0, -0.5]]
    with pytest.raises(ConfigError, match="step is one of 1, 20"):
        selected([*DROPPED, *PLAIN], where=["step=2"])


def test_what_is_not_on_a_par_is_said_once_per_curve() -> None:
    """If this failed, a missing seed would be reported for every number of masks, or not at all."""
    (doubt,) = selected([*DROPPED[:1], *PLAIN]).doubts
    assert doubt == "Of the 2 seeds some are missing for rate 0.5."

    thin = sampled(0.5, [{1: 8.0, 20: 4.0}, {1: 10.0}])
    (doubt,) = selected([*thin, *PLAIN]).doubts
    assert doubt == "rate 0.5 lacks seeds at the steps 20."

    unknown = sampled(0.5, [{1: 8.0, 20: 4.0}, {1: 10.0, 20: float("nan")}])
    assert selected([*unknown, *PLAIN]).doubts == [doubt]


def test_curves_of_other_images_are_not_on_a_par() -> None:
    """If this failed, errors on digits and on MNIST would be compared, paired by seeds."""
    elsewhere = [net | {"data.name": "mnist"} for net in DROPPED]
    (doubt,) = selected([*elsewhere, *PLAIN], by="data.name").doubts
    assert doubt == "The conditions were tested on different images: digits, mnist."


def test_networks_without_the_curve_have_no_points() -> None:
    """If this failed, what was never sampled would stand at a step, or end in a traceback."""
    plain = nets(0.2, [1.0, 2.0])
    assert len(selected([*DROPPED, *plain], by="").conditions) == 2
    with pytest.raises(ConfigError, match=r"No network that was judged .* has metric=mc/error"):
        selected([*DROPPED, *plain], digests=[plain[0]["digest"]])


def test_a_step_that_one_curve_lacks_is_in_doubt_and_has_no_difference() -> None:
    """If this failed, curves of 20 and of 300 masks could not be compared, or would be silently."""
    longer = sampled(0.5, [{1: 8.0, 300: 4.0}, {1: 10.0, 300: 5.5}])
    found = selected([*longer, *PLAIN])
    assert found.doubts == [
        "rate 0 has no point at the steps 300.",
        "rate 0.5 has no point at the steps 20.",
    ]

    assert selected([*longer, *PLAIN], where=["step=1"]).doubts == []

    for against in ("rate 0", "rate 0.5"):
        assert [*differences(compare(found, against, "two-sided"))] == [
            f"{({'rate 0', 'rate 0.5'} - {against}).pop()}, step 1"
        ]


def test_a_single_curve_keeps_its_name() -> None:
    """If this failed, its points would be called by their steps alone."""
    assert [each.name for each in selected(DROPPED).conditions] == [
        "mlp 16, rate 0.5, digits_8x8, step 1",
        "mlp 16, rate 0.5, digits_8x8, step 20",
    ]


def test_points_are_compared_over_the_test_images_that_were_kept() -> None:
    """If this failed, an interval would leave out the images, and be half as wide.

    At 20 masks each net errs on half of one of four images more, on its own one: 12.5 points.
    """
    few = [np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])]
    more = [np.array([1.0, 0.0, 0.5, 0.0]), np.array([0.0, 1.0, 0.0, 0.5])]
    curves = {0.0: ({1: 50.0, 20: 25.0}, few), 0.5: ({1: 75.0, 20: 37.5}, more)}
    networks = [
        net | {"wrong/monte_carlo_20": images}
        for rate, (curve, wrong) in curves.items()
        for net, images in zip(sampled(rate, [curve, curve]), wrong, strict=True)
    ]
    rows = compare(selected(networks), "rate 0", "two-sided")
    kept = {row.name: row.difference for row in rows if row.difference is not None}
    assert kept["rate 0.5, step 1"].images is None
    assert kept["rate 0.5, step 20"].images.tolist() == [[0, 0, 50, 0], [0, 0, 0, 50]]
    assert kept["rate 0.5, step 20"].values == [12.5, 12.5]


def test_the_images_of_a_point_are_those_of_its_masks() -> None:
    """If this failed, the images of one number of masks would stand for those of another."""
    frame = pd.DataFrame([{f"wrong/{name}": [0.0]} for name in ("blocks_1",)])
    assert images_at(Runs(frame, {}), "blocks/error", 1, last=300) == "blocks_1"
    assert images_at(Runs(frame, {}), "blocks/error", 20, last=300) == ""
    pool = Runs(frame.assign(**{"wrong/pool_arithmetic": [[0.0]]}), {})
    assert images_at(pool, "blocks/error", 300, last=300) == "pool_arithmetic"
    assert images_at(pool, "blocks/error", 1, last=300) == "blocks_1"
    assert images_at(pool, "blocks/nll", 300, last=300) == ""


@pytest.mark.parametrize(
    ("metric", "x", "sentence"),
    [
        (CURVE, "", r"metric=mc/error is a curve, and has a value per step: x=step compares them"),
        (METRIC, "step", r"x=step cannot be used: metric=test/nll/weight_scaling is no curve"),
        ("mc/eror", "step", r"metric=mc/eror cannot be used: it is not recorded; recorded are"),
        (CURVE, "step", r"Several conditions have step=1: .*, or tell them apart with by=COLUMN"),
    ],
)
def test_mistakes_say_what_to_type(metric: str, x: str, sentence: str) -> None:
    """If this failed, a curve would be refused without a way to see it."""
    with pytest.raises(ConfigError, match=sentence):
        select(pd.DataFrame([*DROPPED, *PLAIN]), metric, x)


def test_every_published_curve_says_what_its_steps_are() -> None:
    """If this failed, an axis would be called "step" where it shows severities or layers."""
    networks = results_files.read(results_path(PUBLISHED))
    curves = [column for column in map(str, networks) if column.startswith(CURVES)]
    assert len(curves) > 20
    assert [each for each in curves if step_in_words(each.removeprefix(CURVES)) == "step"] == []


def test_a_table_without_curves_says_where_they_are() -> None:
    """If this failed, the CSV of some results would be said to have no curve by a known name."""
    table = pd.DataFrame([*DROPPED, *PLAIN]).drop(columns=[f"curve/{CURVE}", f"steps/{CURVE}"])
    with pytest.raises(ConfigError, match=r"in the one that ends \.parquet"):
        select(table, CURVE, "step", "model.hidden_rate")
