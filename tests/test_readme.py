"""What the README tells people to type does what it says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import readme
from conftest import ROOT, script

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("uri")
def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    """If this failed, a reader who types what is printed would see an error."""
    (tmp_path / "report").mkdir()
    shutil.copy(ROOT / "report" / "results.csv", tmp_path / "report")
    commands = readme.commands(TEXT)
    assert {command.split()[1].removeprefix("scripts/") for command in commands} == {
        file.name for file in (ROOT / "scripts").glob("*.py")
    }
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "readme.py"), str(tmp_path), json.dumps(commands)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout.splitlines()[-1])
    assert {command: end for command, end in ends.items() if end != 0} == {}, done.stderr
    assert len(ends) == len(commands)


def test_the_shell_completes_choices(tmp_path: Path) -> None:
    """If this failed, the Tab key would answer nothing after the README's line."""
    assert 'eval "$(python scripts/train.py -sc install=bash)"' in TEXT
    line = "python scripts/train.py data="
    done = script("train.py", tmp_path)("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.stdout.split() == ["data=digits", "data=fashion_mnist", "data=kmnist", "data=mnist"]
