"""Plug-ins: modules of a user whose import adds parts (see `dropout_study.plugin`)."""

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from dropout_study.config.overrides import is_override, parse_overrides
from dropout_study.config.parts import PARTS
from dropout_study.config.schema import ConfigError

GROUP = "dropout_study.plugins"
"""The group of entry points by which an installed distribution names its plug-ins."""
KEY = "plugins"


def load(names: Iterable[str]) -> None:
    """Import plug-ins, and those of installed distributions, which adds their parts.

    A module may lie in the current folder. Processes that this one starts find it, too.

    Raises:
        ConfigError: there is no such module, its import fails, or it adds nothing.
    """
    _load_installed()

    for name in names:
        if name not in sys.modules:
            _find_in_current_folder()

        _import(name, f"{KEY}=[{name}]")


@cache
def _load_installed() -> None:
    """Import the plug-ins of installed distributions, once."""
    for entry in entry_points(group=GROUP):
        distribution = entry.dist.name if entry.dist else "an installed distribution"
        _import(entry.module, f"the plug-in {entry.name} of {distribution}")


def typed_plugins(arguments: Sequence[str]) -> list[str]:
    """The plug-ins that a command line names.

    Raises:
        ConfigError: they are swept, or are no list of names.
    """
    names: list[str] = []

    for override in parse_overrides([each for each in arguments if is_override(each)]):
        if override.key_or_group != KEY:
            continue

        value = None if override.is_sweep_override() else override.value()
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ConfigError(
                f"{override.input_line} cannot be used: {KEY} must be a list of modules, as in "
                f"{KEY}=[my_parts]."
            )

        names = [str(name) for name in value]

    return names


def _find_in_current_folder() -> None:
    """Let this process and those that it starts import from the current folder, last of all."""
    folder = str(Path.cwd())

    if folder not in sys.path:
        sys.path.append(folder)

    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, inherited), folder])


def _import(name: str, named: str) -> None:
    """Import a plug-in; `named` says in a message who wants it."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"{named} cannot be used: there is no module {name} in {Path.cwd()}, in "
                "PYTHONPATH, or among what is installed."
            ) from error
        raise _failed(named, error) from error
    except ConfigError:
        raise
    except Exception as error:
        raise _failed(named, error) from error

    # It may import the parts of others, too.
    modules = {part.module for part in PARTS.values()}
    within = {f"{each}.".startswith(f"{name}.") for each in modules}
    imported = {_module_of(value) for value in vars(module).values()}
    if not any(within) and not modules & imported:
        raise ConfigError(
            f"{named} cannot be used: the module adds nothing; a decorator of "
            "dropout_study.plugin above a class or function adds a part."
        )


def _module_of(value: object) -> str:
    """The module that an object is, or that defines it."""
    return str(getattr(value, "__module__", None) or getattr(value, "__name__", ""))


def _failed(named: str, error: Exception) -> ConfigError:
    reason = f"{type(error).__name__}: {error}"
    return ConfigError(f"{named} cannot be used: importing it fails: {reason}")
