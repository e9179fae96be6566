"""What a sweep is made of, as a file in its folder, for commands in other terminals."""

import dataclasses
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SWEEP_FILE = "sweep.json"
"""In the folder of a sweep, beside its record."""


@dataclass(frozen=True)
class SweepFile:
    """What a sweep is made of.

    Attributes:
        jobs: folder of each job, relative to that of the sweep -> its overrides, or its name.
        wanted: the folders of the jobs that the present start carries out.
        place: the folder where the command of the sweep was typed.
    """

    jobs: dict[str, str]
    wanted: list[str]
    place: str

    def save(self, folder: Path) -> None:
        """Write the file whole or not at all."""
        partial = folder / f"{SWEEP_FILE}.partial"
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / SWEEP_FILE)

    @classmethod
    def load(cls, folder: Path) -> "SweepFile":
        """Read the file of a folder.

        Raises:
            FileNotFoundError: there is no sweep.
        """
        return cls(**json.loads((folder / SWEEP_FILE).read_text(encoding="utf-8")))


def find_sweeps(root: Path) -> Iterator[Path]:
    """The folders of all sweeps in a folder and below it, but for those within another sweep."""
    for folder, below, files in os.walk(root):
        if SWEEP_FILE in files:
            below.clear()
            yield Path(folder)
