"""Where the configuration lies."""

from pathlib import Path

CONF = Path(__file__).parents[3] / "conf"
"""The folder of the checkout whose groups and choices Hydra composes."""
