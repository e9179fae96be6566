"""Jobs that are carried out together, against each alone."""

import dataclasses
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from omegaconf import DictConfig

from dropout_study.analysis.arms import per_arm
from dropout_study.analysis.results import from_store
from dropout_study.config import read
from dropout_study.config.schema import Config
from dropout_study.running import carry_out as carrying
from dropout_study.running import packs, run
from dropout_study.running.carry_out import carry_out
from dropout_study.running.job import STOP_FILE, Job, JobState
from dropout_study.running.packs import Assignment, packs_of
from dropout_study.running.task import Task
from dropout_study.system.termination import Terminated
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store
from dropout_study.tracking.tags import COMMAND
from dropout_study.training import module
from support.composing import composed_run

SMALL = ("budget=smoke", "trainer=cpu", "mc.samples=20", "mc.per_image=[2]")
RATES = ("model.hidden_rate=0", "model.hidden_rate=0.2", "model.hidden_rate=0.5")


def composed(*overrides: str) -> DictConfig:
    widths = [] if any(text.startswith("model=") for text in overrides) else ["model.widths=[4]"]
    return composed_run([*SMALL, *widths, *overrides])


def assigned(*jobs: str) -> list[Assignment]:
    """Jobs, each of overrides that are separated by spaces."""
    return [
        Assignment(composed(*overrides.split()), Path(str(i)), overrides)
        for i, overrides in enumerate(jobs)
    ]


def names(found: Sequence[Sequence[Assignment]]) -> list[list[str]]:
    return [[job.name for job in pack] for pack in found]


@pytest.mark.parametrize(
    "other",
    [
        "model.hidden_rate=0",
        "model.input_rate=0.3",
        "seeds=[7,8,9]",
        "optimizer.lr=0.1",
        "optimizer.weight_decay=0.1",
        "data.train_size=50",
        "data.train_size=50 data.resample=bootstrap",
        "rules=[weight_scaling]",
        "probes=[units]",
        "tracking.cohort=true",
        "tracking.model=true",
        "tracking.system_metrics=true",
        "study.arm=a",
    ],
)
def test_what_a_member_may_have_of_its_own_is_packed(other: str) -> None:
    """If this failed, conditions that can be trained together would be trained one by one."""
    assert names(packs_of(assigned("seeds=[0]", other))) == [["seeds=[0]", other]]


@pytest.mark.parametrize(
    "other",
    [
        "model.widths=[5]",
        "model.activation=tanh",
        "model=softmax_regression",
        "data=mnist",
        "data.pool=2",
        "data.classes=[1,2]",
        "data.train_size=50 data.reserve=10",
        "data.batch_size=50",
        "optimizer=sgd",
        "schedule=constant",
        "schedule.warmup=0.2",
        "budget.updates=60",
        "budget.validations=6",
        "budget.weights=best",
        "trainer.precision=64-true",
        "study.name=other",
        "regularizer.l2=0.1",
        "regularizer.max_norm=[1]",
        "pack=false",
        "model=lenet data=mnist",
        "study.cohorts_from=reference",
        "seeds=[]",
    ],
)
def test_what_members_must_share_keeps_jobs_apart(other: str) -> None:
    """If this failed, a condition would be trained with the settings of another one."""
    assert names(packs_of(assigned("seeds=[0]", other))) == [["seeds=[0]"], [other]]


def test_generated_sets_of_different_sizes_are_kept_apart() -> None:
    """If this failed, a condition would be trained on the examples of another one: the generator
    makes other examples if it is asked for more.
    """
    jobs = assigned("data=mnist1d", "data=mnist1d data.train_size=50", "data=mnist1d seeds=[9]")
    assert names(packs_of(jobs)) == [[jobs[0].name, jobs[2].name], [jobs[1].name]]


def test_strengths_of_the_same_terms_are_packed() -> None:
    """If this failed, the candidates of a regularizer would be trained one by one."""
    jobs = assigned("regularizer.l2=0.1", "regularizer.l1=0.1", "regularizer.l2=0.3")
    assert names(packs_of(jobs)) == [
        ["regularizer.l2=0.1", "regularizer.l2=0.3"],
        ["regularizer.l1=0.1"],
    ]


@pytest.mark.parametrize(
    ("limit", "value"),
    [("networks", 10), ("operations", 2 * 888_000), ("bytes", 2 * 500_000)],
)
def test_a_pack_is_cut_before_it_is_too_large(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    """If this failed, a long sweep would need more memory than there is."""
    smaller = dataclasses.replace(packs.LARGEST["cpu"], **{limit: value})
    monkeypatch.setitem(packs.LARGEST, "cpu", smaller)
    jobs = assigned(*(f"optimizer.lr=0.00{i}" for i in range(1, 6)))
    assert [len(pack) for pack in packs_of(jobs)] == [2, 2, 1]


def test_a_gpu_takes_larger_packs() -> None:
    """If this failed, a GPU would train the wide networks of a grid one condition at a time."""
    wide = "model.widths=[1024,1024,2048] seeds=[0,1]"
    jobs = [f"{wide} optimizer.lr={lr}" for lr in (0.1, 0.2)]
    assert [len(pack) for pack in packs_of(assigned(*jobs))] == [1, 1]
    on_gpu = assigned(*(f"{job} trainer=gpu" for job in jobs))
    assert [len(pack) for pack in packs_of(on_gpu)] == [2]


def test_the_size_of_a_condition_is_that_of_its_networks() -> None:
    """If this failed, packs would be cut by a number that says nothing about work and memory."""
    config = read.read_config(composed("model.widths=[3,5]", "seeds=[0,1]", "data.batch_size=7"))
    weights = 64 * 3 + 3 * 5 + 5 * 10
    size = packs.size_of(config)
    assert (size.networks, size.operations) == (2, 6 * 7 * 2 * weights)
    assert size.bytes == 4 * 2 * (4 * weights + 3 * 7 * (64 + 3 + 5 + 10))


def test_every_worker_gets_a_pack_if_there_are_jobs_enough() -> None:
    """If this failed, a launcher of four processes would leave three of them idle."""
    jobs = assigned(*(f"optimizer.lr=0.00{i}" for i in range(1, 6)))
    assert [len(pack) for pack in packs_of(jobs, at_least=4)] == [1] * 5
    assert [len(pack) for pack in packs_of(jobs, at_least=2)] == [2, 2, 1]
    assert [len(pack) for pack in packs_of(jobs[:2], at_least=4)] == [1, 1]
    wide = assigned("model.widths=[400]", *(f"optimizer.lr=0.00{i}" for i in range(1, 6)))
    assert [len(pack) for pack in packs_of(wide, at_least=2)] == [1, 5]


def test_the_share_of_a_worker_counts_all_updates() -> None:
    """If this failed, one worker would train all long jobs while the others have nothing to do."""
    rates = ("optimizer.lr=0.001", "optimizer.lr=0.002")
    long = [f"{rate} budget.updates=1000" for rate in rates]
    short = [f"{rate} budget.updates=10 seeds=[0,1,2,3,4,5]" for rate in rates]
    jobs = assigned(*long, *short)
    assert [len(pack) for pack in packs_of(jobs, at_least=2)] == [1, 1, 2]


def test_jobs_of_equal_settings_of_the_optimizer_are_neighbours() -> None:
    """If this failed, each network of a grid would cost a call of the optimizer of its own."""
    jobs = assigned("optimizer.lr=0.1", "optimizer.lr=0.2", "optimizer.lr=0.1 seeds=[9]")
    assert names(packs_of(jobs)) == [[jobs[0].name, jobs[2].name, jobs[1].name]]


@pytest.fixture
def together(tmp_path: Path, uri: str) -> Callable[..., list[Path]]:
    """Carry out jobs in folders of a name; return the folders."""

    def carry(name: str, *jobs: str, alone: bool = False, in_worker: bool = False) -> list[Path]:
        study = f"study.name={name}"
        Store(uri).prepare(name, "")
        sweep = tmp_path / name
        places = [f"tracking.uri={uri}", f"checkpoint.folder={tmp_path}/checkpoints", study]
        assignments = [
            Assignment(composed(*places, *job.split()), sweep / str(i), job)
            for i, job in enumerate(jobs)
        ]
        sweep.mkdir(exist_ok=True)

        for pack in [[job] for job in assignments] if alone else [assignments]:
            carry_out(pack, sweep, in_worker)

        return [assignment.folder for assignment in assignments]

    return carry


def state(folder: Path) -> tuple[JobState, int]:
    job = Job.load(folder)
    assert job is not None
    return job.state, job.together


@pytest.mark.usefixtures("uri")
def test_each_job_of_a_pack_is_recorded_as_if_alone(together: Callable[..., list[Path]]) -> None:
    """If this failed, a run would be another one, or another result, because of its neighbours."""
    jobs = [*RATES, "model.hidden_rate=0.2 optimizer.lr=0.01 seeds=[3,0]"]
    packed = together("packed", *jobs)
    alone = together("packed_not", *jobs, alone=True)

    for ours, theirs in zip(packed, alone, strict=True):
        assert (state(ours), state(theirs)) == (("done", 4), ("done", 1))
        record, expected = Record.load(ours), Record.load(theirs)
        assert record.name == expected.name
        assert record.params == expected.params
        command = record.tags.pop(COMMAND)
        assert command == expected.tags.pop(COMMAND).replace("packed_not", "packed")
        assert record.tags == expected.tags
        assert sorted(record.artifacts) == sorted(expected.artifacts)

        for mine, other in zip(record.seeds, expected.seeds, strict=True):
            assert (mine.seed, mine.data_digest) == (other.seed, other.data_digest)
            assert mine.metrics.keys() == other.metrics.keys()
            for key, value in other.metrics.items():
                assert mine.metrics[key] == pytest.approx(value, abs=1e-3), key
            assert {key: len(curve) for key, curve in mine.curves.items()} == {
                key: len(curve) for key, curve in other.curves.items()
            }


def test_what_is_recorded_is_skipped_and_the_rest_is_trained_together(
    together: Callable[..., list[Path]],
) -> None:
    """If this failed, a sweep that was begun would be trained again, whole."""
    together("study", RATES[1])
    folders = together("study", *RATES[:1], f"{RATES[1]} seeds=[0,1,2,3,4,5]", *RATES[2:])
    assert [state(folder) for folder in folders] == [("done", 3)] * 3
    assert Record.load(folders[1]).seeds[0].seed == 5, "the others were recorded"
    again = together("study", *RATES)
    assert [state(folder)[0] for folder in again] == ["done", "skipped", "done"]


def test_what_another_arm_has_trained_is_noted_in_a_pack(
    together: Callable[..., list[Path]], uri: str
) -> None:
    """If this failed, an arm whose settings were trained before would have no results."""
    together("study", f"study.arm=first {RATES[1]}")
    folders = together("study", *(f"study.arm=second {job}" for job in RATES))
    assert [state(folder)[0] for folder in folders] == ["done", "skipped", "done"]
    rows = per_arm(from_store(Store(uri), ["study"]))
    assert rows["arm"].value_counts().to_dict() == {"second": 15, "first": 5}


def test_a_job_that_fails_leaves_the_others_of_its_pack(
    together: Callable[..., list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, one bad condition would take the results of its pack with it."""
    evaluate = run.evaluate

    def broken(config: object, *rest: object) -> None:
        if config.model.hidden_rate == 0.2:
            raise RuntimeError("an evaluation that breaks")
        evaluate(config, *rest)

    monkeypatch.setattr(run, "evaluate", broken)
    diverging = "model.hidden_rate=0.1 optimizer.lr=1e30 seeds=[0,1]"
    unusable = "model.hidden_rate=0.1 rules=[exact_arithmetic] model.widths=[4]"
    folders = together("study", *RATES, diverging, unusable)
    jobs = [Job.load(folder) for folder in folders]
    assert [job.state for job in jobs] == ["done", "failed", "done", "failed", "done"]
    assert jobs[1].reason.startswith("RuntimeError: an evaluation that breaks")
    assert "is not a number at update 50" in jobs[3].reason
    statuses = [Record.load(folder).status for folder in folders[:4]]
    assert statuses == ["FINISHED", "FAILED", "FINISHED", "FAILED"]


def test_a_pack_that_is_interrupted_goes_on_from_its_checkpoint(
    together: Callable[..., list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, hours of a pack would be lost, or its networks differ after a pause."""
    long = (
        "budget.updates=1500 checkpoint.minutes=0.002 budget.validations=3 rules=[weight_scaling]"
    )
    jobs = [f"{rate} {long}" for rate in RATES]
    whole = together("whole", *jobs)
    stop = tmp_path / "cut" / STOP_FILE
    checkpoints = tmp_path / "checkpoints"

    def interrupt() -> None:
        for _ in range(6_000):
            if list(checkpoints.glob("cut*.ckpt")):
                break
            time.sleep(0.01)
        stop.touch()

    thread = threading.Thread(target=interrupt)
    thread.start()
    folders = together("cut", *jobs)
    thread.join()
    assert [state(folder)[0] for folder in folders] == ["stopped"] * 3
    stop.unlink()
    starts: list[Path | None] = []
    train = run.train

    def spy(*arguments: object) -> None:
        starts.append(arguments[-1])
        train(*arguments)

    monkeypatch.setattr(run, "train", spy)
    killed = [Record.load(folder) for folder in folders]
    for folder in folders:
        shutil.rmtree(folder)

    resumed = together("cut", *jobs)
    assert starts[0] is not None
    assert [(Record.load(folder).id, Record.load(folder).resumed) for folder in resumed] == [
        (record.id, 1) for record in killed
    ]
    assert list(checkpoints.iterdir()) == [], "what is complete needs no checkpoint"

    for ours, theirs in zip(resumed, whole, strict=True):
        assert state(ours)[0] == "done"
        for mine, other in zip(Record.load(ours).seeds, Record.load(theirs).seeds, strict=True):
            assert mine.metrics == other.metrics


def test_a_pack_that_is_interrupted_in_its_evaluation_is_not_trained_again(
    together: Callable[..., list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, hours of training would be lost to a time limit that ends an evaluation."""
    long = "checkpoint.minutes=0.0001 rules=[weight_scaling]"
    jobs = [
        f"{rate} {long} optimizer.lr={lr}" for rate, lr in zip(RATES, (0.1, 0.2, 0.1), strict=True)
    ]
    whole = together("whole", *jobs)
    evaluate = run.evaluate

    def interrupt(config: Config, *rest: object) -> None:
        if config.model.hidden_rate == 0.2:
            raise KeyboardInterrupt
        evaluate(config, *rest)

    monkeypatch.setattr(run, "evaluate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        together("cut", *jobs)

    states = [state(tmp_path / "cut" / number)[0] for number in "012"]
    assert sorted(states) == ["done", "done", "interrupted"] or states.count("interrupted") > 1
    monkeypatch.setattr(run, "evaluate", evaluate)
    begun: list[int] = []
    update = module.CohortTraining._update

    def spy(training: module.CohortTraining, *batch: object) -> None:
        begun.append(training.global_step)
        update(training, *batch)

    monkeypatch.setattr(module.CohortTraining, "_update", spy)
    before = [Record.load(tmp_path / "cut" / number) for number in "012"]
    resumed = together("cut", *jobs)
    after = [Record.load(folder) for folder in resumed]
    assert [record.id for record in after] == [record.id for record in before]
    assert [record.resumed for record in after] == [
        record.status != "FINISHED" for record in before
    ]
    assert [state(folder)[0] for folder in resumed] == ["done"] * 3
    assert begun == [] or min(begun) > 40
    assert list((tmp_path / "checkpoints").iterdir()) == []

    for ours, theirs in zip(resumed, whole, strict=True):
        for mine, other in zip(Record.load(ours).seeds, Record.load(theirs).seeds, strict=True):
            assert mine.metrics == other.metrics


def test_a_recorded_job_is_skipped_whatever_happens_to_its_pack(
    together: Callable[..., list[Path]], tmp_path: Path
) -> None:
    """If this failed, fail_fast would count what is recorded among the jobs that did not finish."""
    together("study", RATES[0])
    shutil.rmtree(tmp_path / "study")
    diverging = "model.hidden_rate=0.1 optimizer.lr=1e30 seeds=[0,1]"
    jobs = [f"{job} fail_fast=true" for job in (RATES[0], diverging, RATES[1])]
    folders = together("study", *jobs)
    assert state(folders[0])[0] == "skipped"
    assert "failed" in [state(folder)[0] for folder in folders[1:]]


def test_jobs_that_cannot_be_trained_together_are_trained_alone(
    together: Callable[..., list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a pack that needs more memory than there is would fail every job of it."""
    train = run.train

    def exhaust(training: module.CohortTraining, *rest: object) -> None:
        if len(training.cohort.seeds) > 5:
            raise MemoryError("the pack is too large")
        train(training, *rest)

    monkeypatch.setattr(run, "train", exhaust)
    folders = together("study", *RATES)
    assert [state(folder) for folder in folders] == [("done", 1)] * 3


def test_after_a_death_each_job_is_carried_out_alone(
    together: Callable[..., list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a pack that kills its process would kill it again and again, or a second
    death would be that of all of them.
    """
    monkeypatch.setattr(carrying, "deaths_so_far", lambda folder, *_: int(folder.name == "1"))
    begun: list[list[str]] = []
    cohort = carrying._train

    def spy(task: Task, *rest: object) -> Record:
        begun.append(sorted(file.parent.name for file in (tmp_path / "study").glob("*/job.json")))
        return cohort(task, *rest)

    monkeypatch.setattr(carrying, "_train", spy)
    folders = together("study", *RATES)
    assert [state(folder) for folder in folders] == [("done", 1)] * 3
    assert begun == [["0"], ["0", "1"], ["0", "1", "2"]], "each begins when its turn comes"


def test_a_process_that_is_asked_to_end_begins_no_further_job(
    together: Callable[..., list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, the jobs whose turn had not come would be taken for the cause of a death."""

    def end(*_: object) -> None:
        raise Terminated(143)

    monkeypatch.setattr(carrying, "deaths_so_far", lambda *_: 1)
    monkeypatch.setattr(carrying, "_train", end)
    folders = together("study", *RATES, in_worker=True)
    assert state(folders[0])[0] == "failed"
    assert [Job.load(folder) for folder in folders[1:]] == [None, None]


def test_the_password_of_a_store_is_in_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, whoever reads the folder of a sweep could read and delete the store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:s3cret@db/runs")
    packs.save(packs_of(assigned(*RATES)), tmp_path)
    (file,) = tmp_path.rglob(packs.FILE)
    assert b"s3cret" not in file.read_bytes()


def test_packs_are_read_as_they_were_written(tmp_path: Path) -> None:
    """If this failed, a worker would carry out other jobs than those of the sweep."""
    jobs = assigned(*RATES, "+unknown=1")
    packs.save([jobs[:2], jobs[2:]], tmp_path)
    read_again = packs.load(tmp_path / packs.FOLDER / "1")
    assert [(job.folder, job.name) for job in read_again] == [
        (job.folder, job.name) for job in jobs[2:]
    ]
    assert [job.composed for job in read_again] == [job.composed for job in jobs[2:]]
    assert read.read_config(read_again[0].composed) == read.read_config(jobs[2].composed)
