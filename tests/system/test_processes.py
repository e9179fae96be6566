"""Whether a process is still at work."""

import time

import psutil
import pytest

from dropout_study.system.processes import is_alive, now_ms, repeat_every, this_process
from support.processes import another_process


def test_a_process_is_alive_until_it_is_killed() -> None:
    """If this failed, a killed run would block its condition, or a running one be started twice."""
    assert is_alive(this_process(), now_ms())

    with another_process() as (process, name):
        assert is_alive(name, now_ms())
        process.kill()

        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)

        assert not is_alive(name, now_ms()), "nobody has asked for its exit code yet"

    assert not is_alive(name, now_ms())


def test_another_process_with_the_same_number_is_another_one() -> None:
    """If this failed, a restarted container, where numbers repeat, would adopt its dead runs."""
    created = float(this_process()["pid.created"])
    assert not is_alive(this_process() | {"pid.created": f"{created - 0.01:.2f}"}, now_ms())
    assert not is_alive(this_process() | {"pid.created": f"{created + 0.01:.2f}"}, now_ms())


@pytest.mark.parametrize(
    "elsewhere",
    [
        this_process() | {"host": "another machine", "pid": "999999999"},
        this_process() | {"host.id": "another container", "pid": "999999999"},
        {"host": this_process()["host"], "pid": "999999999"},
    ],
    ids=["machine", "container", "older version"],
)
def test_of_a_process_out_of_sight_the_signs_of_life_decide(elsewhere: dict[str, str]) -> None:
    """If this failed, containers with one host name would train again what the others train."""
    assert is_alive(elsewhere, now_ms() - 110_000)
    assert not is_alive(elsewhere, now_ms() - 130_000)


def test_a_clock_that_is_set_makes_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, every run would count as dead once the clock of its machine is set."""
    before = this_process()
    boot = psutil.boot_time()
    created = psutil.Process().create_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + 3_600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: created + 3_600)
    assert this_process() == before


def test_silence_of_two_minutes_is_death_on_this_machine_as_well() -> None:
    """If this failed, a run whose process hangs would stay RUNNING for ever."""
    assert not is_alive(this_process(), now_ms() - 130_000)


def test_a_repeated_action_stops_with_its_block_and_may_fail() -> None:
    """If this failed, a store that is away would end training, or heartbeats outlive a run."""
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        raise OSError("the store is away")

    with repeat_every(0.01, act):
        while len(calls) < 3:
            time.sleep(0.01)

    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count
