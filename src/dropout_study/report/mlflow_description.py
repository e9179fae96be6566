"""What MLflow's pages say of a study: what it shows, which claims read it, what is typed to run it. In Markdown."""

from dropout_study.claims import CLAIMS

READING = """A run is a cohort: one condition, one network for each seed. Its metrics are means over the seeds (error \
in percent, NLL in nats; `_low` and `_high` bound the 95 % interval), its child runs the seeds. **Results** in the \
menu **Views** has the columns and charts that matter."""


def describe(study: str, title: str, command: str = "") -> str:
    """The description of a study's experiment.

    Args:
        study: its name.
        title: what it shows.
        command: what is typed to run it, if it is always the same.
    """
    claims = [claim for claim in CLAIMS.values() if study in claim.studies]
    parts = [f"{title}."]

    if claims:
        parts.append(
            "**Claims that read it**, each with criteria that were written down before the runs:"
        )
        lines = []

        for claim in claims:
            lines.append(f"- **{claim.title}** ({claim.source}): {claim.says}")
            lines += [f"    - {part}" for part in claim.parts.values()]

        parts.append("\n".join(lines))
        parts.append(
            "`python scripts/report.py` decides them; the verdicts are tags of the experiments, and the figures and "
            "a table are in the experiment `report`."
        )

    if command:
        parts.append(f"Run it: `{command}`")

    return "\n\n".join([*parts, READING])
