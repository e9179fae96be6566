"""scripts/train.py in the background of a test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.paths import ROOT


@contextmanager
def started(folder: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """scripts/train.py in the background, in a process group of its own."""
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), *arguments]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""} | variables
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, start_new_session=True, **streams
    )

    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(found: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something is found, as long as the process runs."""
    while not found():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
