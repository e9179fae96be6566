"""Scripts that begin with everything imported, which is most of the time of a short one.

One process imports the heavy modules (multiprocessing's forkserver), and each script is a fork of
it. It is warm on Linux alone: system libraries of macOS may crash in a fork that has loaded them,
so scripts import there for themselves.
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from dropout_study.running.command_line import PART
from dropout_study.system.termination import SIGNALS, Terminated

GRACE = 30
"""Seconds in which a script that Ctrl-C has reached tidies up."""
HEAVY = [
    "alembic.command",
    "dropout_study.report.publish",
    "dropout_study.running.run",
    "dropout_study.running.start",
    "mlflow.store.tracking.sqlalchemy_store",
    "sklearn.datasets",
]
"""What scripts import, or the libraries do when they are used."""
HELD = (signal.SIGINT, *SIGNALS)
"""The signals that reach the scripts, and must not end the process that they are forked from."""
FORKS = multiprocessing.get_context("forkserver")


def warm_up() -> None:
    """Let the process begin to import, unless it is there already."""
    FORKS.set_forkserver_preload(HEAVY if sys.platform == "linux" else [])

    with _held():
        forkserver.ensure_running()


def run(script: Path, arguments: Sequence[str]) -> int:
    """Run a script to its end, which is its own also when this process is stopped.

    It has this process' folder, environment and streams, but no standard input.

    Args:
        script: its file.
        arguments: what would be typed behind it.

    Returns:
        its exit code; -n if it was killed by signal n.

    Raises:
        KeyboardInterrupt: it was interrupted.
        Terminated: it was asked to end.
    """
    _wait_until_warm()
    typed = [str(script), *arguments]
    process = FORKS.Process(target=_become, args=(typed, Path.cwd(), dict(os.environ), _mask()))

    try:
        with _held():  # a signal finds no script, or one that can be ended
            process.start()
        process.join()
    except BaseException as error:
        if process.pid is not None:
            by_terminal = isinstance(error, KeyboardInterrupt)  # which interrupts the script, too
            _end(process, GRACE if by_terminal else 0)
        raise

    code = process.exitcode
    assert code is not None
    number = -code if code < 0 else code - 128
    if number == signal.SIGINT:
        raise KeyboardInterrupt

    if number in SIGNALS:
        raise Terminated(128 + number)

    return code


def _end(process: BaseProcess, seconds: float) -> None:
    """Ask a script to end unless it does so within some seconds, and wait for that."""
    process.join(seconds)
    process.terminate()
    process.join()


def _wait_until_warm() -> None:
    """Wait for a fork that does nothing; a signal ends the wait at once."""
    warm_up()
    first = FORKS.Process(target=_nothing)
    first.start()
    first.join()


def _nothing() -> None: ...


def _become(
    typed: list[str], folder: Path, environment: Mapping[str, str], mask: Collection[int]
) -> None:
    """Become the script that was typed, in a fork."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.environ[PART] = "1"
    sys.argv[:] = typed
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    try:
        runpy.run_path(typed[0], run_name="__main__")
    finally:
        _end_workers()


def _end_workers() -> None:
    """End the idle workers of joblib, for which multiprocessing would wait for minutes."""
    if multiprocessing.active_children():
        get_reusable_executor(reuse=True).terminate()


def _mask() -> set[int]:
    """The signals that this thread holds back."""
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))


@contextmanager
def _held() -> Iterator[None]:
    """Hold signals back while the block runs; what it starts holds them back for ever."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)

    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
