"""What a search may vary: intervals and lists of values on a command line, as Hydra reads them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args, get_type_hints

from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.resolvers import SIGNIFICANT_DIGITS
from dropout_study.config.schema import ConfigError

LOGARITHMIC = "log"
"""The tag of an interval whose logarithm is searched."""
SET_BY_A_SEARCH = ("study.stage", "study.candidate", "study.chosen")
"""Keys that a search gives to its jobs."""
NOT_SEARCHED = (
    "seeds",
    "rules",
    "probes",
    "metrics",
    "tracking.cohort",
    "tracking.model",
    "study.arm",
)
"""Keys that say how the best candidate is judged, and what it is called."""


@dataclass(frozen=True)
class Interval:
    """Numbers between two limits.

    Attributes:
        key: of the setting.
        low: the smallest value.
        high: the largest value.
        is_logarithmic: whether the logarithm is searched.
        is_whole: whether the values are whole numbers.
        in_list: whether the setting is a list, which then holds the value alone.
    """

    key: str
    low: float
    high: float
    is_logarithmic: bool = False
    is_whole: bool = False
    in_list: bool = False

    def override(self, value: float) -> str:
        """A value as it is typed, with three digits, so that names and tables can show it.

        >>> Interval("optimizer.lr", 1e-4, 1e-2, is_logarithmic=True).override(0.00123456)
        'optimizer.lr=0.00123'
        >>> Interval("regularizer.max_norm", 1, 4, in_list=True).override(3.99999)
        'regularizer.max_norm=[4.0]'
        >>> Interval("model.hidden_rate", 0, 0.9999).override(0.9998)
        'model.hidden_rate=0.9999'
        """
        rounded = round(value) if self.is_whole else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        text = str(min(max(rounded, self.low), self.high))

        return f"{self.key}=[{text}]" if self.in_list else f"{self.key}={text}"


@dataclass(frozen=True)
class Choices:
    """Values of which each is tried by itself.

    Attributes:
        key: of the setting, or a group.
        values: as they are typed.
    """

    key: str
    values: tuple[str, ...]

    def override(self, value: str) -> str:
        """A value as it is typed.

        >>> Choices("model.widths", ("[16]", "[16,16]")).override("[16]")
        'model.widths=[16]'
        """
        return f"{self.key}={value}"


@dataclass(frozen=True)
class Space:
    """What a command line says of a search.

    Attributes:
        axes: what is searched, by key.
        fixed: key -> override that all candidates share.
    """

    axes: dict[str, Interval | Choices]
    fixed: dict[str, str]

    def condition(
        self, values: Mapping[str, Any], others: Sequence[str] = (), without: Sequence[str] = ()
    ) -> list[str]:
        """The overrides of a candidate.

        Args:
            values: key -> value of what is searched.
            others: further overrides.
            without: keys whose fixed override is left out.
        """
        fixed = [override for key, override in self.fixed.items() if key not in without]
        return [*fixed, *self.searched(values), *others]

    def searched(self, values: Mapping[str, Any]) -> list[str]:
        """The overrides of what is searched.

        Args:
            values: by key.
        """
        return [axis.override(values[key]) for key, axis in self.axes.items()]

    def corner(self, is_high: bool) -> dict[str, Any]:
        """The values at one end of all axes."""
        corner: dict[str, Any] = {}

        for key, axis in self.axes.items():
            if isinstance(axis, Interval):
                corner[key] = axis.high if is_high else axis.low
            else:
                corner[key] = axis.values[-1 if is_high else 0]

        return corner


def read_space(overrides: Sequence[Override], composed: DictConfig) -> Space:
    """What the overrides of a command line say of a search; of a key that is typed twice, the last.

    Args:
        overrides: of the task, those of Hydra itself left out.
        composed: the configuration, whose schema says which keys are numbers.

    Raises:
        ConfigError: there is no interval, a key is one that a search sets, or an interval has no
            numbers in it.
    """
    typed = {override.get_key_element(): override for override in overrides}
    axes: dict[str, Interval | Choices] = {}
    fixed: dict[str, str] = {}

    for key, override in typed.items():
        _check_key(override)

        if override.is_interval_sweep():
            axes[key] = _interval(override, composed)
        elif override.is_sweep_override():
            axes[key] = Choices(key, tuple(override.sweep_string_iterator()))
        else:
            fixed[key] = f"{key}={override.get_value_element_as_str()}"

    if not any(isinstance(axis, Interval) for axis in axes.values()):
        raise ConfigError(
            "hydra/sweeper=optuna searches intervals, and none is typed: add one, such as "
            "'model.hidden_rate=interval(0,0.8)' or 'optimizer.lr=tag(log,interval(1e-4,1e-2))'."
        )

    return Space(axes, fixed)


def _check_key(override: Override) -> None:
    """Refuse keys that a search sets, and to search what differs between candidates and winner.

    Raises:
        ConfigError: naming the key.
    """
    if override.is_sweep_override() and override.key_or_group in NOT_SEARCHED:
        raise ConfigError(
            f"{override.input_line} cannot be used: {override.key_or_group} cannot be searched; "
            "type one value, which the best candidate gets."
        )

    if override.key_or_group in SET_BY_A_SEARCH:
        raise ConfigError(
            f"{override.input_line} cannot be used with hydra/sweeper=optuna, which sets "
            f"{override.key_or_group} itself."
        )


def _interval(override: Override, composed: DictConfig) -> Interval:
    """An interval, of the kind of numbers that its key has.

    Raises:
        ConfigError: its limits do not ascend, or have no logarithm; or a tag does not exist.
    """
    swept = cast("IntervalSweep", override.value())
    low = float(cast("float", swept.start))
    high = float(cast("float", swept.end))
    is_logarithmic = LOGARITHMIC in swept.tags

    if unknown := sorted(swept.tags - {LOGARITHMIC}):
        raise ConfigError(
            f"{override.input_line} cannot be used: there is no tag {unknown[0]}; "
            f"tag({LOGARITHMIC},...) searches the logarithm."
        )

    if not low < high or (is_logarithmic and low <= 0) or not math.isfinite(high - low):
        limits = "numbers above 0" if is_logarithmic else "numbers"
        raise ConfigError(
            f"{override.input_line} cannot be used: its limits must be {limits}, "
            "the smaller one first."
        )

    kinds = _kinds(override.key_or_group, composed)
    is_whole = int in kinds and float not in kinds
    if is_whole:
        low = math.ceil(low)
        high = math.floor(high)

    return Interval(
        override.get_key_element(), low, high, is_logarithmic, is_whole, in_list=list in kinds
    )


def _kinds(key: str, composed: DictConfig) -> set[Any]:
    """The types that the schema allows for a key, `list` among them; none if it has no such key."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(composed, parent) if parent else composed
    schema = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
    hint = get_type_hints(schema).get(name) if schema and schema is not dict else None
    kinds = {hint, *get_args(hint)}

    return kinds | {list} if getattr(hint, "__origin__", None) is list else kinds
