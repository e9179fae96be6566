"""The report in the repository: made of the results beside it."""

import os
from pathlib import Path

from dropout_study.config.schema import Report, Tracking
from dropout_study.report.pictures import CORRUPTED
from dropout_study.report.publish import report
from support.paths import ROOT

COMMITTED = ROOT / "report"
MNIST = os.environ.get("DROPOUT_STUDY_DATA", "")
LEFT_OUT = () if MNIST else ("robustness_images.svg", CORRUPTED)
"""The picture of corrupted images, which cannot be drawn without them."""


def paragraphs(folder: Path) -> list[str]:
    """The text of a report, as far as it can be made here."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    return [
        paragraph
        for paragraph in text.split("\n\n")
        if not any(mark in paragraph for mark in LEFT_OUT)
    ]


def test_the_report_is_what_the_code_makes_of_the_results(tmp_path: Path) -> None:
    """If this failed, the committed verdicts or numbers would not be those of code and results."""
    chosen = Report(
        results=str(COMMITTED / "results.parquet"),
        output=str(tmp_path / "report"),
        tracking=Tracking(uri="nowhere"),
        data_root=MNIST or "nowhere",
    )
    report(chosen)
    assert paragraphs(tmp_path / "report") == paragraphs(COMMITTED)
