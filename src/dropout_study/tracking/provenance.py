"""Where a result comes from: commit, versions, device.

A process asks for commit and versions once, at its start: its later jobs run the code that it has
loaded, whatever is checked out by then.
"""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_study.system.processes import identity

if TYPE_CHECKING:
    import torch

PACKAGES = (
    "dropout-study",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "hydra-core",
    "mlflow",
    "scikit-learn",
)


def tags(device: "torch.device", source: Path) -> dict[str, str]:
    """Tags that say what produced a run: code in the folder `source`, packages, device and process."""
    here = {"version.python": platform.python_version(), "device": device_name(device)}
    return versions() | identity() | here | commit(source)


@cache
def versions() -> dict[str, str]:
    """The packages that matter, as tags."""
    return {f"version.{name}": version(name) for name in PACKAGES}


def device_name(device: "torch.device") -> str:
    """The device in words: the GPU's name, or the number of CPU threads."""
    import torch  # the start of a sweep asks for the commit alone, and need not wait for torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)

    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"


@cache
def commit(source: Path) -> dict[str, str]:
    """Commit and whether the tree differs from it; nothing outside a repository."""
    try:
        _run(
            source, "ls-files", "--error-unmatch", Path(__file__).name
        )  # not some repository around a venv
        commit = _run(source, "rev-parse", "HEAD")
        dirty = str(bool(_run(source, "status", "--porcelain"))).lower()
        shown = {"mlflow.source.name": "scripts/train.py", "mlflow.source.git.commit": commit}

        return {"git.commit": commit, "git.dirty": dirty} | shown
    except (OSError, subprocess.CalledProcessError):
        return {}


def _run(source: Path, *arguments: str) -> str:
    command = ["git", "-C", str(source), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
