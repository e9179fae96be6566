"""The commands of the README, and what a test runs in their place."""

import re
import shlex
from pathlib import Path

SMALL = {"budget": "smoke", "seeds": "[0]", "rules": "[weight_scaling]"}
ELSEWHERE = ("hydra/launcher", "data=mnist")  # needs a cluster, or the files of MNIST


def commands(text: str) -> list[str]:
    """Every command of the project's scripts in the README, without the words that explain it."""
    found = re.findall(r"^ {4}(python scripts/.*)$|`(python scripts/[^`]*)`", text, re.M)
    return list(
        dict.fromkeys(re.split(r" {2,}", indented or quoted)[0] for indented, quoted in found)
    )


def smaller(command: str) -> list[str]:
    """A command at the smoke budget; of one that wants another machine or other data, what it configures."""
    _, script, *arguments = shlex.split(command)
    typed = {argument.partition("=")[0] for argument in arguments}

    match Path(script).name:
        case "train.py" if "--help" in typed:
            added = []
        case "train.py" if any(argument.startswith(ELSEWHERE) for argument in arguments):
            arguments = [argument for argument in arguments if argument != "-m"]
            added = ["--cfg", "job"]
        case "train.py":
            added = [f"{key}={value}" for key, value in SMALL.items() if key not in typed]
        case "reproduce.py":
            added = [] if "dry_run" in typed else ["dry_run=true"]
        case "report.py":
            added = [] if "claims" in typed else ["claims=[subnetworks]"]
        case "evaluate.py":
            added = ["mc.redraws=2"]
        case "exactness.py" | "benchmark.py":  # minutes, and no smaller form
            added = ["--help"]
        case _:
            added = []

    return [Path(script).name, *arguments, *added]
