"""The head of the report: networks, hours, machines; and the file for machines."""

import json

import numpy as np
import pandas as pd
import pytest

from dropout_study.claims import CLAIMS, NOTES
from dropout_study.report.first_edition import EARLIER
from dropout_study.report.glance import facts, hours, works
from dropout_study.report.verdict_file import as_json
from support.outcomes import SUPPORTING, UNCLEAR, outcome
from support.paths import ROOT
from support.readme import rows

HOURS = [("10:00", "11:00"), ("10:00", "10:30"), ("10:45", "11:30")]
TIMES = pd.DataFrame(
    {
        "study": ["exact", "exact", "units"],
        "digest": ["a", "a", "b"],
        "stage": ["tuning", "final", "final"],
        "commit": ["abcdef01234"] * 3,
        "code": ["c0de"] * 3,
        "device": ["x86_64 cpu, 2 threads", "x86_64 cpu, 2 threads", "NVIDIA H100"],
        "processor": ["a processor"] * 3,
        "started": [f"2026-11-26T{began}:00+00:00" for began, _ in HOURS],
        "ended": [f"2026-11-26T{ended}:00+00:00" for _, ended in HOURS],
        "wrong/weight_scaling": [np.zeros(400), np.zeros(400), np.zeros(10_000)],
    }
)


def test_hours_that_networks_share_count_once() -> None:
    """If this failed, a pack of thirty networks would take thirty times as long as it did."""
    assert hours(TIMES) == 1.5
    assert hours(TIMES[::-1]) == 1.5
    assert [work.hours for work in works(TIMES)] == [1.0, 0.75]
    assert [work.machines for work in works(TIMES)] == ["a processor", "NVIDIA H100"]


def test_what_was_not_recorded_is_not_said() -> None:
    """If this failed, results of before would seem to have taken no time."""
    older = TIMES.drop(columns=["started", "device"])
    assert np.isnan(hours(older))
    assert "computing" not in [fact.term for fact in facts(older)]
    assert {work.hours_in_words for work in works(older)} == {"not recorded"}
    assert facts(pd.DataFrame()) == []


def test_the_head_says_what_was_trained_and_on_what() -> None:
    """If this failed, a reader could not tell how much the verdicts rest on."""
    said = {fact.term: fact.value for fact in facts(TIMES)}
    assert said["networks"] == (
        "3 trained or evaluated again, in 2 studies and 2 conditions: 1 to tune, 2 to decide"
    )
    assert said["computing"] == "1.5 hours on NVIDIA H100, a processor"
    assert said["test images"] == "400 to 10,000 per network"
    assert "abcdef0" in said["code"]


def test_the_verdicts_for_machines_hold_every_number() -> None:
    """If this failed, whoever reads the file would have to parse a page."""
    made = outcome("capacity", SUPPORTING, half=UNCLEAR, images=50)
    (claim,) = json.loads(as_json([made], {"networks": "3"}))["claims"]
    assert (claim["verdict"], claim["settled"]) == (made.shown, False)
    question = claim["questions"]["wide nets gain"]
    doubt = made.unsettled["wide nets gain"]
    assert question["doubt"] == {"name": "not settled", "reason": doubt.reason, "cases": []}
    decided = made.decisions["wide nets gain"]
    assert question["outcome"] == decided.outcome
    assert question["adjusted p of support"] == pytest.approx(decided.adjusted_support, rel=1e-5)
    one = question["cases"]["case"]
    estimate = decided.cases["case"].estimate
    assert (one["mean"], one["seeds"], one["images"]) == (estimate.mean, 5, 50)
    ends = [estimate.interval().low, estimate.interval().high]
    assert [one["low"], one["high"]] == pytest.approx(ends, rel=1e-5)


def test_the_verdicts_of_the_first_edition_are_those_of_its_archive() -> None:
    """If this failed, the report would compare itself with verdicts that were never given."""
    archive = (ROOT / "report" / "first-edition" / "README.md").read_text(encoding="utf-8")
    shown = {row["claim"]: row["verdict"] for row in rows(archive, "claim")}
    assert list(EARLIER) == [claim.id for claim in NOTES]

    for claim, earlier in EARLIER.items():
        assert earlier.verdict in shown[f"[{CLAIMS[claim].title}](#{claim})"]
