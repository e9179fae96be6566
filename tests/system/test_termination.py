"""What becomes of a program that is asked to end."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_study.running.command_line import run
from dropout_study.running.reproduce import _run
from dropout_study.system.termination import Terminated, raised


def ask(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(1)  # until Python looks at its signals


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # `run` sets it


def interrupt_as_lightning() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.exit(1)


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        (lambda: ask(signal.SIGTERM), 143, "stopped; the same command resumes\n"),
        (lambda: ask(signal.SIGHUP), 129, "stopped; the same command resumes\n"),
        (lambda: ask(signal.SIGINT), 130, "interrupted\n"),
        (interrupt_as_lightning, 130, "interrupted\n"),
        (lambda: sys.exit(3), 3, ""),
    ],
    ids=["terminated", "hung up", "interrupted", "interrupted in Lightning", "left"],
)
def test_the_exit_code_says_who_ended_a_program(
    entry: Callable[[], None], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a scheduler or a script would take what was stopped for finished."""
    with pytest.raises(SystemExit) as ended:
        run(entry)

    assert ended.value.code == code
    assert capsys.readouterr().err == said


def test_a_full_disk_is_one_sentence() -> None:
    """If this failed, the reason of a failure would stand below pages of traceback."""

    def write() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "results.csv")

    with pytest.raises(SystemExit) as ended:
        run(write)

    said = "The disk is full: [Errno 28] No space left on device: 'results.csv'."
    assert ended.value.code == f"{said} Free some space and run the same command again."


def test_signals_that_somebody_handles_are_left_to_them_and_given_back() -> None:
    """If this failed, submitit could not queue a job again, and `nohup` would do nothing."""
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))

    try:
        with raised():
            ask(signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    with pytest.raises(Terminated), raised():
        ask(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def python(code: str) -> list[str]:
    return [sys.executable, "-c", f"import os, pathlib, signal, sys, time\n{code}"]


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("sys.exit(143)", Terminated),
        ("os.kill(os.getpid(), signal.SIGTERM)", Terminated),
        ("sys.exit(129)", Terminated),
        ("sys.exit(130)", KeyboardInterrupt),
    ],
)
def test_a_study_that_was_stopped_stops_the_others(code: str, end: type[BaseException]) -> None:
    """If this failed, the report would follow on a study that is not whole."""
    with pytest.raises(end):
        _run(python(code))


def test_a_study_that_fails_or_is_killed_is_a_failure() -> None:
    """If this failed, a study that ran out of memory would stop all, or count as finished."""
    killed = "os.kill(os.getpid(), signal.SIGKILL)"
    codes = [_run(python(code)) for code in ("", "sys.exit(1)", killed)]
    assert codes == [0, 1, -signal.SIGKILL]


def test_a_reproduction_that_is_stopped_stops_its_study_and_waits_for_it(tmp_path: Path) -> None:
    """If this failed, a study would train on alone, or be cut off while it records its runs."""
    study = f"""
def end(*_):
    time.sleep(0.2)
    pathlib.Path({str(tmp_path)!r}, "ended").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
pathlib.Path({str(tmp_path)!r}, "begun").touch()
time.sleep(60)
"""

    def stop() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()

    with pytest.raises(Terminated), raised():
        _run(python(study))

    assert (tmp_path / "ended").exists()


def test_ctrl_c_leaves_a_study_the_time_to_record_its_runs(tmp_path: Path) -> None:
    """If this failed, runs that were interrupted would look as if they were still going on."""
    program = f"""
from dropout_study.running.reproduce import _run
study = '''
import pathlib, time
try:
    pathlib.Path({str(tmp_path)!r}, "begun").touch()
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    pathlib.Path({str(tmp_path)!r}, "ended").touch()
'''
_run([sys.executable, "-c", study])
"""
    command = python(program)
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as reproduction:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.killpg(reproduction.pid, signal.SIGINT)  # as a terminal does

    assert (tmp_path / "ended").exists()
