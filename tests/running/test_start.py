"""What a start finds in its folder before anything is trained; on real SQLite stores."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig, open_dict

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import JOB_FILE, RETRY_FILE, Job, JobState, condition_of
from dropout_study.running.packs import Assignment
from dropout_study.running.start import LOCK, Start
from dropout_study.tracking.record import Record, RunStatus
from support.processes import another_process
from support.records import example

Compose = Callable[..., DictConfig]
HOLD = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire()"


def start(config: DictConfig, folder: Path) -> list[Job]:
    """Open and close a start of a single run; the jobs that it leaves unfinished."""
    with Start(config, folder, sweep=False) as opened:
        pass

    return opened.unfinished


def test_a_folder_in_use_is_refused(composed: Compose, tmp_path: Path) -> None:
    """If this failed, two starts would take each other's results for their own."""
    folder = tmp_path / "run"
    folder.mkdir()

    with another_process(HOLD, str(folder / LOCK)) as (other, name):
        said = f"^hydra.run.dir={folder} cannot be used: another start is at work"
        with pytest.raises(ConfigError, match=said):
            start(composed(), folder)

        saved = example()
        saved.tags |= name
        saved.save(folder)

        with pytest.raises(ConfigError, match=f"process {other.pid} of .* is at work"):
            start(composed(), folder)

        Job("job", process=name).save(folder)

        with pytest.raises(ConfigError, match=f"process {other.pid} of .* is at work"):
            start(composed(), folder)

    start(composed(), folder)


def test_a_job_that_outlived_its_start_is_waited_for_by_its_own_command_alone(
    composed: Compose, tmp_path: Path
) -> None:
    """If this failed, what SLURM still trains would be trained again, or pass for another job."""
    config = composed("seeds=[0]")
    other = composed("seeds=[1]")
    plain = copy.deepcopy(config)
    with open_dict(plain):
        del plain["hydra"]

    with another_process() as (process, name):
        job = Job("job", process=name, condition=condition_of(plain, ""))
        job.save(tmp_path)

        with pytest.raises(ConfigError, match=f"process {process.pid} of .* is at work"):
            start(other, tmp_path)

        start(config, tmp_path)
        assert Job.load(tmp_path) == job

    start(other, tmp_path)
    assert not (tmp_path / JOB_FILE).exists()


def test_a_further_pass_launches_the_packs_with_jobs_that_are_left(
    composed: Compose, tmp_path: Path
) -> None:
    """If this failed, a cluster would start hundreds of tasks to retry one job, or forget it."""
    states = [JobState.DONE, JobState.DIED, JobState.DIED, JobState.INTERRUPTED, None]
    sweep = Start(composed(), tmp_path, sweep=True)

    for number, state in enumerate(states):
        folders = [tmp_path / f"{number}", tmp_path / f"{number} skipped"]
        sweep.folders += folders
        sweep.packs.append([Assignment(composed(), folder, "job") for folder in folders])

        for folder, its_state in zip(folders, (state, JobState.SKIPPED), strict=True):
            folder.mkdir()
            if its_state:
                Job("job", its_state).save(folder)

    assert sweep.packs_to_launch() == [3, 4]
    assert sweep.retry_a_dead_job()
    assert (tmp_path / RETRY_FILE).read_text() == str(tmp_path / "1")
    assert sweep.packs_to_launch() == [1, 3, 4]


def test_results_that_no_store_has_are_not_replaced(composed: Compose, tmp_path: Path) -> None:
    """If this failed, what was trained while a store was away would be lost with its folder."""
    folder = tmp_path / "run"
    folder.mkdir()
    saved = example()
    saved.store = "http://127.0.0.1:9"
    saved.end(RunStatus.KILLED, "interrupted")
    saved.save(folder)
    start(composed(), folder)

    saved.end(RunStatus.FINISHED)
    saved.save(folder)

    said = f"python scripts/sync.py folder={folder} tracking.uri=http://127.0.0.1:9"
    with pytest.raises(ConfigError, match=f"holds results that {saved.store} lacks.*{said}"):
        start(composed(), folder)

    assert Record.load(folder).id == saved.id


def test_a_start_leaves_what_lies_below_its_folder(composed: Compose, tmp_path: Path) -> None:
    """If this failed, `hydra.run.dir=.` would delete the job files of all runs below."""
    below = tmp_path / "outputs" / "0"
    below.mkdir(parents=True)
    Job("earlier", JobState.INTERRUPTED).save(below)
    Job("own", JobState.DONE).save(tmp_path)
    assert [job.reason for job in start(composed(), tmp_path)] == ["it was never begun"]
    assert not (tmp_path / JOB_FILE).exists()
    earlier = Job.load(below)
    assert earlier is not None
    assert earlier.state == JobState.INTERRUPTED
