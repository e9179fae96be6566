"""The report in the repository: made of the results beside it, and summed up on the first page."""

import os
from pathlib import Path

from dropout_study.claims import CLAIMS
from dropout_study.config.schema import Report, Tracking
from dropout_study.report.page import CORRUPTED
from dropout_study.report.publish import report
from support.paths import CONF, ROOT

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
    """If this failed, verdicts or numbers in the repository would not be those of its code and its results."""
    chosen = Report(
        results=str(COMMITTED / "results.csv"),
        output=str(tmp_path / "report"),
        tracking=Tracking(uri="nowhere"),
        data_root=MNIST or "nowhere",
    )
    report(chosen, CONF)
    assert paragraphs(tmp_path / "report") == paragraphs(COMMITTED)


def test_the_readme_shows_the_table_of_the_committed_report() -> None:
    """If this failed, the first page would show other verdicts than the report."""
    tables = []

    for file in (ROOT / "README.md", COMMITTED / "README.md"):
        text = file.read_text(encoding="utf-8")
        tables.append(
            text[text.index("| claim |") :].split("\n\n")[0].replace("(report/README.md#", "(#")
        )

    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 2 + len(CLAIMS)
