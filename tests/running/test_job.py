"""Jobs: what is recorded is skipped, what is missing is trained, errors are reported."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.entities import Run

from dropout_study.analysis import results, results_files
from dropout_study.analysis.arms import per_arm
from dropout_study.config.schema import Config, ConfigError
from dropout_study.running import run
from dropout_study.running.carry_out import carry_out
from dropout_study.running.checkpoint import Checkpoint
from dropout_study.running.job import JOB_FILE, RETRY_FILE, STOP_FILE, Job, JobState
from dropout_study.running.packs import Assignment
from dropout_study.running.restore import restore
from dropout_study.system.processes import now_ms
from dropout_study.system.termination import Terminated
from dropout_study.tracking import provenance, recorder
from dropout_study.tracking.record import RECORD_FILE, Record
from dropout_study.tracking.store import Store
from dropout_study.tracking.tags import DUPLICATE
from dropout_study.training import module, trainer
from support.composing import composed_run
from support.processes import another_process
from support.records import example

Do = Callable[..., Job]


def left(folder: Path) -> Job:
    job = Job.load(folder)
    assert job is not None, "no job"
    return job


def state(folder: Path) -> tuple[str, bool]:
    """State of a job, and whether it has begun to train."""
    job = Job.load(folder)
    return (job.state, job.share > 0) if job else ("", False)


def until(holds: Callable[[], object]) -> None:
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.01)
    raise TimeoutError


Runs = Callable[[], list[Run]]
SMALL = ("budget=smoke", "model.widths=[4]", "rules=[weight_scaling]", "trainer=cpu")


@pytest.fixture
def do(tmp_path: Path, uri: str) -> Do:
    """Carry out a job of a sweep in its folder; return what it left there."""
    count = iter(range(100))
    Store(uri).prepare("exploration", "")

    def carry(*overrides: str, folder: Path | None = None, in_worker: bool = False) -> Job:
        folder = folder or tmp_path / "sweep" / str(next(count))
        folder.mkdir(parents=True, exist_ok=True)
        places = [f"tracking.uri={uri}", f"checkpoint.folder={tmp_path}/checkpoints"]
        composed = composed_run([*SMALL, *places, *overrides])
        job = Assignment(composed, folder, " ".join(overrides))
        carry_out([job], tmp_path / "sweep", in_worker)

        return left(folder)

    return carry


def of_seed(runs: list[Run], seed: int) -> list[Run]:
    return sorted(
        (r for r in runs if r.data.tags.get("seed") == str(seed)),
        key=lambda run: run.info.start_time,
    )


def test_ten_seeds_where_five_are_recorded_train_the_five_that_are_missing(
    do: Do, runs: Runs
) -> None:
    """If this failed, more seeds would mean to pay for all again, or to average over some twice."""
    first = do("seeds=[0,1]")
    assert (first.state, len(first.errors), first.seeds) == ("done", 2, [0, 1])
    second = do("seeds=[0,1,2,3]")
    assert (second.state, len(second.errors), second.seeds) == ("done", 4, [2, 3])
    assert second.errors[:2] == first.errors
    cohorts = [run for run in runs() if run.data.tags["role"] == "cohort"]
    assert len(cohorts) == 2
    assert all(len(of_seed(runs(), seed)) == 1 for seed in range(4))
    third = do("seeds=[3,0]")
    assert (third.state, third.errors) == ("skipped", second.errors), (
        "the mean is over all that is recorded"
    )
    assert third.reason.startswith(f"recorded at commit {cohorts[0].data.tags['git.commit'][:7]}")
    assert len(runs()) == 6


def test_results_of_other_code_are_named(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, seeds of different arithmetic would be averaged without a word."""
    assert do("seeds=[0]").other_code == []
    recorded = provenance.code()
    monkeypatch.setattr(provenance, "code", lambda: "0ther")
    again = do("seeds=[0]")
    assert again.other_code == [recorded]
    assert f"computed by other code ({recorded})" in again.reason
    assert do("seeds=[0,1]").other_code == [recorded]
    assert do("seeds=[2]", "dry_run=true").other_code == [recorded]
    assert do("seeds=[2]", "optimizer.lr=0.002").other_code == []


def test_identity_is_the_experiment_the_scientific_part_and_the_seed(do: Do) -> None:
    """If this failed, a place or a name would change a result, or two results count as one."""
    do("seeds=[0]")
    states = {
        "tracking.cohort=true": "skipped",
        "tracking.model=true": "skipped",
        "tracking.system_metrics=true": "skipped",
        "checkpoint.minutes=5": "skipped",
        "budget.name=other": "skipped",
        "trainer.precision=bf16-mixed": "done",
        "optimizer.lr=0.002": "done",
        "rules=[weight_scaling,monte_carlo]": "done",
        "study.name=other": "done",
    }
    assert {override: do("seeds=[0]", override).state for override in states} == states


def test_rerun_trains_again_to_the_same_result_and_counts(do: Do, runs: Runs) -> None:
    """If this failed, a number could not be reproduced, or not be replaced after a fix."""
    first = do("seeds=[0,1]", "rules=[weight_scaling,monte_carlo]")
    second = do("seeds=[0,1]", "rules=[weight_scaling,monte_carlo]", "rerun=true")
    assert second.state == "done"
    assert (second.errors, second.nlls) == (first.errors, first.nlls)
    old, new = of_seed(runs(), 1)
    assert old.data.metrics == new.data.metrics
    assert [DUPLICATE in run.data.tags for run in (old, new)] == [True, False]
    cohorts = {run.info.run_id: run for run in runs() if run.data.tags["role"] == "cohort"}
    parents = [cohorts[run.data.tags["mlflow.parentRunId"]] for run in (old, new)]
    assert [DUPLICATE in run.data.tags for run in parents] == [True, False]


def test_a_profile_ends_in_a_table_of_hooks(do: Do, caplog: pytest.LogCaptureFixture) -> None:
    """If this failed, `debug=profile` would do nothing, or only the first time."""
    logger = logging.getLogger("dropout_study")
    logger.addHandler(caplog.handler)

    for _ in range(2):
        with caplog.at_level("INFO", logger.name):
            do("debug=profile", "budget.updates=3", "seeds=[0]")

        assert "run_training_batch" in caplog.text
        caplog.clear()

    logger.removeHandler(caplog.handler)


def test_a_dry_run_says_what_is_missing_and_trains_nothing(do: Do, runs: Runs) -> None:
    """If this failed, looking at a plan would be carrying it out."""
    do("seeds=[0]")
    job = do("seeds=[0,1,2]", "dry_run=true")
    assert (job.state, job.seeds, len(job.errors)) == ("planned", [1, 2], 1)
    assert 0 < job.estimate < 60
    assert do("seeds=[0]", "dry_run=true").state == "skipped"
    assert len(runs()) == 2


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.hidden_rate=1.5"], "model.hidden_rate=1.5 cannot be used"),
        (
            ["data=mnist", "data.root=nowhere", "data.download=false"],
            "data=digits, which needs no files",
        ),
    ],
)
def test_a_bad_condition_fails_with_its_sentence_and_leaves_no_run(
    do: Do, runs: Runs, overrides: list[str], said: str
) -> None:
    """If this failed, a mistake in one condition would stop the others, or leave a broken run."""
    job = do(*overrides)
    assert job.state == "failed"
    assert said in job.reason
    assert runs() == []


def test_a_crash_is_a_failed_run_with_its_reason(
    do: Do, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a run that ran out of memory would look killed, running or complete."""

    def exhaust(*_: object) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr("dropout_study.running.run.train", exhaust)
    job = do("seeds=[0,1]")
    assert job.state == "failed"
    assert job.reason.startswith("MemoryError: out of memory")
    assert {(run.info.status, run.data.tags["reason"]) for run in runs()} == {
        ("FAILED", "MemoryError: out of memory")
    }
    monkeypatch.undo()
    assert do("seeds=[0,1]").state == "done", "what failed is run again"


def test_a_diverged_cohort_fails_and_says_when(do: Do, runs: Runs) -> None:
    """If this failed, numbers that are none would be recorded as results."""
    job = do("seeds=[0,1]", "model.activation=identity", "optimizer=sgd", "optimizer.lr=1e30")
    assert job.state == "failed"
    assert "not a number at update 50" in job.reason
    assert {run.info.status for run in runs()} == {"FAILED"}
    assert not any("complete" in run.data.tags for run in runs())


def test_one_diverged_seed_fails_alone(do: Do, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, one seed would cost the others their results, or be averaged in."""
    from dropout_study.dropout.cohort import Cohort

    original = Cohort.__init__

    def broken(self: Cohort, *of_cohort: Any) -> None:
        original(self, *of_cohort)
        for p in self.parameters():
            p.data[self.seeds.index(1)] = float("inf")

    monkeypatch.setattr(Cohort, "__init__", broken)
    job = do("seeds=[0,1,2]", "rules=[weight_scaling,monte_carlo]")
    assert job.state == "failed"
    assert (
        job.reason
        == "1 of 3 seeds failed: seed 1 diverged (its loss was not a number at update 50)"
    )
    assert len(job.errors) == 2
    assert [of_seed(runs(), seed)[0].info.status for seed in (0, 1, 2)] == [
        "FINISHED",
        "FAILED",
        "FINISHED",
    ]
    monkeypatch.undo()
    assert do("seeds=[0,1,2]", "rules=[weight_scaling,monte_carlo]").seeds == [1], (
        "only that one is run again"
    )


def test_fail_fast_stops_what_has_not_begun(do: Do, runs: Runs, tmp_path: Path) -> None:
    """If this failed, a sweep that was to stop at the first failure would continue for hours."""
    do("model.hidden_rate=1.5", "fail_fast=true")
    assert (tmp_path / "sweep" / STOP_FILE).exists()
    job = do("seeds=[0]", "fail_fast=true")
    assert (job.state, job.reason) == ("stopped", "another job failed (fail_fast=true)")
    assert runs() == []


def test_fail_fast_stops_what_is_under_way(do: Do, runs: Runs, tmp_path: Path) -> None:
    """If this failed, jobs beside the one that failed would run to their ends."""
    folder = tmp_path / "sweep" / "long"

    def stop() -> None:
        until(lambda: state(folder)[1])
        (tmp_path / "sweep" / STOP_FILE).touch()

    threading.Thread(target=stop).start()
    job = do("seeds=[0]", "budget.updates=10000000", "budget.validations=1", folder=folder)
    assert job.state == "stopped"
    assert {run.info.status for run in runs()} == {"KILLED"}


def test_an_interrupted_run_goes_on_from_its_checkpoint(
    do: Do, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a day of training would be lost with its last minute, or MLflow show a killed
    run beside the one that counts.
    """
    long = (
        "seeds=[0,1]",
        "budget.updates=1500",
        "checkpoint.minutes=0.002",
        "budget.validations=3",
    )
    whole = do(*long, "study.name=whole")
    stop = tmp_path / "sweep" / STOP_FILE
    checkpoints = tmp_path / "checkpoints"

    def interrupt() -> None:
        until(lambda: list(checkpoints.glob("*.ckpt")))
        stop.touch()

    threading.Thread(target=interrupt).start()
    assert do(*long).state == "stopped"
    stop.unlink()
    killed = {run.info.run_id: run for run in runs() if run.info.status == "KILLED"}
    starts: list[Path | None] = []
    train = trainer.train

    def spy(*arguments: Any) -> None:
        starts.append(arguments[-1])
        train(*arguments)

    monkeypatch.setattr(run, "train", spy)
    job = do(*long)
    assert (job.state, job.errors, job.nlls) == ("done", whole.errors, whole.nlls)
    assert starts[0] is not None
    assert list(checkpoints.iterdir()) == [], "what is complete needs no checkpoint"

    resumed = {run.info.run_id: run for run in runs() if "resumed" in run.data.tags}
    assert len(killed) == 3
    assert resumed.keys() == killed.keys()

    for run_id, before in killed.items():
        after = resumed[run_id]
        assert (after.info.status, after.data.tags["complete"]) == ("FINISHED", "true")
        assert after.info.start_time == before.info.start_time
        assert after.info.end_time > before.info.end_time
        points = Store(f"sqlite:///{tmp_path}/mlflow.db").client.get_metric_history(
            run_id, "train/loss"
        )
        assert [point.step for point in points] == list(range(50, 1501, 50)), "each point once"


@pytest.mark.parametrize("foreign", [False, True])
def test_a_damaged_or_foreign_checkpoint_is_put_aside(
    do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: bool
) -> None:
    """If this failed, a condition with a damaged checkpoint could never be trained again."""
    find = run.Checkpoint.find

    def damaged(pack: Sequence[Config], wanted: Sequence[Config]) -> Checkpoint:
        file = find(pack, wanted).file
        file.parent.mkdir()
        file.write_bytes(b"cut short")

        if foreign:
            torch.save({"state_dict": {}}, file)

        return find(pack, wanted)

    monkeypatch.setattr(run.Checkpoint, "find", damaged)
    assert do("seeds=[0]").state == "done"
    assert [path.suffix for path in (tmp_path / "checkpoints").iterdir()] == [".damaged"]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(-1)], ids=["ctrl-c", "scheduler"])
def test_an_interrupted_job_passes_the_interruption_on_and_may_be_started_again(
    do: Do, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """If this failed, a job that SLURM requeues at its time limit would do nothing and be done."""

    def interrupt(*_: object) -> None:
        raise end

    folder = tmp_path / "sweep" / "0"
    monkeypatch.setattr(run, "train", interrupt)

    with pytest.raises(type(end)):
        do("seeds=[0]", folder=folder)

    assert left(folder).state == "interrupted"
    assert {run.info.status for run in runs()} == {"KILLED"}
    monkeypatch.undo()
    assert do("seeds=[0]", folder=folder).state == "done"


@pytest.fixture
def elsewhere(do: Do, runs: Runs, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process of this machine that has begun to train seed 0."""
    do("seeds=[5]")
    digest = next(run.data.tags["config_digest"] for run in runs())
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    saved = example()
    saved.experiment = "exploration"
    saved.seeds = saved.seeds[:1]
    saved.started_ms = now_ms()

    with another_process() as (process, name):
        saved.tags |= name | {"config_digest": digest}
        saved.save(folder)
        recorder.record(folder, Store(f"sqlite:///{tmp_path}/mlflow.db"))
        yield process


def kill_when_waiting(folder: Path, process: subprocess.Popen[str]) -> threading.Thread:
    def kill() -> None:
        until(lambda: state(folder)[0] == "waiting")
        process.kill()
        process.wait()

    thread = threading.Thread(target=kill)
    thread.start()

    return thread


def test_what_another_process_trains_is_waited_for_and_trained_if_that_dies(
    do: Do, tmp_path: Path, elsewhere: subprocess.Popen[str]
) -> None:
    """If this failed, two sweeps would train the same, or a condition be lost with one of them."""
    thread = kill_when_waiting(tmp_path / "sweep" / "w", elsewhere)
    job = do("seeds=[0]", folder=tmp_path / "sweep" / "w")
    thread.join()
    assert (job.state, job.seeds) == ("done", [0])


def test_a_job_that_waits_for_some_of_its_seeds_does_not_call_itself_done_without_them(
    do: Do, runs: Runs, tmp_path: Path, elsewhere: subprocess.Popen[str]
) -> None:
    """If this failed, a seed could go missing while the sweep says that all is well."""
    thread = kill_when_waiting(tmp_path / "sweep" / "w", elsewhere)
    job = do("seeds=[0,1]", folder=tmp_path / "sweep" / "w")
    thread.join()
    assert (job.state, job.seeds) == ("failed", [0])
    assert "seeds [0] are missing" in job.reason
    assert of_seed(runs(), 1)[0].data.tags["complete"] == "true"


def test_only_seeds_that_were_asked_for_are_waited_for(
    do: Do,
    elsewhere: subprocess.Popen[str],
) -> None:
    """If this failed, a job that is recorded would hang as long as others are trained."""
    assert elsewhere.poll() is None
    assert do("seeds=[5]").state == "skipped"
    assert do("seeds=[6]", "dry_run=true").state == "planned"
    assert do("seeds=[0]", "dry_run=true").reason.startswith("being trained by")


def test_a_job_that_has_ended_is_left_alone_by_another_pass(
    do: Do, runs: Runs, tmp_path: Path
) -> None:
    """If this failed, the jobs of a sweep would be done again after one worker died."""
    folder = tmp_path / "sweep" / "0"
    before = do("seeds=[0]", folder=folder)
    assert do("seeds=[0]", folder=folder) == before
    assert len(runs()) == 2


def test_a_job_whose_process_died_waits_for_its_turn(do: Do, tmp_path: Path) -> None:
    """If this failed, a condition that kills its worker would end other jobs again and again."""
    folder = tmp_path / "sweep" / "3"
    before = do("seeds=[0]", folder=folder)
    before.die("killed", fail_fast=False)
    before.save(folder)
    assert do("seeds=[0]", folder=folder).state == "died"
    (tmp_path / "sweep" / RETRY_FILE).write_text(f"{tmp_path}/sweep/../sweep/3")
    job = do("seeds=[0]", folder=folder)
    assert (job.state, job.deaths) == ("skipped", 1)


def test_the_job_of_another_condition_is_not_taken_for_the_own(do: Do, tmp_path: Path) -> None:
    """If this failed, a sweep would print the results of another as its own, and train nothing."""
    folder = tmp_path / "sweep" / "0"
    others = do("seeds=[0]", folder=folder)
    job = do("seeds=[0]", "model.hidden_rate=0.25", folder=folder)
    assert (job.state, job.errors != others.errors) == ("done", True)

    with another_process() as (process, name):
        others.state = JobState.RUNNING
        others.process = name
        others.save(folder)

        with pytest.raises(ConfigError, match=f"process {process.pid} of .* is at work there"):
            do("seeds=[1]", folder=folder)

        assert left(folder) == others

    assert do("seeds=[1]", folder=folder).state == "done"


@pytest.mark.parametrize(
    "text",
    ["", '{"name": "cut sho', "[]", '{"name": "x", "state": "done"}'],
    ids=["empty", "cut short", "of something else", "older version"],
)
def test_a_job_file_that_does_not_say_of_what_counts_as_none(
    do: Do,
    tmp_path: Path,
    text: str,
) -> None:
    """If this failed, what a crash or an older version left would be a traceback, or results."""
    folder = tmp_path / "sweep" / "0"
    folder.mkdir(parents=True)
    (folder / JOB_FILE).write_text(text)
    assert do("model.hidden_rate=1.5", folder=folder).state == "failed"


def ask_to_end(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)  # until Python looks at its signals


def test_a_worker_that_is_asked_to_end_costs_the_sweep_nothing(
    do: Do, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, SIGTERM to a worker would stop the sweep, or its job be tried for ever."""
    folder = tmp_path / "sweep" / "0"
    monkeypatch.setattr(run, "train", ask_to_end)
    job = do("seeds=[0]", folder=folder, in_worker=True)
    assert (job.state, job.reason) == ("died", "its process was asked to end")
    assert {run.info.status for run in runs()} == {"KILLED"}
    (tmp_path / "sweep" / RETRY_FILE).write_text(str(folder))
    assert do("seeds=[0]", folder=folder, in_worker=True).state == "failed"
    assert do("seeds=[1]", "fail_fast=true", in_worker=True).state == "failed"
    assert (tmp_path / "sweep" / STOP_FILE).exists()


def test_a_start_that_is_asked_to_end_ends_while_it_trains(
    do: Do,
    runs: Runs,
    tmp_path: Path,
) -> None:
    """If this failed, Lightning would end with exit code 0, as if the start were finished."""
    folder = tmp_path / "sweep" / "0"

    def stop() -> None:
        until(lambda: state(folder)[1])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()

    with pytest.raises(Terminated) as ended:
        do("seeds=[0]", "budget.updates=10000000", "budget.validations=1", folder=folder)

    assert ended.value.code == 143
    assert left(folder).state == "interrupted"
    assert {run.info.status for run in runs()} == {"KILLED"}


def test_a_launcher_that_passes_over_sigterm_trains_on(
    do: Do,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, what SLURM is about to stop would end before submitit has queued it again."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    update = module.CohortTraining._update

    def asked(self: module.CohortTraining, *arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        update(self, *arguments)

    monkeypatch.setattr(module.CohortTraining, "_update", asked)

    try:
        assert do("seeds=[0]").state == "done"
    finally:
        signal.signal(signal.SIGTERM, before)

    assert set(seen) == {signal.SIGTERM}


def test_a_job_that_leaves_the_program_has_failed(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, `sys.exit()` in a model or a library would end the sweep with exit code 0."""
    monkeypatch.setattr(run, "train", lambda *_: sys.exit())
    job = do("seeds=[0]")
    assert (job.state, "sys.exit()" in job.reason) == ("failed", True)


def test_on_a_full_disk_a_job_says_so_and_stops_nothing(do: Do, tmp_path: Path) -> None:
    """If this failed, the next pass would wait for its own process, and end in a traceback."""
    folder = tmp_path / "sweep" / "0"
    folder.mkdir(parents=True)

    for file in (JOB_FILE, RECORD_FILE):
        (folder / f"{file}.partial").symlink_to("/dev/full")

    job = do("seeds=[0]", folder=folder)
    assert (job.state, "No space left on device" in job.reason) == ("failed", True)


def test_a_folder_that_vanishes_stops_nothing(
    do: Do,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, whoever clears up during a sweep would end it in a traceback."""
    folder = tmp_path / "sweep" / "0"
    monkeypatch.setattr(run, "train", lambda *_: shutil.rmtree(folder))

    with pytest.raises(AssertionError, match="no job"):  # of `do`, which asks what it left
        do("seeds=[0]", folder=folder)


def test_a_job_of_this_process_that_it_is_not_at_work_on_is_dead() -> None:
    """If this failed, a pass would wait for itself where the end of a job could not be written."""
    assert Job("a").is_dead
    with another_process() as (_, name):
        assert Job("a", process=name).is_active
        assert not Job("a", JobState.DONE, process=name).is_active


def test_a_file_of_an_earlier_version_is_read_with_its_state(tmp_path: Path) -> None:
    """If this failed, an update during a sweep would lose what its jobs have done."""
    written = {"name": "a", "state": "skipped", "errors": [1.5], "condition": "c", "process": {}}
    (tmp_path / JOB_FILE).write_text(json.dumps(written))
    job = left(tmp_path)
    assert (job.state, type(job.state), job.errors) == ("skipped", JobState, [1.5])
    (tmp_path / JOB_FILE).write_text(json.dumps(written | {"state": "of a later version"}))
    assert Job.load(tmp_path) is None


def test_a_store_that_is_away_costs_nothing(
    do: Do, runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """If this failed, an outage would cost the results of hours, or record them twice."""
    folder = tmp_path / "sweep" / "away"
    database = tmp_path / "mlflow.db"
    database.rename(tmp_path / "away")
    database.mkdir()  # nothing can be opened under its name
    job = do("seeds=[0]", folder=folder)
    assert job.state == "done"
    assert capfd.readouterr().err == ""
    database.rmdir()
    (tmp_path / "away").rename(database)
    store = Store(f"sqlite:///{database}")
    assert runs() == []
    assert recorder.sync([folder], store) == [Record.load(folder).name]
    assert recorder.sync([folder], store) == []
    assert {run.data.tags["complete"] for run in runs()} == {"true"}
    assert len(runs()) == 2
    assert do("seeds=[0]").state == "skipped"


CANDIDATE = ("study.stage=tuning", "seeds=[900,901]", "rules=[]", "probes=[]")


def test_a_candidate_of_a_search_meets_no_test_data(do: Do, runs: Runs) -> None:
    """If this failed, a setting could be chosen by the data that judge it."""
    job = do(*CANDIDATE)
    assert (job.state, job.errors, len(job.validation)) == ("done", [], 2)
    measured = {key for run in runs() for key in run.data.metrics}
    assert "val/error" in measured
    assert not any(key.startswith("test/") for key in measured)

    again = do(*CANDIDATE)
    assert (again.state, again.validation) == ("skipped", job.validation)


def test_networks_that_two_arms_ask_for_are_trained_once_and_belong_to_both(
    do: Do, uri: str, tmp_path: Path
) -> None:
    """If this failed, an arm that tuning brings to the settings of another would have no results,
    and its claim would wait for them for ever.
    """
    study = ("study.name=noise", *CANDIDATE)
    assert do("study.arm=first", "study.candidate=1", *study).state == "done"
    second = "study.arm='second, of 0.5'"  # no name of a tag
    assert do(second, "study.candidate=4", *study, "seeds=[900]").state == "skipped"
    assert do("study.arm=first", "study.candidate=7", *study).state == "skipped"

    again = f"sqlite:///{tmp_path}/restored.db"
    networks = results.from_store(Store(uri), ["noise"])
    results_files.write(networks, tmp_path / "results")
    assert restore(tmp_path / "results", Store(again), "smoke") == 2

    for frame in (networks, results.from_store(Store(again), ["noise"])):
        assert len(frame) == 2
        rows = per_arm(frame)[["arm", "candidate", "seed"]].itertuples(index=False, name=None)
        assert set(rows) == {("first", 1, 900), ("first", 1, 901), ("second, of 0.5", 4, 900)}


def test_a_network_that_is_trained_again_keeps_its_arms(do: Do, uri: str) -> None:
    """If this failed, to train one arm anew would take the results of another away."""
    study = ("study.name=noise", "seeds=[0]")
    do("study.arm=first", *study)
    do("study.arm=second", *study)
    do("study.arm=first", *study, "rerun=true")
    (row,) = results.from_store(Store(uri), ["noise"]).to_dict("records")
    assert (row["arm"], row["also"]) == ("first", '[["second", 0]]')

    do("study.arm=third", *study, "rerun=true")
    (row,) = results.from_store(Store(uri), ["noise"]).to_dict("records")
    assert (row["arm"], row["also"]) == ("third", '[["first", 0], ["second", 0]]')


def test_a_candidate_that_diverged_belongs_to_each_arm_that_asks_for_it(do: Do, uri: str) -> None:
    """If this failed, an arm would seem to have fewer candidates than were tried."""
    study = ("study.name=noise", *CANDIDATE, "optimizer.lr=1e30")
    do("study.arm=first", *study)
    do("study.arm=second", *study)
    rows = per_arm(results.from_store(Store(uri), ["noise"]))
    assert rows["arm"].value_counts().to_dict() == {"first": 2, "second": 2}
    assert rows["failure"].notna().all()


def test_a_candidate_that_diverges_has_an_infinite_error(do: Do) -> None:
    """If this failed, a search would take a rate that is too large for an error of its own."""
    broken = ("model.activation=identity", "optimizer=sgd", "optimizer.lr=1e30")
    trained = do(*CANDIDATE, *broken)
    assert (trained.state, trained.validation) == ("done", [float("inf")] * 2)
    recorded = do(*CANDIDATE, *broken)
    assert (recorded.state, recorded.validation) == ("skipped", [float("inf")] * 2)
