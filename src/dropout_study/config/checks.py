"""Checks on values that types cannot express; each names the key, the value and what is allowed."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import Field, fields, is_dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from dropout_study.config.bounds import LONGEST_NAME, WIDTHS
from dropout_study.config.data_set import facts_of
from dropout_study.config.names import (
    ACTIVATIONS,
    AUTOENCODER_PROBES,
    AUTOENCODER_RULES,
    DATASETS,
    LOSSES,
    METRICS,
    NOISES,
    OBJECTIVES,
    PLACEMENTS,
    PROBES,
    RATE_SCHEDULES,
    RULES,
    SHARED,
    STAGES,
)
from dropout_study.config.parts import DATA_SET, is_own_network, names_of_parts
from dropout_study.config.schema import (
    MLP,
    Autoencoder,
    Config,
    ConfigError,
    Data,
    LeNet,
    Model,
    SoftmaxRegression,
    Term,
)

TERMS = "regularizer=NAME chooses a term of a plug-in, terms.NAME.KEY=VALUE sets its options."
"""What to type, where a term was not found."""


def check_keys(composed: DictConfig, path: str = "", others: Sequence[str] = ()) -> None:
    """Refuse keys that the schema does not have, which `+key=value` adds and nothing reads.

    What the schema leaves free is not looked into, and neither is what Hydra calls with its keys
    (`_target_`), which refuses them itself.

    Args:
        composed: a configuration, or a part of one.
        path: of the part, as `model.`.
        others: keys that are allowed besides those of the schema.

    Raises:
        ConfigError: for the first of them.
    """
    schema = OmegaConf.get_type(composed)
    if not is_dataclass(schema) or "_target_" in composed:
        return

    allowed = [*(key.name for key in fields(schema)), *others]

    for key in map(str, composed):
        if key not in allowed:
            raise ConfigError(unknown_key(f"{path}{key}", allowed))

        open_ = OmegaConf.is_missing(composed, key) or OmegaConf.is_interpolation(composed, key)
        if not open_ and isinstance(composed[key], DictConfig):
            check_keys(composed[key], f"{path}{key}.")


def check_given(composed: DictConfig) -> None:
    """Refuse options of plug-ins that do not exist, or that must be typed and were not.

    Raises:
        ConfigError: for the first of them.
    """
    sections = {"data": composed.data, "model": composed.model}
    sections |= {f"terms.{name}": term for name, term in composed.terms.items()}

    for path, section in sections.items():
        check_keys(section, f"{path}.")
        for key in section:
            if OmegaConf.is_missing(section, key):
                raise ConfigError(f"{path}.{key} is missing: say {path}.{key}=VALUE.")


def unknown_key(key: str, allowed: Iterable[str]) -> str:
    """The sentence that refuses a key: what may have been meant, and what there is."""
    parent, _, name = key.rpartition(".")
    allowed = list(allowed)
    sentence = f"{key} is not a key of this configuration.{hint(name, allowed)}"

    if parent == "terms" and not allowed:
        return f"{sentence} {TERMS}"

    return f"{sentence} Allowed in {parent or 'the top level'}: {', '.join(allowed)}."


def hint(typed: str, allowed: Sequence[str]) -> str:
    """The question that follows a mistake: what may have been meant; empty if nothing is close.

    >>> hint("capacit", ["capacity", "cost"])
    ' Did you mean capacity?'
    """
    close = difflib.get_close_matches(typed, allowed, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def check_numbers(config: Any, path: str = "") -> None:
    """Refuse a number that its field does not allow (see `Allowed`)."""
    for key in fields(config):
        value = getattr(config, key.name)
        if is_dataclass(value):
            check_numbers(value, f"{path}{key.name}.")
        else:
            _check_number(key, value, path)


def _check_number(key: Field[Any], value: Any, path: str = "") -> None:
    """Refuse a number that a field does not allow, if it says what it allows."""
    if "allowed" not in key.metadata:
        return

    holds, words = key.metadata["allowed"]
    # The values of nested mappings are not typed.
    ok = all(isinstance(n, int | float) and holds(n) for n in _numbers(value))
    require(ok, f"{path}{key.name}", value, words)


def check_limits(composed: DictConfig, sweep: bool) -> None:
    """Refuse what steers a sweep where there is none, and numbers that it does not allow.

    Args:
        composed: the configuration of `scripts/train.py`.
        sweep: whether it is a sweep.

    Raises:
        ConfigError: naming the key.
    """
    for key in fields(Config):
        if "of_sweep" not in key.metadata:
            continue

        value = composed[key.name]
        _check_number(key, value)

        if not sweep and value != key.default:
            raise ConfigError(
                f"{key.name}={value} cannot be used: it steers a sweep, which -m starts."
            )


def check_one_value(sweep: DictConfig, jobs: Iterable[DictConfig]) -> None:
    """Refuse a sweep over what steers it.

    Args:
        sweep: the configuration of the sweep.
        jobs: those of its jobs.

    Raises:
        ConfigError: naming the key.
    """
    keys = [key.name for key in fields(Config) if "of_sweep" in key.metadata]

    for job in jobs:
        for key in keys:
            if job[key] != sweep[key]:
                raise ConfigError(f"{key} cannot be swept: it has one value for the whole sweep.")


def _numbers(value: Any) -> Iterable[float]:
    """The numbers in a field."""
    if isinstance(value, dict):
        return [number for entry in value.values() for number in _numbers(entry)]

    if isinstance(value, list):
        return value

    return [] if value is None else [value]


def require(ok: bool, key: str, value: object, allowed: str) -> None:
    """Refuse a value in one sentence."""
    if not ok:
        raise ConfigError(f"{key}={value} cannot be used: {key} must be {allowed}.")


def _one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    require(value in allowed, key, value, f"one of {', '.join(allowed)}")


def check_study(name: str, stage: str) -> None:
    """Refuse a name that cannot be that of an experiment, folders and checkpoints; or a stage.

    Raises:
        ConfigError: the name is blank or long, or the stage does not exist.
    """
    _one_of("study.stage", stage, STAGES)
    usable = bool(name.strip()) and len(name.encode()) <= LONGEST_NAME
    require(
        usable, "study.name", name, f"a name of 1 to {LONGEST_NAME} bytes, of which é takes two"
    )


def check_data(data: Data) -> None:
    """Refuse a data set, classes, a size or a pooling that does not exist.

    How many examples some of the classes have is only known once they are read.

    Raises:
        ConfigError: naming the key.
    """
    _one_of("data.name", data.name, [*DATASETS, *names_of_parts(DATA_SET)])
    _one_of("data.resample", data.resample, ("none", "bootstrap"))
    _check_classes(data)

    if not facts_of(data).generated:
        _check_sizes(data)

    side = facts_of(data).side

    if side is None:
        allowed = f"1, since the examples of {data.name} are no images"
        require(data.pool == 1, "data.pool", data.pool, allowed)
    else:
        allowed = f"a divisor of {side}, the side of the images of {data.name}"
        require(side % data.pool == 0, "data.pool", data.pool, allowed)


def _check_classes(data: Data) -> None:
    """Refuse classes that are unknown, repeated, or a single one."""
    classes = data.classes
    number = facts_of(data).classes
    exist = all(0 <= c < number for c in classes)
    distinct = len(set(classes)) == len(classes)
    allowed = (
        f"a list of at least two different classes of {data.name}, which are 0 to {number - 1}, "
        "or empty for all of them"
    )
    require(exist and distinct and len(classes) != 1, "data.classes", classes, allowed)


def _check_sizes(data: Data) -> None:
    """Refuse to train on, and to put aside, more examples than there are."""
    available = facts_of(data).train

    if data.train_size is None:
        allowed = "0 without data.train_size, since all training examples are then trained on"
        require(data.reserve == 0, "data.reserve", data.reserve, allowed)
        return

    allowed = f"between 1 and {available}, the training examples of {data.name}"
    require(data.train_size <= available, "data.train_size", data.train_size, allowed)

    rest = available - data.train_size
    allowed = (
        f"between 0 and {rest}, the training examples of {data.name} beyond "
        f"data.train_size={data.train_size}"
    )
    require(data.reserve <= rest, "data.reserve", data.reserve, allowed)


def check_model(config: Config) -> None:
    """Refuse a model that cannot be built on the data.

    Raises:
        ConfigError: naming the key.
    """
    model = config.model
    data = config.data

    if isinstance(model, MLP):
        _one_of("model.activation", model.activation, ACTIVATIONS)
        require(len(model.widths) > 0, "model.widths", model.widths, WIDTHS["allowed"].words)

    if isinstance(model, Autoencoder):
        _one_of("model.loss", model.loss, LOSSES)
        require(len(model.widths) > 0, "model.widths", model.widths, "a list of at least one width")
        allowed = (
            "softmax_regression or mlp here; autoencoder reads images alone, with pixels in [0, 1]"
        )
        images = facts_of(data).side is not None
        require(images, "model", f"autoencoder with data={data.name}", allowed)

    if isinstance(model, LeNet):
        _one_of("model.dropout", model.dropout, PLACEMENTS)
        idle = model.dropout != "none" or model.hidden_rate == 0
        require(
            idle,
            "model.hidden_rate",
            model.hidden_rate,
            "0 with model.dropout=none, which has no hidden site",
        )
        full = facts_of(data).side == 28 and data.pool == 1
        allowed = "softmax_regression, mlp or autoencoder here; lenet reads 28 x 28 images only"
        require(full, "model", f"lenet with data={data.name} and data.pool={data.pool}", allowed)


def check_mask(config: Config) -> None:
    """Refuse noise that does not exist, or that the model has no units for.

    Raises:
        ConfigError: naming the key.
    """
    mask = config.mask
    _one_of("mask.name", mask.name, NOISES)
    _one_of("mask.shared", mask.shared, SHARED)
    _one_of("mask.schedule", mask.schedule, RATE_SCHEDULES)

    is_convolved = isinstance(config.model, LeNet) and config.model.dropout in ("pools", "all")
    allowed = "false, but for model=lenet with model.dropout=pools or all, which drops channels"
    require(is_convolved or not mask.by_channel, "mask.by_channel", mask.by_channel, allowed)

    is_shared = mask.shared == "update" and not isinstance(config.model, LeNet)
    allowed = "false, but for fully connected layers with mask.shared=update"
    require(is_shared or not mask.weights, "mask.weights", mask.weights, allowed)

    if mask.shared == "training":
        fixed = mask.name == "bernoulli" and mask.schedule == "constant"
        is_linear = isinstance(config.model, MLP | SoftmaxRegression)
        require(
            fixed and is_linear,
            "mask.shared",
            mask.shared,
            "nothing or update, but for units of model=mlp or softmax_regression that are dropped "
            "at a constant rate",
        )


def check_training(config: Config) -> None:
    """Refuse limits, devices and precisions that do not fit.

    Raises:
        ConfigError: naming the key.
    """
    norms = config.regularizer.max_norm
    layers = _layers(config.model)
    each = f"one for each of the {layers} layers" if layers else "one for each layer"
    allowed = f"a list of limits above 0: none, one for all layers, or {each}"
    require(layers is None or len(norms) in (0, 1, layers), "regularizer.max_norm", norms, allowed)
    _one_of("objective", config.objective, OBJECTIVES)
    is_default = config.objective == Config.objective
    allowed = "likelihood with model=autoencoder, which predicts no classes"
    is_classifier = not isinstance(config.model, Autoencoder)
    require(is_default or is_classifier, "objective", config.objective, allowed)
    _one_of("trainer.accelerator", config.trainer.accelerator, ("auto", "cpu", "gpu"))
    # 16-mixed is left out: its gradient scaler would couple the seeds.
    precisions = ("32-true", "64-true", "bf16", "bf16-mixed")
    _one_of("trainer.precision", config.trainer.precision, precisions)
    _one_of("budget.weights", config.budget.weights, ("last", "best"))


def check_rules(rules: list[str]) -> None:
    """Refuse rules that do not exist or are named twice.

    Raises:
        ConfigError: naming the key.
    """
    for rule in rules:
        _one_of("rules", rule, RULES)
    require(len(set(rules)) == len(rules), "rules", rules, "a list of different rules")


def check_metrics(metrics: list[str]) -> None:
    """Refuse metrics that no plug-in has added, or that are named twice.

    Raises:
        ConfigError: naming the key.
    """
    for metric in metrics:
        allowed = ", ".join(METRICS) or "those of plug-ins, and none is loaded"
        require(metric in METRICS, "metrics", metric, f"one of {allowed}")
    require(len(set(metrics)) == len(metrics), "metrics", metrics, "a list of different metrics")


def check_terms(terms: dict[str, Term]) -> None:
    """Refuse strengths and other options of terms.

    Raises:
        ConfigError: naming the key.
    """
    for name, term in terms.items():
        check_numbers(term, f"terms.{name}.")


def check_probes(config: Config) -> None:
    """Refuse probes that do not exist, and bags that are not what they seem.

    Raises:
        ConfigError: naming the key.
    """
    for probe in config.probes:
        _one_of("probes", probe, PROBES)

    require(
        len(set(config.probes)) == len(config.probes),
        "probes",
        config.probes,
        "a list of different probes",
    )

    if facts_of(config.data).side is None:
        corrupting = [probe for probe in config.probes if probe.startswith("corruption")]
        allowed = (
            f"a list without {' and '.join(corrupting)}: "
            f"the examples of {config.data.name} are no images"
        )
        require(not corrupting, "probes", config.probes, allowed)

    if "bags" in config.probes:
        _check_bags(config)


def _check_bags(config: Config) -> None:
    """Refuse seeds that do not fill their bags, and subsets, of which each network has its own.

    Together the networks of a bag would learn from more examples than one of them.
    """
    count = len(config.seeds)
    allowed = f"a divisor of the number of seeds, {count}, of which it makes bags"
    require(count % config.bag == 0, "bag", config.bag, allowed)

    data = config.data
    if data.train_size is None or facts_of(data).generated:
        return

    rest = facts_of(data).train - data.reserve
    allowed = (
        f"empty or {rest}, all examples that data.reserve leaves, since the networks of a bag "
        "learn from the same ones"
    )
    require(data.train_size == rest, "data.train_size", data.train_size, allowed)


def check_autoencoder(config: Config) -> None:
    """Refuse rules and probes that need classes, if the model is an autoencoder.

    Raises:
        ConfigError: naming the key.
    """
    if not isinstance(config.model, Autoencoder):
        return

    without = "since an autoencoder predicts no classes"
    rules = f"[{', '.join(AUTOENCODER_RULES)}] with model=autoencoder, {without}"
    probes = f"[{', '.join(AUTOENCODER_PROBES)}] or [] with model=autoencoder, {without}"
    require(set(config.rules) <= set(AUTOENCODER_RULES), "rules", config.rules, rules)
    require(set(config.probes) <= set(AUTOENCODER_PROBES), "probes", config.probes, probes)
    require(not config.metrics, "metrics", config.metrics, f"[] with model=autoencoder, {without}")


def _layers(model: Model) -> int | None:
    """The number of layers with weights; None for the network of a plug-in, which is not built."""
    if is_own_network(model):
        return None
    if isinstance(model, MLP | Autoencoder):
        return len(model.widths) + 1
    return 4 if isinstance(model, LeNet) else 1
