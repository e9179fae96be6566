"""Where the project is, and the mark of tests that share the store of small runs."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
SMOKE = pytest.mark.xdist_group("smoke")
"""One process builds the store of all studies and runs every test that reads it."""
