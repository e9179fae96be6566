"""The parts that plug-ins add: what they are called, where they come from, and which are used.

A part is a dataclass, whose fields are keys of the configuration, or a function.
`dropout_study.plugin` has the decorators that add them.
"""

import re
import sys
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dropout_study.config.folder import CONF
from dropout_study.config.names import MEASURES, METRICS, NOISES, RULES
from dropout_study.config.schema import SCHEMAS, Config, ConfigError, Model
from dropout_study.config.source import Source

DATA_SET = "data"
NETWORK = "model"
TERM = "regularizer"
RULE = "rules"
METRIC = "metrics"
NOISE = "mask.name"
TRAINED = (DATA_SET, NETWORK, TERM, NOISE)
"""Kinds of parts that decide what is trained; the others decide how it is evaluated."""
LISTED = {RULE: RULES, METRIC: METRICS, NOISE: NOISES}
"""Kinds that a key names -> all names that it may hold; the others are choices of a group."""


@dataclass(frozen=True)
class Part:
    """A part that a plug-in has added.

    Attributes:
        kind: the group or key that chooses it.
        name: by which it is chosen.
        about: the first line of its docstring.
        module: that adds it.
        definition: what it is called in the module.
        source: of the module.
    """

    kind: str
    name: str
    about: str
    module: str
    definition: str
    source: Source


PARTS: dict[tuple[str, str], Part] = {}
"""Kind and name of each part that was imported -> the part."""


def add(kind: str, name: str, definition: Any, module: str, about: str) -> None:
    """Add a part to the choices of its group, or to the names that its key may list.

    Args:
        kind: the group or key that chooses it.
        name: by which it is chosen.
        definition: a dataclass of options, a function, or a kind of noise.
        module: that adds it.
        about: its docstring.

    Raises:
        ConfigError: the name is taken or no word, the module is in no file, or a configuration
            cannot hold one of the options.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ConfigError(
            f"{kind}={name} of {module} cannot be added: a name has letters, digits and _ alone."
        )

    what = getattr(definition, "__qualname__", repr(definition))
    _refuse_taken(kind, name, module, what)
    line = about.strip().partition("\n")[0].rstrip(".")
    PARTS[kind, name] = Part(kind, name, line, module, what, _source_of(module))

    if kind in LISTED:
        if name not in LISTED[kind]:
            LISTED[kind].append(name)
    else:
        _add_choice(kind, name, definition, module)


def _refuse_taken(kind: str, name: str, module: str, definition: str) -> None:
    """Refuse a name that something else has; a module may be imported again."""
    part = PARTS.get((kind, name))
    if part and (part.module, part.definition) == (module, definition):
        return

    built_in = [*LISTED.get(kind, [file.stem for file in (CONF / kind).glob("*.yaml")])]
    built_in += MEASURES if kind == METRIC else ()
    owner = part.module if part else "the project" if name in built_in else ""

    if owner:
        raise ConfigError(
            f"{kind}={name} of {module} cannot be added: {owner} has that name already."
        )


def _add_choice(kind: str, name: str, definition: type, module: str) -> None:
    """Let Hydra compose a dataclass as a choice of its group."""
    try:
        OmegaConf.structured(definition)
        unusable = [key.name for key in fields(definition) if not _is_plain(default_of(key))]
        reason = f"the option {unusable[0]} is none of these" if unusable else ""
    except (OmegaConfBaseException, ValueError) as error:
        reason = str(error).splitlines()[0]

    if reason:
        raise ConfigError(
            f"{kind}={name} of {module} cannot be added: {reason}. Options are numbers, texts, "
            "enums, paths, and lists of them."
        )

    SCHEMAS[f"{kind}/{name}"] = definition
    store = ConfigStore.instance()

    if kind == TERM:
        store.store(group=kind, name=name, node={name: definition}, package="terms")
    else:
        store.store(group=kind, name=name, node=definition(name=name))


def default_of(key: Field[Any]) -> Any:
    """The default of an option."""
    return key.default if key.default_factory is MISSING else key.default_factory()


def _is_plain(value: Any) -> bool:
    """Whether an option can have a value: identities, names and tables hold its text."""
    if isinstance(value, list):
        return all(map(_is_plain, value))

    return value is None or isinstance(value, int | float | str | Enum | PurePath)


def _source_of(module: str) -> Source:
    """The source of a module that is being imported, with the package that it belongs to.

    Raises:
        ConfigError: it is in no file.
    """
    file = Path(getattr(sys.modules[module], "__file__", None) or "")

    if module == "__main__" or not file.is_file():
        raise ConfigError(
            f"parts that are defined in {module} cannot be used, since other processes cannot "
            "import it; put them into a file of their own, and name it in plugins=[...]."
        )

    file = file.absolute()
    packages = module.count(".") + (file.name == "__init__.py")

    return Source.read(file.parents[packages - 1] if packages else file)


def names_of_parts(kind: str) -> list[str]:
    """The names of the parts of a kind, in order."""
    return sorted(name for of_kind, name in PARTS if of_kind == kind)


def is_own_network(model: Model) -> bool:
    """Whether an architecture is that of a plug-in."""
    return (NETWORK, model.name) in PARTS


def parts_used(config: Config) -> list[Part]:
    """The parts of plug-ins that a condition uses."""
    chosen = [
        (DATA_SET, config.data.name),
        (NETWORK, config.model.name),
        (NOISE, config.mask.name),
        *((TERM, name) for name in config.terms),
        *((RULE, name) for name in config.rules),
        *((METRIC, name) for name in config.metrics),
    ]
    return [PARTS[each] for each in chosen if each in PARTS]


def sources_of(config: Config, trained_alone: bool) -> dict[str, str]:
    """What plug-ins add to the identity of a condition: `source.MODULE` -> digest of its source.

    Args:
        config: a condition.
        trained_alone: leave out what decides only how networks are evaluated.
    """
    return {
        f"source.{part.module}": part.source.digest
        for part in parts_used(config)
        if part.kind in TRAINED or not trained_alone
    }
