"""What the README tells people to type does what it says."""

import json
import os
import shutil
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import readme
from conftest import ROOT, script

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def in_a_terminal(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program whose messages go to a terminal, where it draws its progress bars."""
    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (24, 80))
    shown = bytearray()

    def read() -> None:
        with suppress(OSError):  # by which Linux tells that the program has gone
            while piece := os.read(terminal, 4096):
                shown.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=end, text=True, check=False)
    os.close(end)
    reader.join()
    os.close(terminal)
    done.stderr = shown.decode()
    return done


@pytest.mark.usefixtures("uri")
def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    """If this failed, a reader who types what is printed, in a terminal, would see an error.

    What takes minutes, or another machine, is only planned, composed or explained.
    """
    (tmp_path / "report").mkdir()
    shutil.copy(ROOT / "report" / "results.csv", tmp_path / "report")
    commands = readme.commands(TEXT)
    assert {command.split()[1].removeprefix("scripts/") for command in commands} == {
        file.name for file in (ROOT / "scripts").glob("*.py")
    }
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, str(ROOT / "tests" / "readme.py"), str(tmp_path), json.dumps(commands)]
    done = in_a_terminal(command, environment)
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout.splitlines()[-1])
    assert {command: end for command, end in ends.items() if end != 0} == {}, done.stderr
    assert len(ends) == len(commands)
    assert "updates/s" in done.stderr, "a single run shows no progress"


def test_the_shell_completes_choices(tmp_path: Path) -> None:
    """If this failed, the Tab key would answer nothing after the README's line."""
    assert 'eval "$(python scripts/train.py -sc install=bash)"' in TEXT
    line = "python scripts/train.py data="
    done = script("train.py", tmp_path)("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.stdout.split() == ["data=digits", "data=fashion_mnist", "data=kmnist", "data=mnist"]
