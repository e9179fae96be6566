"""What a store knows of a condition, on real SQLite stores."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.analysis import results, results_files
from dropout_study.running.restore import restore
from dropout_study.system.processes import now_ms, this_process
from dropout_study.tracking import recorder, store
from dropout_study.tracking.lookup import (
    RecordedSeeds,
    look_up,
    mark_stale_runs_killed,
    tag_duplicates,
    trained_runs,
    validation_error,
)
from dropout_study.tracking.record import Record, RunStatus
from dropout_study.tracking.store import Store
from dropout_study.tracking.tags import (
    BUDGET,
    CANDIDATE,
    DUPLICATE,
    ERA,
    HEARTBEAT,
    PARENT,
    RERUN,
    STAGE,
    TRAINING_DIGEST,
)
from support.records import example

Put = Callable[..., str]


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return Store(uri).client


@pytest.fixture
def put(tmp_path: Path, uri: str) -> Put:
    """Record a run of seeds 0 and 1 with some status; return its id."""
    count = iter(range(100))

    def record(status: str = "FINISHED", change: Callable[[Record], None] = lambda _: None) -> str:
        saved = example()
        folder = tmp_path / str(next(count))
        folder.mkdir()
        saved.started_ms = now_ms()

        if status != "RUNNING":
            saved.end(RunStatus(status))

        change(saved)
        saved.save(folder)

        return recorder.record(folder, Store(uri))

    return record


def recorded(client: MlflowClient) -> RecordedSeeds:
    return look_up(Store(client.tracking_uri), "capacity", "abc")


def test_what_is_complete_is_found_and_the_rest_is_missing(put: Put, client: MlflowClient) -> None:
    """If this failed, recorded seeds would be trained again, or missing ones never."""
    assert recorded(client).missing([0, 1]) == [0, 1], "there is no experiment yet"
    put()
    assert set(recorded(client).complete) == {0, 1}
    assert recorded(client).missing([0, 1, 2, 5]) == [2, 5]
    assert look_up(Store(client.tracking_uri), "capacity", "another").missing([0, 1]) == [0, 1]
    assert look_up(Store(client.tracking_uri), "another", "abc").missing([0, 1]) == [0, 1]


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_what_did_not_finish_is_missing(put: Put, client: MlflowClient, status: str) -> None:
    """If this failed, an interrupted condition would never be run again."""

    def crash(saved: Record) -> None:
        if status == "FAILED":
            saved.fail("out of memory")

    put(status, crash)
    assert recorded(client).missing([0, 1]) == [0, 1]


def test_of_a_cohort_with_a_diverged_seed_the_others_count(put: Put, client: MlflowClient) -> None:
    """If this failed, one diverged network would cost its whole cohort, or count as a result."""

    def diverge(saved: Record) -> None:
        saved.seeds[1].failure = "diverged"
        saved.end(RunStatus.FAILED, "1 of 2 seeds failed")

    cohort = put("RUNNING", diverge)
    assert recorded(client).missing([0, 1]) == [1]
    runs = {run.data.tags.get("seed"): run for run in client.search_runs(["1"])}
    assert (runs["0"].info.status, runs["1"].info.status) == ("FINISHED", "FAILED")
    assert runs["1"].data.tags["reason"] == "diverged"
    assert client.get_run(cohort).info.status == "FAILED"
    assert client.get_run(cohort).data.metrics["test/error/weight_scaling"] == 2.0, (
        "of the seed that is whole"
    )


def diverge_late(stage: str) -> Callable[[Record], None]:
    """Seed 1 diverges after validations; everything is there that a file of results needs."""

    def change(saved: Record) -> None:
        failed = saved.seeds[1]
        failed.failure, failed.metrics = "diverged (its loss was not a number)", {}
        saved.params |= {"data.name": "digits", "data.train_size": "100"}
        saved.params |= {"model.name": "mlp", "budget.updates": "20"}
        saved.tags |= {STAGE: stage, CANDIDATE: "2", BUDGET: "smoke", TRAINING_DIGEST: "trained"}
        saved.end(RunStatus.FAILED, "1 of 2 seeds failed")

    return change


def test_a_candidate_that_diverged_after_a_validation_is_still_the_worst(
    put: Put, client: MlflowClient
) -> None:
    """If this failed, a learning rate could be chosen at which training breaks down."""
    put("RUNNING", diverge_late("tuning"))
    runs = trained_runs(Store(client.tracking_uri), "capacity", [0, 1])
    assert runs.keys() == {"trained"}
    errors = {seed: validation_error(run) for seed, run in runs["trained"].items()}
    assert errors == {0: 3.0, 1: math.inf}


def test_candidates_that_diverged_are_in_results_without_any_measure(
    put: Put, client: MlflowClient, tmp_path: Path
) -> None:
    """If this failed, an arm would seem to have fewer candidates than were tried."""
    put("RUNNING", diverge_late("tuning"))
    frame = results.from_store(Store(client.tracking_uri), ["capacity"])
    failed = frame[frame["seed"] == 1].dropna(axis=1).iloc[0]
    assert failed["failure"] == "diverged (its loss was not a number)"
    assert (failed["candidate"], failed["stage"], failed["model.hidden_rate"]) == (2, "tuning", 0.5)
    assert not [column for column in failed.index if "/" in column]
    assert frame[frame["seed"] == 0]["failure"].isna().all()

    results_files.write(frame, tmp_path / "results")
    copy = Store(f"sqlite:///{tmp_path}/copy.db")
    assert restore(tmp_path / "results", copy, "smoke") == 2
    assert restore(tmp_path / "results", copy, "smoke") == 0
    again = results.from_store(copy, ["capacity"])
    assert again["failure"].tolist() == frame["failure"].tolist()
    assert look_up(copy, "capacity", "abc").missing([0, 1]) == [1]


def test_restored_results_have_the_times_of_their_training_or_none(
    put: Put, client: MlflowClient, tmp_path: Path
) -> None:
    """If this failed, the hours of a report would be those of reading a file."""
    put("RUNNING", diverge_late("tuning"))
    frame = results.from_store(Store(client.tracking_uri), ["capacity"])
    older = frame.drop(columns=["started", "ended"])

    for name, table in (("newer", frame), ("older", older)):
        results_files.write(table, tmp_path / name)
        copy = Store(f"sqlite:///{tmp_path}/{name}.db")
        assert restore(tmp_path / name, copy, "smoke") == len(frame)
        again = results.from_store(copy, ["capacity"])
        assert ("started" in again) == (name == "newer")

        if name == "newer":
            assert again["started"].tolist() == frame["started"].tolist()
            assert again["ended"].tolist() == frame["ended"].tolist()


def test_a_final_network_that_diverged_is_missing_from_results(
    put: Put, client: MlflowClient
) -> None:
    """If this failed, claims would read empty cells of networks that have no results."""
    put("RUNNING", diverge_late("final"))
    frame = results.from_store(Store(client.tracking_uri), ["capacity"])
    assert frame["seed"].tolist() == [0]
    assert "failure" not in frame


def test_a_running_cohort_keeps_others_away_until_it_dies(put: Put, client: MlflowClient) -> None:
    """If this failed, two sweeps would train the same, or a dead one would block its condition."""
    cohort = put("RUNNING")
    assert recorded(client).missing([0, 1, 2]) == [2]
    client.set_tag(cohort, HEARTBEAT, str(now_ms() - 130_000))
    assert recorded(client).missing([0, 1, 2]) == [0, 1, 2]


def test_only_runs_without_a_living_process_are_marked_killed(
    put: Put, client: MlflowClient
) -> None:
    """If this failed, a run would stay RUNNING for ever, or an active one be called dead."""

    def elsewhere(saved: Record) -> None:
        saved.tags |= {"host.id": "another container with the same host name", "pid": "1"}

    def older(saved: Record) -> None:
        del saved.tags["host.id"], saved.tags["pid.created"]

    def dead(saved: Record) -> None:
        saved.tags |= {"pid": "999999999"}

    left = [put("RUNNING"), put("RUNNING", elsewhere), put("RUNNING", older)]
    gone = put("RUNNING", dead)
    mark_stale_runs_killed(Store(client.tracking_uri), "1")
    assert {client.get_run(run).info.status for run in left} == {"RUNNING"}
    killed = [run for run in client.search_runs(["1"]) if run.info.status == "KILLED"]
    assert {run.info.run_id for run in killed if run.data.tags["role"] == "cohort"} == {gone}
    assert len(killed) == 3, "its two seeds as well"
    assert {run.data.tags["reason"] for run in killed} == {"its process is gone"}


def test_a_run_that_was_taken_for_dead_can_still_finish(
    tmp_path: Path, uri: str, client: MlflowClient
) -> None:
    """If this failed, a run whose heartbeat was late would look killed and complete at once."""
    saved = example()
    saved.tags |= {"pid": "999999999"}
    saved.save(tmp_path)
    cohort = recorder.record(tmp_path, Store(uri))
    mark_stale_runs_killed(Store(client.tracking_uri), "1")
    saved.end(RunStatus.FINISHED)
    saved.save(tmp_path)
    recorder.record(tmp_path, Store(uri))
    run = client.get_run(cohort)
    assert (run.info.status, run.data.tags["complete"], "reason" in run.data.tags) == (
        "FINISHED",
        "true",
        False,
    )


def seeds(client: MlflowClient, seed: int) -> list[Run]:
    order = ["attributes.start_time ASC"]
    return list(client.search_runs(["1"], f"tags.seed = '{seed}'", order_by=order))


def test_of_two_complete_runs_the_first_counts_and_the_other_is_a_duplicate(
    put: Put, client: MlflowClient
) -> None:
    """If this failed, networks that two processes trained at once would count twice."""

    def later(saved: Record) -> None:
        saved.started_ms += 1_000

    put("FINISHED", later)  # recorded first, but begun later
    put()
    first, second = seeds(client, 0)
    assert DUPLICATE not in first.data.tags
    assert second.data.tags[DUPLICATE] == "true"
    assert recorded(client).complete[0].info.run_id == first.info.run_id


def test_a_forced_run_that_was_reserved_replaces_the_first(
    tmp_path: Path, uri: str, put: Put, client: MlflowClient
) -> None:
    """If this failed, MLflow's pages would show the results that `rerun=true` has replaced."""
    first = put()
    forced = example()
    forced.tags[RERUN] = "true"
    (tmp_path / "forced").mkdir()
    forced.save(tmp_path / "forced")
    second = recorder.record(tmp_path / "forced", Store(uri))
    assert DUPLICATE not in client.get_run(first).data.tags, "it has no results yet"

    forced.end(RunStatus.FINISHED)
    forced.save(tmp_path / "forced")
    assert recorder.record(tmp_path / "forced", Store(uri)) == second
    assert client.get_run(first).data.tags[DUPLICATE] == "true"
    assert DUPLICATE not in client.get_run(second).data.tags


def test_a_database_and_a_server_are_asked_for_the_same(
    put: Put, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, one of them would give the networks of a condition to another one."""

    def another(saved: Record) -> None:
        saved.tags["config_digest"] = "def"

    put()
    put(change=another)
    put("RUNNING", another)

    for is_database in (True, False):
        monkeypatch.setattr(Store, "is_database", is_database)
        found = [look_up(Store(uri), "capacity", digest) for digest in ("abc", "def", "ghi")]
        assert [len(seeds.complete) for seeds in found] == [2, 2, 0]
        assert [len(seeds.running) for seeds in found] == [0, 2, 0]


def test_of_runs_that_were_forced_the_last_counts(put: Put, client: MlflowClient) -> None:
    """If this failed, `rerun=true` would train for nothing."""

    def again(by_ms: int) -> Callable[[Record], None]:
        def change(saved: Record) -> None:
            saved.started_ms += by_ms
            saved.tags[RERUN] = "true"

        return change

    put()
    put("FINISHED", again(1_000))
    put("FINISHED", again(2_000))
    assert [DUPLICATE in run.data.tags for run in seeds(client, 0)] == [True, True, False]


def test_recording_marks_its_own_process(put: Put, client: MlflowClient) -> None:
    """If this failed, nobody could say whether a RUNNING run is alive."""
    tags = client.get_run(put("RUNNING")).data.tags
    assert {key: tags[key] for key in this_process()} == this_process()


def test_a_store_with_two_eras_is_read_as_one(put: Put, client: MlflowClient) -> None:
    """If this failed, a report would find two networks per seed, or average two meanings."""

    def earlier(saved: Record) -> None:
        saved.tags["config_digest"] = "earlier"
        saved.tags[ERA] = "0"

    put("FINISHED", earlier)
    assert results.from_store(Store(client.tracking_uri), ["capacity"]).empty
    put("FINISHED")
    frame = results.from_store(Store(client.tracking_uri), ["capacity"])
    assert frame["digest"].tolist() == ["abc", "abc"]
    assert sorted(frame["seed"]) == [0, 1]


def authoritative_cohorts(client: MlflowClient) -> dict[int, str]:
    """Seed -> the cohort whose run of it counts, on which a skipped job and the report agree."""
    complete = recorded(client).complete
    skipped = {seed: run.data.tags[PARENT] for seed, run in complete.items()}
    frame = results.from_store(Store(client.tracking_uri), ["capacity"])
    reported = dict(zip(frame["seed"], frame["run"], strict=True)) if len(frame) else {}
    assert len(reported) == len(frame), "a seed counts once"
    assert reported == skipped

    return skipped


def test_what_is_deleted_does_not_count_until_it_is_restored(
    put: Put, client: MlflowClient
) -> None:
    """If this failed, a job would be skipped that the report misses, or a seed count twice."""
    first = put()
    of_first = {
        run.data.tags["seed"]: run.info.run_id
        for run in client.search_runs(["1"])
        if "seed" in run.data.tags
    }
    client.delete_run(first)  # alone, as MLflow's pages do
    assert authoritative_cohorts(client) == {}, "seeds of a deleted cohort"

    second = put("FINISHED", lambda saved: setattr(saved, "started_ms", saved.started_ms + 1_000))
    assert authoritative_cohorts(client) == {0: second, 1: second}
    client.restore_run(first)
    assert authoritative_cohorts(client) == {0: first, 1: first}, (
        "the first of two, whatever its tags say"
    )
    client.delete_run(of_first["0"])
    assert authoritative_cohorts(client) == {0: second, 1: first}

    tag_duplicates(Store(client.tracking_uri), "1", "abc")
    client.delete_run(of_first["1"])
    assert authoritative_cohorts(client) == {0: second, 1: second}, (
        "that of seed 1 is still tagged as a duplicate"
    )


def test_tags_say_what_counts_again_after_a_deletion(put: Put, client: MlflowClient) -> None:
    """If this failed, MLflow's pages would call the only result of a seed a duplicate for ever."""
    first = put()
    second = put("FINISHED", lambda saved: setattr(saved, "started_ms", saved.started_ms + 1_000))
    assert DUPLICATE in client.get_run(second).data.tags
    client.delete_run(first)
    tag_duplicates(Store(client.tracking_uri), "1", "abc")
    assert DUPLICATE not in client.get_run(second).data.tags


def test_more_runs_than_a_store_hands_out_at_once_are_all_seen(
    put: Put, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, runs beyond some number would be trained again, and missing in the report."""
    monkeypatch.setattr(store, "RUNS_PER_REQUEST", 2)

    for first in (0, 2, 4):
        put("FINISHED", lambda saved, first=first: _renumber(saved, first))

    assert set(authoritative_cohorts(client)) == set(range(6))


def _renumber(saved: Record, first: int) -> None:
    for i, seed in enumerate(saved.seeds):
        seed.seed = first + i
