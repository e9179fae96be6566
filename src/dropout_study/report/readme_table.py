"""The verdicts in the README beside a report: the last column of its table of claims."""

import re
from collections.abc import Sequence
from pathlib import Path

from dropout_study.report.verdict_table import with_sign
from dropout_study.report.verdicts import Outcome

README = "README.md"


def renew(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Bring the README in the folder of the report up to date, if it has such a table.

    Args:
        folder: of the report; a row of the table links to a section of the report in it.
        outcomes: of the claims that are reported; the rows of others stay as they are.
    """
    readme = folder.absolute().parent / README
    if not readme.is_file():
        return

    text = readme.read_text(encoding="utf-8")
    renewed = with_verdicts(text, outcomes, f"{folder.absolute().name}/{README}")

    if renewed != text:
        readme.write_text(renewed, encoding="utf-8")


def with_verdicts(text: str, outcomes: Sequence[Outcome], page: str) -> str:
    """A text whose rows that link to sections of a page end in the verdicts on these claims.

    Args:
        text: Markdown.
        outcomes: of claims.
        page: as the links name it; a section has the id of its claim.
    """
    verdicts = {outcome.claim.id: with_sign(outcome.shown) for outcome in outcomes}
    row = re.compile(rf"^(\| \[[^]]*\]\({re.escape(page)}#(\w+)\) .*\| )([^|]*) \|$", re.MULTILINE)

    def renewed(found: re.Match[str]) -> str:
        begin, claim, verdict = found.groups()
        return f"{begin}{verdicts.get(claim, verdict)} |"

    return row.sub(renewed, text)
