"""Which code computed the results of a report."""

import pandas as pd
import pytest

from dropout_study.report.origin import EARLIER, code_of


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        ({"cost": ["a", "a"]}, "One code computed them all: a."),
        (
            {"cost": ["a"], "narrow": ["b"], "exact": ["a"]},
            "Several codes computed them: a (cost, exact); b (narrow). "
            "No claim compares networks of different code.",
        ),
        (
            {"capacity": ["a"], "reference": ["b"], "narrow": ["a"]},
            "Several codes computed them: a (capacity, narrow); b (reference). "
            "Networks of different code are compared: Capacity.",
        ),
        (
            {"bagging": ["a", None]},
            "Several codes computed them: a (bagging); code that was not recorded (bagging). "
            "Networks of different code are compared: Against bagging.",
        ),
        ({"cost": [None, None]}, EARLIER),
        ({}, ""),
    ],
)
def test_results_of_different_code_are_not_mixed_in_silence(
    codes: dict[str, list[str | None]], sentence: str
) -> None:
    """If this failed, a report would average networks of different arithmetic without a word, or
    warn of studies that no claim compares.
    """
    rows = [(study, code) for study, each in codes.items() for code in each]
    assert code_of(pd.DataFrame(rows, columns=["study", "code"], dtype=object)) == sentence


def test_results_of_earlier_files_name_no_code() -> None:
    """If this failed, a report on an older file would end in an error, or claim one code."""
    assert code_of(pd.DataFrame({"study": ["cost", "cost"], "seed": [0, 1]})) == EARLIER
