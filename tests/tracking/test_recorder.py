"""Recording folders into a real store."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow.entities import Run, ViewType

from dropout_study.config.schema import ConfigError
from dropout_study.tracking import recorder, tags
from dropout_study.tracking.lookup import is_active
from dropout_study.tracking.own_tags import MAX_NOTE_LENGTH
from dropout_study.tracking.packing import join_parts, pack, unpack, unpack_curve
from dropout_study.tracking.record import RECORD_FILE, TABLE, UNRECORDED, Record, Role, RunStatus
from dropout_study.tracking.recorder import _belongs_elsewhere
from dropout_study.tracking.run_links import Neighbours, describe_run
from dropout_study.tracking.store import Store
from dropout_study.tracking.stored_cohorts import download
from support.records import example, interruption, save


def record(saved: Record, folder: Path, uri: str) -> list[Run]:
    """Save and record; return all runs of the store, the cohort first."""
    (folder / "config.yaml").write_text("seeds: [0, 1]\n")
    saved.save(folder)

    return search(uri, recorder.record(folder, Store(uri)))


def search(uri: str, cohort: str) -> list[Run]:
    """All runs of the store, a cohort first."""
    client = Store(uri).client
    ids = [experiment.experiment_id for experiment in client.search_experiments()]

    return sorted(
        client.search_runs(ids),
        key=lambda run: (run.info.run_id != cohort, run.data.tags.get("seed", "")),
    )


def test_a_finished_record_becomes_a_cohort_with_nested_seeds(tmp_path: Path, uri: str) -> None:
    """If this failed, MLflow's pages would lack means with intervals, or seeds below cohorts."""
    saved = example()
    saved.end(RunStatus.FINISHED)
    cohort, first, second = record(saved, tmp_path, uri)
    assert cohort.info.run_name == "mlp 8, rate 0.5"
    assert cohort.data.metrics["test/error/weight_scaling"] == 3.0
    assert cohort.data.metrics["test/error/weight_scaling_high"] == pytest.approx(
        3 + 12.7062, abs=1e-3
    )
    assert "val/error_low" not in cohort.data.metrics, (
        "the table of seeds has the intervals of the rest"
    )
    assert cohort.data.metrics["test/error/weight_scaling_low"] == 0, "no error is below 0 %"
    assert cohort.data.tags["interval"] == "2.00, 4.00", "of two seeds an interval means nothing"
    assert cohort.data.params == {"model.hidden_rate": "0.5"}
    assert cohort.data.tags["git.commit"] == "0123"

    for run, seed, error in ((first, "0", 2.0), (second, "1", 4.0)):
        assert run.data.tags["mlflow.parentRunId"] == cohort.info.run_id
        assert (run.data.tags["seed"], run.data.tags["config_digest"]) == (seed, "abc")
        assert run.data.metrics["test/error/weight_scaling"] == error

    assert {run.data.tags["complete"] for run in (cohort, first, second)} == {"true"}
    assert {run.info.status for run in (cohort, first, second)} == {"FINISHED"}
    client = Store(uri).client
    curve = client.get_metric_history(cohort.info.run_id, "val/error")
    assert [(point.step, point.value) for point in curve] == [(10, 9.0), (20, 4.0)]
    assert [a.path for a in client.list_artifacts(cohort.info.run_id)] == ["config.yaml"]
    assert cohort.inputs.dataset_inputs[0].dataset.digest == "def"


def test_widths_become_a_number_and_the_table_of_seeds_is_named(tmp_path: Path, uri: str) -> None:
    """If this failed, charts could not put the size of a net on an axis, or show raw JSON."""
    saved = example()
    saved.params = {"model.widths": "16x8"}
    saved.artifacts = [TABLE]
    (tmp_path / TABLE).write_text("{}")
    saved.end(RunStatus.FINISHED)
    cohort, seed, _ = record(saved, tmp_path, uri)
    assert cohort.data.params == seed.data.params == {"model.widths": "16x8", "model.units": "24"}
    assert cohort.data.tags["mlflow.loggedArtifacts"] == '[{"path": "seeds.json", "type": "table"}]'


def test_long_results_of_every_kind_come_back_from_the_store(tmp_path: Path, uri: str) -> None:
    """If this failed, results longer than a tag, or more than a request takes, would be left out.

    Shares of 40,000 images out of 1,000 masks take ten tags, and a curve of 3,000 points seven.
    """
    saved = example()
    shares = {f"rule{i}": np.random.default_rng(i).integers(0, 1_001, 40_000) for i in range(11)}
    points = [(step, step / 7, 0) for step in range(3_000)]
    seed = saved.seeds[0]
    seed.wrong |= {rule: pack(counts / 1_000) for rule, counts in shares.items()}
    seed.curves["mc/error"] = points
    saved.end(RunStatus.FINISHED)
    _, run, _ = record(saved, tmp_path, uri)
    packed = [tag for tag in run.data.tags if tag.startswith(tags.PACKED)]
    assert len(packed) > 100

    texts = join_parts({tag: run.data.tags[tag] for tag in packed})
    for rule, counts in shares.items():
        assert unpack(texts[f"{tags.PACKED}wrong/{rule}"]).tolist() == (counts / 1_000).tolist()

    curve = unpack_curve(texts[f"{tags.PACKED}curve/mc/error"])
    assert curve == [(step, pytest.approx(value, rel=1e-5)) for step, value, _ in points]


def test_recording_is_idempotent_from_start_to_end(tmp_path: Path, uri: str) -> None:
    """If this failed, recording again after a lost connection would duplicate runs or points."""
    saved = example()
    started = record(saved, tmp_path, uri)
    assert {run.info.status for run in started} == {"RUNNING"}
    assert not any("complete" in run.data.tags for run in started)
    saved.end(RunStatus.FINISHED)
    once = record(saved, tmp_path, uri)
    twice = record(saved, tmp_path, uri)
    assert [run.info.run_id for run in started] == [run.info.run_id for run in once]
    assert [run.to_dictionary() for run in once] == [run.to_dictionary() for run in twice]
    points = Store(uri).client.get_metric_history(once[1].info.run_id, "val/error")
    assert len(points) == 2


def test_a_run_that_was_only_created_is_completed(tmp_path: Path, uri: str) -> None:
    """If this failed, a connection lost between two calls would cost a run its parameters."""
    saved = example()
    client = Store(uri).client
    saved.end(RunStatus.FINISHED)
    experiment = Store(uri).prepare(saved.experiment, "")
    client.create_run(
        experiment, saved.started_ms, {tags.RECORD_ID: saved.id, "role": "cohort"}, saved.name
    )
    cohort, *seeds = record(saved, tmp_path, uri)
    assert len(seeds) == 2
    assert cohort.data.params == saved.params
    assert len(cohort.inputs.dataset_inputs) == 1


def test_what_a_dead_process_had_finished_is_recorded_from_its_folder(
    tmp_path: Path, uri: str
) -> None:
    """If this failed, networks whose process was killed before they were all recorded would be
    trained again, and their run stay RUNNING.
    """
    saved = example()
    record(saved, tmp_path, uri)
    saved.end(RunStatus.FINISHED)
    saved.save(tmp_path)
    recorder.end_dead_job(tmp_path, Store(uri))
    ended = search(uri, "")
    assert [run.info.status for run in ended] == ["FINISHED"] * 3
    assert [run.data.tags["complete"] for run in ended] == ["true"] * 3
    assert not (tmp_path / UNRECORDED).exists()


def test_what_a_dead_process_left_running_has_failed(tmp_path: Path, uri: str) -> None:
    """If this failed, a run whose process was killed would seem to train for ever, or complete."""
    record(example(), tmp_path, uri)
    recorder.end_dead_job(tmp_path, Store(uri))
    ended = search(uri, "")
    assert [run.info.status for run in ended] == ["FAILED"] * 3
    assert {run.data.tags["reason"] for run in ended} == {recorder.PROCESS_DIED}


def test_the_seed_stands_in_its_tag_and_not_in_the_role(tmp_path: Path, uri: str) -> None:
    """If this failed, a query could not ask for seeds, or older stores get every seed twice."""
    saved = example()
    client = Store(uri).client
    started = record(saved, tmp_path, uri)
    assert [run.data.tags["role"] for run in started] == ["cohort", "seed", "seed"]

    for run in started[1:]:
        # As it was written before.
        client.set_tag(run.info.run_id, "role", f"seed {run.data.tags['seed']}")

    saved.end(RunStatus.FINISHED)
    ended = record(saved, tmp_path, uri)
    assert [run.info.run_id for run in ended] == [run.info.run_id for run in started]


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.KILLED])
def test_what_failed_is_not_complete_and_says_why(
    tmp_path: Path, uri: str, status: RunStatus
) -> None:
    """If this failed, an aborted run would be averaged into results."""
    saved = example()

    if status == RunStatus.FAILED:
        saved.fail("the loss is not a number")
    else:
        saved.end(status, "the loss is not a number")

    for run in record(saved, tmp_path, uri):
        assert run.info.status == status
        assert run.data.tags["reason"] == "the loss is not a number"
        assert "complete" not in run.data.tags


@pytest.mark.parametrize("metric_first", [True, False])
def test_a_metric_that_a_curve_would_replace_is_an_error(metric_first: bool) -> None:
    """If this failed, a store would show the last point of a curve for a mean over its points."""
    saved = example()
    values = torch.tensor([[3.0, 5.0], [1.0, 2.0]])
    added = [
        lambda: saved.add_metric("units/rank", values.mean(0)),
        lambda: saved.add_curve("units/rank", [1, 2], values),
    ]
    added = added if metric_first else added[::-1]
    added[0]()

    with pytest.raises(
        ValueError, match="units/rank is a curve, and a metric that is not its last point"
    ):
        added[1]()

    saved.add_curve("removal/error", [0, 50], values)
    saved.add_metric("removal/error", values[-1])


def test_what_an_older_record_holds_under_the_key_of_a_curve_is_left_out(tmp_path: Path) -> None:
    """If this failed, records with such keys could not be evaluated or recorded again."""
    saved = example()
    saved.seeds[0].metrics["val/error"] = 7.0
    saved.save(tmp_path)
    first, second = Record.load(tmp_path).seeds
    assert first.metrics == {"test/error/weight_scaling": 2.0}
    assert second.metrics == saved.seeds[1].metrics


def test_a_record_survives_writing_and_reading(tmp_path: Path) -> None:
    """If this failed, what reaches the store would differ from what was trained."""
    saved = example()
    saved.save(tmp_path)
    loaded = Record.load(tmp_path)
    assert loaded.seeds[1].metrics == saved.seeds[1].metrics
    assert loaded.id == saved.id
    assert (type(loaded.status), type(loaded.role)) == (RunStatus, Role)
    assert {path.name for path in tmp_path.iterdir()} == {RECORD_FILE, UNRECORDED}, (
        "nothing is half-written"
    )


@pytest.mark.parametrize("through", ["database", "client"])
def test_a_run_that_is_resumed_is_the_same_run(
    through: str, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, an interruption would leave a killed run beside the one that was resumed, or
    others would take the resumed one for dead.
    """
    store = Store(uri)
    monkeypatch.setattr(Store, "is_database", through == "database")
    begun, killed, resumed, ended = interruption()
    folders = [tmp_path / "before", tmp_path / "after"]
    before = [recorder.record(save(saved, folders[0]), store) for saved in (begun, killed)]

    run_id = recorder.record(save(resumed, folders[1]), store)
    assert [run_id] * 2 == before
    cohort, *seeds = search(uri, run_id)
    assert {run.info.status for run in (cohort, *seeds)} == {"RUNNING"}
    assert is_active(cohort), "its last sign of life is that of the process that resumed it"
    assert {run.data.tags["resumed"] for run in (cohort, *seeds)} == {"1"}
    assert cohort.data.tags["sweep"] == "second"
    assert not {"reason", "wall_seconds", "ended"} & cohort.data.tags.keys()

    assert recorder.record(save(ended, folders[1]), store) == run_id
    cohort, *seeds = search(uri, run_id)
    assert len(seeds) == 2
    assert {run.info.status for run in (cohort, *seeds)} == {"FINISHED"}
    assert {run.data.tags["complete"] for run in (cohort, *seeds)} == {"true"}
    assert (cohort.info.start_time, cohort.info.end_time) == (begun.started_ms, ended.ended_ms)
    assert cohort.data.tags["wall_seconds"] == "699.5", "the interruption took half a second"
    assert "train/loss_fluctuation" not in seeds[0].data.metrics, "what was killed has curves alone"
    points = store.client.get_metric_history(seeds[0].info.run_id, "val/error")
    assert [(point.step, point.value) for point in points] == [(10, 9.0), (20, 3.0)]


@pytest.mark.parametrize("through", ["database", "client"])
def test_what_an_interruption_left_does_not_replace_what_came_after_it(
    through: str, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a sync after an outage would mark as killed what was resumed and finished, or
    a process that was taken for dead would lose its results.
    """
    store = Store(uri)
    monkeypatch.setattr(Store, "is_database", through == "database")
    begun, killed, resumed, ended = interruption()
    folders = [tmp_path / "before", tmp_path / "after"]
    run_id = recorder.record(save(resumed, folders[1]), store)
    assert recorder.record(save(killed, folders[0]), store) == run_id
    assert search(uri, run_id)[0].info.status == "RUNNING"
    assert not (folders[0] / UNRECORDED).exists()

    finished = begun
    finished.seeds = ended.seeds
    finished.end(RunStatus.FINISHED)
    recorder.record(save(finished, folders[0]), store)
    resumed.end(RunStatus.KILLED, "interrupted")
    recorder.record(save(resumed, folders[1]), store)
    cohort, *seeds = search(uri, run_id)
    assert {run.info.status for run in (cohort, *seeds)} == {"FINISHED"}
    assert {run.data.tags["complete"] for run in (cohort, *seeds)} == {"true"}


@pytest.mark.parametrize("through", ["database", "client"])
def test_the_pages_of_runs_link_to_each_other(
    through: str, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, nobody could go from a cohort to its seeds or its sweep, or from a sweep to
    its conditions; or what a user has written on a page would be lost.
    """
    store = Store(uri)
    monkeypatch.setattr(Store, "is_database", through == "database")
    sweep, cohort = example(), example()
    sweep.role = Role.SWEEP
    sweep.seeds = []
    cohort.tags["sweep"] = sweep.id
    of_sweep = recorder.record(save(sweep, tmp_path / "sweep"), store)
    of_cohort = recorder.record(save(cohort, tmp_path / "cohort"), store)

    def shown(run_id: str) -> str:
        return str(store.client.get_run(run_id).data.tags["mlflow.note.content"])

    page = f"#/experiments/{store.experiment('capacity')}/runs"
    typed = "workflowType=machine_learning"
    _, *seeds = [run.info.run_id for run in search(uri, of_cohort) if run.info.run_id != of_sweep]
    links = ", ".join(f"[{number}]({page}/{run_id})" for number, run_id in enumerate(seeds))
    assert shown(of_cohort) == f"Seeds: {links}\n\nPart of [this sweep]({page}/{of_sweep}?{typed})"
    assert shown(seeds[0]) == f"One network of [mlp 8, rate 0.5]({page}/{of_cohort}?{typed})"
    assert f"tags.sweep%20%3D%20%27{sweep.id}%27" in shown(of_sweep)
    assert of_cohort not in shown(of_sweep)

    cohort.end(RunStatus.FINISHED)
    cohort.artifacts.append("curves.svg")
    recorder.record(save(cohort, tmp_path / "cohort"), store)
    ended = shown(of_cohort)
    assert ended.startswith("**Test error 3.00 %** (seeds: 2.00, 4.00)")
    assert f"![Its curves](get-artifact?path=curves.svg&run_uuid={of_cohort})" in ended
    assert ended.endswith(f"Seeds: {links}\n\nPart of [this sweep]({page}/{of_sweep}?{typed})")

    store.client.set_tag(of_cohort, "mlflow.note.content", "what a user has written")
    for saved, folder in ((cohort, "cohort"), (sweep, "sweep")):
        saved.end(RunStatus.FINISHED)
        recorder.record(save(saved, tmp_path / folder), store)

    assert shown(of_cohort) == "what a user has written"
    assert shown(of_sweep).endswith(f"\n\n- [mlp 8, rate 0.5]({page}/{of_cohort})")


def test_a_page_has_as_many_links_as_fit() -> None:
    """If this failed, MLflow would refuse the description of a large sweep, or cut a link."""
    sweep = example()
    sweep.role = Role.SWEEP
    many = {f"{number:032x}": f"[{number}] " + 50 * "x" for number in range(300)}
    text = described(sweep, cohorts=many)
    *lines, last = text.splitlines()[2:]
    assert len(text) < 8_000
    assert len(lines) > 50
    assert lines[7].startswith("- [\\[7\\] xx")
    assert last == f"- and {300 - len(lines)} more"

    short = dict.fromkeys(many, "x")
    assert described(sweep, cohorts=short).endswith("- and 200 more")
    seeds = dict(enumerate(many))
    of_cohort = described(example(), seeds=seeds)
    assert of_cohort.endswith(" and 200 more")
    assert len(of_cohort) < 8_000
    assert len(described(example(), "1" * 18, seeds)) < 8_000

    sweep.tags["note"] = "why " + (MAX_NOTE_LENGTH - 4) * "x"
    sweep.tags["command"] = "python scripts/train.py " + 1_400 * "x"
    sweep.unfinished = {f"{number} {200 * 'x'}": 900 * "y" for number in range(30)}
    sweep.end(RunStatus.FAILED, "30 of 300 jobs did not finish")
    noted = described(sweep, cohorts=many)
    assert noted.startswith("why xxx")
    assert "**Failed**: 30 of 300 jobs did not finish" in noted
    assert "- and 20 more" in noted
    assert "Again: `python scripts/train.py xxx" in noted
    assert noted.endswith(" more")
    assert len(noted) < 8_000


def described(
    record: Record,
    experiment: str = "1",
    seeds: Mapping[int, str] | None = None,
    cohorts: Mapping[str, str] | None = None,
) -> str:
    """What the page of a run shows."""
    neighbours = Neighbours(cohorts=cohorts or {})
    return describe_run(record, experiment, "run", seeds or {}, neighbours)[tags.DESCRIPTION]


def everything(uri: str) -> dict[str, str]:
    """The id of every run of the store, deleted ones included, and its stage."""
    client = Store(uri).client
    experiments = client.search_experiments(ViewType.ALL)
    numbers = [experiment.experiment_id for experiment in experiments]
    runs = client.search_runs(numbers, run_view_type=ViewType.ALL)

    return {run.info.run_id: run.info.lifecycle_stage for run in runs}


def test_a_deleted_run_is_not_brought_back_to_life(
    tmp_path: Path, uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    """If this failed, `sync` or the end of a training would undo what a user has deleted."""
    saved = example()
    client = Store(uri).client
    cohort, first, _ = record(saved, tmp_path, uri)
    saved.end(RunStatus.FINISHED)
    saved.save(tmp_path)

    client.delete_run(first.info.run_id)
    recorder.record(tmp_path, Store(uri))
    assert everything(uri)[first.info.run_id] == "deleted"
    assert len(everything(uri)) == 3, "nor is it made anew"

    client.delete_run(cohort.info.run_id)
    before = everything(uri)
    saved.save(tmp_path)
    assert recorder.try_to_record(tmp_path, Store(uri)) is None
    assert everything(uri) == before
    assert f"mlflow runs restore --run-id {cohort.info.run_id}" in caplog.text

    client.restore_run(cohort.info.run_id)
    assert recorder.try_to_record(tmp_path, Store(uri)) == cohort.info.run_id


def test_a_deleted_experiment_does_not_keep_others_from_being_recorded(
    tmp_path: Path, uri: str
) -> None:
    """If this failed, no study could be trained beside what an earlier one could not record."""
    folders = [tmp_path / "deleted", tmp_path / "other"]
    for folder in folders:
        saved = example()
        saved.experiment = folder.name
        saved.store = uri
        saved.end(RunStatus.FINISHED)
        folder.mkdir()
        saved.save(folder)

    Store(uri).client.delete_experiment(Store(uri).prepare("deleted", ""))
    assert recorder.sync(folders, Store(uri)) == ["mlp 8, rate 0.5"]
    assert [(folder / UNRECORDED).exists() for folder in folders] == [True, False]


def test_a_run_without_networks_is_refused_with_what_it_is(tmp_path: Path, uri: str) -> None:
    """If this failed, evaluating the wrong run would end in a message about a missing file."""
    client = Store(uri).client
    sweep = example()
    cohort, seed, _ = record(example(), tmp_path, uri)
    sweep.role = Role.SWEEP
    sweep.name = "sweep of 3 conditions"
    sweep.seeds = []
    sweep.save(tmp_path)
    of_sweep = recorder.record(tmp_path, Store(uri))
    report, gone = (
        client.create_run("0", run_name=name).info.run_id for name in ("report", "gone")
    )
    client.delete_run(gone)

    says = {
        seed.info.run_id: f"one network of a cohort .* the cohort: run={cohort.info.run_id}$",
        of_sweep: f"is a sweep of 3 conditions; .* tags.sweep = '{sweep.id}'$",
        report: r"\(report\) holds no networks; evaluate a cohort",
        gone: f"was deleted; .* MLFLOW_TRACKING_URI={uri} mlflow runs restore --run-id {gone}$",
        "0123": "neither a checkpoint nor a run of sqlite",
    }
    for run_id, reason in says.items():
        with pytest.raises(ConfigError, match=f"run={run_id} .*{reason}"):
            download(run_id, Store(uri), tmp_path / "files")

    download(cohort.info.run_id, Store(uri), tmp_path / "files")


@pytest.fixture
def project(tmp_path: Path, tables: Path) -> Path:
    """A folder with a store that has the experiment of the example."""
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(tables, folder / "mlflow.db")
    Store(f"sqlite:///{folder}/mlflow.db").prepare("capacity", "")

    return folder


def test_what_a_store_missed_before_it_was_moved_is_recorded(project: Path, tmp_path: Path) -> None:
    """If this failed, a move would lose results, or take their files to the old path."""
    saved = example()
    new = tmp_path / "new"
    saved.store = f"sqlite:///{project}/mlflow.db"
    (project / "config.yaml").touch()
    saved.end(RunStatus.FINISHED)
    saved.save(project)
    copy = shutil.copytree(project, tmp_path / "copy")
    assert recorder.sync([copy], Store(f"sqlite:///{copy}/mlflow.db")) == [], (
        "the other store is there"
    )
    project.rename(new)
    assert recorder.sync([new], Store(f"sqlite:///{tmp_path}/other.db")) == []
    assert recorder.sync([new], Store(f"sqlite:///{new}/mlflow.db")) == [saved.name]
    assert len(list((new / "mlartifacts").glob("*/artifacts/config.yaml"))) == 1
    assert not project.exists()


def test_a_store_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    """If this failed, results for a drive that is away would be recorded in another store."""
    here = f"sqlite:///{tmp_path}/mlflow.db"
    elsewhere = {
        "sqlite:////absent/mlflow.db": [False, True],  # moved with the folder, or not
        f"sqlite:///{tmp_path.parent}/mlflow.db": [True, True],  # that folder is still there
        "sqlite:////absent/other.db": [True, True],
        here: [False, False],
    }
    folders = [tmp_path / "outputs", tmp_path.parent / "outputs"]
    belongs = {
        recorded: [_belongs_elsewhere(recorded, Store(here), folder) for folder in folders]
        for recorded in elsewhere
    }
    assert belongs == elsewhere


def test_a_server_is_the_same_with_and_without_its_password(tmp_path: Path) -> None:
    """If this failed, results recorded with a password in the address would never be synced."""
    server = "http://127.0.0.1:5000"
    assert not _belongs_elsewhere("http://ada:***@127.0.0.1:5000", Store(server), tmp_path)
    assert _belongs_elsewhere("http://ada:***@127.0.0.2:5000", Store(server), tmp_path)


def test_a_run_of_a_database_that_is_away_is_said_at_once(tmp_path: Path) -> None:
    """If this failed, MLflow would try for two minutes, and end in a traceback."""
    with pytest.raises(
        ConfigError, match="run=abc is neither a checkpoint nor a run of postgresql"
    ):
        download("abc", Store("postgresql+psycopg://ada:s3cret@127.0.0.1:1/runs"), tmp_path)


def test_the_files_of_a_run_are_found_after_a_move(project: Path, tmp_path: Path) -> None:
    """If this failed, a stored cohort could not be evaluated any more."""
    store = Store(f"sqlite:///{project}/mlflow.db")
    number = store.experiment("capacity")
    run = store.client.create_run(str(number), tags={"role": "cohort"}).info.run_id
    file = project / "mlartifacts" / run / "artifacts" / "cohort.pt"  # by hand: a process remembers
    file.parent.mkdir(parents=True)
    file.touch()
    project.rename(tmp_path / "new")
    (tmp_path / "fetched").mkdir()
    download(run, Store(f"sqlite:///{tmp_path}/new/mlflow.db"), tmp_path / "fetched")
    assert (tmp_path / "fetched" / "cohort.pt").exists()
