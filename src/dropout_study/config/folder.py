"""Where the configuration and the published results lie, and what a command is called there."""

import sys
from pathlib import Path

PROGRAM = "dropout-study"
"""The program that a wheel installs."""

CARRIED = Path(__file__).parents[1] / "carried"
"""In an installed wheel: what it holds of the checkout, in the same folders."""
HOME = CARRIED if CARRIED.is_dir() else Path(__file__).parents[3]
"""The checkout, or what a wheel carries of it."""
CONF = HOME / "conf"
"""The folder whose groups and choices Hydra composes."""
RESULTS = HOME / "report" / "results"
"""The published results: a file per study, with a row per network."""
PUBLISHED = "published"
"""Stands for the published results."""
CRITERIA = HOME / "report" / "criteria.json"
"""The manifest of what was fixed before the runs."""


def results_path(name: str) -> Path:
    """A folder or file of results; `published` stands for the published, wherever they are."""
    return RESULTS if name == PUBLISHED else Path(name)


def command(name: str) -> str:
    """What one types for a command of the project: a script of a checkout, or the wheel's program.

    Args:
        name: such as `train`.
    """
    is_program = HOME == CARRIED or Path(sys.argv[0]).stem == PROGRAM
    return f"{PROGRAM} {name}" if is_program else f"python scripts/{name}.py"
