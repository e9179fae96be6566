"""Curves that are compared step by step, against answers worked out by hand."""

import pandas as pd
import pytest

from dropout_study.analysis.comparison import Row, compare
from dropout_study.analysis.curve_points import step_in_words
from dropout_study.analysis.selection import Selection, select
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
    """If this failed, a missing seed would be reported for every number of masks."""
    (doubt,) = selected([*DROPPED[:1], *PLAIN]).doubts
    assert doubt == "Of the 2 seeds some are missing for rate 0.5."


def test_networks_without_the_curve_have_no_points() -> None:
    """If this failed, what was never sampled would stand at a step."""
    assert len(selected([*DROPPED, *nets(0.2, [1.0, 2.0])], by="").conditions) == 2


def test_a_step_without_the_other_curve_is_refused() -> None:
    """If this failed, a difference would be missing without a word."""
    longer = sampled(0.5, [{1: 8.0, 300: 4.0}, {1: 10.0, 300: 5.5}])
    with pytest.raises(ConfigError, match=r"names no condition at step 300; there are rate 0\.5"):
        compare(selected([*longer, *PLAIN]), "rate 0", "two-sided")


@pytest.mark.parametrize(
    ("metric", "x", "sentence"),
    [
        (CURVE, "", r"metric=mc/error is a curve, and has a value per step: x=step compares them"),
        (METRIC, "step", r"x=step cannot be used: metric=test/nll/weight_scaling is no curve"),
        (CURVE, "step", r"Several conditions have step=1: .*, or tell them apart with by=COLUMN"),
    ],
)
def test_mistakes_say_what_to_type(metric: str, x: str, sentence: str) -> None:
    """If this failed, a curve would be refused without a way to see it."""
    with pytest.raises(ConfigError, match=sentence):
        select(pd.DataFrame([*DROPPED, *PLAIN]), metric, x)


def test_steps_are_called_what_they_count() -> None:
    """If this failed, an axis would say updates where it shows masks."""
    words = [step_in_words(name) for name in ("mc/nll", "blocks/error", "val/error", "cost/bag")]
    assert words == ["masks", "masks", "updates", "step"]
