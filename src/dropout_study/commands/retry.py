"""Run what a sweep has not done, in its folder; `--help` explains the rest."""

import os
import shlex
import sys

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line
from dropout_study.running.steer import command_to_retry


def job(composed: DictConfig) -> None:
    """Become the command of the sweep."""
    chosen = read.read_retry(composed)
    again = command_to_retry(chosen.folder, chosen.failed)
    print(f"In {again.place}: {shlex.join(['python', *again.words])}", flush=True)
    os.chdir(again.place)
    os.environ.update(again.variables)
    os.execv(sys.executable, [sys.executable, *again.words])


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("retry", job)


if __name__ == "__main__":
    main()
