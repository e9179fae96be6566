"""A start of a sweep with limits, notes and tags; on a real SQLite store."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import Run
from omegaconf import DictConfig

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import Job, JobState, stop_reason
from dropout_study.running.reproduce import TimeLimit
from dropout_study.running.start import Start
from dropout_study.running.sweep_file import SweepFile
from dropout_study.tracking.record import Record

Compose = Callable[..., DictConfig]
AXES = ("model.hidden_rate=0,0.1,0.2,0.3", "model.widths=[4],[5],[6]", "budget=smoke")


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start shares the cores among its jobs."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def opened(composed: Compose, folder: Path, *typed: str) -> Start:
    """A sweep that was opened, and closed without a job having begun."""
    config = composed(*AXES, f"hydra.sweep.dir='{folder}'", *typed)

    with Start(config, folder, sweep=True, command="typed") as start:
        pass

    return start


def test_a_sample_is_a_part_of_the_grid_with_the_numbers_of_the_grid(
    composed: Compose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a larger sample in the same folder would mix up its jobs."""
    small = opened(composed, tmp_path / "a", "sample=3")
    large = opened(composed, tmp_path / "a", "sample=6")
    names = [folder.name for folder in small.folders]
    assert len(names) == 3
    assert set(names) < {folder.name for folder in large.folders}
    assert set(map(int, names)) <= set(range(12))
    assert Record.load(tmp_path / "a").name == "sweep of 6 of 12 conditions"
    file = SweepFile.load(tmp_path / "a")
    assert list(file.jobs) == file.wanted == [folder.name for folder in large.folders]
    place = file.wanted[0]
    rate, width = divmod(int(place), 3)
    condition = f"model.hidden_rate={[0, 0.1, 0.2, 0.3][rate]} model.widths=[{width + 4}]"
    assert file.jobs[place] == condition
    opened(composed, tmp_path / "b", "sample=3", "dry_run=true")
    assert "A sample: 3 of 12 conditions, seed 0." in capsys.readouterr().out


def test_only_what_failed_is_carried_out_again(composed: Compose, tmp_path: Path) -> None:
    """If this failed, `retry failed=true` would also begin what a user has stopped."""
    with pytest.raises(ConfigError, match=r"^only_failed=true .* no job of this sweep has failed"):
        opened(composed, tmp_path, "only_failed=true")

    for number, state in (("3", JobState.FAILED), ("5", JobState.STOPPED), ("7", JobState.DONE)):
        (tmp_path / number).mkdir()
        Job(number, state).save(tmp_path / number)

    start = opened(composed, tmp_path, "only_failed=true")
    assert [folder.name for folder in start.folders] == ["3"]
    file = SweepFile.load(tmp_path)
    assert (len(file.jobs), file.wanted) == (12, ["3"])
    kept = Job.load(tmp_path / "7")
    assert kept is not None, "status still counts it"


def test_after_its_hours_a_sweep_is_stopped(composed: Compose, tmp_path: Path) -> None:
    """If this failed, a sweep that was to end with the night would run into the day."""
    config = composed(*AXES, f"hydra.sweep.dir='{tmp_path}'", "max_hours=0.00001")

    with Start(config, tmp_path, sweep=True):
        for _ in range(100):
            if stop_reason(tmp_path):
                break
            time.sleep(0.05)

    assert stop_reason(tmp_path) == "max_hours=1e-05 is over"
    assert Record.load(tmp_path).reason == "max_hours=1e-05 is over"


def test_note_and_tags_are_those_of_the_sweep(
    composed: Compose, tmp_path: Path, runs: Callable[[], list[Run]]
) -> None:
    """If this failed, what a user noted would not be found in MLflow."""
    opened(composed, tmp_path / "a", "note='wide nets, again'", "+tags={team: vision}")
    (sweep,) = runs()
    assert sweep.data.tags["note"] == "wide nets, again"
    assert sweep.data.tags["team"] == "vision"

    with pytest.raises(ConfigError, match=r"^tags=\{complete: \.\.\.\} cannot be used"):
        opened(composed, tmp_path / "a", "+tags={complete: true}")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sample=0", "sample=0 cannot be used: sample must be at least 1"),
        ("max_hours=0", "max_hours=0.0 cannot be used: max_hours must be above 0"),
        ("sample=2,3", "sample cannot be swept: it has one value"),
        ("confirm_above=11", "This sweep has 12 conditions, more than confirm_above=11 allows"),
    ],
)
def test_limits_that_cannot_be_used_are_refused_before_anything_is_written(
    composed: Compose, tmp_path: Path, typed: str, said: str
) -> None:
    """If this failed, each job would report the mistake, or a limit would silently do nothing."""
    with pytest.raises(ConfigError, match=said):
        opened(composed, tmp_path / "sweep", typed)

    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize("typed", ["sample=2", "max_hours=1", "confirm_above=5", "sample_seed=1"])
def test_limits_of_a_sweep_are_refused_for_a_single_run(
    composed: Compose, tmp_path: Path, typed: str
) -> None:
    """If this failed, a limit would silently do nothing."""
    with (
        pytest.raises(ConfigError, match=r"cannot be used: it steers a sweep, which -m starts"),
        Start(composed(typed), tmp_path, sweep=False),
    ):
        pass


def test_studies_have_the_time_that_is_left() -> None:
    """If this failed, the second study of a night would get the whole night once more."""
    assert (TimeLimit(None).arguments, TimeLimit(None).is_over) == ([], False)
    limit = TimeLimit(2)
    (argument,) = limit.arguments
    assert 1.99 < float(argument.removeprefix("max_hours=")) <= 2
    assert not limit.is_over
    assert TimeLimit(0).is_over
