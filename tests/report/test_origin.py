"""Which code computed the results of a report."""

import pandas as pd
import pytest

from dropout_study.report.origin import EARLIER, code_of


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        ([("cost", "laptop", "a"), ("cost", "laptop", "a")], "One code computed them all: a."),
        (
            [("cost", "laptop", "a"), ("narrow", "laptop", "b"), ("exact", "laptop", "a")],
            "Several codes computed these networks: a (cost 1, exact 1); b (narrow 1). "
            "No claim compares networks of different code.",
        ),
        (
            [("capacity", "laptop", "a"), ("reference", "laptop", "b"), ("narrow", "laptop", "a")],
            "Several codes computed these networks: a (capacity 1, narrow 1); b (reference 1). "
            "Claims that read networks of different code: Capacity.",
        ),
        (
            [("bagging", "laptop", "a"), ("bagging", "laptop", "a"), ("bagging", "laptop", None)],
            "Several codes computed these networks: a (bagging 2); "
            "code that was not recorded (bagging 1). "
            "Claims that read networks of different code: Against bagging.",
        ),
        (
            [("bagging", "laptop", "a"), ("bagging", "smoke", "b")],
            "Several codes computed these networks: a (bagging 1); b (bagging 1). "
            "No claim compares networks of different code.",
        ),
        ([("cost", "laptop", None)], EARLIER),
        ([], ""),
    ],
)
def test_results_of_different_code_are_not_mixed_in_silence(
    networks: list[tuple[str, str, str | None]], sentence: str
) -> None:
    """If this failed, a report would average networks of different arithmetic without a word, or
    warn of those that no claim compares.
    """
    columns = ["study", "budget", "code"]
    assert code_of(pd.DataFrame(networks, columns=columns, dtype=object)) == sentence


def test_results_of_earlier_files_name_no_code() -> None:
    """If this failed, a report on an older file would end in an error, or claim one code."""
    assert code_of(pd.DataFrame({"study": ["cost", "cost"], "seed": [0, 1]})) == EARLIER
    assert code_of(pd.DataFrame()) == ""
