"""The description of a study in MLflow, in Markdown: what it shows, its claims, its command."""

from collections.abc import Iterator, Mapping

from dropout_study.analysis.claim import Claim
from dropout_study.claims import CLAIMS

HOW_TO_READ = (
    "A run is a cohort: one condition, one network per seed. Its metrics are means over the seeds "
    "(error in percent, NLL in nats; `_low` and `_high` bound the 95 % interval), its child runs "
    "are the seeds. **Results** in the menu **Views** has the columns and charts that matter."
)
HOW_TO_DECIDE = (
    "`python scripts/report.py` decides them; the verdicts are tags of the experiments, and the "
    "figures and a table are in the experiment `report`."
)


def describe(
    study: str, title: str, command: str = "", findings: Mapping[str, str] | None = None
) -> str:
    """The description of a study's experiment; findings are at its end.

    Args:
        study: its name.
        title: what it shows.
        command: runs it, if it is always the same.
        findings: id of a claim -> verdict and finding of the last report.
    """
    paragraphs = [f"{title}."]
    claims = [claim for claim in CLAIMS.values() if study in claim.studies]

    if claims:
        lines = [line for claim in claims for line in _lines(claim)]
        paragraphs += [
            "**Claims that read it**, each with criteria that were written down before the runs:",
            "\n".join(lines),
            HOW_TO_DECIDE,
        ]

    if command:
        paragraphs.append(f"Run it: `{command}`")

    paragraphs.append(HOW_TO_READ)
    found = [
        f"- **{claim.title}**: {findings[claim.id]}"
        for claim in claims
        if findings and claim.id in findings
    ]
    if found:
        paragraphs.append("\n".join(["**Found**, as the last report says:", *found]))

    return "\n\n".join(paragraphs)


def _lines(claim: Claim) -> Iterator[str]:
    yield f"- **{claim.title}** ({claim.source}): {claim.says}"

    for question in (*claim.parts.values(), *claim.checks.values()):
        yield f"    - {question}"
