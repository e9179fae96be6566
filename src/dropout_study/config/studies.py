"""The studies of conf/study: the sweep, the values and the command of each at a budget."""

import dataclasses
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.folder import CONF, command
from dropout_study.config.names import FINAL, HALF, STAGES, TUNING
from dropout_study.config.overrides import as_typed, expand_sweep, parse_overrides
from dropout_study.config.schema import ConfigError

DEFAULT_STUDY = "rate_by_width"
DEFAULT_BUDGET = "laptop"
VALUES = "study.values."
"""How overrides of a study's values begin."""
VALIDATION_ALONE = {"rules": "[weight_scaling]", "probes": "[]", "tracking.cohort": "false"}
"""Overrides of the stage `tuning`: candidates are chosen on validation data, and nothing else is
measured on them."""
SETTINGS = ("study.candidates", "study.extend")
"""How a study is tuned: it says so in its file, or a command line does."""


@dataclass(frozen=True)
class Study:
    """A study at a budget, on a data set, in a stage: `Study.load(name).at(budget, data, stage)`.

    Attributes:
        name: of its file.
        content: what its file says, see `schema.StudyConfig`; empty if there is no such study.
        source: the study whose stored cohorts it evaluates, if there is one.
        budget: of its nets.
        data: the data set, if it is another than the study's own.
        stage: `tuning`, or one of the stages of its grid; all of those, if none is named.
        settings: key -> text of those `SETTINGS` that are typed.
    """

    name: str
    content: dict[str, Any]
    source: "Study | None" = None
    budget: str = DEFAULT_BUDGET
    data: str | None = None
    stage: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

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

    def at(self, budget: str, data: str | None = None, stage: str | None = None) -> "Study":
        """The same study at a budget, on a data set if that is not its own, and in a stage.

        Raises:
            ConfigError: it has no such stage, or networks to tune with are also networks to judge.
        """
        later = stage if stage != TUNING else None
        source = self.source.at(budget, data, later) if self.source else None
        study = dataclasses.replace(self, budget=budget, data=data, source=source, stage=stage)
        study._check_stage()
        study._check_seeds()

        return study

    def with_settings(self, settings: Mapping[str, str]) -> "Study":
        """The same study, tuned as a command line says; it, or the study with its networks.

        Args:
            settings: key -> text, for some of `SETTINGS`.
        """
        if self.source:
            return dataclasses.replace(self, source=self.source.with_settings(settings))

        return dataclasses.replace(self, settings=settings)

    def _check_stage(self) -> None:
        if self.stage is not None and self.stage not in STAGES:
            raise ConfigError(
                f"study.stage={self.stage} cannot be used: study.stage must be one of "
                f"{', '.join(STAGES)}."
            )

        if self.stage == TUNING and not self.candidates:
            source = self.source
            hint = f" Its networks are those of study={source.name}." if source else ""
            raise ConfigError(
                f"study.stage={TUNING} cannot be used: study={self.name} tunes nothing.{hint}"
            )

    def _check_seeds(self) -> None:
        """Refuse seeds that are tuned with and judged by, and a `half` with seeds of its own."""
        for key, entry in self.values.items():
            if key.endswith("seeds") and isinstance(entry, dict):
                self._check_seeds_of(key, {stage: _leaves(entry.get(stage)) for stage in STAGES})

    def _check_seeds_of(self, key: str, seeds: dict[str, set[int]]) -> None:
        tuning, final, half = (seeds[stage] for stage in STAGES)

        if shared := sorted(tuning & (final | half)):
            raise ConfigError(
                f"study={self.name}: study.values.{key} has {shared} in the stage {TUNING} and in "
                f"a later one; what is chosen with a seed must not be judged by it."
            )

        if final and (others := sorted(half - final)):
            raise ConfigError(
                f"study={self.name}: study.values.{key} has {others} in the stage {HALF} and not "
                f"in {FINAL}, with whose networks they are compared."
            )

    @cached_property
    def grid(self) -> dict[str, str]:
        """The overrides that the study stands for: key -> values, as they would be typed.

        A study that evaluates the cohorts of another has that one's overrides and values, but for
        its own. In the stage `tuning`, every candidate is an override.
        """
        grid = {key: text for key, text in self._typed.items() if key not in SETTINGS}

        if self.stage:
            grid["study.stage"] = self.stage
        if self.stage == TUNING:
            grid["study.candidate"] = ",".join(map(str, range(self.candidates)))
            grid |= VALIDATION_ALONE

        return grid

    @cached_property
    def _typed(self) -> dict[str, str]:
        """What the study's file says at this budget, on these data, in this stage, as overrides."""
        typed = self._inherited()
        scopes = self.content.get("at") or {}

        typed |= _as_text(self.content.get("grid"))
        at_budget = _as_text(scopes.get(self.budget))
        data = self.data or (typed | at_budget).get("data", "")
        typed |= _as_text(scopes.get(data)) | at_budget
        typed |= _as_text(scopes.get(TUNING)) if self.stage == TUNING else {}
        typed |= self.settings

        return {key: text for key, text in typed.items() if text}

    def _inherited(self) -> dict[str, str]:
        """The overrides of the study whose cohorts are evaluated; values that are new here too."""
        if not self.source:
            return {}

        own_values = self.content.get("values") or {}
        settings = {
            key: text
            for key, text in self.source.grid.items()
            if not key.lstrip("+").startswith(VALUES)
        }
        values = {
            f"++{VALUES}{key}": as_typed(value)
            for key, value in self.source.values.items()
            if key not in own_values
        }

        return settings | values

    @property
    def default_data(self) -> str | None:
        """The study's own data set; none if its arms choose theirs."""
        return self.at(self.budget).grid.get("data")

    @cached_property
    def values(self) -> dict[str, Any]:
        """What arms and claims read from the study, such as which conditions are compared."""
        values = dict(self.content.get("values") or {})

        for key, text in self._typed.items():
            name = key.lstrip("+")
            if name.startswith(VALUES):
                values[name.removeprefix(VALUES)] = _value(text)

        return values

    @property
    def candidates(self) -> int:
        """How many candidates each arm has in the stage `tuning`; 0 if nothing is tuned."""
        return int(self._setting("candidates") or 0)

    @property
    def extend(self) -> dict[str, float]:
        """Key -> factor of one step, for the keys whose choice must not lie on an edge."""
        return dict(self._setting("extend") or {})

    @property
    def tuned(self) -> "Study | None":
        """The study whose tuning chooses the settings: itself or its source; none without one."""
        if self.candidates:
            return self

        return self.source.tuned if self.source else None

    def _setting(self, key: str) -> Any:
        text = self._typed.get(f"study.{key}")
        return self.content.get(key) if text is None else _value(text)

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
        stage = f" study.stage={self.stage}" if self.stage else ""
        return f"{command('train')} -m study={self.name}{stage} budget={self.budget}{data}"


def in_order(names: Iterable[str]) -> list[str]:
    """The names of studies, each once and behind the one whose cohorts it evaluates."""
    ordered: list[str] = []

    for name in names:
        source = Study.load(name).source
        needed = [source.name, name] if source else [name]
        ordered += [needed_name for needed_name in needed if needed_name not in ordered]

    return ordered


def _leaves(entry: Any) -> set[int]:
    """The seeds in a list, or in the lists of a mapping."""
    if isinstance(entry, dict):
        return {seed for nested in entry.values() for seed in _leaves(nested)}

    return set(entry) if isinstance(entry, list) else set()


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
    return {key: "" if values is None else _typed_text(values) for key, values in section.items()}


def _typed_text(values: Any) -> str:
    """The values of a key; a text is what would be typed, such as `0,0.5`."""
    # Hydra reads an interpolation within another only in quotes.
    is_typed = isinstance(values, str) and not re.search(r"\$\{[^{}]*\$\{", values)
    return values if is_typed else as_typed(values)


@cache  # a report asks for the same values hundreds of times
def _value(text: str) -> Any:
    """What Hydra makes of the text behind the `=` of an override."""
    (override,) = parse_overrides([f"key={text}"])
    return override.value()
