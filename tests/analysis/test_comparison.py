"""Differences between recorded conditions, against answers computed by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from dropout_study.analysis.comparison import Row, compare
from dropout_study.analysis.selection import select
from dropout_study.config.schema import ConfigError
from dropout_study.measures.statistics import crossed, needed, over_seeds
from support.compared import METRIC, nets
from support.rows import Columns

ROWS = [*nets(0.0, [1.0, 2.0, 3.0]), *nets(0.2, [2.0, 4.0, 6.0]), *nets(0.5, [1.0, 2.5, 2.5])]


def compared(rows: list[Columns], against: str, alternative: str = "two-sided") -> list[Row]:
    """The conditions of some networks."""
    return compare(select(pd.DataFrame(rows), METRIC), against, alternative)  # type: ignore[arg-type]


def test_differences_are_paired_by_seed() -> None:
    """If this failed, the spread between seeds, which both conditions share, would hide a
    difference, or its sign would be turned: 2 - 1, 4 - 2, 6 - 3.
    """
    reference, doubled, mixed = compared(ROWS, "rate 0")
    assert reference.difference is None
    assert math.isnan(reference.p)
    assert doubled.difference is not None
    assert mixed.difference is not None
    assert list(doubled.difference.values) == [1.0, 2.0, 3.0]
    assert list(mixed.difference.values) == [0.0, 0.5, -0.5]
    assert doubled.effect_size == pytest.approx(2.0)  # a mean of 2, a standard deviation of 1


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_p_values_are_those_of_the_alternative_and_adjusted_together(alternative: str) -> None:
    """If this failed, a difference would be tested in the wrong direction, or each as if it were
    the only one.
    """
    _, doubled, mixed = compared(ROWS, "rate 0", alternative)
    estimate = over_seeds([1.0, 2.0, 3.0])
    p = {
        "two-sided": estimate.p_differs(),
        "less": estimate.p_below(),
        "greater": estimate.p_above(),
    }
    assert doubled.p == pytest.approx(p[alternative])
    smaller, larger = sorted([doubled, mixed], key=lambda row: row.p)
    assert smaller.adjusted == pytest.approx(min(1.0, 2 * smaller.p))
    assert larger.adjusted == pytest.approx(max(smaller.adjusted, larger.p))


def test_what_cannot_be_told_says_what_it_would_take() -> None:
    """If this failed, a difference of too few seeds would pass for none."""
    estimate = over_seeds([1.0, 2.0, 3.0])
    of_two = needed(estimate, 2.0, level=0.025)
    both_sides = needed(estimate, 2.0, level=0.0125)
    assert of_two is not None
    assert both_sides is not None
    assert 3 < (of_two.seeds or 0) < (both_sides.seeds or 0)  # more than there are

    _, doubled, mixed = compared(ROWS, "rate 0", "greater")
    assert doubled.adjusted > 0.05
    assert doubled.needed == f"cannot be told: {of_two}"
    assert mixed.needed.startswith("cannot be told: ")
    assert compared(ROWS, "rate 0")[1].needed == f"cannot be told: {both_sides}"
    assert compared(ROWS, "rate 0", "less")[1].needed == "points the other way"

    clear = [*nets(0.0, [1.0, 2.0, 3.0]), *nets(0.2, [2.0, 3.01, 3.99])]
    assert compared(clear, "rate 0")[1].needed == ""
    single = [*nets(0.0, [1.0]), *nets(0.2, [2.0])]
    assert compared(single, "rate 0")[1].needed == (
        "cannot be told: the spread over seeds is not known"
    )


def test_errors_are_compared_over_seeds_and_test_images() -> None:
    """If this failed, intervals would know of seeds alone where each image was kept."""
    wrong = {0.0: [[1, 0, 0, 1], [1, 1, 0, 0]], 0.5: [[1, 1, 1, 1], [1, 1, 1, 0]]}
    rows = [
        network
        | {"test/error/weight_scaling": 100 * float(np.mean(images))}
        | {"wrong/weight_scaling": np.array(images, dtype=float)}
        for rate, seeds in wrong.items()
        for network, images in zip(nets(rate, [0.0, 0.0]), seeds, strict=True)
    ]
    selection = select(pd.DataFrame(rows), "test/error/weight_scaling")
    _, dropped = compare(selection, "rate 0", "two-sided")
    by_hand = crossed(np.array([[0.0, 100.0, 100.0, 0.0], [0.0, 0.0, 100.0, 0.0]]))
    assert dropped.difference is not None
    assert dropped.difference.estimate() == by_hand
    assert dropped.p == pytest.approx(by_hand.p_differs())


def test_every_group_has_a_condition_to_compare_with() -> None:
    """If this failed, wide networks would be compared with narrow ones."""
    rows = [*ROWS, *nets(0.0, [5.0, 5.0, 5.0], 64), *nets(0.5, [6.0, 7.0, 8.0], 64)]
    selection = select(pd.DataFrame(rows), METRIC, "model.hidden_rate", "model.widths")
    found = compare(selection, "rate 0", "two-sided")
    differences = {row.name: row.difference for row in found if row.difference}
    assert list(differences["mlp 64, rate 0.5"].values) == [1.0, 2.0, 3.0]
    assert list(differences["mlp 16, rate 0.2"].values) == [1.0, 2.0, 3.0]


def test_a_line_is_compared_with_another_at_equal_x() -> None:
    """If this failed, a figure of errors by width could not say what a rate does at each width, or
    narrow networks would be compared with wide ones.
    """
    rows = [*ROWS, *nets(0.0, [5.0, 5.0, 5.0], 64), *nets(0.5, [6.0, 7.0, 8.0], 64)]
    selection = select(pd.DataFrame(rows), METRIC, "model.widths", "model.hidden_rate")
    found = compare(selection, "rate 0", "two-sided")
    differences = {row.name: list(row.difference.values) for row in found if row.difference}
    assert differences == {
        "mlp 16, rate 0.2": [1.0, 2.0, 3.0],
        "mlp 16, rate 0.5": [0.0, 0.5, -0.5],
        "mlp 64, rate 0.5": [1.0, 2.0, 3.0],
    }


def test_a_point_without_a_partner_on_the_other_line_is_refused() -> None:
    """If this failed, a comparison would leave out conditions without a word."""
    rows = [*ROWS, *nets(0.0, [5.0, 5.0, 5.0], 64), *nets(0.5, [6.0, 7.0, 8.0], 128)]
    selection = select(pd.DataFrame(rows), METRIC, "model.widths", "model.hidden_rate")
    with pytest.raises(ConfigError, match=r"mlp 128, rate 0\.5 cannot be compared: .* no equal x"):
        compare(selection, "rate 0", "two-sided")


def test_lines_of_other_images_are_not_compared() -> None:
    """If this failed, the errors on one data set would be paired with those on another."""
    rows = [*nets(0.0, [1.0, 2.0]), *nets(0.0, [3.0, 4.0], 64)]
    other = [
        each
        | {"data.name": "mnist1d", "condition": str(each["condition"]).replace("digits_8x8", "1d")}
        for each in rows
    ]
    moved = [each | {"digest": each["condition"]} for each in other]
    selection = select(pd.DataFrame([*rows, *moved]), METRIC, "model.widths", "data.name")
    with pytest.raises(ConfigError, match="they were tested on different images"):
        compare(selection, "1d", "two-sided")


def test_a_condition_that_another_adds_to_is_named_by_its_own_words() -> None:
    """If this failed, a baseline could not be compared with what adds one setting to it."""
    added = [network | {"digest": "l2"} for network in nets(0.5, [2.0, 3.0, 4.0])]
    rows = [
        *nets(0.5, [1.0, 2.0, 3.0]),
        *({**each, "condition": "mlp 16, rate 0.5, digits_8x8, l2"} for each in added),
    ]
    baseline, regularized = compared(rows, "rate 0.5")
    assert baseline.difference is None
    assert regularized.difference is not None
    assert list(regularized.difference.values) == [1.0, 1.0, 1.0]


def test_conditions_without_a_common_seed_are_refused() -> None:
    """If this failed, nothing to pair would be a traceback."""
    rows = [*nets(0.0, [1.0]), *(network | {"seed": 7} for network in nets(0.2, [2.0]))]
    with pytest.raises(ConfigError, match=r"rate 0\.2 and rate 0 cannot be compared"):
        compared(rows, "rate 0")


@pytest.mark.parametrize(
    ("against", "sentence"),
    [
        (
            "rate 0.9",
            "against='rate 0.9' cannot be used: it names no condition; there are rate 0, ",
        ),
        ("rate 0.", "it names no condition"),
        ("mlp 16", "it names 3 conditions: rate 0, rate 0.2, rate 0.5. More words"),
    ],
)
def test_words_that_name_no_condition_or_several_are_refused(against: str, sentence: str) -> None:
    """If this failed, all would be compared with the first condition that fits."""
    with pytest.raises(ConfigError, match=sentence):
        compared(ROWS, against)


def test_nothing_is_tested_where_nothing_is_compared() -> None:
    """If this failed, a table of means would hold p values of unnamed differences."""
    assert all(row.difference is None and math.isnan(row.adjusted) for row in compared(ROWS, ""))
