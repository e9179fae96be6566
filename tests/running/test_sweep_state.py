"""How a sweep stands, as its folder says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import Job, JobState, ask_to_stop
from dropout_study.running.sweep_state import (
    STATES,
    SweepState,
    count_states,
    load_sweep,
    load_sweeps,
)
from dropout_study.running.sweep_state_tables import (
    hosts_in_words,
    sweep_in_words,
    table_of_jobs,
    table_of_sweeps,
)
from dropout_study.system.processes import now_ms
from dropout_study.tracking.record import RunStatus
from support.processes import another_process
from support.sweeps import save_sweep

ELSEWHERE = {"host": "node7", "host.id": "another", "pid": "1", "pid.created": "0"}


@pytest.fixture(scope="module")
def alive() -> Iterator[dict[str, str]]:
    """A process of this machine that is at work."""
    with another_process() as (_, name):
        yield name


@pytest.fixture(scope="module")
def dead() -> dict[str, str]:
    """A process of this machine that has gone."""
    with another_process() as (_, name):
        return name


def begun(name: str, process: dict[str, str], share: float, **others: object) -> Job:
    """A job that began 40 s ago."""
    return Job(name, share=share, process=process, started_ms=now_ms() - 40_000, **others)


def printed(table: object) -> str:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table)
    return shown.get()


def test_a_sweep_is_counted_by_the_states_of_its_jobs(
    tmp_path: Path, alive: dict[str, str]
) -> None:
    """If this failed, a user would wait for what has failed, or stop what is nearly done."""
    jobs = {
        "0": Job("a", JobState.DONE, process=alive),
        "1": begun("b", alive, 0.4),
        "2": Job("c", JobState.FAILED, "out of memory", process=alive),
        "3": Job("d", JobState.SKIPPED, "recorded", process=alive),
        "4": None,
    }
    save_sweep(tmp_path / "sweep", alive, jobs)
    sweep = SweepState.load(tmp_path / "sweep")
    assert {*JobState} <= {*STATES}, "a state without a place in the order ends in a traceback"
    assert sweep.state == "running"
    assert count_states(sweep.lines) == "1 running, 1 failed, 1 not begun, 1 done, 1 skipped"
    assert [line.name for line in sweep.lines] == ["b", "c", "overrides of 4", "a", "d"]
    running, failed, *_ = sweep.lines
    assert running.left == pytest.approx(60, abs=2), "40 s took 40 % of it"
    assert failed.reason == "out of memory"
    # 1.4 jobs took 100 s; 0.6 of one and one more are left.
    assert sweep.left == pytest.approx(100 * 1.6 / 1.4, abs=3)


def test_jobs_whose_process_has_gone_have_died(tmp_path: Path, dead: dict[str, str]) -> None:
    """If this failed, a sweep that was killed would be shown as running for ever."""
    save_sweep(tmp_path / "sweep", dead, {"0": begun("a", dead, 0.4), "1": None})
    sweep = SweepState.load(tmp_path / "sweep")
    assert (sweep.is_running, sweep.state, sweep.left) == (False, "died", None)
    assert [(line.state, line.reason) for line in sweep.lines] == [
        ("died", "its process has gone"),
        ("not begun", ""),
    ]


def test_a_sweep_runs_as_long_as_one_of_its_jobs_does(tmp_path: Path, dead: dict[str, str]) -> None:
    """If this failed, what a cluster still trains could be neither seen nor stopped."""
    save_sweep(tmp_path / "sweep", dead, {"0": begun("a", ELSEWHERE, 0.4)})
    sweep = SweepState.load(tmp_path / "sweep")
    assert sweep.state == "running, but its process has gone"
    assert sweep.lines[0].state == "running"
    ask_to_stop(sweep.folder, "enough")
    assert sweep.state.endswith("asked to stop")


def test_no_time_is_promised_without_a_pace(tmp_path: Path, alive: dict[str, str]) -> None:
    """If this failed, a job that resumes, or is being evaluated, would have a made-up end."""
    jobs = {
        "0": begun("just resumed", alive, 0.9, resumed_at=0.9),
        "1": begun("trained", alive, 1.0, resumed_at=1.0),
        "2": Job("skipped", JobState.SKIPPED, process=alive),
    }
    save_sweep(tmp_path / "sweep", alive, jobs)
    sweep = SweepState.load(tmp_path / "sweep")
    assert sweep.left is None
    assert [line.left for line in sweep.lines] == [None, None, None]
    assert sweep.lines[1].reason == "is being evaluated"
    assert "time left: unknown" in sweep_in_words(sweep)


def test_a_stored_cohort_that_is_evaluated_has_a_pace(
    tmp_path: Path, alive: dict[str, str]
) -> None:
    """If this failed, studies that train nothing would be at 0 % until they end."""
    job = begun("stored", alive, 1.0, evaluation=1.0, evaluated=0.8)
    save_sweep(tmp_path / "sweep", alive, {"0": job})
    (line,) = SweepState.load(tmp_path / "sweep").lines
    assert (line.share, line.reason) == (0.8, "is being evaluated")
    assert line.left == pytest.approx(10, abs=1), "40 s took 80 % of it"


def test_jobs_of_several_machines_are_counted_for_each(
    tmp_path: Path, alive: dict[str, str]
) -> None:
    """If this failed, a node that does nothing would not be noticed."""
    jobs = {
        "0": begun("a", ELSEWHERE, 0.4),
        "1": begun("b", alive, 0.4),
        "2": Job("c", JobState.DONE, process=ELSEWHERE),
        "3": None,
    }
    save_sweep(tmp_path / "sweep", alive, jobs)
    sweep = SweepState.load(tmp_path / "sweep")
    counts = {f"{alive['host']}: 1 running", "node7: 1 running, 1 done"}
    assert set(hosts_in_words(sweep)) == counts
    shown = printed(table_of_jobs(sweep))
    rows = [line.split("│")[1].strip() for line in shown.splitlines() if "│" in line]
    assert sorted(rows[:2]) in (["a", "c"], ["b", "overrides of 3"], ["a", "b"])
    assert rows[-1] == "overrides of 3", "what has no machine comes last"


def test_running_sweeps_come_before_those_that_ended_last(
    tmp_path: Path, alive: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, the sweep that one looks for would be the last of a long list."""
    monkeypatch.chdir(tmp_path)

    for name, seconds in (("early", 300), ("late", 200)):
        record = save_sweep(tmp_path / "outputs" / "a" / name, alive, {"0": None}, seconds)
        record.end(RunStatus.FAILED, "1 of 1 jobs did not finish")
        record.ended_ms = record.started_ms + 1000
        record.save(tmp_path / "outputs" / "a" / name)

    save_sweep(tmp_path / "outputs" / "b" / "running", alive, {"0": None}, 400)
    sweeps = load_sweeps(tmp_path / "outputs")
    assert [sweep.folder.name for sweep in sweeps] == ["running", "late", "early"]
    shown = printed(table_of_sweeps(sweeps))
    assert "outputs/b/running" in shown
    assert "failed" in shown

    with pytest.raises(ConfigError, match=r"folder=nix .* the running ones are outputs/b/running"):
        load_sweep("nix")
