"""The commands of the README, run one after another in one process: what a start costs is paid once.

Run as `python readme.py FOLDER COMMANDS`, with a JSON list of command lines; prints their output and one JSON line.
"""

import json
import os
import re
import runpy
import shlex
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = {"budget": "smoke", "seeds": "[0,1]", "rules": "[weight_scaling]"}
ELSEWHERE = ("hydra/launcher", "data=mnist")  # needs a cluster, or the files of MNIST


def commands(text: str) -> list[str]:
    """Every command of the project's scripts in the README, without the words that explain it."""
    found = re.findall(r"^ {4}(python scripts/.*)$|`(python scripts/[^`]*)`", text, re.M)
    return list(dict.fromkeys(re.split(r" {2,}", indented or quoted)[0] for indented, quoted in found))


def smaller(command: str) -> list[str]:
    """A command at the smoke budget; of one that wants another machine or other data, what it configures."""
    _, script, *arguments = shlex.split(command)
    typed = {argument.partition("=")[0] for argument in arguments}
    match Path(script).name:
        case "train.py" if "--help" in typed:
            added = []
        case "train.py" if any(argument.startswith(ELSEWHERE) for argument in arguments):
            arguments, added = [argument for argument in arguments if argument != "-m"], ["--cfg", "job"]
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
    return [script, *arguments, *added]


def run(arguments: Sequence[str]) -> int | str:
    """Run a script with its arguments as if it were the program; its exit code, or why it stopped."""
    from hydra.core.global_hydra import GlobalHydra

    from dropout_study import supervision

    supervision.current = None  # what every command finds in a process of its own
    os.environ.pop("HYDRA_FULL_ERROR", None)
    GlobalHydra.instance().clear()
    sys.argv = [arguments[0], *arguments[1:]]
    try:
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
    except SystemExit as end:
        return 0 if end.code is None else end.code
    return 0


def main(folder: Path, lines: Sequence[str]) -> None:
    """Run commands in a folder; `RUN_ID` stands for the cohort trained last."""
    from mlflow.tracking import MlflowClient

    ends = {}
    with chdir(folder):
        for line in lines:
            if "RUN_ID" in line:
                client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
                ids = [experiment.experiment_id for experiment in client.search_experiments()]
                (stored,) = client.search_runs(ids, "tags.role = 'cohort'", order_by=["start_time DESC"], max_results=1)
                line = line.replace("RUN_ID", stored.info.run_id)
            print(f"$ {line}", flush=True)
            ends[line] = run(smaller(line))
    print(json.dumps(ends))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
