"""Overrides on a command line, as Hydra reads them."""

import itertools
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import OverrideParseException

from dropout_study.config.schema import ConfigError


def with_overrides(arguments: Sequence[str], added: Sequence[str]) -> list[str]:
    """The command line with more overrides, behind the last that was typed.

    Hydra takes overrides in one piece only; flags stand before or behind it.
    """
    positions = [i for i, argument in enumerate(arguments) if is_override(argument)]
    end = positions[-1] + 1 if positions else len(arguments)
    return [*arguments[:end], *added, *arguments[end:]]


def is_override(argument: str) -> bool:
    """Whether an argument is `key=value` and no flag."""
    return "=" in argument and not argument.startswith("-")


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Overrides as Hydra parses them; none if there is a mistake, which Hydra itself reports."""
    try:
        return list(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException:
        return []


def as_typed(value: Any) -> str:
    """A value as it is typed behind the `=` of an override, with texts in quotes.

    >>> as_typed({"tuning": [900, 901], "final": None})
    '{tuning: [900, 901], final: null}'
    >>> as_typed("dropout + L2, tuned")
    "'dropout + L2, tuned'"
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_typed(entry)}' for key, entry in value.items())}}}"

    if isinstance(value, list):
        return f"[{', '.join(map(as_typed, value))}]"

    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()

    return "null" if value is None else str(value)


def expand_sweep(overrides: Sequence[Override]) -> list[list[str]]:
    """The overrides of every condition of a sweep, in the order in which Hydra numbers its jobs.

    The last axis varies fastest. A key that is typed twice has its last values.

    Raises:
        ConfigError: an axis is an interval, which has no list of values.
    """
    axes: dict[str, list[str]] = {}

    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            axes[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise ConfigError(
                f"{override.input_line} cannot be used: a sweep needs its values, as in "
                f"{key}=0,0.5; hydra/sweeper=optuna searches an interval."
            )

    return [list(condition) for condition in itertools.product(*axes.values())]
