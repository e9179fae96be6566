"""MLflow's pages of a store, served as the documentation says."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 200  # seconds, on a machine with other work
LIFE = "600"  # seconds that the server lives if nobody stops it


@contextmanager
def mlflow_ui(folder: Path, log: Path) -> Iterator[str]:
    """Start `mlflow ui` where a store is, and stop it after the block; yields its address.

    Args:
        folder: that of the store.
        log: takes what the server says.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    limit = [shutil.which("timeout") or "timeout", LIFE]
    command = [*limit, sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    variables = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}

    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=said, stderr=said, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait_for(f"{address}health")
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(address: str) -> None:
    end = time.monotonic() + PATIENCE

    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
