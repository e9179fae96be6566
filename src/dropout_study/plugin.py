"""What a plug-in is written with: bases and decorators that add parts of your own.

A plug-in is a module that you write. `plugins=[my_parts]` on the command line imports it; what
stands under a decorator can then be chosen by its name, as if it were built in. The docstring of a
part is what `--help` says of it. `docs/your-own.md` shows whole ones.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, TypeVar, dataclass_transform

from omegaconf import MISSING
from torch import Tensor

from dropout_study.config import parts
from dropout_study.config.bounds import ABOVE_0, COUNT, FROM_0, RATE, SIZE, WIDTHS
from dropout_study.config.data_set import DataSet, Examples
from dropout_study.config.schema import FILE, ConfigError
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.contract import reason_of
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import Convolution, Linear, Network
from dropout_study.dropout.noise import (
    NOISES,
    Added,
    Bernoulli,
    Gaussian,
    Noise,
    Strength,
    deviation,
)
from dropout_study.dropout.noise_contract import check_noise
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.dropout.rules import RULES, Averages, Rule, subnetworks, weight_scaling
from dropout_study.measures.tasks import OWN_METRICS
from dropout_study.training.own_network import Architecture
from dropout_study.training.own_terms import LossTerm, Update

__all__ = [
    "ABOVE_0",
    "COUNT",
    "FROM_0",
    "RATE",
    "SIZE",
    "WIDTHS",
    "Added",
    "Architecture",
    "Averages",
    "Bernoulli",
    "Cohort",
    "ConfigError",
    "Convolution",
    "DataSet",
    "Examples",
    "Gaussian",
    "Linear",
    "LossTerm",
    "Network",
    "Noise",
    "Purpose",
    "Site",
    "Strength",
    "Update",
    "data_set",
    "deviation",
    "file_option",
    "generator",
    "metric",
    "network",
    "noise",
    "option",
    "rule",
    "subnetworks",
    "term",
    "weight_scaling",
]

Options = TypeVar("Options")
Kind = TypeVar("Kind", bound=Noise)
Predict = Callable[[Cohort, Tensor, int], Tensor]
Values = Callable[[Tensor, Tensor], Tensor]


@dataclass_transform(field_specifiers=(field,))
def data_set(name: str) -> Callable[[type[Options]], type[Options]]:
    """Add a subclass of `DataSet` as the choice `data=NAME`; its fields are keys `data.KEY`."""
    return _choice(parts.DATA_SET, name, DataSet)


@dataclass_transform(field_specifiers=(field,))
def network(name: str) -> Callable[[type[Options]], type[Options]]:
    """Add a subclass of `Architecture` as `model=NAME`; its fields are keys `model.KEY`."""
    return _choice(parts.NETWORK, name, Architecture)


@dataclass_transform(field_specifiers=(field,))
def term(name: str) -> Callable[[type[Options]], type[Options]]:
    """Add a subclass of `LossTerm` as `regularizer=NAME`; its fields are keys `terms.NAME.KEY`."""
    return _choice(parts.TERM, name, LossTerm)


def rule(name: str, averages: Averages) -> Callable[[Predict], Predict]:
    """Add a prediction rule, for `rules=[NAME]`.

    It is a function of (cohort of R networks, inputs `[N, D]`, number of sampled masks) that gives
    log-probabilities `[R, N, C]`.

    Args:
        name: of the rule.
        averages: the subnetworks that it averages.
    """

    def add(predict: Predict) -> Predict:
        parts.add(parts.RULE, name, predict, _caller(), predict.__doc__ or "")
        RULES[name] = Rule(predict, averages)
        return predict

    return add


def metric(name: str) -> Callable[[Values], Values]:
    """Add a measure of predictions, for `metrics=[NAME]`; recorded as `test/NAME/RULE`.

    It is a function of (log-probabilities `[..., N, C]`, labels `[..., N]`) that gives the value of
    each example, `[..., N]`; their mean is recorded. Labels have the axes of the predictions.
    """

    def add(values: Values) -> Values:
        parts.add(parts.METRIC, name, values, _caller(), values.__doc__ or "")
        OWN_METRICS[name] = values
        return values

    return add


def noise(name: str) -> Callable[[type[Kind]], type[Kind]]:
    """Add a subclass of `Noise` as `mask.name=NAME`; it is made without arguments, and tried."""

    def add(definition: type[Kind]) -> type[Kind]:
        module = _caller()
        kind = _tried_noise(name, definition, module)
        parts.add(parts.NOISE, name, definition, module, definition.__doc__ or "")
        NOISES[name] = kind
        return definition

    return add


def option(default: Any, allowed: dict[str, Any]) -> Any:
    """A field with bounds.

    Args:
        default: its value unless another is typed.
        allowed: `RATE`, `SIZE`, `COUNT`, `FROM_0`, `ABOVE_0` or `WIDTHS`.
    """
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=allowed)

    return field(default=default, metadata=allowed)


def file_option() -> Any:
    """A field that names a file, whose content is a part of what is trained; it must be typed."""
    return field(default=MISSING, metadata=FILE)


def _tried_noise(name: str, definition: type[Noise], module: str) -> Noise:
    """A kind of noise that means by a rate what others do.

    Raises:
        ConfigError: it does not.
    """
    try:
        kind = definition()
        check_noise(kind)
    except Exception as error:
        refused = f"{parts.NOISE}={name} of {module} cannot be added"
        raise ConfigError(f"{refused}: {reason_of(error)}.") from error

    return kind


def _choice(kind: str, name: str, base: type) -> Callable[[type[Options]], type[Options]]:
    """A decorator that makes a class a dataclass, and adds it as a choice."""

    def add(definition: type[Options]) -> type[Options]:
        module = _caller()
        if not issubclass(definition, base):
            raise ConfigError(
                f"{kind}={name} of {module} cannot be added: {definition.__name__} must be a "
                f"subclass of {base.__name__}."
            )

        about = vars(definition).get("__doc__") or ""  # a dataclass writes one of its own
        is_made = "__dataclass_fields__" in vars(definition)
        made = definition if is_made else dataclass(definition)
        _inherit_metadata(made)
        parts.add(kind, name, made, module, about)

        return made

    return add


def _inherit_metadata(definition: type) -> None:
    """Give options that have another default here the bounds that they have in a base."""
    for base in definition.__mro__[1:]:
        of_base = {key.name: key.metadata for key in fields(base)} if is_dataclass(base) else {}

        for key in fields(definition):
            if key.name in of_base:
                key.metadata = MappingProxyType({**of_base[key.name], **key.metadata})


def _caller() -> str:
    """The name of the module in which a decorator stands."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    assert frame.f_back.f_back is not None

    return str(frame.f_back.f_back.f_globals["__name__"])
