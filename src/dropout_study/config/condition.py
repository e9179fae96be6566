"""The condition that a configuration describes: its identity, its parameters, its name."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from dropout_study.config.data_set import DataSet
from dropout_study.config.files import contents_of
from dropout_study.config.names import CORRUPTIONS, PLACEMENTS, PROBES, TUNING
from dropout_study.config.parts import is_own_network, sources_of
from dropout_study.config.schema import (
    MLP,
    AdamW,
    Autoencoder,
    Config,
    Data,
    LeNet,
    Mask,
    Model,
    OneCycle,
    Optimizer,
    Schedule,
    SoftmaxRegression,
    Term,
    Trainer,
)
from dropout_study.config.source import digest_of

ERA = 1
"""Counts the meanings of configurations. It rises when the default of a key changes, or when the
code computes other numbers from the same configuration: earlier results then count no more."""
TRAINING = ("training",)
WHOLE = ("training", "evaluation")


def identity(config: Config, parts: Sequence[str] = WHOLE) -> dict[str, Any]:
    """What a condition sets apart from the defaults of the schema, and the era of the code.

    A key that is added to the schema changes no identity as long as it has its default.

    Args:
        config: a condition.
        parts: of the configuration that count, `training` and `evaluation`.

    Returns:
        Key, such as `model.hidden_rate`, -> value.
    """
    chosen = {"era": ERA} | dict(departures(config, parts=parts))

    # Of a file the content counts, and of a plug-in the source.
    chosen |= contents_of(config)
    chosen |= sources_of(config, trained_alone=tuple(parts) == TRAINING)

    if config.mask.schedule == Mask.schedule:  # when a rate changes that does not
        chosen.pop("mask.until", None)

    if "model.dropout" in chosen:
        chosen["model.dropout"] = versioned_placement(chosen["model.dropout"])

    if "probes" in chosen:
        chosen["probes"] = [versioned(probe) for probe in chosen["probes"]]

    return chosen


def departures(
    chosen: Any,
    default: Any = None,
    path: str = "",
    part: str = "training",
    parts: Sequence[str] = WHOLE,
) -> Iterator[tuple[str, Any]]:
    """The keys of a configuration whose values are not their defaults, nested ones with their path.

    Args:
        chosen: a dataclass of the schema.
        default: what the schema has in its place; none if something has to be chosen there, or if
            something of another kind was chosen. Its `name` then counts.
        path: of the dataclass, such as `model.`.
        part: of the configuration that its keys belong to unless they say otherwise.
        parts: those that count.
    """
    for key in fields(chosen):
        part_of_key = key.metadata.get("part", part)
        if part_of_key not in parts:
            continue

        value = in_order(key, getattr(chosen, key.name))
        default_value = getattr(default, key.name) if default is not None else default_of(key)

        if is_dataclass(value):
            same_kind = default_value if type(default_value) is type(value) else None
            yield from departures(value, same_kind, f"{path}{key.name}.", part_of_key, parts)
        elif path + key.name == "terms":
            yield from _terms(value, "terms.")
        elif value != in_order(key, default_value) or (key.name == "name" and default is None):
            yield f"{path}{key.name}", value


def _terms(terms: Mapping[str, Term], path: str) -> Iterator[tuple[str, Any]]:
    """The strength of each term of a plug-in, and its options that are not their defaults."""
    for name in sorted(terms):
        term = terms[name]
        yield f"{path}{name}.strength", term.strength
        options = departures(term, type(term)(), f"{path}{name}.")
        yield from (each for each in options if each[0] != f"{path}{name}.strength")


def in_order(key: Field[Any], value: Any) -> Any:
    """A value, sorted where its order changes nothing; enums and paths by their names."""
    value = plain(value)
    return sorted(value) if "unordered" in key.metadata else value


def plain(value: Any) -> Any:
    """A value as JSON can hold it: enums and paths by their names."""
    if isinstance(value, list):
        return [plain(each) for each in value]

    if isinstance(value, Enum):
        return value.name

    return str(value) if isinstance(value, PurePath) else value


def default_of(key: Field[Any]) -> Any:
    """The default that the schema gives to a key, `???` if it gives none."""
    if key.default_factory is not MISSING:
        return key.default_factory()

    return "???" if key.default is MISSING else key.default


def versioned_placement(placement: str) -> str:
    """Where a LeNet drops, with its version if that is not the first.

    >>> versioned_placement("pools"), versioned_placement("all")
    ('pools', 'all 2')
    """
    version = PLACEMENTS[placement]
    return placement if version == 1 else f"{placement} {version}"


def versioned(probe: str) -> str:
    """A probe with its version, and with those of all that it measures."""
    name = f"{probe} {PROBES[probe]}"

    if not probe.startswith("corruption"):
        return name

    kinds = (f"{kind} {version}" for kind, version in sorted(CORRUPTIONS.items()))

    return f"{name}: {', '.join(kinds)}"


def condition_digest(config: Config) -> str:
    """Twelve hexadecimal digits that name a condition."""
    return digest_of(identity(config))


def training_digest(config: Config) -> str:
    """Twelve hexadecimal digits that name what is trained, however it is evaluated then."""
    return digest_of(identity(config, TRAINING))


def combined_digest(digests: Sequence[str]) -> str:
    """One digest of 12 hexadecimal digits for the digests of several seeds, in their order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:12]


def uses_test_data(config: Config) -> bool:
    """Whether trained networks are tested: candidates without rules and probes are not."""
    return config.study.stage != TUNING or bool(config.rules or config.probes)


def flat_params(config: Config) -> dict[str, str]:
    """The condition as `group.key` -> text, defaults included, for MLflow's params.

    Of plug-ins it has the digest of their source, and of the files that they read the content.
    """
    contents = {f"content.{key}": digest for key, digest in contents_of(config).items()}
    return dict(flattened(config)) | sources_of(config, trained_alone=False) | contents


def flattened(chosen: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The keys of a condition, nested ones with their path, and their values as text."""
    for key in fields(chosen):
        value = getattr(chosen, key.name)

        is_unsaid = "unsaid" in key.metadata and value == default_of(key)
        if key.metadata.get("part") == "none" or is_unsaid:
            continue

        if is_dataclass(value):
            yield from flattened(value, f"{path}{key.name}.")
        elif path + key.name == "terms":
            for name in sorted(value):
                yield from flattened(value[name], f"terms.{name}.")
        else:
            separator = " " if "unordered" in key.metadata else "x"
            yield f"{path}{key.name}", _text(in_order(key, value), separator)


def _text(value: object, separator: str = "x") -> str:
    if not isinstance(value, list):
        return str(value)

    return separator.join(map(str, value)) or "none"


def condition_name(config: Config) -> str:
    """A short name: architecture, rates, data, and whatever departs from the defaults."""
    data = config.data
    regularizer = config.regularizer
    name = " ".join([data.name, *map(str, sorted(data.classes))])
    parts = [_architecture(config.model), _rates(config.model), *_mask(config.mask), name]
    parts += [config.objective] if config.objective != Config.objective else []
    parts += _own_options(data, Data) if isinstance(data, DataSet) else []
    parts += [f"pool {data.pool}"] if data.pool > 1 else []
    parts += [f"n {data.train_size}"] if data.train_size is not None else []
    parts += [f"reserve {data.reserve}"] if data.reserve else []
    parts += [data.resample] if data.resample != "none" else []
    parts += [f"batch {data.batch_size}"] if data.batch_size != Data.batch_size else []
    parts += [
        f"{key} {getattr(regularizer, key):g}"
        for key in ("l2", "l1", "sparsity")
        if getattr(regularizer, key)
    ]
    parts += [f"max-norm {_text(regularizer.max_norm)}"] if regularizer.max_norm else []
    parts += [_term(name, config.terms[name]) for name in sorted(config.terms)]
    parts += _departures(config.optimizer, AdamW()) + _departures(config.schedule, OneCycle())
    parts += [config.trainer.precision] if config.trainer.precision != Trainer.precision else []
    parts += ["best weights"] if config.budget.weights == "best" else []

    return ", ".join([part for part in parts if part] + [f"{config.budget.updates} updates"])


def apart(names: Sequence[str]) -> tuple[str, list[str]]:
    """What several names have in common, and what is left of each; commas set off their parts.

    >>> apart(["mlp 16, rate 0, digits", "mlp 16, rate 0.5, digits"])
    ('mlp 16, digits', ['rate 0', 'rate 0.5'])
    >>> apart(["mlp 16, digits"])
    ('', ['mlp 16, digits'])
    """
    parts = [name.split(", ") for name in names]
    if len(set(names)) < 2:
        return "", list(names)

    shared = [part for part in parts[0] if all(part in others for others in parts[1:])]
    left = [", ".join(part for part in each if part not in shared) for each in parts]

    return ", ".join(shared), [own or name for own, name in zip(left, names, strict=True)]


def _departures(chosen: Optimizer | Schedule, default: Optimizer | Schedule) -> list[str]:
    """The name of a choice other than the default, and its values other than its own defaults."""
    defaults = asdict(type(chosen)(name=chosen.name))
    values = [f"{key} {value:g}" for key, value in asdict(chosen).items() if value != defaults[key]]
    return ([chosen.name] if chosen.name != default.name else []) + values


def _mask(mask: Mask) -> list[str]:
    """What sets the noise on units apart from dropout."""
    noise = [] if mask.name == Mask.name else [f"{mask.name} noise"]
    shared = [] if mask.shared == Mask.shared else [SHARING[mask.shared]]
    channels = ["by channel"] if mask.by_channel else []
    channels += ["of weights"] if mask.weights else []
    schedule = [f"{SCHEDULES[mask.schedule]} {mask.until:g}"] if mask.schedule in SCHEDULES else []

    return [*noise, *shared, *channels, *schedule]


SHARING = {"update": "one mask per update", "training": "one mask per network"}
SCHEDULES = {
    "early": "rate up to",
    "falling": "rate falling to",
    "late": "rate from",
    "rising": "rate rising to",
}


def _own_options(chosen: Any, base: type) -> list[str]:
    """The options of a plug-in that are not their defaults, without those of its base."""
    shared = {key.name for key in fields(base)}
    own = [key for key in fields(chosen) if key.name not in shared]
    values = {key.name: getattr(chosen, key.name) for key in own}

    return [
        f"{key.name} {_shown(key, values[key.name])}"
        for key in own
        if in_order(key, values[key.name]) != in_order(key, default_of(key))
    ]


def _shown(key: Field[Any], value: Any) -> str:
    """The value of an option in a name; of a file its name, which no comma may cut."""
    text = Path(value).name if "file" in key.metadata else _text(in_order(key, value))
    return f"{value:g}" if isinstance(value, float) else text.replace(", ", " ")


def _term(name: str, term: Term) -> str:
    """A term of a plug-in: its name, its strength, and options that are not their defaults."""
    return " ".join([name, f"{term.strength:g}", *_own_options(term, Term)])


def _architecture(model: Model) -> str:
    if is_own_network(model):
        return " ".join([model.name, *_own_options(model, Model)])

    match model:
        case MLP(widths=widths, activation=activation):
            name = f"mlp {'-'.join(map(str, widths))}"
            return name if activation == "relu" else f"{name} {activation}"
        case Autoencoder(widths=widths, loss=loss):
            name = f"autoencoder {'-'.join(map(str, widths))}"
            return name if loss == "squared" else f"{name} {loss}"
        case LeNet(dropout=dropout):
            return f"lenet {dropout}"

    return "softmax regression"


def _rates(model: Model) -> str:
    match model:
        case SoftmaxRegression(input_rate=input_rate):
            return f"input rate {input_rate:g}"
        case LeNet(dropout="none"):
            return ""
        case LeNet(hidden_rate=hidden_rate):
            return f"rate {hidden_rate:g}"
        case MLP() | Autoencoder():
            both = f"rates {model.input_rate:g}/{model.hidden_rate:g}"
            return both if model.input_rate else f"rate {model.hidden_rate:g}"

    return ""
