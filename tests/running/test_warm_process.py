"""Scripts that begin with everything imported: their ends, and what they find."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from dropout_study.running.warm_process import run
from dropout_study.system.termination import Terminated, raised

pytestmark = pytest.mark.xdist_group("warm")  # one process imports once


def script(folder: Path, code: str) -> Path:
    """A script of some lines."""
    file = folder / "script.py"
    file.write_text(f"import os, pathlib, signal, sys, time\n{code}\n")
    return file


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("sys.exit(143)", Terminated),
        ("os.kill(os.getpid(), signal.SIGTERM)", Terminated),
        ("sys.exit(129)", Terminated),
        ("sys.exit(130)", KeyboardInterrupt),
    ],
)
def test_a_study_that_was_stopped_stops_the_others(
    code: str, end: type[BaseException], tmp_path: Path
) -> None:
    """If this failed, the report would follow on a study that is not whole."""
    with pytest.raises(end):
        run(script(tmp_path, code), [])


def test_a_study_that_fails_or_crashes_is_a_failure_of_its_own(tmp_path: Path) -> None:
    """If this failed, a study that ran out of memory would stop all, or count as finished."""
    killed = "os.kill(os.getpid(), signal.SIGKILL)"
    codes = ["", "sys.exit('why')", killed, "os.abort()", ""]
    ends = [run(script(tmp_path, code), []) for code in codes]
    assert ends == [0, 1, -signal.SIGKILL, -signal.SIGABRT, 0]


def test_a_reproduction_that_is_stopped_stops_its_study_and_waits_for_it(tmp_path: Path) -> None:
    """If this failed, a study would train on alone, or be cut off while it records its runs."""
    study = f"""
def end(*_):
    time.sleep(0.2)
    pathlib.Path({str(tmp_path)!r}, "ended").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
pathlib.Path({str(tmp_path)!r}, "begun").touch()
time.sleep(60)
"""

    def stop() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()

    with pytest.raises(Terminated), raised():
        run(script(tmp_path, study), [])

    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.usefixtures("signals")
def test_what_a_terminal_or_a_scheduler_sends_to_all_lets_a_study_record_its_runs(
    number: int, tmp_path: Path
) -> None:
    """If this failed, runs that were interrupted would look as if they were still going on, or the
    process that others are forked from would end before them.
    """
    study = f"""
from dropout_study.system.termination import raised
with raised():  # the tidying up is in it, as in every script: the signal may come twice
    try:
        pathlib.Path({str(tmp_path)!r}, "begun").touch()
        time.sleep(60)
    finally:
        time.sleep(1)
        pathlib.Path({str(tmp_path)!r}, "ended").touch()
"""
    reproduction = script(tmp_path, study).with_name("reproduction.py")
    reproduction.write_text(
        f"""
import pathlib, sys
from dropout_study.running import warm_process
from dropout_study.system.termination import raised
warm_process.HEAVY[:] = []
if __name__ == "__main__":
    with raised():
        warm_process.run(pathlib.Path({str(tmp_path)!r}, "script.py"), [])
"""
    )
    command = [sys.executable, str(reproduction)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.killpg(process.pid, number)
        process.communicate()

    assert (tmp_path / "ended").exists()
    assert process.returncode in (-number, 128 + number)
    _wait_for_end_of_session(process.pid)


def _wait_for_end_of_session(session: int) -> None:
    """Wait until all processes of a session have gone; the test's time is limited."""
    while session in {os.getsid(pid) for pid in psutil.pids() if Path(f"/proc/{pid}").exists()}:
        time.sleep(0.05)


def test_no_state_passes_from_one_script_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a study would record into the store of the one before it, or compute with
    another number of threads.
    """
    code = """
import torch
pathlib.Path(sys.argv[1]).write_text(
    f"{os.environ.get('MLFLOW_TRACKING_URI')} {torch.get_num_threads()} {os.getcwd()} {__name__}"
)
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///other.db"
torch.set_num_threads(torch.get_num_threads() + 1)
os.chdir("/")
"""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said = []

    for name in ("first", "second"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{name}.db")
        assert run(script(tmp_path, code), [name]) == 0
        said.append((tmp_path / "here" / name).read_text().split())

    assert [words[0] for words in said] == ["sqlite:///first.db", "sqlite:///second.db"]
    assert said[0][1:] == said[1][1:]
    assert said[0][2:] == [str(tmp_path / "here"), "__main__"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, scripts import for themselves")
def test_a_script_finds_everything_imported_and_no_threads_begun(tmp_path: Path) -> None:
    """If this failed, a start would take ten seconds again, or a fork lack threads that its
    libraries count on.
    """
    code = """
import threading, torch
assert {"dropout_study.running.run", "mlflow", "pytorch_lightning"} <= set(sys.modules)
assert threading.active_count() == 1
assert not torch.cuda.is_initialized()
"""
    assert run(script(tmp_path, code), []) == 0


def test_workers_of_joblib_work_in_a_script_and_end_with_it(tmp_path: Path) -> None:
    """If this failed, `launcher=joblib` would hang, or leave workers with all their memory."""
    code = """
import joblib
def double(x):
    return 2 * x, os.getpid()
results = joblib.Parallel(n_jobs=2)(joblib.delayed(double)(x) for x in range(4))
assert [value for value, _ in results] == [0, 2, 4, 6]
pathlib.Path(sys.argv[1]).write_text(" ".join(str(worker) for _, worker in results))
"""
    file = tmp_path / "workers"
    assert run(script(tmp_path, code), [str(file)]) == 0
    workers = {int(pid) for pid in file.read_text().split()}
    assert os.getpid() not in workers
    assert not [pid for pid in workers if psutil.pid_exists(pid)]
