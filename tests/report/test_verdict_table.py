"""The table of verdicts: one list of columns and one text of explanations for every place."""

import io
import math
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from dropout_study.analysis.criteria import INCONCLUSIVE, SUPPORTED
from dropout_study.claims import CLAIMS
from dropout_study.report import verdict_table
from dropout_study.report.page import write_report
from dropout_study.report.verdict_table import (
    COLUMNS,
    Column,
    explanations,
    footnotes,
    terminal_table,
    verdict_frame,
)
from dropout_study.report.verdicts import NO_RUNS, Outcome


def pages(outcome: Outcome, folder: Path) -> dict[str, str]:
    """The table of verdicts everywhere it is shown, as text."""
    write_report([outcome], pd.DataFrame(), folder, {}, None)
    printed = io.StringIO()
    Console(file=printed, width=400).print(terminal_table([outcome]))

    return {
        "page": (folder / "index.html").read_text(encoding="utf-8"),
        "README": (folder / "README.md").read_text(encoding="utf-8"),
        "terminal": printed.getvalue(),
        "MLflow": verdict_frame([outcome]).to_csv(),
    }


def test_a_column_that_is_added_appears_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, terminal, pages and MLflow would show different columns of one table."""
    added = Column("neighbour", lambda outcome: f"next to {outcome.claim.id}")
    monkeypatch.setattr(verdict_table, "COLUMNS", [*COLUMNS, added])

    for place, text in pages(Outcome(CLAIMS["capacity"], NO_RUNS), tmp_path).items():
        assert "neighbour" in text, place
        assert "next to capacity" in text, place


def test_every_column_is_filled_without_runs(tmp_path: Path) -> None:
    """If this failed, a newcomer's first report would end in a traceback, or not say what to do."""
    outcome = Outcome(CLAIMS["capacity"], NO_RUNS, reason="there are no results")

    for place, text in pages(outcome, tmp_path).items():
        assert "there are no results" in text, place
        assert "· no runs yet" in text, place


def test_explanations_are_the_same_everywhere(tmp_path: Path) -> None:
    """If this failed, a sign would mean one thing on the page and another in the terminal."""
    outcome = Outcome(CLAIMS["capacity"], NO_RUNS)
    shown = pages(outcome, tmp_path)
    (published,) = [e for e in explanations([outcome]) if e.term == "published"]

    for place in ("page", "README", "terminal"):
        text = " ".join(shown[place].replace("&#39;", "'").split())
        assert f"{published.term}: {published.meaning}" in text, place


@pytest.mark.parametrize(
    ("verdict", "adjusted", "warnings", "signs"),
    [
        (SUPPORTED, 0.2, [], "*"),
        (SUPPORTED, 0.01, ["dropout: …"], "†"),
        (SUPPORTED, 0.2, ["dropout: …"], "*†"),
        (INCONCLUSIVE, 0.2, [], ""),
        (SUPPORTED, math.nan, [], ""),
    ],
)
def test_every_footnote_sign_is_explained(
    verdict: str, adjusted: float, warnings: list[str], signs: str
) -> None:
    """If this failed, a verdict would carry a sign without meaning, or a meaning no verdict has."""
    outcome = Outcome(CLAIMS["capacity"], verdict, adjusted=adjusted, convergence_warnings=warnings)
    assert footnotes(outcome) == signs
    explained = [entry.term for entry in explanations([outcome]) if entry.term in "*†"]
    assert explained == list(signs)
