"""Plug-ins that tests write, and take back."""

import gc
import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore

from dropout_study.config import data_set, parts, plugins
from dropout_study.config.schema import SCHEMAS
from dropout_study.dropout.noise import NOISES
from dropout_study.dropout.rules import RULES
from dropout_study.measures.tasks import OWN_METRICS
from support import readme
from support.paths import ROOT

PAGES = [ROOT / "docs" / name for name in ("your-own.md", "noise.md")]

WHOLE_FILE = r"`(my_\w+\.py|wine\.py)`[^`]*?\n\n```python\n(.*?)^```$"
"""The name of a file, and its text in the block that follows."""


def files_of_pages() -> dict[str, str]:
    """The whole files that the pages on parts of one's own show: name -> text."""
    text = "".join(map(readme.read, PAGES))
    return dict(
        re.findall(r"`(my_\w+\.py|wine\.py)`[^`]*?\n\n```python\n(.*?)^```$", text, re.M | re.S)
    )


def write_files_of_pages(folder: Path) -> None:
    """Write the files that these pages show, as their reader does."""
    for name, text in files_of_pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _groups_of(repo: dict[str, Any]) -> dict[str, Any]:
    """A copy of Hydra's store of choices: group -> its groups and choices."""
    return {
        name: _groups_of(entry) if isinstance(entry, dict) else entry
        for name, entry in repo.items()
    }


@contextmanager
def taken_back(folder: Path) -> Iterator[None]:
    """Import from a folder within the block, after which nothing of it is known any more."""
    registries = (parts.PARTS, SCHEMAS, RULES, OWN_METRICS, NOISES, data_set.FACTS)
    kept = [dict(registry) for registry in registries]
    lists = {kind: list(names) for kind, names in parts.LISTED.items()}
    repo = ConfigStore.instance().repo
    choices = _groups_of(repo)
    modules = set(sys.modules)
    path = list(sys.path)
    before = Path.cwd()
    inherited = os.environ.get("PYTHONPATH")
    os.chdir(folder)
    importlib.invalidate_caches()

    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        os.environ.pop("PYTHONPATH", None)
        if inherited is not None:
            os.environ["PYTHONPATH"] = inherited

        for registry, content in zip(registries, kept, strict=True):
            registry.clear()
            registry.update(content)  # type: ignore[arg-type]

        for kind, names in lists.items():
            parts.LISTED[kind][:] = names

        repo.clear()
        repo.update(choices)

        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]

        plugins._load_installed.cache_clear()
        gc.collect()  # classes that a schema lists as its subclasses
