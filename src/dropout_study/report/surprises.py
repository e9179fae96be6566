"""What surprised in the results, and what was looked at to see whether it is a mistake."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from dropout_study.claims import CLAIMS
from dropout_study.config.schema import ConfigError

NAME = "surprises.yaml"
"""Beside the report: the list, if it is there."""


@dataclass(frozen=True)
class Surprise:
    """A result that was not expected.

    Attributes:
        claim: its id.
        found: what came out.
        checked: what was looked at to rule out a mistake.
    """

    claim: str
    found: str
    checked: str


def recorded(folder: Path) -> list[Surprise]:
    """The surprises that are listed beside a report; none if there is no list.

    Args:
        folder: of the report.

    Raises:
        ConfigError: one is of no claim.
    """
    file = folder / NAME

    if not file.is_file():
        return []

    listed = [Surprise(**each) for each in yaml.safe_load(file.read_text(encoding="utf-8"))]

    if unknown := [each.claim for each in listed if each.claim not in CLAIMS]:
        raise ConfigError(f"{file}: {unknown[0]!r} is no claim, of {', '.join(CLAIMS)}.")

    return listed
