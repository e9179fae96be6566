"""The table of claims in a README beside a report."""

import json
from pathlib import Path

from dropout_study.analysis.criteria import SUPPORTED
from dropout_study.claims import CLAIMS, NOTES
from dropout_study.report.readme_table import renew, with_verdicts
from dropout_study.report.verdict_table import with_sign
from dropout_study.report.verdicts import NO_RUNS, Outcome
from support.paths import ROOT

TABLE = """
| claim | asked | verdict |
| --- | --- | --- |
| [Capacity](report/README.md#capacity) | a question with \\| in it? | · runs missing |
| [Cost](report/README.md#cost) | does it? | kept |
| [Elsewhere](other/README.md#capacity) | does it? | kept |

See [Capacity](report/README.md#capacity) | too |
"""


def test_rows_of_reported_claims_end_in_their_verdicts(tmp_path: Path) -> None:
    """If this failed, the README would show a verdict of other runs than the report."""
    outcomes = [Outcome(CLAIMS["capacity"], SUPPORTED)]
    renewed = with_verdicts(TABLE, outcomes, "report/README.md")
    assert renewed == TABLE.replace("· runs missing", "✔ supported")

    (tmp_path / "README.md").write_text(TABLE)
    renew(tmp_path / "report", outcomes)
    assert (tmp_path / "README.md").read_text() == renewed


def test_a_folder_without_a_readme_gets_none(tmp_path: Path) -> None:
    """If this failed, a report elsewhere would leave a file beside its folder."""
    renew(tmp_path / "report", [Outcome(CLAIMS["capacity"], NO_RUNS)])
    assert list(tmp_path.iterdir()) == []


def test_the_readme_shows_the_verdicts_of_the_report() -> None:
    """If this failed, a reader of the README alone would take home another verdict."""
    claims = json.loads((ROOT / "report" / "verdicts.json").read_text(encoding="utf-8"))["claims"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert "(report/README.md#beyond-the-notes)" in readme
    in_table = [claim for claim in claims if claim["id"] in {each.id for each in NOTES}]
    assert len(in_table) == len(NOTES)

    for claim in in_table:
        (row,) = [
            line for line in readme.splitlines() if f"report/README.md#{claim['id']})" in line
        ]
        assert row.endswith(f"| {with_sign(claim['verdict'])} |"), claim["id"]
