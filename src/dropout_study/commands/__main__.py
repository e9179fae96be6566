"""The program `dropout-study`: its first word names a command, which reads the others.

Imports a command once it is named, so that the list of them is shown at once.
"""

import importlib
import signal
import sys
from importlib.metadata import version
from typing import NoReturn

from dropout_study.config.folder import PROGRAM

COMMANDS = {
    "train": "train one cohort, or with -m a sweep over conditions",
    "evaluate": "apply rules of prediction to a stored cohort",
    "report": "decide every claim, and write the report",
    "reproduce": "tune and train all studies, then the report",
    "compare": "compare recorded conditions over their seeds",
    "ui": "see the results in MLflow's pages",
    "status": "show how sweeps stand",
    "stop": "let the jobs of a sweep end at a checkpoint",
    "retry": "run what a sweep has not done, in its folder",
    "explore": "write a page to play with: masks, and the results",
    "sync": "record the results that a store missed",
}
"""Command -> what it does."""


def main() -> None:
    """Hand the command line over to the command that its first word names."""
    name, *rest = sys.argv[1:] or ["--help"]

    if name in ("--help", "-h"):
        signal.signal(
            signal.SIGPIPE, signal.SIG_DFL
        )  # what reads it may end before, as `head` does
        print(overview())
    elif name == "--version":
        print(f"{PROGRAM} {version(PROGRAM)}")
    elif name in COMMANDS:
        sys.argv[1:] = rest
        importlib.import_module(f"dropout_study.commands.{name}").main()
    else:
        _refuse(name)


def overview() -> str:
    """The commands with what they do, and how to read on."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {does}" for name, does in COMMANDS.items()]

    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND [OPTION=VALUE ...]",
            "",
            *lines,
            "",
            f"`{PROGRAM} COMMAND --help` lists the options of a command.",
        ]
    )


def _refuse(name: str) -> NoReturn:
    commands = ", ".join(COMMANDS)
    raise SystemExit(f"{PROGRAM} {name} cannot be run: the command must be one of {commands}.")


if __name__ == "__main__":
    main()
