"""What the numbers were measured on, and its limit."""

import platform
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

PACKAGES = ("dropout-study", "torch", "torchvision", "pytorch-lightning", "mlflow", "hydra-core")


def described() -> dict[str, str]:
    """The processor, threads and versions."""
    return {
        "processor": _processor(),
        "threads": str(torch.get_num_threads()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "ten million additions in Python": f"{_additions():.2f} s",  # how busy the machine is
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _additions() -> float:
    start = time.perf_counter()
    total = 0

    for i in range(10_000_000):
        total += i

    return time.perf_counter() - start


def _processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()

    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


@cache
def _factors() -> tuple[Tensor, Tensor, Tensor]:
    return torch.rand(128, 1024), torch.rand(1024, 1024), torch.empty(128, 1024)


def product() -> None:
    """A product of 128 x 1024 and 1024 x 1024, the limit that training is measured against."""
    a, b, c = _factors()
    torch.mm(a, b, out=c)
