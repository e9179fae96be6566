"""Running a Hydra entry point so that a mistake ends in one sentence and exit code 1."""

import os
import sys
from collections.abc import Callable
from typing import Any

from dropout_study.sweeps import EXPLAINED, explain, fail


def run(entry: Callable[[], Any]) -> None:
    """Call an entry point; HYDRA_FULL_ERROR=1 keeps the tracebacks."""
    traceback_wanted = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach this function instead of Hydra's printer
    try:
        entry()
    except EXPLAINED as error:
        if traceback_wanted:
            raise
        fail(explain(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
