"""Who is still at work."""

import os
import socket
import subprocess
import sys
import time

import psutil

from dropout_study.processes import alive, every, identity, now_ms

HERE = socket.gethostname()


def test_this_process_is_alive_and_a_killed_one_is_not() -> None:
    """If this failed, a run that was killed would block its condition, or a running one would be started twice."""
    assert alive(HERE, os.getpid(), now_ms(), now_ms())
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert alive(HERE, child.pid, now_ms(), now_ms())
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not alive(HERE, child.pid, now_ms(), now_ms()), "nobody has asked for its exit code yet"
    child.wait()
    assert not alive(HERE, child.pid, now_ms(), now_ms())


def test_a_younger_process_with_the_same_number_is_another_one() -> None:
    """If this failed, a restarted container, where numbers repeat, would take its dead runs for its own."""
    began = now_ms() - 3_600_000
    assert int(psutil.Process().create_time() * 1000) > began
    assert not alive(HERE, os.getpid(), began, now_ms())


def test_silence_of_two_minutes_is_death_on_any_machine() -> None:
    """If this failed, a run on a node that went down would stay RUNNING for ever."""
    assert alive("another machine", 1, now_ms(), now_ms() - 110_000)
    assert not alive("another machine", 1, now_ms(), now_ms() - 130_000)
    assert not alive(HERE, os.getpid(), now_ms(), now_ms() - 130_000)


def test_a_repeated_action_stops_with_its_block_and_may_fail() -> None:
    """If this failed, a store that is away would end training, or heartbeats would go on after it."""
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        raise OSError("the store is away")

    with every(0.01, act):
        while len(calls) < 3:
            time.sleep(0.01)
    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count


def test_identity_names_this_process() -> None:
    """If this failed, a run could not be told from a dead one."""
    assert identity() == {"host": HERE, "pid": str(os.getpid())}
