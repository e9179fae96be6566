"""The tables of verdicts and checks: the same columns and explanations in every place."""

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from dropout_study.analysis.criteria import NOT_RESOLVED
from dropout_study.analysis.runs import Effect
from dropout_study.claims import CLAIMS
from dropout_study.report import verdict_table
from dropout_study.report.answers import answer, finding
from dropout_study.report.page import write_report
from dropout_study.report.scopes import Scope
from dropout_study.report.summary import summary
from dropout_study.report.verdict_table import (
    CHECK_COLUMNS,
    COLUMNS,
    Column,
    check_frame,
    explanations,
    kind,
    sign,
    terminal_tables,
    verdict_frame,
)
from dropout_study.report.verdicts import NEEDS_MNIST, NO_RUNS, Outcome, decide_together
from support.outcomes import CONTRADICTING, LIKELY, SUPPORTING, UNCLEAR, effect, outcome


def places(shown: Outcome, folder: Path) -> dict[str, str]:
    """The tables everywhere they are shown, as text."""
    write_report([shown], pd.DataFrame(), folder, {}, None)
    printed = io.StringIO()

    for table in terminal_tables([shown]):
        Console(file=printed, width=400).print(table)

    return {
        "page": (folder / "index.html").read_text(encoding="utf-8"),
        "README": (folder / "README.md").read_text(encoding="utf-8"),
        "terminal": printed.getvalue(),
        "MLflow": verdict_frame([shown]).to_csv() + check_frame([shown]).to_csv(),
    }


@pytest.mark.parametrize(
    ("columns", "claim"), [("COLUMNS", "capacity"), ("CHECK_COLUMNS", "subnetworks")]
)
def test_a_column_that_is_added_appears_everywhere(
    columns: str, claim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, terminal, pages and MLflow would show different columns of one table."""
    added: Column[object] = Column("neighbour", lambda _: f"next to {claim}")
    known = {"COLUMNS": COLUMNS, "CHECK_COLUMNS": CHECK_COLUMNS}[columns]
    monkeypatch.setattr(verdict_table, columns, [*known, added])

    for place, text in places(Outcome(CLAIMS[claim], NO_RUNS), tmp_path).items():
        assert "neighbour" in text, place
        assert f"next to {claim}" in text, place


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_stands_in_a_table_without_runs(claim: str, tmp_path: Path) -> None:
    """If this failed, a newcomer's first report would end in a traceback, or not say what to do."""
    shown = Outcome(CLAIMS[claim], NO_RUNS, reason="there are no results", options="studies=[x]")
    found = places(shown, tmp_path)

    for place, text in found.items():
        assert "· runs missing" in text, place

    for page in ("page", "README"):
        assert "python scripts/reproduce.py studies=[x]" in found[page]
        assert "Runs missing: there are no results." in found[page]


def test_what_is_left_out_is_said_beside_the_verdict(tmp_path: Path) -> None:
    """If this failed, a reader would take a verdict on some arms for one on all."""
    shown = outcome("capacity", SUPPORTING)
    shown.left_out = ["hidden 0.5 is left out: mean validation error 12.30 %, above 3 %"]
    shown.remarks = ["2 of 20 networks collapsed"]
    found = places(shown, tmp_path)
    left_out = "Hidden 0.5 is left out: mean validation error 12.30 %, above 3 %."

    for said in (left_out, "2 of 20 networks collapsed."):
        for page in ("page", "README"):
            assert found[page].index(answer(shown)) < found[page].index(said)
            assert found[page].index(said) < found[page].index("Reproduce:")


def test_the_contents_lead_to_every_claim_and_show_its_verdict(tmp_path: Path) -> None:
    """If this failed, a reader would have to scroll through all claims to find one."""
    weakened = outcome("regularizers", CONTRADICTING, half=SUPPORTING)
    outcomes = [outcome("capacity", SUPPORTING), weakened]
    write_report([*outcomes, Outcome(CLAIMS["cost"], NO_RUNS)], pd.DataFrame(), tmp_path, {}, None)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    contents = page.split("<nav")[1].split("</nav>")[0]

    for claim, mark in {"capacity": "✔", "regularizers": "✘", "cost": "·"}.items():
        (link,) = [line for line in contents.splitlines() if f'href="#{claim}"' in line]
        assert f">{mark}<" in link
        assert (">not settled<" in link) == (claim == "regularizers")
        assert f'<h3 id="{claim}">' in page

    assert contents.index("cost") < contents.index("capacity"), "in the order of the sections"


def test_explanations_are_the_same_everywhere(tmp_path: Path) -> None:
    """If this failed, a word would mean one thing on the page and another in the terminal."""
    shown = Outcome(CLAIMS["capacity"], NO_RUNS)
    found = places(shown, tmp_path)
    entries = explanations([shown])
    assert [entry.term for entry in entries] == ["found", "adjusted p"]

    for place in ("page", "README", "terminal"):
        text = " ".join(found[place].replace("&#39;", "'").split())

        for entry in entries:
            assert f"{entry.term}: {entry.meaning}" in text, place


def test_a_verdict_that_the_control_weakens_says_so_in_words() -> None:
    """If this failed, an effect of under-training would be a finding."""
    weakened = outcome("capacity", SUPPORTING, half=CONTRADICTING)
    assert weakened.shown == "supported, not settled"
    assert (sign(weakened.shown), kind(weakened.shown)) == ("✔", "supported")
    assert "not settled" in [entry.term for entry in explanations([weakened])]

    assert verdict_frame([weakened])["verdict"].tolist() == ["✔ supported, not settled"]

    grown = outcome("capacity", SUPPORTING, half=[value / 2 for value in SUPPORTING])
    assert grown.shown == "supported, size not settled"
    assert (sign(grown.shown), kind(grown.shown)) == ("✔", "supported")
    assert "not settled" not in [entry.term for entry in explanations([grown])]
    assert "Size not settled, since half the updates may give another size: " in answer(grown)
    assert "another outcome" not in answer(grown)

    settled = outcome("capacity", SUPPORTING, half=SUPPORTING)
    assert (settled.shown, settled.unsettled) == ("supported", {})
    assert "not settled" not in [entry.term for entry in explanations([settled])]


def test_what_would_hold_of_a_part_alone_is_explained_where_it_is_said() -> None:
    """If this failed, a reader would take an effect that is left open for one that was found."""
    decided = outcome("capacity", SUPPORTING)
    name = decided.claim.headline[0]
    of_part = {name: replace(decided.decisions[name], outcome=NOT_RESOLVED)}
    left_open = replace(decided, decisions={**decided.decisions, **of_part})
    assert "judged apart: dropout raises" in finding(left_open).lower()
    assert "judged apart" in [entry.term for entry in explanations([left_open])]
    assert "judged apart" not in [entry.term for entry in explanations([decided])]


def test_what_is_not_resolved_says_what_it_would_take(tmp_path: Path) -> None:
    """If this failed, a reader could not tell a small study from an impossible question."""
    unclear = outcome("capacity", UNCLEAR)
    assert unclear.shown == "not resolved"
    assert "seeds would be needed" in unclear.reason
    found = places(unclear, tmp_path)

    for place in ("page", "README"):
        assert "seeds would be needed" in found[place]


def test_no_sign_stands_for_a_footnote() -> None:
    """If this failed, the stars and daggers of the first edition would be back."""
    headings = [column.heading for column in (*COLUMNS, *CHECK_COLUMNS)]
    assert not set("*†") & set("".join(headings))
    shown = verdict_frame([outcome("capacity", SUPPORTING, half=CONTRADICTING)])
    assert not set("*†") & set("".join(shown.iloc[0]))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("holds", "✔"), ("fails", "✘"), (NEEDS_MNIST, "?"), (NO_RUNS, "·"), ("smoke: holds", "·")],
)
def test_every_verdict_has_its_sign(shown: str, expected: str) -> None:
    """If this failed, seconds of training would carry the sign of evidence."""
    assert sign(shown) == expected


@pytest.mark.parametrize(("claim", "same"), [("cost", True), ("capacity", False)])
def test_a_published_number_says_whether_it_is_the_same_quantity(
    claim: str, same: bool, tmp_path: Path
) -> None:
    """If this failed, an error would seem to stand beside an error where a difference stands."""
    assert {number.same for number in CLAIMS[claim].published} == {same}
    page = places(Outcome(CLAIMS[claim], NO_RUNS), tmp_path)["page"]
    assert (">the same quantity<" in page) == same
    assert (">context<" in page) != same
    assert "Marks say how a number was verified" in page


def test_a_control_without_common_seeds_is_none() -> None:
    """If this failed, a verdict would be shown as settled that was never controlled."""
    made = outcome("capacity", SUPPORTING, SUPPORTING)
    apart = Effect(SUPPORTING, range(200, 205))
    made.half = {name: {"case": apart} for name in made.half}
    decide_together([made])
    assert made.shown == "supported, not controlled"
    assert "Not controlled by half the updates: " in answer(made)
    assert "another outcome" not in answer(made)
    assert all(doubt.reason.startswith("no common seeds") for doubt in made.unsettled.values())
    assert made.unsettled


def test_a_contradicted_claim_is_in_doubt_only_where_it_is_contradicted() -> None:
    """If this failed, a part that supports a claim could weaken what contradicts the claim."""
    made = outcome("independent_units", [3.0, 3.1, 2.9, 3.05, 2.95])
    confirmed = made.effects["reasonably well"]
    weaker = {"case": effect([1.0, 1.1, 0.9, 1.05, 0.95])}
    made.half = {"reasonably well": confirmed, "without specific others": weaker}
    decide_together([made])

    assert made.shown == made.shown_of("reasonably well") == "contradicted"
    assert made.shown_of("without specific others") == "supported, size not settled"

    drawn = summary([made], "summary")
    assert drawn is not None
    assert drawn.alt.endswith(", contradicted.")


def test_the_figure_says_that_data_are_too_small_as_the_table_does() -> None:
    """If this failed, the figure would ask for more seeds where other data are needed."""
    made = outcome("capacity", UNCLEAR)
    made.scope = Scope("laptop", "digits")
    decide_together([made])
    drawn = summary([made], "summary")
    assert drawn is not None
    assert drawn.alt.endswith(f", {NEEDS_MNIST}.")


@pytest.mark.parametrize(
    ("neighbour", "budget", "questions"),
    [
        ("scaling_beats_sampling", "laptop", 1),  # of another family
        ("capacity", "smoke", 1),
        ("capacity", "laptop", 5),
    ],
)
def test_p_values_are_adjusted_within_a_family_and_a_kind_of_budget(
    neighbour: str, budget: str, questions: int
) -> None:
    """If this failed, claims that are added later, or runs of seconds, could take verdicts away.

    The smallest of m equal p values is multiplied by m.
    """
    alone = outcome("ensemble_gain", LIKELY).decisions["more powerful"].adjusted_support
    assert 0.025 < alone < 0.05

    both = [outcome("ensemble_gain", LIKELY), outcome(neighbour, LIKELY, budget=budget)]
    decide_together(both)
    beside = both[0].decisions["more powerful"].adjusted_support
    assert beside == pytest.approx(questions * alone)
