"""Shared parts of the tests: configurations, tiny image sets, the script in a folder of its own."""

import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several tests run at once

import pytest
import torch
from hydra import compose, initialize_config_dir
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study import config as schema
from dropout_study.images import Images, Split

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
SMOKE = pytest.mark.xdist_group("smoke")
"""One process builds the store of all studies and runs every test that reads it."""

schema.register()


@pytest.fixture
def make_config() -> Callable[..., schema.Config]:
    """Compose conf/ with overrides, as the script does, and check it."""

    def make(*overrides: str) -> schema.Config:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return schema.read(compose("train", list(overrides)))

    return make


def random_images(side: int, count: int = 200) -> Images:
    """Images of noise; each split has `count` examples with the classes in turn."""
    source = torch.Generator().manual_seed(side)

    def split() -> Split:
        pixels = torch.randint(256, (count, side * side), generator=source).to(torch.uint8)
        return Split(pixels, torch.arange(count) % 10, 1 / 255, torch.arange(count))

    return Images(split(), split(), split())


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs: MLflow takes seconds to create its tables."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def uri(tmp_path: Path, tables: Path) -> str:
    """The address of a store of the test's own, where the scripts look for it."""
    shutil.copy(tables, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


HEAVY = ["dropout_study.sweeps", "dropout_study.experiment", "dropout_study.reporting", "sklearn.datasets"]
HEAVY += ["mlflow.store.tracking.sqlalchemy_store", "alembic.command"]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(HEAVY)
"""Processes that begin with everything imported, which takes a fresh interpreter most of its time."""


class Script:
    """A script of the project in a folder; what it says goes into files there, or to the terminal that is named."""

    def __init__(self, name: str, folder: Path, terminal: str | None = None) -> None:
        self.file, self.folder = ROOT / "scripts" / name, folder
        self.stdout, self.stderr = folder / "stdout", Path(terminal or folder / "stderr")

    def start(self, *arguments: str, **variables: str) -> BaseProcess:
        """Begin to run it in a process where everything is imported."""
        typed, streams = [str(self.file), *arguments], [str(self.stdout), str(self.stderr)]
        process = FORKS.Process(target=_program, args=(typed, self.folder, _environment(variables), streams))
        process.start()
        return process

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it in such a process; what it said is in the answer alone."""
        process = self.start(*arguments, **variables)
        process.join()
        assert process.exitcode is not None
        texts = [file.read_text(encoding="utf-8") for file in (self.stdout, self.stderr)]
        for file in (self.stdout, self.stderr):
            file.unlink()
        return subprocess.CompletedProcess(arguments, process.exitcode, *texts)

    def alone(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it in an interpreter of its own."""
        command, environment = [sys.executable, str(self.file), *arguments], _environment(variables)
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a script finds in its environment; an empty variable is taken away."""
    hidden = ("MLFLOW_TRACKING_URI", "HYDRA_FULL_ERROR")
    shown = {key: value for key, value in os.environ.items() if key not in hidden}
    return {key: value for key, value in (shown | {"CUDA_VISIBLE_DEVICES": ""} | variables).items() if value}


def _program(typed: list[str], folder: Path, environment: dict[str, str], streams: list[str]) -> None:
    """What such a process does: become the program that was typed."""
    for descriptor, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = typed
    runpy.run_path(typed[0], run_name="__main__")


@pytest.fixture
def train(tmp_path: Path) -> Script:
    """Run scripts/train.py in an empty folder with a store of its own."""
    return Script("train.py", tmp_path)


@pytest.fixture
def evaluate(tmp_path: Path) -> Script:
    """Run scripts/evaluate.py in the same folder."""
    return Script("evaluate.py", tmp_path)


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], list[Run]]:
    """All runs in the store of the test's folder."""

    def read() -> list[Run]:
        client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(experiments, max_results=1_000))

    return read


@pytest.fixture(scope="session")
def smoke_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of small runs of all studies and the report on them; mark its tests with `SMOKE`."""
    import smoke

    from dropout_study.reporting import report

    folder = tmp_path_factory.mktemp("smoke")
    store = smoke.build(folder)
    report(schema.Report(output=str(folder / "report"), tracking=schema.Tracking(uri=store), data_root="nowhere"), CONF)
    return folder


@pytest.fixture
def smoke_store(smoke_folder: Path) -> str:
    """The address of that store."""
    return f"sqlite:///{smoke_folder}/mlflow.db"
