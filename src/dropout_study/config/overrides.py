"""Overrides on a command line, as Hydra reads them."""

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException


def with_overrides(arguments: Sequence[str], added: Sequence[str]) -> list[str]:
    """The command line with more overrides: Hydra takes them in one piece, flags stand before or behind it."""
    positions = [i for i, argument in enumerate(arguments) if is_override(argument)]
    end = positions[-1] + 1 if positions else len(arguments)
    return [*arguments[:end], *added, *arguments[end:]]


def is_override(argument: str) -> bool:
    """Whether an argument is `key=value` and no flag."""
    return "=" in argument and not argument.startswith("-")


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Hydra's reading of the overrides; none if there is a mistake, which Hydra itself will report."""
    try:
        return list(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException:
        return []
