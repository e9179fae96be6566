"""Which run a training continues that resumes from a checkpoint."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dropout_study.config.condition import condition_digest
from dropout_study.config.schema import Config
from dropout_study.running.checkpoint import Checkpoint
from dropout_study.running.reservation import reserve
from dropout_study.tracking import provenance, recorder
from dropout_study.tracking.record import Record, RunStatus
from dropout_study.tracking.store import Store
from support.records import example

HOUR_MS = 3_600_000


@pytest.fixture
def config(make_config: Callable[..., Config], tmp_path: Path, uri: str) -> Config:
    """A condition of two seeds."""
    places = [f"tracking.uri={uri}", f"checkpoint.folder={tmp_path}/checkpoints"]
    return make_config("seeds=[0,1]", "study.name=capacity", *places)


def record(config: Config) -> Record:
    """The record of its run as it begins."""
    begun = example()
    begun.tags |= {"code": provenance.code(), "config_digest": condition_digest(config)}
    begun.seeds = [type(seed)(seed.seed, seed.data_digest) for seed in begun.seeds]

    return begun


def interrupt(config: Config, begun: Record) -> Checkpoint:
    """Leave what an interrupted training leaves: a checkpoint, and the run that it belongs to."""
    checkpoint = Checkpoint.find([config], [config])
    digest = condition_digest(config)
    checkpoint.note_runs({digest: begun})
    trained = {digest: list(config.seeds)}
    torch.save({"run": checkpoint.file.name, "trained": trained}, checkpoint.file)

    return checkpoint


def begin(config: Config, wanted: Config | None = None) -> Record:
    """A new record of the condition, as a later start makes it."""
    wanted = wanted or config
    begun = record(config)
    Checkpoint.find([config], [wanted]).resume(begun, wanted)

    return begun


def test_what_resumes_from_a_checkpoint_continues_its_run(config: Config) -> None:
    """If this failed, every interruption would leave a killed run beside the one that counts."""
    begun = record(config)
    checkpoint = interrupt(config, begun)
    hour_ago = checkpoint.written_ms / 1000 - 3600
    os.utime(checkpoint.file, (hour_ago, hour_ago))

    resumed = begin(config)
    assert (resumed.id, resumed.started_ms, resumed.resumed) == (begun.id, begun.started_ms, 1)
    assert HOUR_MS <= resumed.paused_ms < 1.1 * HOUR_MS

    Checkpoint.find([config], [config]).note_runs({condition_digest(config): resumed})
    again = begin(config)
    assert (again.id, again.resumed) == (begun.id, 2)
    assert 2 * HOUR_MS <= again.paused_ms < 2.1 * HOUR_MS

    checkpoint.remove()
    assert list(checkpoint.file.parent.iterdir()) == []


def test_what_cannot_continue_a_run_is_a_new_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a run would mix the results of other seeds or of other code."""
    begun = record(config)
    checkpoint = interrupt(config, begun)
    some = dataclasses.replace(config, seeds=[1])
    assert begin(config, some).id != begun.id

    with monkeypatch.context() as patch:
        patch.setattr(provenance, "code", lambda: "0ther")
        assert begin(config).id != begun.id

    runs_file = next(checkpoint.file.parent.glob("*.runs.json"))
    text = runs_file.read_text()
    runs_file.write_text(text[:-9])
    assert begin(config).id != begun.id

    runs_file.write_text(text)
    assert begin(config).id == begun.id
    config.rerun = True
    assert begin(config).id != begun.id
    config.rerun = False
    assert begin(config).id != begun.id, "there is no checkpoint any more"


@pytest.mark.parametrize("deleted", ["cohort", "seed"])
@pytest.mark.parametrize("through", ["database", "client"])
def test_a_deleted_run_is_not_continued(
    deleted: str, through: str, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, results would be recorded in a run that nobody sees, or in none."""
    monkeypatch.setattr(Store, "is_database", through == "database")
    store = Store(config.tracking.uri)
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder in folders:
        folder.mkdir()

    begun = record(config)
    reserve(config, begun, folders[0], store)
    interrupt(config, begun)
    begun.end(RunStatus.KILLED, "interrupted")
    begun.save(folders[0])
    recorder.record(folders[0], store)

    for run in store.search(str(store.experiment("capacity")), f"tags.role = '{deleted}'"):
        store.client.delete_run(run.info.run_id)

    resumed = begin(config)
    assert resumed.id == begun.id
    run_id = reserve(config, resumed, folders[1], store)
    assert run_id is not None
    assert resumed.id != begun.id
    assert resumed.resumed == resumed.paused_ms == 0
    assert store.client.get_run(run_id).info.status == "RUNNING"
