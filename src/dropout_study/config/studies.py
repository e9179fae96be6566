"""The studies of conf/study: the sweep, the values and the command of each at a budget."""

import dataclasses
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.folder import CONF
from dropout_study.config.overrides import expand_sweep, parse_overrides

DEFAULT_STUDY = "rate_by_width"
DEFAULT_BUDGET = "laptop"
VALUES = "study.values."
"""How overrides of a study's values begin."""


@dataclass(frozen=True)
class Study:
    """A study at a budget and on a data set; `Study.load(name).at(budget, data)` finds one.

    Attributes:
        name: of its file.
        content: what its file says, see `schema.StudyConfig`; empty if there is no such study.
        source: the study whose stored cohorts it evaluates, if there is one.
        budget: of its nets.
        data: the data set, if it is another than the study's own.
    """

    name: str
    content: dict[str, Any]
    source: "Study | None" = None
    budget: str = DEFAULT_BUDGET
    data: str | None = None

    @classmethod
    def load(cls, name: str, conf: Path = CONF, search_path: Sequence[str] = ()) -> "Study":
        """A study by its name.

        A study that does not exist is empty: Hydra itself reports it.

        Args:
            name: of its file.
            conf: the folder of the configuration.
            search_path: further folders, in which Hydra looks second, as it writes them
                (`file://...`).
        """
        content = _read(name, conf, tuple(search_path))
        source = content.get("cohorts_from")

        return cls(name, content, cls.load(source, conf, search_path) if source else None)

    def at(self, budget: str, data: str | None = None) -> "Study":
        """The same study at a budget, and on a data set if that is not its own."""
        source = self.source.at(budget, data) if self.source else None
        return dataclasses.replace(self, budget=budget, data=data, source=source)

    @cached_property
    def grid(self) -> dict[str, str]:
        """The overrides that the study stands for: key -> values, as they would be typed.

        A study that evaluates the cohorts of another has that one's overrides, but for its own.
        """
        inherited = self.source.grid if self.source else {}
        grid = {key: text for key, text in inherited.items() if not key.startswith(VALUES)}
        scopes = self.content.get("at") or {}

        grid |= _as_text(self.content.get("grid"))
        grid |= _as_text(scopes.get(self.budget))
        grid |= _as_text(scopes.get(self.data or grid.get("data", "")))

        return {key: text for key, text in grid.items() if text}

    @property
    def default_data(self) -> str | None:
        """The study's own data set; none if its arms choose theirs."""
        return self.at(self.budget).grid.get("data")

    @property
    def values(self) -> dict[str, Any]:
        """What arms and claims read from the study, such as which conditions are compared."""
        typed = {key: text for key, text in self.grid.items() if key.startswith(VALUES)}
        at_this_scope = {key.removeprefix(VALUES): yaml.safe_load(typed[key]) for key in typed}

        return (self.content.get("values") or {}) | at_this_scope

    @cached_property
    def size(self) -> int:
        """The number of conditions."""
        typed = [f"{key}={text}" for key, text in self.grid.items()]
        return len(expand_sweep(parse_overrides(typed)))

    @property
    def title(self) -> str:
        """What the study shows, in one line."""
        return str(self.content["title"])

    @property
    def command(self) -> str:
        """The command that runs the study."""
        data = f" data={self.data}" if self.data else ""
        return f"python scripts/train.py -m study={self.name} budget={self.budget}{data}"


def in_order(names: Iterable[str]) -> list[str]:
    """The names of studies, each once and behind the one whose cohorts it evaluates."""
    ordered: list[str] = []

    for name in names:
        source = Study.load(name).source
        needed = [source.name, name] if source else [name]
        ordered += [needed_name for needed_name in needed if needed_name not in ordered]

    return ordered


@cache  # a report asks hundreds of times
def _read(name: str, conf: Path, search_path: tuple[str, ...]) -> dict[str, Any]:
    """The content of a study: of the project's own file, which Hydra finds first, or composed."""
    file = conf / "study" / f"{name}.yaml"
    content = OmegaConf.load(file) if file.is_file() else _compose(name, conf, search_path)

    return cast("dict[str, Any]", OmegaConf.to_container(content))


def _compose(name: str, conf: Path, search_path: Sequence[str]) -> DictConfig:
    """A study of the user's own, as Hydra composes it of others; empty if there is none."""
    quoted = ["'" + folder.replace("'", r"\'") + "'" for folder in search_path]
    overrides = [f"+study={name}", f"hydra.searchpath=[{','.join(quoted)}]"]

    with warnings.catch_warnings(), initialize_config_dir(str(conf), version_base="1.3"):
        warnings.simplefilter("ignore")  # Hydra will compose it again, and warn then

        try:
            composed = compose(None, overrides)
        except MissingConfigException:
            return OmegaConf.create()

    return cast("DictConfig", composed.get("study") or OmegaConf.create())


def _as_text(section: dict[str, Any] | None) -> dict[str, str]:
    """Key -> values as they would be typed; a key without values is taken away."""
    section = section or {}
    return {key: "" if values is None else str(values) for key, values in section.items()}
