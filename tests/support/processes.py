"""Another process of this machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def another_process(
    code: str = "",
    *arguments: str,
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A process of this machine that waits once it has run some code, and its name in tags."""
    code += "\nimport json, time; from dropout_study.system.processes import this_process"
    code += "\nprint(json.dumps(this_process()), flush=True); time.sleep(600)"
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()
