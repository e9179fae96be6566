"""Which conditions are compared, and whether they are on a par."""

from collections.abc import Sequence

import pandas as pd
import pytest

from dropout_study.analysis.selection import Selection, select
from dropout_study.config.schema import ConfigError
from support.rows import Columns

ERROR = "test/error/weight_scaling"


def net(width: str, rate: float, seed: int, error: float = 10.0, **more: object) -> Columns:
    """A network of a grid of widths and rates."""
    name = f"mlp {width}, rate {rate:g}, digits"
    settings: Columns = {
        "digest": name,
        "condition": name,
        "seed": seed,
        "stage": "final",
        "code": "c0de",
        "data.name": "digits",
        "model.widths": width,
        "model.hidden_rate": rate,
        ERROR: error,
    }

    return settings | more


CURVE = {"curve/val/error": [1.0], "steps/val/error": [1], "val/error": 1.0}
GRID = [net(width, rate, seed) for width in ("64", "16") for rate in (0.5, 0.0) for seed in (0, 1)]
GRID = [network | CURVE for network in GRID]


def candidates(arm: str, number: int, first: float = 0.1) -> list[Columns]:
    """The candidates of a search, each with a rate of its own."""
    return [
        net(arm, first + i / 100, 900, arm=arm, candidate=i, stage="tuning") for i in range(number)
    ]


def selected(rows: Sequence[Columns], metric: str = ERROR, **options: object) -> Selection:
    """The conditions of a grid by width and rate."""
    axes: dict[str, object] = {"x": "model.hidden_rate", "by": "model.widths"}
    return select(pd.DataFrame(list(rows)), metric, **(axes | options))  # type: ignore[arg-type]


def test_conditions_stand_in_the_order_of_group_and_x() -> None:
    """If this failed, a line of the figure would go back and forth, or 64 stand before 16."""
    found = selected(GRID)
    assert [(each.group, each.x) for each in found.conditions] == [
        ("16", 0.0),
        ("16", 0.5),
        ("64", 0.0),
        ("64", 0.5),
    ]
    assert found.shared == "digits"
    assert found.conditions[0].name == "mlp 16, rate 0"
    assert found.doubts == []


def test_candidates_and_other_settings_are_left_out() -> None:
    """If this failed, networks that tuning has tried would be compared as if they were final."""
    tried = net("16", 0.9, 0, stage="tuning")
    assert len(selected([*GRID, tried]).conditions) == 4
    assert len(selected(GRID, where=["model.widths=16"]).conditions) == 2
    assert len(selected(GRID, where=["model.hidden_rate=0.5", "seed=1"]).conditions) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"metric": "test/eror"},
            "test/eror cannot be used: it is not recorded; recorded are test",
        ),
        ({"metric": "val/error"}, "is a curve, and has a value per step"),
        ({"x": "model.rate"}, "it is no setting of a condition; these vary: condition, digest, mo"),
        ({"by": "seed"}, "by=seed cannot be used: it is no setting of a condition"),
        ({"x": "test/error/weight_scaling"}, "it is no setting of a condition"),
        ({"where": ["model.rate=1"]}, "there is no column model.rate"),
        ({"where": ["code"]}, "must be COLUMN=VALUE"),
        ({"where": ["model.widths=17"]}, "model.widths is one of 16, 64"),
        ({"where": ["code=c0de", "code=2"]}, "code is one of c0de where code=c0de"),
        ({"by": ""}, "Several conditions have model.hidden_rate=0: mlp 16, rate 0; mlp 64, rate 0"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    options: dict[str, object], sentence: str
) -> None:
    """If this failed, a typing error would be a traceback, or a table of something else."""
    with pytest.raises(ConfigError, match=sentence):
        selected(GRID, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        ([*GRID, net("64", 0.5, 2)], "Of the 3 seeds some are missing for mlp 16, rate 0; mlp 16"),
        (GRID[2:], "The grid of model.widths and model.hidden_rate has gaps: 64 and 0.5."),
        ([*GRID[1:], net("64", 0.5, 0, code="0ther")], "computed by different code: 0ther, c0de"),
        ([*GRID[1:], net("64", 0.5, 0, code=None)], "by different code: c0de, unknown"),
        (
            [*GRID[2:], *(net("64", 0.5, seed, **{"data.name": "mnist"}) for seed in (0, 1))],
            "tested on different images: digits, mnist",
        ),
    ],
)
def test_what_is_not_on_a_par_is_said(rows: list[Columns], doubt: str) -> None:
    """If this failed, a difference of seeds, code or data would pass for one of conditions."""
    (found,) = selected(rows).doubts
    assert doubt in found


def test_a_place_without_a_value_is_refused() -> None:
    """If this failed, a condition would stand nowhere on the axis, or hide another."""
    with pytest.raises(ConfigError, match=r"x=model\.hidden_rate cannot be used: .* no value"):
        selected([*GRID, net("32", float("nan"), 0), net("32", float("nan"), 1)])


def test_conditions_of_one_name_are_told_apart_by_their_digests() -> None:
    """If this failed, one of them would be missing from the table without a word."""
    twins = [network | {"digest": digest} for digest in "ab" for network in GRID[:2]]
    names = [each.name for each in select(pd.DataFrame(twins), ERROR).conditions]
    assert names == ["mlp 64, rate 0.5, digits (a)", "mlp 64, rate 0.5, digits (b)"]


def test_the_effort_of_tuning_counts_in_a_sweep_alone_too() -> None:
    """If this failed, the command that a sweep ends in would compare what was tuned unequally."""
    tried = candidates("64", 20) + candidates("16", 4)
    final = [network | {"arm": network["model.widths"]} for network in GRID if not network["seed"]]
    digests = {str(network["digest"]) for network in final}
    found = select(pd.DataFrame([*tried, *final]), ERROR, digests=digests)
    assert "The conditions were not tuned alike" in found.doubts[0]


def test_a_network_of_two_arms_is_a_condition_of_each_where_arms_are_compared() -> None:
    """If this failed, an arm that came to the settings of another could not be compared, or would
    stand twice where widths are; or its shared candidates would count for one arm alone.
    """
    also = {"arm": "a", "also": '[["b", 2]]'}
    tried = [row | also for row in candidates("a", 4)]
    final = [net("16", 0.5, seed, **also) for seed in (0, 1)]
    found = selected([*tried, *final], x="arm", by="")
    assert [each.name for each in found.conditions] == ["a", "b"]
    assert found.doubts == []
    assert [each.x for each in selected([*tried, *final], where=["arm=b"]).conditions] == [0.5]
    assert len(selected([*tried, *final]).conditions) == 1


def test_shared_candidates_count_for_each_of_their_arms() -> None:
    """If this failed, an arm would seem to be tuned less than it was."""
    tried = [row | {"also": '[["b", 0]]'} for row in candidates("a", 6)]
    final = [net(arm, 0.5, seed, arm=arm) for arm in ("a", "b") for seed in (0, 1)]
    assert select(pd.DataFrame([*tried, *final]), ERROR).doubts == []


def test_a_condition_without_an_arm_is_named_where_arms_are_compared() -> None:
    """If this failed, networks that were trained by hand would be left out, and nobody told."""
    rows = [net("16", 0.5, 0, arm="a"), net("16", 0.2, 0)]
    with pytest.raises(ConfigError, match=r"x=arm cannot be used: rate 0\.2 has no value"):
        selected(rows, x="arm", by="")


def test_seeds_of_a_condition_that_arms_have_trained_between_them_are_one_condition() -> None:
    """If this failed, half of its seeds would be missed, or it be compared with itself."""
    first = [net("16", 0.5, seed, arm="a", also='[["b", null]]') for seed in (0, 1)]
    found = selected([*first, *(net("16", 0.5, seed, arm="b") for seed in (2, 3))])
    (condition,) = found.conditions
    assert list(condition.nets.frame["seed"]) == [0, 1, 2, 3]
    assert found.doubts == []

    of_arms = selected([*first, net("16", 0.5, 2, arm="b")], x="arm", by="").conditions
    assert {each.name: len(each.nets.frame) for each in of_arms} == {"a": 2, "b": 3}


def test_unequal_effort_of_tuning_is_said() -> None:
    """If this failed, the arm that more was tried for would win; a few more candidates, by which
    tuning leaves the edge of its grid, are no advantage.
    """

    def tuned(arm: str, number: int) -> list[Columns]:
        tries = candidates(arm, number)
        return [*tries, net(arm, 0.5, 0, arm=arm), net(arm, 0.5, 1, arm=arm)]

    equal = select(pd.DataFrame(tuned("a", 4) + tuned("b", 5)), ERROR)
    assert equal.doubts == []
    assert [each.name for each in equal.conditions] == ["a", "b"]

    (doubt,) = select(pd.DataFrame(tuned("a", 4) + tuned("b", 9)), ERROR).doubts
    assert doubt == "The conditions were not tuned alike; candidates: 4 of a, 9 of b."
    (doubt,) = select(pd.DataFrame(tuned("a", 4) + tuned("b", 0)), ERROR).doubts
    assert "candidates: 4 of a, 0 of b" in doubt

    again = candidates("a", 5, first=0.5)  # a second search, whose numbers begin anew
    (doubt,) = select(pd.DataFrame(tuned("a", 4) + again + tuned("b", 4)), ERROR).doubts
    assert "candidates: 9 of a, 4 of b" in doubt


def test_candidates_alone_are_refused() -> None:
    """If this failed, an interrupted search would end in a sentence about a metric."""
    tried = [net("16", 0.5, 900, stage="tuning", **{ERROR: float("nan")})]
    with pytest.raises(ConfigError, match=r"are candidates \(stage tuning\), which are not comp"):
        selected(tried)

    with pytest.raises(ConfigError, match="are candidates"):
        selected([*GRID, *(row | {"digest": "c"} for row in tried)], digests=["c"])


def test_seeds_that_chose_a_setting_do_not_judge_it() -> None:
    """If this failed, the luck by which a candidate was chosen would count as its merit."""
    settings = [net("16", 0.5, 0, stage="tuning", digest="candidate")]
    (doubt,) = selected([*GRID, *settings]).doubts
    assert doubt.startswith("mlp 16, rate 0.5 is judged by the seeds 0, which chose its settings")
    assert selected([*GRID, net("16", 0.4, 0, stage="tuning")]).doubts == []
    assert selected([*GRID, net("16", 0.5, 900, stage="tuning")]).doubts == []

    arm = {"arm": "searched"}
    searched = [row | arm if row["model.hidden_rate"] == 0.5 else row for row in GRID]
    doubts = selected([*searched, net("16", 0.4, 1, stage="tuning", candidate=0, **arm)]).doubts
    assert [doubt for doubt in doubts if "judged by the seeds 1" in doubt]


def test_a_searched_condition_is_not_on_a_par_with_one_that_is_not() -> None:
    """If this failed, forty attempts would be compared with one, without a word."""
    arm = {"arm": "searched"}
    searched = [row | arm if row["model.hidden_rate"] == 0.5 else row for row in GRID]
    tried = [net("16", i / 9, 900, stage="tuning", candidate=i, **arm) for i in range(9)]
    doubts = selected([*searched, *tried]).doubts
    assert [doubt for doubt in doubts if "were not tuned alike" in doubt]
