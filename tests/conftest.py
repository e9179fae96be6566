"""Shared parts of the tests: configurations, tiny image sets, the script in a folder of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several tests run at once

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.config import read, resolvers, schema
from support.composing import composed_run
from support.scripts import Script
from support.signals import heeded
from support.unsynced import write_without_waiting

resolvers.register()
write_without_waiting()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give time to tests of the runs of all studies: the first of them, whichever it is, waits
    until these are trained, minutes beside other work.
    """
    for item in items:
        if "smoke_folder" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture
def make_config() -> Callable[..., schema.Config]:
    """Compose conf/ with overrides, as the script does, and check it."""

    def make(*overrides: str) -> schema.Config:
        return read.read_config(composed_run(overrides))

    return make


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


@pytest.fixture
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's variables for a name and password, unset now and as they were afterwards."""
    for variable in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


@pytest.fixture
def signals() -> Iterator[None]:
    """Signals of a terminal reach the test and what it starts, wherever pytest was started."""
    with heeded():
        yield


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
def smoke_folder(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Path:
    """A folder with a store of small runs of all studies and the report on them; mark its tests
    with `SMOKE`.
    """
    from dropout_study.report.publish import report
    from support import smoke

    folder = tmp_path_factory.mktemp("smoke")
    shutil.copy(tables, folder / "mlflow.db")
    store = smoke.build(folder)
    report(
        schema.Report(
            output=str(folder / "report"), tracking=schema.Tracking(uri=store), data_root="nowhere"
        )
    )

    return folder


@pytest.fixture(scope="session")
def smoke_store(smoke_folder: Path) -> str:
    """The address of that store."""
    return f"sqlite:///{smoke_folder}/mlflow.db"
