"""MLflow's pages of a store, started by `scripts/ui.py`."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dropout_study.config.schema import ConfigError, Tracking, Ui
from dropout_study.running.ui import show
from dropout_study.tracking import recorder
from dropout_study.tracking.record import RunStatus
from dropout_study.tracking.store import Store
from support.paths import ROOT
from support.records import example, save
from support.scripts import Script


@pytest.fixture
def store(uri: str, tmp_path: Path) -> Store:
    """A store with one cohort."""
    cohort = example()
    cohort.end(RunStatus.FINISHED)
    there = Store(uri)
    recorder.record(save(cohort, tmp_path / "job"), there)

    return there


@contextmanager
def ui(folder: Path, *typed: str) -> Iterator["subprocess.Popen[str]"]:
    """The script in the background, without a display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MLFLOW_TRACKING_URI")
    variables = {key: text for key, text in os.environ.items() if key not in hidden}
    command = [sys.executable, str(ROOT / "scripts" / "ui.py"), *typed]
    streams = {"text": True, "stdout": subprocess.PIPE}

    with subprocess.Popen(command, cwd=folder, env=variables, **streams) as process:
        try:
            yield process
        finally:
            process.terminate()  # and it its server


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("signals")
def test_the_pages_open_on_the_training_runs_and_nothing_is_left_in_the_end(
    store: Store, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """If this failed, a user would see traces of language models, or a server for ever."""
    with ui(tmp_path, "port=0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("MLflow: ").strip()
        place, _, page = address.partition("#")
        experiment = store.experiment("capacity")
        assert page.startswith(f"/experiments/{experiment}/runs?workflowType=machine_learning")
        assert "<title>MLflow</title>" in urllib.request.urlopen(place).read().decode()

        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        assert process.wait(60) == code

    assert not any(child.is_running() for child in children)


def test_a_port_that_is_taken_and_a_store_that_is_missing_are_a_sentence(
    store: Store, tmp_path: Path
) -> None:
    """If this failed, the answer would be a traceback of MLflow, or the pages of another store."""
    tracking = Tracking(uri=store.uri)

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^port={port} cannot be used: .* port=0 takes"):
            show(Ui(port=port, tracking=tracking))

    with pytest.raises(ConfigError, match=r"^page=robustness cannot be shown: .* no runs of it"):
        show(Ui(page="robustness", tracking=tracking))

    missing = tmp_path / "elsewhere.db"
    with pytest.raises(ConfigError, match=r"there is no store yet; python scripts/train\.py -m"):
        show(Ui(tracking=Tracking(uri=f"sqlite:///{missing}")))

    assert not missing.exists()


@pytest.mark.usefixtures("store")
@pytest.mark.timeout(600)
def test_where_a_server_holds_the_store_its_page_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a second server would be started beside the first."""
    with ui(tmp_path, "port=0") as process:
        assert process.stdout is not None
        place = process.stdout.readline().removeprefix("MLflow: ").partition("/#")[0]
        show(Ui(open=False, tracking=Tracking(uri=place)))
        assert capsys.readouterr().out.startswith(f"MLflow: {place}/#/experiments/")
        process.terminate()
        process.wait(60)


def test_the_command_that_a_sweep_prints_is_composed(tmp_path: Path) -> None:
    """If this failed, the command below the table of a sweep would end in an error of Hydra."""
    *_, typed = Store(f"sqlite:///{tmp_path}/mlflow.db").link("capacity", "1").partition("ui.py ")
    done = Script("ui.py", tmp_path)(*shlex.split(typed), "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "page: capacity" in done.stdout
