"""How the lock of a store is tested, whatever the store."""

import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event

import pytest

from dropout_study.system import locks
from dropout_study.tracking.store import Store
from support.scripts import FORKS


def keep(uri: str, held: Event) -> None:
    """Hold the lock of a store until this process is killed."""
    with Store(uri).lock():
        held.set()
        time.sleep(600)


def check_lock(
    uri: str, name: str, say: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wait for a lock until the process that holds it is killed; then take it twice."""
    monkeypatch.setattr(locks, "SILENT_WAIT_SECONDS", 0.2)
    held = FORKS.Event()
    holder = FORKS.Process(target=keep, args=(uri, held))
    holder.start()
    assert held.wait(60)
    threading.Timer(1.0, holder.kill).start()

    with Store(uri).lock(), Store(uri).lock():
        assert not holder.is_alive()

    said = say().strip().splitlines()
    assert len(said) == 1, said
    assert name in said[0]
    assert "another process" in said[0]

    with Store(uri).lock():
        assert say() == "", "nobody else holds it"
