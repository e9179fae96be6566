"""Stopping a sweep and running it again."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import Job, JobState, stop_reason
from dropout_study.running.steer import command_to_retry, stop
from dropout_study.tracking.record import Record, RunStatus
from support.processes import another_process
from support.sweeps import TYPED, save_sweep

STORE = "MLFLOW_TRACKING_URI"


@pytest.fixture(scope="module")
def alive() -> Iterator[dict[str, str]]:
    """A process of this machine that is at work."""
    with another_process() as (_, name):
        yield name


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No store in the environment."""
    monkeypatch.setenv(STORE, "")


def ended(folder: Path, jobs: dict[str, Job | None], command: str = TYPED) -> Record:
    """A sweep that was stopped."""
    record = save_sweep(folder, {}, jobs, command=command)
    record.end(RunStatus.KILLED, "it was asked to stop")
    record.save(folder)
    return record


def test_a_running_sweep_is_asked_once_and_says_what_its_jobs_do(
    tmp_path: Path, alive: dict[str, str]
) -> None:
    """If this failed, a user would not know whether to wait, or ask in vain."""
    jobs = {
        "0": Job("a", share=0.4, process=alive),
        "1": Job("b", share=1.0, process=alive),
        "2": Job("c", JobState.DONE, process=alive),
        "3": None,
    }
    save_sweep(tmp_path / "sweep", alive, jobs)
    said = stop(str(tmp_path / "sweep"))
    assert said == [
        "1 running: writes a checkpoint and ends",
        "1 being evaluated: ends once it is recorded",
        "1 waiting or not begun: does not begin",
    ]
    assert stop_reason(tmp_path / "sweep") == "it was asked to stop"
    assert stop(str(tmp_path / "sweep")) == ["It was asked to stop before.", *said]


def test_a_folder_in_which_no_sweep_runs_is_refused(tmp_path: Path) -> None:
    """If this failed, `stop` would seem to work, and the next start there would stop at once."""
    folder = tmp_path / "sweep"
    ended(folder, {"0": None})

    with pytest.raises(ConfigError, match=rf"^folder={folder} .* does not run \(stopped\)"):
        stop(str(folder))

    assert stop_reason(folder) == ""

    with pytest.raises(ConfigError, match=r"there is no sweep"):
        stop(str(tmp_path))


@pytest.mark.usefixtures("no_store")
def test_a_sweep_is_run_again_as_it_was_typed_in_its_own_folder(tmp_path: Path) -> None:
    """If this failed, a retry would train other conditions, or into another folder or store."""
    folder = tmp_path / "my sweep"
    record = ended(folder, {"0": Job("a", JobState.FAILED), "1": None})
    place = f"hydra.sweep.dir='{folder}'"
    axis = "model.hidden_rate=0,0.5"
    program = ["-m", "dropout_study.commands", "train"]

    again = command_to_retry(str(folder), failed=False)
    assert again.words == [*program, "-m", axis, place], "there is no script in that folder"
    assert again.place == tmp_path
    assert again.variables == {STORE: record.store}

    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").touch()
    again = command_to_retry(str(folder), failed=True)
    assert again.words == ["scripts/train.py", "-m", axis, place, "only_failed=true"]

    ended(folder, {"0": Job("a", JobState.FAILED)}, shlex.join(["python", *again.words]))
    once_more = command_to_retry(str(folder), failed=False)
    assert once_more.words == ["scripts/train.py", "-m", axis, place]


@pytest.mark.usefixtures("no_store")
def test_a_sweep_that_needs_no_retry_or_allows_none_says_so(
    tmp_path: Path, alive: dict[str, str]
) -> None:
    """If this failed, a retry would do nothing for minutes, or disturb a sweep that runs."""
    folder = tmp_path / "sweep"
    done = Job("a", JobState.DONE)
    cases: list[tuple[dict[str, Job | None], bool, str]] = [
        ({"0": done}, False, r"nothing is left to do there \(1 done\)"),
        ({"0": done, "1": None}, True, r"nothing has failed there \(1 not begun, 1 done\)"),
    ]

    for jobs, failed, said in cases:
        ended(folder, jobs)
        with pytest.raises(ConfigError, match=said):
            command_to_retry(str(folder), failed)

    ended(folder, {"0": done, "1": None}, f"{TYPED} rerun=true")
    with pytest.raises(ConfigError, match=r"holds rerun=true, which would train again what"):
        command_to_retry(str(folder), failed=False)

    save_sweep(folder, alive, {"0": None})
    with pytest.raises(ConfigError, match=r"its sweep is running; wait until it has ended, or"):
        command_to_retry(str(folder), failed=False)


@pytest.mark.usefixtures("no_store")
def test_asterisks_of_a_note_are_no_password(tmp_path: Path) -> None:
    """If this failed, a sweep with an emphasized note could not be run again."""
    folder = tmp_path / "sweep"
    ended(folder, {"0": None}, f"{TYPED} 'note=***urgent***'")
    assert "note=***urgent***" in command_to_retry(str(folder), failed=False).words


def test_a_password_that_was_not_recorded_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a retry would knock at the store with asterisks, or name another one."""
    folder = tmp_path / "sweep"
    jobs = {"0": None}
    store = "postgresql+psycopg://ada:***@there/runs"
    ended(folder, jobs, f"{TYPED} tracking.uri={store}")

    with pytest.raises(ConfigError, match=r"holds a password.*\n  python -m .*tracking.uri="):
        command_to_retry(str(folder), failed=False)

    record = ended(folder, jobs)
    record.store = store
    record.save(folder)
    monkeypatch.setenv(STORE, "")

    with pytest.raises(ConfigError, match=r"^MLFLOW_TRACKING_URI is missing: set it to postgres"):
        command_to_retry(str(folder), failed=False)

    monkeypatch.setenv(STORE, store.replace("***", "s3cret"))
    assert command_to_retry(str(folder), failed=False).variables == {}
