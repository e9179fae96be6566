"""What a start finds in its folder before anything is trained; on real SQLite stores."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from dropout_study.config.schema import ConfigError
from dropout_study.running import supervision, sweep
from dropout_study.running.job import JOB_FILE, Job, condition_of
from dropout_study.running.sweep import LOCK, Start, _conditions, _subfolders
from dropout_study.tracking.record import Record
from support.paths import CONF
from support.processes import another_process
from support.records import example

Compose = Callable[..., DictConfig]
HOLD = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire()"


@pytest.fixture
def composed(uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compose]:
    """Compose conf/ with Hydra's own part, as its callbacks see it."""

    def compose(*overrides: str) -> DictConfig:
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        return hydra.compose_config("train", list(overrides), RunMode.MULTIRUN, from_shell=False)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # a start leaves it there
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)

    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield compose


def subfolders(composed: Compose, subdir: str, *axes: str) -> list[str]:
    config = composed(f"hydra.sweep.subdir='{subdir}'", *axes)
    return [folder.name for folder in _subfolders(config, Path("sweep"), _conditions(config))]


def test_each_condition_has_the_folder_that_hydra_gives_it(composed: Compose) -> None:
    """If this failed, a sweep would not find its jobs, or find those of another."""
    rates = "model.hidden_rate=0,0.5"
    folders = {
        "${hydra.job.num}": ["0", "1"],
        "rate${model.hidden_rate}": ["rate0.0", "rate0.5"],
        "${hydra:job.num}-${model.hidden_rate}": ["0-0.0", "1-0.5"],
        "${hydra.job.override_dirname}": ["model.hidden_rate=0", "model.hidden_rate=0.5"],
    }
    assert {subdir: subfolders(composed, subdir, rates) for subdir in folders} == folders


def test_a_start_composes_before_what_it_composes_is_kept(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a condition that is named twice would get one configuration, already in use."""
    loader = GlobalHydra.instance().config_loader()
    kept: list[bool] = []
    monkeypatch.setattr(supervision, "current", None)
    monkeypatch.setattr(
        sweep, "Start", lambda *_, **__: kept.append("load_sweep_config" in vars(loader))
    )
    sweep.Sweep().on_multirun_start(composed())
    assert kept == [False]
    assert "load_sweep_config" in vars(loader), "the jobs themselves are composed once"


@pytest.mark.parametrize(
    ("subdir", "said"),
    [
        (
            "rate${model.hidden_rate}",
            "hidden_rate=0 model.activation=relu and model.hidden_rate=0 model.activation=tanh",
        ),
        (".", "the sweep itself and model.hidden_rate=0 model.activation=relu would share"),
        ("${hydra.job.id}", "neither the id of a job nor the time"),
    ],
)
def test_folders_that_are_not_distinct_are_refused(
    composed: Compose,
    subdir: str,
    said: str,
) -> None:
    """If this failed, half of a sweep would be taken for the other half, and never be trained."""
    with pytest.raises(ConfigError, match=said) as refused:
        subfolders(composed, subdir, "model.hidden_rate=0,0.5", "model.activation=relu,tanh")
    assert "${hydra.job.num}" in str(refused.value)


def start(config: DictConfig, folder: Path) -> Start:
    return Start(config, folder, sweep=False)


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

    start(composed(), folder).close()


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

        start(config, tmp_path).close()
        assert Job.load(tmp_path) == job

    start(other, tmp_path).close()
    assert not (tmp_path / JOB_FILE).exists()


def test_results_that_no_store_has_are_not_replaced(composed: Compose, tmp_path: Path) -> None:
    """If this failed, what was trained while a store was away would be lost with its folder."""
    folder = tmp_path / "run"
    folder.mkdir()
    saved = example()
    saved.store = "http://127.0.0.1:9"
    saved.end("KILLED", "interrupted")
    saved.save(folder)
    start(composed(), folder).close()

    saved.end("FINISHED")
    saved.save(folder)

    said = f"python scripts/sync.py folder={folder} tracking.uri=http://127.0.0.1:9"
    with pytest.raises(ConfigError, match=f"holds results that {saved.store} lacks.*{said}"):
        start(composed(), folder)

    assert Record.load(folder).id == saved.id


def test_a_start_leaves_what_lies_below_its_folder(composed: Compose, tmp_path: Path) -> None:
    """If this failed, `hydra.run.dir=.` would delete the job files of all runs below."""
    below = tmp_path / "outputs" / "0"
    below.mkdir(parents=True)
    Job("earlier", "interrupted").save(below)
    Job("own", "done").save(tmp_path)
    assert [job.reason for job in start(composed(), tmp_path).close()] == ["it was never begun"]
    assert not (tmp_path / JOB_FILE).exists()
    earlier = Job.load(below)
    assert earlier is not None
    assert earlier.state == "interrupted"
