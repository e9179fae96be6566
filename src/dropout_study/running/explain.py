"""Mistakes in an override or a file as one sentence."""

import errno
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
    ValidationError,
)

from dropout_study.config.checks import TERMS, hint, unknown_key
from dropout_study.config.choices import names_of_choices
from dropout_study.config.overrides import is_override, parse_overrides
from dropout_study.config.parts import DATA_SET, NETWORK, TERM
from dropout_study.config.schema import ConfigError, Term

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The numbers of errors of a disk that takes no more."""
FURTHER = dict.fromkeys((DATA_SET, NETWORK, TERM), " Those of a plug-in need plugins=[MODULE].") | {
    "study": " Those of a folder of your own need --config-dir FOLDER."
}
"""Group -> where its other choices may come from."""
MOST_LISTED = 30
"""So many seeds a sentence may list."""
SBATCH = "sbatch: error: "
"""What the error begins with that submitit raises where SLURM does not take a job."""


def explain(error: Exception) -> str:
    """A mistake in an override or a file as one sentence: the key, the value, what is allowed."""
    if isinstance(error, MissingConfigException) and error.options is not None:
        return _no_choice(str(error.missing_cfg_file), error.options)

    if isinstance(error, OverrideParseException):
        return _unreadable(error.override, error.message.splitlines()[0])

    if isinstance(error, OSError) and error.errno in FULL:
        return f"The disk is full: {error}. Free some space and run the same command again."

    if isinstance(error, OSError) and error.filename is not None:
        return f"{_naming(str(error.filename))} cannot be used: {error.strerror}."

    if str(error).startswith(SBATCH):
        answers = [line.removeprefix(SBATCH) for line in str(error).strip().splitlines()]
        return f"SLURM does not take the jobs: {'; '.join(answers)}. See hydra.launcher in --help."

    own = next((reason for reason in _reasons(error) if isinstance(reason, ConfigError)), None)
    if own is not None:  # OmegaConf wraps those of resolvers
        return str(own)

    reasons = (error.__cause__, error, error.__context__)

    cause = next((e for e in reasons if isinstance(e, OmegaConfBaseException)), None)
    if cause is not None:
        in_file = re.match(r"In '[^']+': ", str(error))
        return (in_file[0] if in_file else "") + _misfit(cause, str(error))

    return re.sub(r"\s*\n\s*", " ", str(error).strip())


def _no_choice(path: str, options: Sequence[str]) -> str:
    """A choice that does not exist; `options` are those of its folder."""
    group, _, choice = path.rpartition("/")

    if path.startswith("arm/"):
        group, _, choice = path.partition("/")
        options = names_of_choices(group)

    sentence = f"{group}={choice} cannot be used: {group} must be one of {', '.join(options)}."

    return f"{sentence}{hint(choice, options)}{FURTHER.get(group, '')}"


def _reasons(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _naming(place: str) -> str:
    """The override that named a file or a folder, or else its own path."""
    values = {a: a.partition("=")[2] for a in filter(is_override, sys.argv[1:])}
    typed = [argument for argument, value in values.items() if value and _leads_to(value, place)]
    return max(typed, key=lambda argument: len(values[argument]), default=place)


def _leads_to(value: str, place: str) -> bool:
    """Whether a path is, or ends in, what was typed, or lies below it."""
    parts, sought = Path(place).parts, Path(value).parts
    starts = range(len(parts) - len(sought) + 1)
    return any(parts[start : start + len(sought)] == sought for start in starts)


def _unreadable(typed: str, reason: str) -> str:
    """An override that Hydra cannot read, and how its value is quoted."""
    key, equals, value = typed.partition("=")
    if not equals:
        return f"{typed} cannot be read: type key=value; --help lists keys and values."

    if value.startswith(("[", "{")):
        return f"{typed} cannot be read: {reason}."

    escaped = value.replace('"', r"\"")
    quoted = shlex.quote(f'{key}="{escaped}"')

    return f"{typed} cannot be read: {reason}; such a value needs quotes: {quoted}."


def _misfit(cause: OmegaConfBaseException, text: str) -> str:
    """A key or a value that the schema does not have."""
    unknown = isinstance(cause, ConfigAttributeError | ConfigKeyError)
    if unknown and isinstance(cause.parent_node, DictConfig):
        return unknown_key(str(cause.full_key), [str(k) for k in cause.parent_node if k != "hydra"])

    override = re.search(r"override '?(\S+=[^'\n]*)", text)
    subject = override[1] if override else cause.full_key
    if subject is None:
        return text.strip().splitlines()[0]

    if override and isinstance(cause, ValidationError):
        key, value = override[1].split("=", 1)
        if "is not a ListConfig" in str(cause.msg):
            return _no_list(key, value)
        if f"is not a subclass of {Term.__name__}" in str(cause.msg):
            return f"{override[1]} cannot be used: {TERMS}"
        if value.startswith("[") and isinstance(cause.parent_node, DictConfig):
            return _no_number(key, value)

    return f"{subject} cannot be used: {str(cause.msg).splitlines()[0].rstrip('.')}."


def _no_number(key: str, value: str) -> str:
    """What to type where a list stands in place of one value: a sweep."""
    values = value.strip("[]").replace(" ", "")

    return f"{key}={value} cannot be used: {key} has one value; type -m {key}={values} for a sweep."


def _no_list(key: str, value: str) -> str:
    """What to type where a list belongs; `value` is one of those of a sweep, if there is one."""
    for override in parse_overrides([a for a in sys.argv[1:] if a.startswith(f"{key}=")]):
        if override.is_sweep_override():
            values = list(override.sweep_string_iterator())
            one = shlex.quote(f"{key}=[{','.join(values)}]")
            each = shlex.quote(f"{key}={','.join(f'[{value}]' for value in values)}")

            return (
                f"{override.input_line} cannot be used: each value of {key} must be a list; type "
                f"{one} for one condition, or {each} for {len(values)}."
            )

    sentence = f"{key}={value} cannot be used: {key} must be a list; type"
    as_list = shlex.quote(f"{key}=[{value}]")

    if key == "seeds" and value.isdecimal() and 1 < int(value) <= MOST_LISTED:
        seeds = ",".join(map(str, range(int(value))))
        return f"{sentence} {shlex.quote(f'seeds=[{seeds}]')} for {value} networks."

    return f"{sentence} {as_list}."
