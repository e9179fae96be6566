"""Scripts of the project as tests start them; imports nothing of the project, as a
script finds it.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from support.signals import heeded
from support.unsynced import write_without_waiting

ROOT = Path(__file__).parents[2]
HEAVY = [
    "dropout_study.running.start",
    "dropout_study.running.run",
    "dropout_study.report.publish",
    "sklearn.datasets",
]
HEAVY += ["mlflow.store.tracking.sqlalchemy_store", "alembic.command"]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(HEAVY)
"""Processes that begin with everything imported, most of the time of a fresh interpreter."""
ALWAYS = {"CUDA_VISIBLE_DEVICES": "-1", "RAY_worker_niceness": "0"}
"""Variables of every script: no GPU, and workers of Ray that do not wait for other processes."""


class Script:
    """A script of the project in a folder; what it says goes into files there, or to the terminal
    that is named.
    """

    def __init__(self, name: str, folder: Path, terminal: str | None = None) -> None:
        self.file = ROOT / "scripts" / name
        self.folder = folder
        self.stdout = folder / "stdout"
        self.stderr = Path(terminal or folder / "stderr")

    def start(self, *arguments: str, **variables: str) -> BaseProcess:
        """Begin to run it in a process where everything is imported."""
        typed = [str(self.file), *arguments]
        streams = [str(self.stdout), str(self.stderr)]
        process = FORKS.Process(
            target=_program, args=(typed, self.folder, _environment(variables), streams)
        )
        process.start()

        return process

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it in such a process; what it said is in the answer alone."""
        process = self.start(*arguments, **variables)

        try:
            process.join()
        finally:
            process.kill()  # where the test has run out of time

        assert process.exitcode is not None
        texts = [file.read_text(encoding="utf-8") for file in (self.stdout, self.stderr)]

        for file in (self.stdout, self.stderr):
            file.unlink()

        return subprocess.CompletedProcess(arguments, process.exitcode, *texts)

    def alone(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it in an interpreter of its own."""
        command = [sys.executable, str(self.file), *arguments]
        environment = _environment(variables)

        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a script finds in its environment; an empty variable is taken away."""
    hidden = ("MLFLOW_TRACKING_URI", "HYDRA_FULL_ERROR", "DROPOUT_STUDY_TRACEBACK")
    shown = {key: value for key, value in os.environ.items() if key not in hidden}

    return {key: value for key, value in (shown | ALWAYS | variables).items() if value}


def _program(
    typed: list[str], folder: Path, environment: dict[str, str], streams: list[str]
) -> None:
    """What such a process does: become the program that was typed; only `atexit` is not heard in
    the end.
    """
    for descriptor, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)

    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # `warm_process` holds them back in the server
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = typed
    write_without_waiting()

    try:
        with heeded():
            runpy.run_path(typed[0], run_name="__main__")
    finally:
        # Idle workers would be waited for, five minutes: a forked process has no `atexit`.
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
