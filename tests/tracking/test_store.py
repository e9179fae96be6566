"""Stores made ready: created, upgraded, refused."""

import shlex
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base
from mlflow.utils.file_utils import local_file_uri_to_path

from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import absolute
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.store import Store
from support.scripts import FORKS

OLDER = "cbc13b556ace"  # a schema of 2022
INSERT = (
    "INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (7, 'old', 'active')"
)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/mlflow.db"


def test_a_deleted_experiment_is_named(uri: str) -> None:
    """If this failed, runs would vanish into an experiment that MLflow's pages do not show."""
    number = Store(uri).prepare("capacity", "")
    Store(uri).client.delete_experiment(number)
    command = f"MLFLOW_TRACKING_URI={uri} mlflow experiments restore --experiment-id {number}"
    with pytest.raises(
        ConfigError, match=f"deleted experiment of that name; restore it .{command}., or choose"
    ):
        Store(uri).prepare("capacity", "")


def test_an_experiment_takes_a_new_description_and_keeps_it(uri: str) -> None:
    """If this failed, MLflow's pages would show an outdated description, or none."""
    client = Store(uri).client
    number = Store(uri).prepare("capacity", "the old")

    for given, shown in (("the new", "the new"), ("", "the new")):
        assert Store(uri).prepare("capacity", given) == number
        assert client.get_experiment(number).tags["mlflow.note.content"] == shown


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """If this failed, a mistyped address would be a page of SQLAlchemy."""
    with pytest.raises(ConfigError, match="create it first"):
        Store(f"sqlite:///{tmp_path}/absent/mlflow.db").prepare("e", "")

    (tmp_path / "broken.db").write_text(
        "this is not a database, and long enough to be looked at " * 40
    )

    with pytest.raises(ConfigError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}/broken.db").prepare("e", "")


def test_a_file_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    """If this failed, MLflow would try it ten times, for almost two minutes."""
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(ConfigError, match=r"tracking\.uri=.*unable to open database file"):
        Store(f"sqlite:///{tmp_path}/mlflow.db").prepare("e", "")


@pytest.mark.parametrize("name", ["a%20b", "a?b", "feature%2Fx"])
def test_everything_stays_in_a_folder_with_an_unusual_name(
    name: str, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, MLflow would write into the folder that the name means in an address."""
    neighbour = tmp_path / "a b" / "mlflow.db"
    for file in (neighbour, tmp_path / name / "mlflow.db"):
        file.parent.mkdir()
        shutil.copy(tables, file)

    before = neighbour.read_bytes()
    monkeypatch.chdir(tmp_path / name)
    number = Store("sqlite:///mlflow.db?timeout=30").prepare("capacity", "")

    client = Store("sqlite:///mlflow.db").client
    run = client.create_run(number).info.run_id
    client.log_text(run, "text", "a.txt")
    assert client.list_artifacts(run)[0].path == "a.txt"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a b", name])
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == [
        "mlartifacts",
        "mlflow.db",
        "mlflow.db.lock",
    ]
    assert neighbour.read_bytes() == before


def test_first_starts_at_the_same_moment_do_not_collide(uri: str) -> None:
    """If this failed, two sweeps started together on a new store would lose one of them."""
    processes = [
        FORKS.Process(target=Store(uri).prepare, args=(f"study{i % 2}", "")) for i in range(4)
    ]
    for process in processes:
        process.start()

    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 4
    names = {experiment.name for experiment in Store(uri).client.search_experiments()}
    assert {"study0", "study1"} <= names


def revision(database: Path) -> str:
    return str(
        sqlite3.connect(database).execute("SELECT version_num FROM alembic_version").fetchone()[0]
    )


def older(uri: str) -> None:
    """A store as an MLflow of 2022 made it, with an experiment."""
    engine = sqlalchemy.create_engine(uri)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(uri)

    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLDER)
        connection.execute(sqlalchemy.text(INSERT))

    engine.dispose()


def test_an_older_store_is_upgraded_and_its_copy_kept(uri: str, tmp_path: Path) -> None:
    """If this failed, a store of an older MLflow could not be used, or an upgrade lose it."""
    older(uri)
    Store(uri).prepare("capacity", "")
    assert revision(tmp_path / "mlflow.db") != OLDER
    assert revision(tmp_path / f"mlflow.db.{OLDER}") == OLDER
    assert {experiment.name for experiment in Store(uri).client.search_experiments()} >= {
        "old",
        "capacity",
    }


def with_file(uri: str) -> str:
    """A run with a file, in a new store; written as MLflow does, which would remember the place."""
    run = Store(uri).client.create_run(Store(uri).prepare("capacity", ""))
    folder = Path(local_file_uri_to_path(run.info.artifact_uri))
    folder.mkdir(parents=True)
    (folder / "a.txt").touch()

    return str(run.info.run_id)


@pytest.fixture
def project(tables: Path, tmp_path: Path) -> Path:
    """A folder with a store; its name means something else in addresses and in patterns of SQL."""
    folder = tmp_path / "our_%20 project"
    folder.mkdir()
    shutil.copy(tables, folder / "mlflow.db")

    return folder


@pytest.mark.parametrize("how", [Path.rename, shutil.copytree], ids=["moved", "copied"])
def test_a_store_that_was_moved_or_copied_uses_the_artifacts_beside_it(
    how: Callable[[Path, Path], object], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, artifacts would go where the store was, and old ones be lost."""
    run = with_file(absolute("sqlite:///mlflow.db", project))
    new = project.with_name("new")
    how(project, new)
    before = set(project.parent.rglob("*"))
    uri = f"sqlite:///{new}/mlflow.db"
    number = Store(uri).prepare("capacity", "")
    assert f"in {new}/mlartifacts now" in capsys.readouterr().out

    client = Store(uri).client
    assert client.get_run(run).info.artifact_uri == f"{new.as_uri()}/mlartifacts/{run}/artifacts"
    assert [file.path for file in client.list_artifacts(run)] == ["a.txt"]
    client.log_text(run, "new", "b.txt")
    client.log_text(client.create_run(number).info.run_id, "new", "c.txt")
    written = {path for path in project.parent.rglob("*.txt") if path not in before}
    assert {path.name for path in written if path.is_relative_to(new)} == {"b.txt", "c.txt"}
    assert len(written) == 2
    Store(uri).prepare("capacity", "")
    assert capsys.readouterr().out == "", "it is said once"


def test_artifacts_that_stayed_and_places_of_ones_own_are_left_alone(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, runs would lose their files because a database alone was moved."""
    run = with_file(absolute("sqlite:///mlflow.db", project))
    (project / "mlflow.db").rename(tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = Store(uri).client
    chosen = client.create_experiment("chosen", (tmp_path / "bucket").as_uri())
    Store(uri).prepare("capacity", "")
    assert capsys.readouterr().out == ""
    assert [file.path for file in client.list_artifacts(run)] == ["a.txt"]
    assert client.get_experiment(chosen).artifact_location == (tmp_path / "bucket").as_uri()


def test_artifacts_on_a_drive_that_is_away_are_found_when_it_is_back(project: Path) -> None:
    """If this failed, a start without the drive would lose the files of every run before it."""
    run = with_file(absolute("sqlite:///mlflow.db", project))
    drive = project / "mlartifacts"
    store_alone = project.with_name("alone")
    store_alone.mkdir()
    (project / "mlflow.db").rename(store_alone / "mlflow.db")
    uri = f"sqlite:///{store_alone}/mlflow.db"

    drive.rename(project / "away")
    Store(uri).prepare("capacity", "")
    (project / "away").rename(drive)
    assert [file.path for file in Store(uri).client.list_artifacts(run)] == ["a.txt"]


def test_a_newer_store_is_refused_and_left_alone(uri: str, tmp_path: Path) -> None:
    """If this failed, training would run for hours and then not be recorded."""
    Store(uri).prepare("capacity", "")

    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")

    before = (tmp_path / "mlflow.db").read_bytes()

    with pytest.raises(ConfigError, match=r"a newer MLflow than .*schema fedcba987654"):
        Store(uri).prepare("capacity", "")

    assert (tmp_path / "mlflow.db").read_bytes() == before
    assert not list(tmp_path.glob("mlflow.db.fedc*"))


@pytest.mark.usefixtures("without_credentials")
def test_a_server_that_does_not_answer_is_reported_at_once_and_without_its_password() -> None:
    """If this failed, a mistyped address would cost minutes, or leak a password."""
    with pytest.raises(ConfigError, match="the store cannot be opened") as raised:
        Store("http://ada:s3cret@127.0.0.1:9").prepare("capacity", "")

    assert "s3cret" not in str(raised.value)
    assert "tracking.uri=http://127.0.0.1:9" in str(raised.value)


def test_the_command_that_shows_the_results_can_be_pasted() -> None:
    """If this failed, a shell would cut the address of a store in a folder with a blank."""
    for uri in ("sqlite:////my project/mlflow.db", "sqlite:////there/mlflow.db"):
        typed = shlex.split(Store(uri).link("my study", "1"))
        assert typed == ["python", "scripts/ui.py", "page=my study", f"tracking.uri={uri}"]

    assert Store("sqlite:///mlflow.db").link("capacity", "1").endswith("ui.py page=capacity")


@pytest.mark.usefixtures("without_credentials")
def test_messages_and_links_show_a_store_without_its_password() -> None:
    """If this failed, a log, a record or a printed line would open the store to its readers."""
    database = Store("postgresql+psycopg://ada:s3cret@there/runs")
    server = Store("http://ada:s3cret@there:5000/")
    assert database.shown == "postgresql+psycopg://ada:***@there/runs"
    assert database.page("7").startswith("http://127.0.0.1:5000/#/experiments/7/")
    assert server.link("capacity", "7").startswith("http://there:5000/#/experiments/7/")

    for text in (
        database.link("capacity", "7"),
        database.restore_command("run", "1"),
        server.shown,
    ):
        assert "s3cret" not in text


def test_asking_whether_a_store_exists_does_not_create_it(uri: str, tmp_path: Path) -> None:
    """If this failed, a dry run or a report would leave an empty store behind."""
    store = Store(uri)
    assert not store.exists
    assert list(tmp_path.iterdir()) == []
    store.prepare("capacity", "")
    assert store.exists


def test_a_folder_that_cannot_be_written_is_refused_before_training() -> None:
    """If this failed, hours of training would end in an exception."""
    with pytest.raises(
        ConfigError, match=r"/proc/outputs/x cannot be written: /proc: .*; choose another o"
    ):
        check_writable(Path("/proc/outputs/x"), "output")


def test_a_folder_that_cannot_exist_is_refused_before_training(tmp_path: Path) -> None:
    """If this failed, a name that is too long, or a file in the way, would be a traceback."""
    (tmp_path / "file").touch()
    for name in ("a" * 300, "file", "file/in/it"):
        with pytest.raises(
            ConfigError, match=r"cannot be written: .*; choose another checkpoint.folder\."
        ):
            check_writable(tmp_path / name, "checkpoint.folder")


def test_a_disk_that_is_nearly_full_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a checkpoint or a record would be cut short."""
    check_writable(tmp_path / "new" / "folder", "output")
    nearly_full = SimpleNamespace(total=2**30, used=2**30, free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: nearly_full)

    with pytest.raises(ConfigError, match="5 MiB left, and 100 are needed"):
        check_writable(tmp_path / "new" / "folder", "output")

    assert list(tmp_path.iterdir()) == [], "looking leaves nothing behind"
