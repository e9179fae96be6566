"""The cores and GPUs that this process may use.

torch knows the GPUs, but takes seconds to load, and a process that has asked CUDA once cannot be
given another GPU.
"""

import os
import re
import subprocess
from functools import cache
from itertools import takewhile

from joblib import cpu_count

DRIVER_SECONDS = 10
"""For an answer of the driver; one that hangs has no GPU."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which CUDA limits a process to some GPUs; absent: it sees all."""


def cores() -> int:
    """The number of processor cores."""
    return int(cpu_count())


def gpus() -> list[str]:
    """NVIDIA's GPUs, as CUDA_VISIBLE_DEVICES names them; if it is set, those alone."""
    visible = os.environ.get(VISIBLE)
    return list(_installed_gpus()) if visible is None else named_gpus(visible)


def named_gpus(visible: str) -> list[str]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES names; CUDA ignores all behind an invalid one.

    They are numbers, or UUIDs of GPUs or of the parts (MIG) into which one is divided.
    """
    names = [name.strip() for name in visible.split(",")]
    return list(takewhile(re.compile(r"\d+|(GPU|MIG)-\S+").fullmatch, names))


def workers(accelerator: str, jobs_per_gpu: int) -> int:
    """How many jobs run on this machine at the same time, unless another number is typed.

    Args:
        accelerator: `trainer.accelerator`.
        jobs_per_gpu: how many jobs share a GPU.
    """
    number = 0 if accelerator == "cpu" else len(gpus())
    return number * jobs_per_gpu or cores()


@cache
def _installed_gpus() -> tuple[str, ...]:
    """The GPUs of NVIDIA's driver; none without one."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],
            capture_output=True,
            text=True,
            check=False,
            timeout=DRIVER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()

    return tuple(listed_gpus(done.stdout)) if done.returncode == 0 else ()


def listed_gpus(listing: str) -> list[str]:
    """The UUIDs in a list of `nvidia-smi -L`; of a GPU that is divided, those of its parts (MIG).

    Args:
        listing: a line per GPU, followed by one per part.
    """
    names: list[str] = []
    whole = ""

    for name in re.findall(r"\(UUID: ((?:GPU|MIG)-[^)\s]+)\)", listing):
        if name.startswith("GPU-"):
            whole = name
        elif whole in names:
            names.remove(whole)
        names.append(name)

    return names
