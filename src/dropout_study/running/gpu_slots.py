"""One GPU per job, where a launcher runs several jobs of a sweep at once on one machine.

The jobs that run at the same time hold the slots 0, 1, 2, ..., and slots take turns at the GPUs. A
slot is a lock on a file, so that it is free again however its process ends.
"""

import json
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import filelock
from omegaconf import DictConfig

from dropout_study.config.devices import VISIBLE, gpus

FOLDER = "gpus"
"""In the folder of a sweep: the GPUs, and a lock per slot."""
FILE = "gpus.json"
_held: list[filelock.BaseFileLock] = []
"""The slot of this process."""


def assigned_gpus(config: DictConfig) -> list[str]:
    """The GPUs among which the jobs of a sweep are spread; none if their launcher assigns its own.

    SLURM and Ray do, and submitit does where `gpus_per_node` is set.

    Args:
        config: Hydra's configuration of the sweep.
    """
    launcher = config.hydra.launcher
    name = config.hydra.runtime.choices["hydra/launcher"]
    is_spread = "n_jobs" in launcher or (name == "submitit_local" and not launcher.gpus_per_node)
    uses_gpus = config.trainer.accelerator != "cpu"

    return gpus() if is_spread and uses_gpus else []


def offer(devices: Sequence[str], sweep: Path) -> None:
    """Write down the GPUs among which the jobs of a sweep are spread.

    Args:
        devices: their names in CUDA_VISIBLE_DEVICES; none: what a job sees is not changed.
        sweep: the folder of the sweep.
    """
    file = sweep / FOLDER / FILE

    if devices:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(list(devices)), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def take_gpu(sweep: Path) -> None:
    """Let this process see one GPU of its sweep alone, until it ends: CUDA cannot change it later.

    Args:
        sweep: the folder of the sweep.
    """
    file = sweep / FOLDER / FILE

    if not _held and file.exists():
        devices = json.loads(file.read_text(encoding="utf-8"))
        os.environ[VISIBLE] = gpu_of(_take_slot(file.parent), devices)


def gpu_of(slot: int, devices: Sequence[str]) -> str:
    """The GPU of a slot: first one job on each GPU, then a second one, and so on."""
    return devices[slot % len(devices)]


def _take_slot(folder: Path) -> int:
    """Hold the first slot that no process holds; its number."""
    for slot in count():
        lock = filelock.FileLock(folder / f"{slot}.lock")

        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue

        _held.append(lock)

        return slot

    raise AssertionError("the numbers do not end")
