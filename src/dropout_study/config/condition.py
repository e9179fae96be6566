"""The condition that a configuration describes: its identity, its parameters, its name."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from dropout_study.config.names import DATASETS
from dropout_study.config.schema import (
    MLP,
    AdamW,
    Config,
    Data,
    LeNet,
    Model,
    OneCycle,
    Optimizer,
    Schedule,
    SoftmaxRegression,
    Trainer,
)


def scientific(config: Config) -> dict[str, Any]:
    """What fixes a condition and its results: the configuration without seeds, paths, device and recording."""
    plain = asdict(config)

    for key in (
        "seeds",
        "tracking",
        "study",
        "checkpoint",
        "rerun",
        "fail_fast",
        "dry_run",
        "debug",
    ):
        del plain[key]

    for group, key in (
        ("data", "root"),
        ("data", "download"),
        ("trainer", "accelerator"),
        ("budget", "name"),
        ("budget", "minutes"),
    ):
        del plain[group][key]

    if plain["data"]["train_size"] is None:
        plain["data"]["train_size"] = DATASETS[config.data.name].train

    if config.budget.weights == "last":
        del plain["budget"]["validations"]  # looking more often changes nothing

    plain["evaluation"] = {"rules": sorted(plain.pop("rules"))} | {
        f"mc_{k}": v for k, v in plain.pop("mc").items()
    }
    probes = sorted(plain.pop("probes"))
    bag = plain.pop("bag")

    if probes:
        plain["evaluation"]["probes"] = probes

    if "bags" in probes:
        plain["evaluation"]["bag"] = bag

    return plain


def condition_digest(config: Config) -> str:
    """Twelve hexadecimal digits that name a condition."""
    return _hash(scientific(config))


def training_digest(config: Config) -> str:
    """Twelve hexadecimal digits that name what is trained, however it is evaluated then."""
    plain = scientific(config)
    del plain["evaluation"]
    return _hash(plain)


def _hash(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def flat_params(config: Config) -> dict[str, str]:
    """The condition as `group.key` -> text, for MLflow's params."""
    return {
        f"{group}.{key}": _text(value)
        for group, values in scientific(config).items()
        for key, value in values.items()
    }


def _text(value: object) -> str:
    return "x".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def condition_name(config: Config) -> str:
    """A short name: architecture, rates of dropping, data, and whatever departs from the defaults."""
    data = config.data
    regularizer = config.regularizer
    parts = [_architecture(config.model), _rates(config.model), data.name]
    parts += [f"pool {data.pool}"] if data.pool > 1 else []
    parts += [f"n {data.train_size}"] if data.train_size is not None else []
    parts += [data.resample] if data.resample != "none" else []
    parts += [f"batch {data.batch_size}"] if data.batch_size != Data.batch_size else []
    parts += [
        f"{key} {getattr(regularizer, key):g}"
        for key in ("l2", "l1", "sparsity")
        if getattr(regularizer, key)
    ]
    parts += [f"max-norm {_text(regularizer.max_norm)}"] if regularizer.max_norm else []
    parts += _departures(config.optimizer, AdamW()) + _departures(config.schedule, OneCycle())
    parts += [config.trainer.precision] if config.trainer.precision != Trainer.precision else []
    parts += ["best weights"] if config.budget.weights == "best" else []

    return ", ".join([part for part in parts if part] + [f"{config.budget.updates} updates"])


def _departures(chosen: Optimizer | Schedule, default: Optimizer | Schedule) -> list[str]:
    """The name of a choice that is not the default, and its values that are not its own defaults."""
    usual = asdict(type(chosen)(name=chosen.name))
    values = [f"{key} {value:g}" for key, value in asdict(chosen).items() if value != usual[key]]
    return ([chosen.name] if chosen.name != default.name else []) + values


def _architecture(model: Model) -> str:
    if isinstance(model, MLP):
        plain = f"mlp {'-'.join(map(str, model.widths))}"
        return plain if model.activation == "relu" else f"{plain} {model.activation}"
    return f"lenet {model.dropout}" if isinstance(model, LeNet) else "softmax regression"


def _rates(model: Model) -> str:
    if isinstance(model, SoftmaxRegression):
        return f"input rate {model.input_rate:g}"

    if isinstance(model, MLP) and model.input_rate:
        return f"rates {model.input_rate:g}/{model.hidden_rate:g}"

    idle = isinstance(model, LeNet) and model.dropout == "none"

    return f"rate {model.hidden_rate:g}" if isinstance(model, MLP | LeNet) and not idle else ""
