"""Which code computed the results of a report."""

import pandas as pd
import pytest

from dropout_study.report.origin import EARLIER, code_of


@pytest.mark.parametrize(
    ("digests", "sentence"),
    [
        (["a", "a"], "One code computed them all: a."),
        (["a", "b", "a"], "Results of different code are mixed: 2 by a, 1 by b."),
        (
            ["a", None],
            "Results of different code are mixed: 1 by a, 1 by code that was not recorded.",
        ),
        ([None, None], EARLIER),
        ([], ""),
    ],
)
def test_results_of_different_code_are_not_mixed_in_silence(
    digests: list[str | None], sentence: str
) -> None:
    """If this failed, a report would average networks of different arithmetic without a word."""
    assert code_of(pd.DataFrame({"code": pd.Series(digests, dtype=object)})) == sentence


def test_results_of_earlier_files_name_no_code() -> None:
    """If this failed, a report on an older file would end in an error, or claim one code."""
    assert code_of(pd.DataFrame({"seed": [0, 1]})) == EARLIER
