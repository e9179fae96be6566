"""What the README tells people to type does what it says."""

import os
import shutil
import termios
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
from mlflow.tracking import MlflowClient

from support import readme
from support.paths import ROOT
from support.scripts import Script

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


class Terminal:
    """A terminal of 80 by 24 characters: its name, and what is shown on it."""

    def __enter__(self) -> Self:
        self._near, self._far = os.openpty()
        termios.tcsetwinsize(self._far, (24, 80))
        self.name = os.ttyname(self._far)
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

        return self

    def _read(self) -> None:
        with suppress(OSError):  # by which Linux tells that nobody has it open any more
            while piece := os.read(self._near, 4096):
                self._shown.extend(piece)

    @property
    def text(self) -> str:
        """What was shown, to the time when it was left."""
        return self._shown.decode()

    def __exit__(self, *_: object) -> None:
        os.close(self._far)
        self._reader.join()
        os.close(self._near)


def last_cohort(folder: Path) -> str:
    """The run ID of the cohort that was trained last."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    order = ["start_time DESC"]
    (run,) = client.search_runs(experiments, "tags.role = 'cohort'", order_by=order, max_results=1)

    return str(run.info.run_id)


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
    bars = ""

    for command in commands:
        script, *arguments = readme.smaller(command)
        arguments = [
            a.replace("RUN_ID", last_cohort(tmp_path)) if "RUN_ID" in a else a for a in arguments
        ]

        with Terminal() as terminal:
            process = Script(script, tmp_path, terminal.name).start(*arguments)
            try:
                process.join()
            finally:
                process.kill()

        assert process.exitcode == 0, f"{command}: {terminal.text}"
        bars += terminal.text

    assert "updates/s" in bars, "a single run shows no progress"


def test_the_shell_completes_choices(tmp_path: Path) -> None:
    """If this failed, the Tab key would answer nothing after the README's line."""
    assert 'eval "$(python scripts/train.py -sc install=bash)"' in TEXT
    line = "python scripts/train.py data="
    done = Script("train.py", tmp_path).alone(
        "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line))
    )
    assert done.stdout.split() == ["data=digits", "data=fashion_mnist", "data=kmnist", "data=mnist"]
