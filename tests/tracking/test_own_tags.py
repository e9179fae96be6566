"""Tags of a user beside those of the project."""

import re

import pytest

from dropout_study.config.schema import ConfigError
from dropout_study.tracking import tags
from dropout_study.tracking.own_tags import check_own_tags, own_tags
from dropout_study.tracking.record import Record
from dropout_study.tracking.run_links import Neighbours, describe_run
from support.records import example


@pytest.mark.parametrize(
    "name",
    [
        tags.SWEEP,
        tags.COMPLETE,
        tags.NOTE,
        "mlflow.runName",
        "verdict.capacity",
        "version.torch",
        "host",
        "threads",
        "",
        "a/../b",
        "/a",
        "who?",
        "x" * 251,
    ],
)
def test_tags_that_are_taken_or_that_no_store_takes_are_refused(name: str) -> None:
    """If this failed, a run would lose what it is found by, or its recording would fail later."""
    with pytest.raises(ConfigError, match=rf"^tags=\{{{re.escape(name)}: \.\.\.\}} cannot be used"):
        check_own_tags("", {name: "text"})


def test_other_tags_and_a_note_are_those_of_the_run() -> None:
    """If this failed, what a user noted would not be found in MLflow."""
    chosen = {"team": "vision", "ticket/nr": "A 7"}
    check_own_tags("x" * 500, chosen)
    assert own_tags("", chosen) == chosen
    assert own_tags("a first try", chosen) == chosen | {"note": "a first try"}

    with pytest.raises(ConfigError, match="8000 characters"):
        check_own_tags("", {"long": "x" * 8_001})

    with pytest.raises(ConfigError, match=r"^note=xxx.* has 501 characters, and may have 500"):
        check_own_tags("x" * 501, {})


def test_the_page_of_a_run_begins_with_its_note() -> None:
    """If this failed, a note could be read in the list of tags alone."""
    record = example()
    links = described(record)
    record.tags["note"] = "a first try"
    assert described(record) == f"a first try\n\n{links}"


def described(record: Record) -> str:
    """What the page of a run shows."""
    return describe_run(record, "1", "run", {0: "abc"}, Neighbours())[tags.DESCRIPTION]
