"""Where the configuration and the published results lie, and what a command is called there."""

from pathlib import Path

CARRIED = Path(__file__).parents[1] / "carried"
"""In an installed wheel: what it holds of the checkout, in the same folders."""
HOME = CARRIED if CARRIED.is_dir() else Path(__file__).parents[3]
"""The checkout, or what a wheel carries of it."""
CONF = HOME / "conf"
"""The folder whose groups and choices Hydra composes."""
RESULTS = HOME / "report" / "results.parquet"
"""The published results: a row per network."""
CRITERIA = HOME / "report" / "criteria.json"
"""The manifest of what was fixed before the runs."""


def command(name: str) -> str:
    """What one types for a command of the project: a script of a checkout, or the wheel's program.

    Args:
        name: such as `train`.
    """
    return f"dropout-study {name}" if HOME == CARRIED else f"python scripts/{name}.py"
