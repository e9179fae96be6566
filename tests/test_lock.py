"""The versions of the results, `requirements.lock`, beside what the project asks for."""

import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


def required() -> Iterator[Requirement]:
    """What the project needs to run and to be tested, each once, without its own extras."""
    extras = PROJECT["optional-dependencies"]
    names = [*PROJECT["dependencies"], *extras["dev"]]

    for text in names:
        requirement = Requirement(text)
        if requirement.name != "dropout-study":
            yield requirement
        else:
            yield from (Requirement(each) for extra in requirement.extras for each in extras[extra])


def test_the_lock_holds_a_version_of_all_that_is_asked_for() -> None:
    """If this failed, `pip install -r requirements.lock` would be followed by other versions than
    those of the results.
    """
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned: dict[str, list[str]] = {}

    for name, version in PIN.findall(text):
        pinned.setdefault(canonicalize_name(name), []).append(version)

    for requirement in required():
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} has no version in requirements.lock"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_every_version_of_the_lock_has_hashes() -> None:
    """If this failed, pip would refuse the lock, or take a file that nobody has looked at."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[\w.-]+(?:\[[^]]*\])?==)", text)[1:]
    assert len(blocks) == len(PIN.findall(text))
    assert all("--hash=sha256:" in block for block in blocks)
