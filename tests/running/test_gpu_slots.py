"""One GPU per job of a sweep."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from omegaconf import DictConfig

from dropout_study.config.devices import VISIBLE
from dropout_study.running import gpu_slots

Compose = Callable[..., DictConfig]
SPAWN = multiprocessing.get_context("spawn")


def test_slots_take_turns_at_the_gpus() -> None:
    """If this failed, two jobs would share a GPU while another is idle."""
    assert [gpu_slots.gpu_of(slot, ["a", "b"]) for slot in range(5)] == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize(
    ("typed", "devices"),
    [
        (["hydra/launcher=joblib"], ["0", "1"]),
        (["hydra/launcher=submitit_local"], ["0", "1"]),
        (["hydra/launcher=submitit_local", "hydra.launcher.gpus_per_node=1"], []),
        (["hydra/launcher=submitit_slurm"], []),
        (["hydra/launcher=ray"], []),
        (["hydra/launcher=joblib", "trainer=cpu"], []),
        ([], []),
    ],
    ids=["joblib", "local", "submitit's", "slurm", "ray", "cpu", "one by one"],
)
def test_gpus_are_assigned_where_the_launcher_does_not(
    composed: Compose, monkeypatch: pytest.MonkeyPatch, typed: list[str], devices: list[str]
) -> None:
    """If this failed, jobs would use GPUs that SLURM has given to others, or all meet on one."""
    monkeypatch.setenv(VISIBLE, "0,1")
    assert gpu_slots.assigned_gpus(composed(*typed)) == devices


@pytest.mark.parametrize(
    ("typed", "jobs"),
    [
        (["hydra/launcher=joblib"], 3),
        (["hydra/launcher=joblib", "jobs_per_gpu=2"], 6),
        (["hydra/launcher=joblib", "jobs_per_gpu=2", "hydra.launcher.n_jobs=4"], 4),
    ],
)
def test_joblib_runs_as_many_jobs_as_the_gpus_allow(
    composed: Compose, monkeypatch: pytest.MonkeyPatch, typed: list[str], jobs: int
) -> None:
    """If this failed, a job per core would crowd the GPUs, or a number that is typed be ignored."""
    monkeypatch.setenv(VISIBLE, "0,1,2")
    assert composed(*typed).hydra.launcher.n_jobs == jobs


def test_submitit_starts_as_many_jobs_as_the_gpus_allow(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a process per core would crowd the GPUs."""
    monkeypatch.setenv(VISIBLE, "0,1,2")
    config = composed("hydra/launcher=submitit_local", "jobs_per_gpu=2")
    assert config.hydra.sweeper.max_batch_size == 6


def worker(sweep: Path, pipe: Connection) -> None:
    """A process that takes a GPU for two jobs, reports what each sees, and waits."""
    for _ in range(2):
        gpu_slots.take_gpu(sweep)
        pipe.send(os.environ.get(VISIBLE))

    pipe.recv()


class Worker:
    """Such a process."""

    def __init__(self, sweep: Path) -> None:
        self._pipe, other = SPAWN.Pipe()
        self._process = SPAWN.Process(target=worker, args=(sweep, other), daemon=True)
        self._process.start()
        self.sees = self._pipe.recv()
        assert self._pipe.recv() == self.sees, "a second job of the process sees the same GPU"

    def kill(self) -> None:
        """Kill it without a word."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()


def test_processes_at_the_same_time_see_different_gpus(tmp_path: Path) -> None:
    """If this failed, jobs would meet on one GPU, also after one has died and is replaced."""
    gpu_slots.offer(["0", "GPU-1"], tmp_path)
    workers = [Worker(tmp_path) for _ in range(3)]
    assert [each.sees for each in workers] == ["0", "GPU-1", "0"]
    workers[1].kill()
    workers.append(Worker(tmp_path))
    assert workers[-1].sees == "GPU-1"

    for each in (workers[0], *workers[2:]):
        each.kill()


def test_without_gpus_a_process_sees_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, the GPUs of an earlier start in the same folder would be assigned."""
    monkeypatch.setenv(VISIBLE, "5")
    gpu_slots.offer([], tmp_path)
    assert list(tmp_path.iterdir()) == []
    gpu_slots.offer(["0"], tmp_path)
    assert json.loads((tmp_path / gpu_slots.FOLDER / gpu_slots.FILE).read_text()) == ["0"]
    gpu_slots.offer([], tmp_path)
    gpu_slots.take_gpu(tmp_path)
    assert os.environ[VISIBLE] == "5"
