"""What the recorder writes into a database itself, against what MLflow's client writes."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from sqlalchemy.exc import IntegrityError

from dropout_study.tracking import database_runs, recorder, tags
from dropout_study.tracking.record import Record, RunStatus
from dropout_study.tracking.store import Store
from support.records import example


def save(saved: Record, folder: Path) -> Path:
    """Save a record with one of its files."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text("seeds: [0, 1]\n")
    saved.save(folder)
    return folder


def everything(store: Store) -> list[dict[str, Any]]:
    """All that MLflow shows of the runs of a store, by name, without what differs by nature."""
    runs = store.search(str(store.experiment("capacity")))
    names = {run.info.run_id: run.info.run_name for run in runs}
    shown = sorted((_shown(run, names, store) for run in runs), key=lambda run: str(run["name"]))
    assert len(shown) == len(runs)
    return shown


def _shown(run: Run, names: dict[str, str], store: Store) -> dict[str, Any]:
    content = run.to_dictionary()
    run_id = content["info"].pop("run_id")
    content["info"].pop("run_uuid", None)
    content["info"].pop("experiment_id")
    place = content["info"].pop("artifact_uri")
    assert place.endswith(f"/{run_id}/artifacts")

    labels = content["data"]["tags"]
    if tags.PARENT in labels:
        labels[tags.PARENT] = names[labels[tags.PARENT]]

    content["name"] = names[run_id]
    content["files"] = [file.path for file in store.client.list_artifacts(run_id)]
    content["history"] = {
        key: [
            (point.step, point.value, point.timestamp)
            for point in store.client.get_metric_history(run_id, key)
        ]
        for key in run.data.metrics
    }

    return content


def stages() -> list[Record]:
    """A record as it is recorded one time after the other."""
    begun = example()
    begun.seeds = [type(seed)(seed.seed, seed.data_digest) for seed in begun.seeds]

    killed = copy.deepcopy(begun)
    killed.end(RunStatus.KILLED, "its process is gone")

    ended = copy.deepcopy(begun)
    ended.seeds = example().seeds
    ended.seeds[0].metrics["ratio"] = float("inf")
    ended.seeds[0].wrong["weight_scaling"] = "x" * 20_000
    ended.end(RunStatus.FINISHED)

    extended = copy.deepcopy(ended)
    extended.evaluated_ms = extended.started_ms + 1_000
    for seed in extended.seeds:
        seed.metrics |= {"test/error/bag": 1.0, "val/error": 2.0}
        seed.curves["val/error"].append((30, 2.0, 3_000))

    return [begun, killed, ended, extended]


def test_a_database_gets_what_the_client_would_write(
    tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, runs would look different in MLflow, or differ from those of a server."""
    stores = []
    for name in ("database", "client"):
        (tmp_path / name).mkdir()
        shutil.copy(tables, tmp_path / name / "mlflow.db")
        stores.append(Store(f"sqlite:///{tmp_path / name}/mlflow.db"))

    for saved in stages():
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
