"""Where a result comes from: commit, code, versions, machine.

A process asks for its code and versions once, at its start: its later jobs run the code that it has
loaded, whatever is checked out by then.
"""

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_study.config.devices import VISIBLE, named_gpus
from dropout_study.config.source import digest_of, python_files, tree_of
from dropout_study.config.uri import masked
from dropout_study.system.processes import this_process
from dropout_study.tracking.tags import (
    CODE,
    COMMIT,
    DEVICE,
    DIRTY,
    GPU,
    PROCESSOR,
    SOURCE_COMMIT,
    SOURCE_NAME,
)

if TYPE_CHECKING:
    import torch

PACKAGE = Path(__file__).parents[1]
COMPUTING = (
    "dropout",
    "data",
    "training",
    "evaluation",
    "measures/metrics.py",
    "measures/scores.py",
)
"""The parts of the package that decide which numbers come out."""
VERSIONS = (
    "dropout-study",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "hydra-core",
    "mlflow",
    "scikit-learn",
)
"""Distributions whose versions are tags; `environment.txt` has all of them."""
ENVIRONMENT = "environment.txt"
CHANGES = "changes.diff"
CHANGES_LIMIT = 200_000  # characters of the changes that are kept
SECRET = re.compile(r"(?i)(\w*(?:passw|pwd|token|secret)\w*[\"']?\s*[:=]\s*)\S+")


def tags(device: "torch.device") -> dict[str, str]:
    """Tags that say what produced a run: its code, its versions, its machine and its process."""
    return versions() | machine(device) | this_process() | {CODE: code()} | commit()


@cache
def versions() -> dict[str, str]:
    """The versions of Python and of the packages that matter, as tags."""
    packages = {f"version.{name}": version(name) for name in VERSIONS}
    return {"version.python": platform.python_version()} | packages


def machine(device: "torch.device") -> dict[str, str]:
    """The device, the processor and its threads, and the library of linear algebra, as tags."""
    import torch  # the start of a sweep asks for the commit alone, and need not wait for torch

    threads = str(torch.get_num_threads())
    blas = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    name = f"{platform.machine()} {device.type}, {threads} threads"

    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)

    visible = ",".join(named_gpus(os.environ.get(VISIBLE, "")))
    gpu = {GPU: visible} if visible else {}

    return gpu | {
        DEVICE: name,
        PROCESSOR: processor(),
        "threads": threads,
        "blas": blas[1] if blas else "unknown",
    }


@cache
def processor() -> str:
    """The name of the processor, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        lines = []

    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]

    return names[0] if names else platform.processor() or platform.machine()


@cache
def code(package: Path = PACKAGE) -> str:
    """Twelve hexadecimal digits that name the code that computes, however it is laid out in lines.

    They change with every change of the syntax trees of `COMPUTING`, but not with comments and
    docstrings, and are the same under every version of Python.

    Args:
        package: the folder of the package.
    """
    files = [file for part in COMPUTING for file in python_files(package / part)]
    texts = {str(file.relative_to(package)): file.read_text(encoding="utf-8") for file in files}
    return digest_of({name: tree_of(text) for name, text in texts.items()})


def other_code(recorded: Iterable[Mapping[str, str]]) -> list[str]:
    """The code that computed some networks, where it is not the code of this process.

    Args:
        recorded: the tags of the networks.

    Returns:
        Digests (see `code`), and `unknown` for networks that were recorded without one.
    """
    digests = {tags.get(CODE, "unknown") for tags in recorded}
    return sorted(digests - {code()})


def origin(recorded: Sequence[Mapping[str, str]]) -> str:
    """Where networks come from, in words: their commits, and code other than that of this process.

    Args:
        recorded: the tags of the networks.
    """
    commits = sorted({tags.get(COMMIT, "unknown")[:7] for tags in recorded})
    words = f"recorded at commit {' and '.join(commits)}"
    others = other_code(recorded)

    return f"{words}; computed by other code ({', '.join(others)})" if others else words


@cache
def commit(source: Path = PACKAGE) -> dict[str, str]:
    """The commit and whether the tree differs from it; nothing outside a repository.

    Args:
        source: a folder of code.
    """
    try:
        git(source, "ls-files", "--error-unmatch", ".")  # not some repository around a venv
        number = git(source, "rev-parse", "HEAD")
        dirty = str(bool(git(source, "status", "--porcelain"))).lower()
    except (OSError, subprocess.CalledProcessError):
        return {}

    return {
        COMMIT: number,
        DIRTY: dirty,
        SOURCE_NAME: "scripts/train.py",
        SOURCE_COMMIT: number,
    }


def write_files(folder: Path) -> list[str]:
    """Write what no tag has room for into the folder of a run; returns the names of the files.

    `environment.txt` lists all installed distributions; `changes.diff` is there if the tree differs
    from its commit, and holds the difference, without passwords.
    """
    (folder / ENVIRONMENT).write_text(environment(), encoding="utf-8")

    if not (difference := changes()):
        return [ENVIRONMENT]

    (folder / CHANGES).write_text(difference, encoding="utf-8")

    return [ENVIRONMENT, CHANGES]


@cache
def environment() -> str:
    """All installed distributions with their versions, a line per distribution."""
    # `name` and `version` of a distribution would read its metadata once each.
    metadata = [package.metadata for package in distributions()]
    installed = {f"{each['Name']}=={each['Version']}" for each in metadata if each["Name"]}

    return "\n".join(sorted(installed, key=str.lower)) + "\n"


@cache
def changes(source: Path = PACKAGE) -> str:
    """How files differ from the commit, with what is not tracked; cut where long.

    Args:
        source: a folder of code.
    """
    if commit(source).get(DIRTY) != "true":
        return ""

    try:
        root = Path(git(source, "rev-parse", "--show-toplevel"))
        untracked = git(root, "ls-files", "--others", "--exclude-standard").splitlines()
        plain = ("--no-ext-diff", "--no-textconv", "--no-color")
        difference = git(root, "diff", *plain, "HEAD")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"# the changes could not be read: {error}\n"

    added = "".join(as_addition(root, name) for name in untracked)
    text = without_secrets(f"{difference}\n{added}")

    if len(text) <= CHANGES_LIMIT:
        return text

    return f"{text[:CHANGES_LIMIT]}\n# cut here: {len(text) - CHANGES_LIMIT} characters more\n"


def as_addition(root: Path, name: str) -> str:
    """A file that is not tracked: its text if it is Python or YAML, or else its name alone."""
    title = f"# not tracked: {name}\n"
    if not name.endswith((".py", ".yaml")):
        return title

    lines = (root / name).read_text(encoding="utf-8", errors="replace").splitlines()

    return title + "".join(f"+{line}\n" for line in lines)


def without_secrets(text: str) -> str:
    """A text without the passwords of addresses, and without values that are named as secrets."""
    return SECRET.sub(r"\1***", masked(text))


def git(source: Path, *arguments: str) -> str:
    """What git prints on standard output.

    Raises:
        OSError, CalledProcessError: there is no git, or it refuses.
    """
    command = ["git", "-C", str(source), *arguments]
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # `status` would write the index
    done = subprocess.run(command, capture_output=True, check=True, env=environment)

    return done.stdout.decode(errors="replace").strip()
