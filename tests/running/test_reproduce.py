"""Studies one after another."""

import time

import pytest

from dropout_study.config.schema import ConfigError
from dropout_study.running.reproduce import TimeLimit, run_in_turn

LONG = 1.0  # hours
SHORT = 0.05 / 3600  # hours


def test_what_failed_is_told_from_what_the_time_was_too_short_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If this failed, a study with a mistake would be run again, night after night, in the belief
    that it needs more hours.
    """
    begun = []

    def run_study(study: str) -> bool:
        begun.append(study)
        if study == "mistaken":
            raise ConfigError("study=mistaken cannot be used.")
        if study == "long":
            time.sleep(3600 * SHORT)
        return study == "done"

    studies = ["done", "failing", "mistaken", "long", "last"]
    assert run_in_turn(studies, run_study, TimeLimit(SHORT)) == [
        "These studies failed: failing, mistaken.",
        f"max_hours={SHORT:g} is over, and these are not done: long, last.",
    ]
    assert begun == ["done", "failing", "mistaken", "long"]
    said = capsys.readouterr()
    assert "== study 4 of 5: long" in said.out
    assert said.err == "study=mistaken cannot be used.\n"

    assert run_in_turn(["done"], run_study, TimeLimit(LONG)) == []
    assert run_in_turn(["failing"], run_study, TimeLimit(None)) == [
        "These studies failed: failing."
    ]


def test_a_study_gets_the_time_that_is_left() -> None:
    """If this failed, each study of a night would have all hours of the night."""
    assert TimeLimit(None).arguments == []
    (argument,) = TimeLimit(LONG).arguments
    key, _, hours = argument.partition("=")
    assert key == "max_hours"
    assert 0.99 < float(hours) <= LONG
    over = TimeLimit(SHORT)
    time.sleep(3600 * SHORT)
    assert over.is_over
    assert over.arguments == ["max_hours=0.000278"], "a second: 0 hours are refused"
