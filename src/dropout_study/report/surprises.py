"""What surprised in the results, and how it was checked against a mistake of one's own."""

from dataclasses import dataclass
from pathlib import Path

import yaml

NAME = "surprises.yaml"
"""Beside the report: the list, if it is there. Its numbers are those of the results beside it."""


@dataclass(frozen=True)
class Surprise:
    """A result that nobody had expected.

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
    """
    file = folder / NAME

    if not file.is_file():
        return []

    return [Surprise(**each) for each in yaml.safe_load(file.read_text(encoding="utf-8"))]
