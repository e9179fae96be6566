"""How the guard of a store is tested, whatever the store."""

import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event

import pytest

from dropout_study.system import locks
from dropout_study.tracking import store
from support.scripts import FORKS


def keep(uri: str, held: Event) -> None:
    """Hold the guard of a store until this process is killed."""
    with store.guard(uri):
        held.set()
        time.sleep(600)


def check_guard(
    uri: str, name: str, say: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wait for the guard of a store that another process holds, until that one is killed; then take it twice."""
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    held = FORKS.Event()
    holder = FORKS.Process(target=keep, args=(uri, held))
    holder.start()
    assert held.wait(60)
    threading.Timer(1.0, holder.kill).start()

    with store.guard(uri), store.guard(uri):
        assert not holder.is_alive()

    said = say().strip().splitlines()
    assert len(said) == 1, said
    assert name in said[0]
    assert "another process" in said[0]

    with store.guard(uri):
        assert say() == "", "nobody else holds it"
