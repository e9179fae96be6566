"""What the recorder writes into a database itself, against what MLflow's client writes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from dropout_study.tracking import database_runs, recorder, tags
from dropout_study.tracking.record import Record, RunStatus
from dropout_study.tracking.store import Store
from support.records import example, interruption, save, stages
from support.stores import everything


@pytest.mark.parametrize("written", [stages, interruption])
def test_a_database_gets_what_the_client_would_write(
    written: Callable[[], list[Record]],
    tmp_path: Path,
    tables: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, runs would look different in MLflow, or differ from those of a server."""
    stores = []
    for name in ("database", "client"):
        (tmp_path / name).mkdir()
        shutil.copy(tables, tmp_path / name / "mlflow.db")
        stores.append(Store(f"sqlite:///{tmp_path / name}/mlflow.db"))

    for saved in written():
        folder = save(saved, tmp_path / "job")
        recorder.record(folder, stores[0])

        with monkeypatch.context() as patch:
            patch.setattr(Store, "is_database", False)
            recorder.record(folder, stores[1])

        assert everything(stores[0]) == everything(stores[1]), saved.status


def test_a_transaction_that_fails_leaves_nothing(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a store that breaks off would hold runs without their params or seeds."""
    folder = save(example(), tmp_path / "job")
    store = Store(uri)
    insert = database_runs._insert

    def broken(connection: Any, table: Any, rows: Any) -> None:
        """Insert each row twice into the last table that is written."""
        insert(connection, table, [*rows, *rows] if table.name == "input_tags" else rows)

    monkeypatch.setattr(database_runs, "_insert", broken)
    with pytest.raises(IntegrityError):
        recorder.record(folder, store)
    assert store.search(str(store.experiment("capacity"))) == []


def test_a_pack_is_recorded_as_its_jobs_would_be_alone(tmp_path: Path, uri: str) -> None:
    """If this failed, runs of a pack would be lost, mixed up, or be complete without results."""
    folders = []
    for number in range(3):
        saved = example()
        saved.name = f"job {number}"
        saved.tags["config_digest"] = f"condition {number}"
        saved.params = {"model.hidden_rate": f"0.{number}"}
        folders.append(save(saved, tmp_path / str(number)))

    store = Store(uri)
    begun = recorder.record_all(folders, store)

    for folder in folders[1:]:
        saved = Record.load(folder)
        saved.end(RunStatus.FINISHED)
        saved.save(folder)

    assert recorder.record_all(folders, store) == begun
    assert recorder.record_all(folders[::-1], store) == begun[::-1]

    runs = [store.client.get_run(run_id) for run_id in begun]
    assert [run.info.run_name for run in runs] == ["job 0", "job 1", "job 2"]
    assert [run.data.params["model.hidden_rate"] for run in runs] == ["0.0", "0.1", "0.2"]
    assert [run.data.tags.get(tags.COMPLETE) for run in runs] == [None, "true", "true"]
    seeds = store.search(str(store.experiment("capacity")), "tags.role = 'seed'")
    assert sorted(run.data.tags[tags.PARENT] for run in seeds) == sorted(begun * 2)


def test_a_deleted_run_does_not_keep_its_pack_from_being_recorded(
    tmp_path: Path, uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    """If this failed, deleting one run while a pack trains would lose the results of all."""
    folders = [save(example(), tmp_path / str(number)) for number in range(2)]
    store = Store(uri)
    first, second = recorder.record_all(folders, store)
    store.client.delete_run(first)

    for folder in folders:
        saved = Record.load(folder)
        saved.end(RunStatus.FINISHED)
        saved.save(folder)

    assert recorder.try_to_record_all(folders, store) == [None, None]
    assert store.client.get_run(second).data.tags[tags.COMPLETE] == "true"
    assert f"{folders[0]}: not recorded" in caplog.text
    assert [(folder / "unrecorded").exists() for folder in folders] == [True, False]
