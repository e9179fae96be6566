"""Sweeps through `mlflow server` on PostgreSQL, started here on loopback: `pytest -m server`.

What can go wrong on the way does so: a worker is killed, the server goes away, addresses hold
passwords.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy
from hydra import compose, initialize_config_dir
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.config import resolvers
from dropout_study.config.schema import ConfigError
from dropout_study.running.carry_out import carry_out
from dropout_study.running.job import JOB_FILE, Job
from dropout_study.running.packs import Assignment
from dropout_study.tracking import recorder
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store
from support.background import free_port, started, wait_for
from support.jobs import jobs_below
from support.lock_checks import check_lock
from support.paths import CONF
from support.records import interruption, save, stages
from support.scripts import FORKS, Script
from support.stores import everything

pytestmark = pytest.mark.server
SECRET = "s3cret-Pa55"
SMALL = ("seeds=[0,1,2]", "budget=smoke", "rules=[weight_scaling]", "trainer=cpu")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a PostgreSQL in a temporary folder; Debian's `postgresql` provides the
    programs.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "these tests need PostgreSQL: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp())

    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user)

    (folder / "password").write_text(SECRET)
    (folder / "password").chmod(0o644)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs[-1] / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)

    run("initdb", "-U", "study", "-A", "scram-sha-256", f"--pwfile={folder}/password")
    port = free_port()
    run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", f"-p {port} -k {folder} -h 127.0.0.1", "start")

    try:
        yield f"postgresql+psycopg://study:{SECRET}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def empty(database: str) -> str:
    """The address of a database of the test's own, without tables."""
    name = f"empty{time.time_ns()}"
    engine = sqlalchemy.create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))

    engine.dispose()

    return database.replace("/postgres", f"/{name}")


class Server:
    """An MLflow server that can go away and come back under the same address."""

    def __init__(self, database: str, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database]
        self._command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
        self._command += ["--host", "127.0.0.1", "--port", str(self.port), *arguments]
        self._log = (folder / "server.log").open("w")

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdout=self._log, stderr=self._log, start_new_session=True
        )

        for _ in range(1_200):
            with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return
            time.sleep(0.1)

        raise TimeoutError("the server does not answer")

    def stop(self) -> None:
        """Go away at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Go away for good."""
        self.stop()
        self._log.close()

    def runs(self) -> list[Run]:
        """All runs."""
        client = MlflowClient(self.uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(experiments, max_results=1_000))


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Server]:
    server = Server(database, tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.close()


def training(folder: Path) -> list[Job]:
    """The jobs below a folder that are in the first half of their training."""
    return [job for job in jobs_below(folder) if job.state == "running" and 0 < job.share < 0.5]


def test_a_sweep_whose_worker_is_killed_and_that_is_started_again_is_whole(
    server: Server, tmp_path: Path
) -> None:
    """If this failed, a team that shares a server would lose conditions, or count them twice."""
    arguments = [
        "-m",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=4",
        f"tracking.uri={server.uri}",
        *SMALL,
    ]

    arguments += [
        "study.name=postgres",
        "model.widths=[4],[5],[6],[7]",
        "model.hidden_rate=0,0.2,0.5",
    ]
    arguments += ["budget.updates=6000"]  # far from their end when one is killed
    with started(tmp_path, *arguments) as sweep:
        wait_for(lambda: training(tmp_path), sweep)
        victim = training(tmp_path)[0].process["pid"]
        os.kill(int(victim), signal.SIGKILL)
        output, _ = sweep.communicate(timeout=280)

    assert sweep.returncode == 0, output
    assert "[12/12]" in output
    again = Script("train.py", tmp_path).alone(*arguments)  # joblib ends its workers by `atexit`
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("skipped, recorded at commit") == 12
    runs = [run for run in server.runs() if run.data.tags["role"] != "sweep"]
    complete = [run for run in runs if run.data.tags.get("complete") == "true"]
    cohorts = {
        run.data.tags["config_digest"] for run in complete if run.data.tags["role"] == "cohort"
    }
    seeds = {
        (run.data.tags["config_digest"], run.data.tags["seed"])
        for run in complete
        if "seed" in run.data.tags
    }
    assert (len(cohorts), len(seeds), len(complete)) == (12, 36, 48)
    assert not any("duplicate" in run.data.tags for run in runs)
    dead = [
        run for run in runs if "complete" not in run.data.tags and run.data.tags["role"] == "cohort"
    ]
    assert victim in {run.data.tags["pid"] for run in dead}
    assert {run.info.status for run in dead} == {"FAILED"}
    assert {run.data.tags["reason"] for run in dead} == {
        "its process died without a word: killed, or out of memory"
    }


def test_a_server_that_goes_away_in_the_middle_costs_nothing(
    server: Server, tmp_path: Path
) -> None:
    """If this failed, restarting a server would cost the results of what is being trained."""
    arguments = [f"tracking.uri={server.uri}", "study.name=away", *SMALL, "budget.updates=3000"]
    with started(tmp_path, *arguments, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1") as run:
        wait_for(lambda: training(tmp_path), run)
        server.stop()
        output, _ = run.communicate(timeout=200)

    assert run.returncode == 0, output
    assert "they are kept" in output.lower()
    folder = next(tmp_path.rglob(JOB_FILE)).parent
    assert Record.load(folder).status == "FINISHED"
    sync = Script("sync.py", tmp_path)
    away = sync(f"tracking.uri={server.uri}", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    assert away.returncode == 1
    assert "0 recorded, 1 left" in away.stdout
    server.start()

    for expected in ("1 recorded, 0 left", "0 recorded, 0 left"):
        done = sync(f"tracking.uri={server.uri}")
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout

    runs = [run for run in server.runs() if run.data.params.get("budget.updates") == "3000"]
    assert len(runs) == 4
    assert {(run.info.status, run.data.tags["complete"]) for run in runs} == {("FINISHED", "true")}


def start(uri: str, folder: Path, ready: Barrier) -> None:
    """Make a store ready, wait until all others have, and carry out a job."""
    resolvers.register()
    Store(uri).prepare("together", "")
    ready.wait(200)
    places = [f"tracking.uri={uri}", f"checkpoint.folder={folder}", "study.name=together"]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", [*SMALL, *places, "model.widths=[4]"])

    carry_out([Assignment(composed, folder, "job")], folder)


def test_starts_at_the_same_moment_on_an_empty_database_train_each_condition_once(
    empty: str, tmp_path: Path
) -> None:
    """If this failed, a team's first sweeps would end in a message of the database, or train the
    same twice.
    """
    folders = [tmp_path / str(i) for i in range(3)]
    for folder in folders:
        folder.mkdir()

    ready = FORKS.Barrier(len(folders))

    processes = [FORKS.Process(target=start, args=(empty, folder, ready)) for folder in folders]
    for process in processes:
        process.start()

    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 3
    assert sorted(Job.load(folder).state for folder in folders) == ["done", "skipped", "skipped"]
    client = MlflowClient(empty)
    experiment = client.get_experiment_by_name("together")
    assert experiment is not None
    runs = list(client.search_runs([experiment.experiment_id]))
    assert len(runs) == 4, "one cohort of three seeds"


def test_the_lock_of_a_database_waits_in_words_and_may_be_taken_twice(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, two processes would claim the same condition, or one wait for itself or for a
    dead one.
    """
    name = "advisory lock of postgresql+psycopg://study:***@127.0.0.1"
    check_lock(database, name, lambda: capsys.readouterr().err, monkeypatch)


def holds_secret(done: subprocess.CompletedProcess[str], folder: Path) -> bool:
    """Whether a password is in what was printed, or in any file."""
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {"record.json", "job.json", "multirun.yaml"} <= {path.name for path in written}
    texts = [done.stdout.encode(), done.stderr.encode(), *(path.read_bytes() for path in written)]

    return any(SECRET.encode() in text for text in texts)


def runs_of(uri: str, study: str) -> list[Run]:
    """All runs of a study."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study)
    assert experiment is not None

    return list(client.search_runs([experiment.experiment_id]))


def test_the_password_of_a_store_is_neither_printed_nor_recorded(
    database: str, tmp_path: Path
) -> None:
    """If this failed, a shared artifact, a log or a screenshot would open the database to
    everybody.
    """
    done = Script("train.py", tmp_path)(
        "-m", f"tracking.uri={database}", "seeds=[0],[1]", *SMALL[1:], "study.name=p"
    )
    assert done.returncode == 0, done.stderr
    assert "study:***@127.0.0.1" in done.stdout
    assert not holds_secret(done, tmp_path)
    runs = runs_of(database, "p")
    assert len(runs) == 5
    assert not any(SECRET in str(run.to_dictionary()) for run in runs)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a password, with characters in it that mean something in addresses."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "auth.ini").write_text(
        f"[mlflow]\nadmin_username = ada\nadmin_password = @{SECRET}/\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder}/auth.db\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(folder / "auth.ini"))
        patch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "any")
        server = Server(f"sqlite:///{folder}/mlflow.db", folder, "--app-name", "basic-auth")

        try:
            server.start()
            yield server
        finally:
            server.close()


def with_credentials(server: Server) -> str:
    """Its address as a user types it."""
    return server.uri.replace("://", f"://ada:%40{SECRET}%2F@")


@pytest.mark.parametrize(
    ("launcher", "typed"), [("joblib", True), ("submitit_local", False), ("ray", True)]
)
def test_the_password_of_a_server_reaches_the_jobs_and_nobody_else(
    launcher: str, typed: bool, locked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, MLflow's client would print it into a log, or jobs not get in."""
    arguments = ["-m", f"hydra/launcher={launcher}", f"study.name={launcher}", *SMALL[1:]]
    arguments += ["seeds=[0]", "model.widths=[4],[5]"]
    uri = with_credentials(locked)
    script = Script("train.py", tmp_path)

    if typed:
        done = script.alone(*arguments, f"tracking.uri={uri}")
    else:
        done = script.alone(*arguments, MLFLOW_TRACKING_URI=uri)

    assert done.returncode == 0, done.stderr
    assert f"{locked.uri}/#/experiments/" in done.stdout
    assert "did not take" not in done.stdout
    assert not holds_secret(done, tmp_path)

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", f"@{SECRET}/")
    runs = runs_of(locked.uri, launcher)
    assert len(runs) == 5
    assert not any(SECRET in str(run.to_dictionary()) for run in runs)


def test_a_job_that_a_server_refuses_trains_nothing(locked: Server, tmp_path: Path) -> None:
    """If this failed, nodes without the password would train again what is recorded."""
    arguments = ["-m", "study.name=refused", "seeds=[0],[1]", *SMALL[1:]]
    arguments += [f"tracking.uri={with_credentials(locked)}"]
    arguments += ["+hydra.job.env_set.MLFLOW_TRACKING_PASSWORD=wrong"]
    done = Script("train.py", tmp_path)(*arguments)
    assert done.returncode == 1

    for job in jobs_below(tmp_path):
        assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in job.reason

    assert not list(tmp_path.rglob("config.yaml"))


def test_a_database_that_is_away_is_said_at_once(database: str) -> None:
    """If this failed, MLflow would try it ten times, for almost two minutes."""
    absent = f"postgresql+psycopg://ada:{SECRET}@127.0.0.1:9/x"
    for wrong in (database.replace(SECRET, "wrong"), absent):
        start = time.monotonic()

        with pytest.raises(ConfigError, match=r":\*\*\*@.*cannot be opened") as raised:
            Store(wrong).prepare("capacity", "")

        assert SECRET not in str(raised.value)
        assert time.monotonic() - start < 50


def test_a_run_that_is_interrupted_and_resumed_is_one_run_of_a_server(
    server: Server, tmp_path: Path
) -> None:
    """If this failed, a team would see killed runs beside those that were resumed."""
    store = Store(server.uri)
    begun, killed, resumed, ended = interruption()
    folders = ["before", "before", "after", "after"]
    records = zip((begun, killed, resumed, ended), folders, strict=True)
    run_ids = {recorder.record(save(saved, tmp_path / name), store) for saved, name in records}
    recorder.record(save(killed, tmp_path / "before"), store)
    assert len(run_ids) == 1

    runs = [run for run in server.runs() if run.data.tags["record_id"] == begun.id]
    assert len(runs) == 3
    assert {run.info.start_time for run in runs} == {begun.started_ms}
    assert {run.info.end_time for run in runs} == {ended.ended_ms}
    assert {(run.info.status, run.data.tags["complete"]) for run in runs} == {("FINISHED", "true")}
    assert {run.data.tags["resumed"] for run in runs} == {"1"}
    assert not any("reason" in run.data.tags for run in runs)


@pytest.mark.parametrize("written", [stages, interruption])
def test_postgresql_gets_the_rows_that_sqlite_gets(
    written: Callable[[], list[Record]], tmp_path: Path, uri: str, empty: str
) -> None:
    """If this failed, runs in a database of a group would lack what those in a file have."""
    stores = [Store(empty), Store(uri)]

    for saved in written():
        folder = save(saved, tmp_path / "job")
        shown = [recorder.record(folder, store) and everything(store) for store in stores]
        assert shown[0] == shown[1], saved.status
