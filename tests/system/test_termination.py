"""What becomes of a program that is asked to end."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable

import pytest

from dropout_study.running.command_line import PART, STOPPED, run
from dropout_study.system.termination import Terminated, raised
from support.signals import USUAL, heeded


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
        (lambda: ask(signal.SIGTERM), 143, STOPPED),
        (lambda: ask(signal.SIGHUP), 129, STOPPED),
        (lambda: ask(signal.SIGINT), 130, STOPPED),
        (interrupt_as_lightning, 130, STOPPED),
        (lambda: sys.exit(3), 3, ""),
    ],
    ids=["terminated", "hung up", "interrupted", "interrupted in Lightning", "left"],
)
@pytest.mark.usefixtures("signals")
def test_the_exit_code_says_who_ended_a_program(
    entry: Callable[[], None], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a scheduler or a script would take what was stopped for finished."""
    with pytest.raises(SystemExit) as ended:
        run(entry, resumes=True)

    assert ended.value.code == code
    assert capsys.readouterr().err == (f"{said}\n" if said else "")


def test_only_what_resumes_says_so_and_a_part_of_a_program_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a report would claim to resume, or `reproduce` would say twice that it
    stopped.
    """
    with pytest.raises(SystemExit):
        run(lambda: ask(signal.SIGTERM))

    assert capsys.readouterr().err == "stopped\n"
    monkeypatch.setenv(PART, "1")

    with pytest.raises(SystemExit):
        run(lambda: ask(signal.SIGTERM), resumes=True)

    assert capsys.readouterr().err == ""


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


def test_what_a_process_ignores_reaches_a_test_and_is_ignored_again() -> None:
    """If this failed, a test of signals would wait for ever where nohup has started pytest."""
    usual = {number: signal.signal(number, signal.SIG_IGN) for number in USUAL}

    try:
        with heeded(), pytest.raises(KeyboardInterrupt):
            ask(signal.SIGINT)
        with heeded():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
        assert {signal.getsignal(number) for number in USUAL} == {signal.SIG_IGN}
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
