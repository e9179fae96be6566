"""The typed schema of conf/, and the checks on values that types cannot express. Imports no torch."""

import difflib
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError


class ConfigError(ValueError):
    """A value that cannot be used; the message names the key, the value and what is allowed."""


class Facts(NamedTuple):
    """What is known of a data set before it is read."""

    side: int
    train: int


DATASETS = {
    "digits": Facts(side=8, train=1_097),
    "mnist": Facts(side=28, train=50_000),
    "fashion_mnist": Facts(side=28, train=50_000),
    "kmnist": Facts(side=28, train=50_000),
}


class Allowed(NamedTuple):
    """Which numbers a key takes, and how that is said. `nan` passes no comparison."""

    holds: Callable[[float], bool]
    words: str


def _allow(holds: Callable[[float], bool], words: str) -> dict[str, Allowed]:
    """Metadata of a field: what is allowed for its number, or for each number in it."""
    return {"allowed": Allowed(holds, words)}


LONGEST_NAME = 150  # bytes of a study's name: that of a checkpoint adds 60, and 255 is the limit
LARGEST = 10**9  # of integers: beyond it sizes overflow, long after anything useful
SIZE = _allow(lambda n: 1 <= n <= LARGEST, "at least 1 and at most 10^9")
COUNT = _allow(lambda n: 0 <= n <= LARGEST, "at least 0 and at most 10^9")
ABOVE_0 = _allow(lambda x: 0 < x < math.inf, "above 0 and finite")
FROM_0 = _allow(lambda x: 0 <= x < math.inf, "at least 0 and finite")
RATE = _allow(lambda p: 0 <= p < 1, "a probability of dropping, at least 0 and below 1")
MOMENTUM = _allow(lambda x: 0 <= x < 1, "at least 0 and below 1")
WARMUP = _allow(lambda x: 0 < x < 1, "a share of the updates between 0 and 1")
FINAL = _allow(lambda x: 0 < x <= 1, "above 0 and at most 1")
SEEDS = _allow(
    lambda n: 0 <= n < 2**32,
    "a list of at least one seed, each a different integer from 0 to 2^32 - 1",
)
WIDTHS = _allow(
    lambda n: 1 <= n <= LARGEST,
    "a list of widths, each at least 1 and at most 10^9 (none: model=softmax_regression)",
)
SAMPLES = _allow(
    lambda n: 10 <= n <= LARGEST,
    "at least 10 and at most 10^9; the curve over k goes to a fifth of it",
)
REDRAWS = _allow(lambda n: 2 <= n <= LARGEST, "at least 2 and at most 10^9")


RULES = ("weight_scaling", "monte_carlo", "geometric", "exact_arithmetic", "exact_geometric")
PROBES = ("enumeration", "bags", "removal", "ensemble", "units", "corruption", "timing")


@dataclass
class Data:
    """Which examples the networks see."""

    name: str = MISSING
    root: str = MISSING
    download: bool = True
    train_size: int | None = field(default=None, metadata=SIZE)
    resample: str = "none"
    pool: int = field(default=1, metadata=SIZE)
    batch_size: int = field(default=100, metadata=SIZE)


@dataclass
class Model:
    """What all architectures share."""

    name: str = MISSING


@dataclass
class SoftmaxRegression(Model):
    """No hidden layer; the inputs can be dropped."""

    name: str = "softmax_regression"
    input_rate: float = field(default=0.0, metadata=RATE)


@dataclass
class MLP(Model):
    """Fully connected hidden layers."""

    name: str = "mlp"
    widths: list[int] = field(default_factory=lambda: [256, 256], metadata=WIDTHS)
    activation: str = "relu"
    input_rate: float = field(default=0.0, metadata=RATE)
    hidden_rate: float = field(default=0.5, metadata=RATE)


@dataclass
class LeNet(Model):
    """Two convolutions and a hidden layer, on 28 x 28 images."""

    name: str = "lenet"
    dropout: str = "fc"
    hidden_rate: float | None = field(default=None, metadata=RATE)  # 0.5 where there is a site


@dataclass
class Regularizer:
    """Terms and constraints besides dropout; all can be combined."""

    l2: float = field(default=0.0, metadata=FROM_0)
    l1: float = field(default=0.0, metadata=FROM_0)
    sparsity: float = field(default=0.0, metadata=FROM_0)
    max_norm: list[float] = field(default_factory=list, metadata=ABOVE_0)


@dataclass
class Optimizer:
    """What all optimizers share."""

    name: str = MISSING
    lr: float = field(default=1e-3, metadata=ABOVE_0)


@dataclass
class AdamW(Optimizer):
    """Adam with decoupled weight decay."""

    name: str = "adamw"
    weight_decay: float = field(default=0.0, metadata=FROM_0)


@dataclass
class SGD(Optimizer):
    """Gradient descent with a momentum that rises linearly from its start over the first updates."""

    name: str = "sgd"
    lr: float = field(default=0.1, metadata=ABOVE_0)
    momentum_start: float = field(default=0.5, metadata=MOMENTUM)
    momentum: float = field(default=0.95, metadata=MOMENTUM)
    momentum_ramp: int = field(default=0, metadata=COUNT)


@dataclass
class Schedule:
    """The course of the learning rate over the budget."""

    name: str = MISSING


@dataclass
class OneCycle(Schedule):
    """Up from 1/25 of the rate over the first share of the updates, then down to nothing, on cosines."""

    name: str = "one_cycle"
    warmup: float = field(default=0.3, metadata=WARMUP)


@dataclass
class Exponential(Schedule):
    """Down by a constant factor an update, to this share of the rate at the end."""

    name: str = "exponential"
    final: float = field(default=0.01, metadata=FINAL)


@dataclass
class InverseT(Schedule):
    """lr / (1 + update / half_life)."""

    name: str = "inverse_t"
    half_life: int = field(default=10_000, metadata=SIZE)


@dataclass
class Trainer:
    """Where and how precisely the arithmetic is done."""

    accelerator: str = "auto"
    precision: str = "32-true"


@dataclass
class Budget:
    """How long to train, in weight updates."""

    name: str = MISSING
    updates: int = field(default=MISSING, metadata=SIZE)
    validations: int = field(default=20, metadata=SIZE)  # at most one per update
    weights: str = "last"
    minutes: dict[str, int] = field(default_factory=dict, metadata=COUNT)  # per study, on two cores


@dataclass
class Tracking:
    """Where results are recorded."""

    uri: str = MISSING
    cohort: bool = False


@dataclass
class Checkpoint:
    """Where a run keeps what it needs to go on after an interruption, and how often it is written."""

    folder: str = "outputs/checkpoints"
    minutes: float = field(default=1.0, metadata=ABOVE_0)


@dataclass
class Debug:
    """Aids for looking into a run."""

    profile: bool = False


@dataclass
class MonteCarlo:
    """How many masks the sampled rules draw, and how often the curve over k re-draws from their pool."""

    samples: int = field(default=100, metadata=SAMPLES)
    redraws: int = field(default=20, metadata=REDRAWS)


@dataclass
class Study:
    """A sweep with a name: overrides that `-m` adds unless they are typed.

    Attributes:
        name: of the experiment.
        title: what it shows.
        grid: key -> values, as they would be typed.
        at: the same for one budget or one data set alone; takes precedence.
        values: what its arms and its claims need to know, such as which conditions are compared.
        cohorts_from: the study whose stored cohorts are evaluated; nothing is trained then.
        arm: what a condition is called where conditions are compared; a choice of the group `arm`
            sets it.
        candidate: which of an arm's candidates, counted from 0 (see the resolver `candidate`).
    """

    name: str = MISSING
    title: str = ""
    grid: dict[str, Any] = field(default_factory=dict)
    at: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    cohorts_from: str = ""
    arm: str = ""
    candidate: int = field(default=0, metadata=COUNT)


@dataclass
class Config:
    """One condition and its seeds: what `scripts/train.py` runs."""

    seeds: list[int] = field(default=MISSING, metadata=SEEDS)
    data: Data = MISSING
    model: Model = MISSING
    regularizer: Regularizer = field(default_factory=Regularizer)
    optimizer: Optimizer = MISSING
    schedule: Schedule = MISSING
    trainer: Trainer = MISSING
    budget: Budget = MISSING
    rules: list[str] = field(default_factory=lambda: ["weight_scaling", "monte_carlo", "geometric"])
    probes: list[str] = field(default_factory=list)
    bag: int = field(default=10, metadata=SIZE)
    mc: MonteCarlo = field(default_factory=MonteCarlo)
    tracking: Tracking = MISSING
    study: Study = MISSING
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    rerun: bool = False
    fail_fast: bool = False
    dry_run: bool = False
    debug: Debug = field(default_factory=Debug)


@dataclass
class Evaluate:
    """What `scripts/evaluate.py` is told."""

    run: str = MISSING
    rules: list[str] = field(default_factory=lambda: ["weight_scaling", "monte_carlo", "geometric"])
    mc: MonteCarlo = field(default_factory=lambda: MonteCarlo(samples=1000, redraws=100))
    data_root: str | None = None  # where the data are now, if not where they were
    tracking: Tracking = MISSING


@dataclass
class Report:
    """What `scripts/report.py` is told."""

    claims: list[str] = field(default_factory=list)  # none: all
    output: str = "report"
    results: str = ""  # a file of results instead of the store
    data_root: str = "${oc.env:DROPOUT_STUDY_DATA,data}"  # where image files are, for a picture
    tracking: Tracking = MISSING


@dataclass
class Reproduce:
    """What `scripts/reproduce.py` is told."""

    budget: Budget = MISSING
    data: Data | None = None  # another data set than the studies' own
    studies: list[str] = field(default_factory=list)  # none: all
    launcher: str | None = None  # a Hydra launcher, such as joblib
    results: str | None = "report/results.csv"  # what was measured before
    output: str | None = (
        None  # folder of the report; none: `report`, or `outputs/smoke`, where it replaces nothing
    )
    data_root: str = "${oc.env:DROPOUT_STUDY_DATA,data}"
    dry_run: bool = False
    tracking: Tracking = MISSING


@dataclass
class Sync:
    """What `scripts/sync.py` is told."""

    folder: str = "outputs"  # where results lie
    tracking: Tracking = MISSING


SCHEMAS: dict[str, type] = {
    "evaluate": Evaluate,
    "report": Report,
    "reproduce": Reproduce,
    "sync": Sync,
    "train": Config,
    "data": Data,
    "model/softmax_regression": SoftmaxRegression,
    "model/mlp": MLP,
    "model/lenet": LeNet,
    "optimizer/adamw": AdamW,
    "optimizer/sgd": SGD,
    "schedule/constant": Schedule,
    "schedule/one_cycle": OneCycle,
    "schedule/exponential": Exponential,
    "schedule/inverse_t": InverseT,
    "trainer": Trainer,
    "budget": Budget,
    "tracking": Tracking,
    "study": Study,
}


def _candidate(*values: Any, _root_: DictConfig) -> Any:
    """`${candidate:a,b,c}` in an arm: the value that belongs to study.candidate."""
    chosen = int(_root_.study.candidate)
    if not 0 <= chosen < len(values):
        raise ConfigError(
            f"study.candidate={chosen} cannot be used: this arm has the candidates 0 to {len(values) - 1}."
        )

    return values[chosen]


def _kept(units: list[int], _parent_: DictConfig) -> list[int]:
    """`${kept:[64,64]}` as model.widths: as many units as leave these on average, n = kept / keep."""
    return [round(n / (1 - float(_parent_.hidden_rate))) for n in units]


def _members(bags: int, _root_: DictConfig) -> list[int]:
    """`${members:5}` as seeds: those of five bags of `bag` networks."""
    return list(range(int(bags) * int(_root_.bag)))


def _first_members(bags: int, _root_: DictConfig) -> list[int]:
    """`${first_members:5}` as seeds: the first of each bag."""
    return _members(bags, _root_)[:: int(_root_.bag)]


def register() -> None:
    """Make the schemas known to Hydra, as `schema/...`, for the defaults lists in conf/, and the resolvers.

    From then on Hydra's store of schemas is one for the process, which no copy of its sources
    copies.
    """
    OmegaConf.register_new_resolver("candidate", _candidate, replace=True)
    OmegaConf.register_new_resolver("kept", _kept, replace=True)
    OmegaConf.register_new_resolver("members", _members, replace=True)
    OmegaConf.register_new_resolver("first_members", _first_members, replace=True)
    store = ConfigStore.instance()

    for path, schema in SCHEMAS.items():
        *parents, name = path.split("/")
        store.store(group="/".join(["schema", *parents]), name=name, node=schema)

    # Hydra copies its sources, with all that is in the store, for each composition and each folder
    # that `--help` lists; who loads a schema gets a copy of that schema anyway.
    ConfigStore.__deepcopy__ = lambda store, _: store  # type: ignore[attr-defined]


def read(composed: DictConfig) -> Config:
    """The composed configuration as typed objects, checked.

    Raises:
        ConfigError: for the first value that cannot be used.
    """
    config = cast("Config", _typed(composed))
    if isinstance(config.model, LeNet) and config.model.hidden_rate is None:
        config.model.hidden_rate = 0.0 if config.model.dropout == "none" else 0.5

    check_study(config.study.name)
    distinct = len(set(config.seeds)) == len(config.seeds) > 0
    _require(distinct, "seeds", config.seeds, SEEDS["allowed"].words)
    _check_data(config.data)
    _check_model(config)
    _check_training(config)
    _check_rules(config.rules)
    judged = (
        "weight_scaling" in config.rules or not config.study.cohorts_from
    )  # training judges it anyway
    _require(
        judged, "rules", config.rules, "a list with weight_scaling, since this study trains nothing"
    )
    _check_probes(config)

    return config


def read_evaluate(composed: DictConfig) -> Evaluate:
    """What to evaluate, as typed objects, checked.

    Raises:
        ConfigError: for the first value that cannot be used.
    """
    if OmegaConf.is_missing(composed, "run"):
        raise ConfigError(
            "run is missing: say run=ID of an MLflow run, or run=PATH of a checkpoint."
        )

    config = cast("Evaluate", _typed(composed))
    _require(bool(config.rules), "rules", config.rules, "a list of at least one rule")
    _check_rules(config.rules)

    return config


def read_report(composed: DictConfig) -> Report:
    """What to report, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Report", _typed(composed))


def read_reproduce(composed: DictConfig) -> Reproduce:
    """What to reproduce, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a number that cannot be used.
    """
    return cast("Reproduce", _typed(composed))


def read_sync(composed: DictConfig) -> Sync:
    """What to record, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Sync", _typed(composed))


def load(file: Path) -> Config:
    """A configuration that `scripts/train.py` has written beside its results.

    Raises:
        ConfigError: it is not one, or a value in it cannot be used.
    """
    try:
        stored = cast("DictConfig", OmegaConf.load(file))
        typed = OmegaConf.structured(Config)

        for group in ("model", "optimizer", "schedule"):
            typed[group] = OmegaConf.structured(SCHEMAS[f"{group}/{stored[group].name}"])

        return read(cast("DictConfig", OmegaConf.merge(typed, stored)))
    except (
        OSError,
        KeyError,
        AttributeError,
        TypeError,
        OmegaConfBaseException,
        YAMLError,
    ) as error:
        raise ConfigError(f"{file} is not the configuration of a run: {error}") from error


def _typed(composed: DictConfig) -> object:
    """A configuration as objects of its schema, its keys and its numbers checked."""
    check_keys(composed)
    config = OmegaConf.to_object(composed)
    _check_numbers(config)

    return config


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


def unknown_key(key: str, allowed: Iterable[str]) -> str:
    """The sentence that refuses a key: what may have been meant, and what there is."""
    parent, _, name = key.rpartition(".")
    allowed = list(allowed)
    close = difflib.get_close_matches(name, allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    sentence = f"{key} is not a key of this configuration.{hint}"

    return f"{sentence} Allowed in {parent or 'the top level'}: {', '.join(allowed)}."


def _check_numbers(config: Any, path: str = "") -> None:
    """Refuse a number that its field does not allow (see `Allowed`)."""
    for key in fields(config):
        value = getattr(config, key.name)
        if is_dataclass(value):
            _check_numbers(value, f"{path}{key.name}.")
        elif "allowed" in key.metadata:
            holds, words = key.metadata["allowed"]
            _require(all(map(holds, _numbers(value))), f"{path}{key.name}", value, words)


def _numbers(value: Any) -> Iterable[float]:
    """The numbers in a field."""
    if isinstance(value, dict):
        return list(value.values())

    if isinstance(value, list):
        return value

    return [] if value is None else [value]


def _require(ok: bool, key: str, value: object, allowed: str) -> None:
    """Refuse a value in one sentence."""
    if not ok:
        raise ConfigError(f"{key}={value} cannot be used: {key} must be {allowed}.")


def _one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    _require(value in allowed, key, value, f"one of {', '.join(allowed)}")


def check_study(name: str) -> None:
    """Refuse a name that cannot be that of an experiment, and of folders and checkpoints.

    Raises:
        ConfigError: it is blank or long.
    """
    usable = bool(name.strip()) and len(name.encode()) <= LONGEST_NAME
    _require(
        usable, "study.name", name, f"a name of 1 to {LONGEST_NAME} bytes, of which é takes two"
    )


def _check_data(data: Data) -> None:
    _one_of("data.name", data.name, DATASETS)
    _one_of("data.resample", data.resample, ("none", "bootstrap"))
    side, available = DATASETS[data.name]

    if data.train_size is not None:
        allowed = f"between 1 and {available}, the training examples of {data.name}"
        _require(data.train_size <= available, "data.train_size", data.train_size, allowed)

    allowed = f"a divisor of {side}, the side of the images of {data.name}"
    _require(side % data.pool == 0, "data.pool", data.pool, allowed)


def _check_model(config: Config) -> None:
    model = config.model
    data = config.data

    if isinstance(model, MLP):
        _one_of("model.activation", model.activation, ("relu", "tanh", "sigmoid", "identity"))
        _require(len(model.widths) > 0, "model.widths", model.widths, WIDTHS["allowed"].words)

    if isinstance(model, LeNet):
        _one_of("model.dropout", model.dropout, ("none", "fc", "all"))
        idle = model.dropout != "none" or model.hidden_rate == 0
        _require(
            idle,
            "model.hidden_rate",
            model.hidden_rate,
            "0 with model.dropout=none, which has no hidden site",
        )
        full = DATASETS[data.name].side == 28 and data.pool == 1
        allowed = "softmax_regression or mlp here; lenet reads 28 x 28 images only"
        _require(full, "model", f"lenet with data={data.name} and data.pool={data.pool}", allowed)


def _check_training(config: Config) -> None:
    norms = config.regularizer.max_norm
    layers = _layers(config.model)
    allowed = f"a list of limits above 0: none, one for all layers, or one for each of the {layers} layers"
    _require(len(norms) in (0, 1, layers), "regularizer.max_norm", norms, allowed)
    _one_of("trainer.accelerator", config.trainer.accelerator, ("auto", "cpu", "gpu"))
    # 16-mixed is left out: its gradient scaler would couple the seeds.
    _one_of("trainer.precision", config.trainer.precision, ("32-true", "64-true", "bf16-mixed"))
    _one_of("budget.weights", config.budget.weights, ("last", "best"))


def _check_rules(rules: list[str]) -> None:
    for rule in rules:
        _one_of("rules", rule, RULES)
    _require(len(set(rules)) == len(rules), "rules", rules, "a list of different rules")


def _check_probes(config: Config) -> None:
    for probe in config.probes:
        _one_of("probes", probe, PROBES)

    _require(
        len(set(config.probes)) == len(config.probes),
        "probes",
        config.probes,
        "a list of different probes",
    )

    if "bags" in config.probes:
        whole = len(config.seeds) % config.bag == 0
        _require(
            whole,
            "bag",
            config.bag,
            f"a divisor of the number of seeds, {len(config.seeds)}, of which it makes bags",
        )


def _layers(model: Model) -> int:
    if isinstance(model, MLP):
        return len(model.widths) + 1
    return 4 if isinstance(model, LeNet) else 1


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


def digest(config: Config) -> str:
    """Twelve hexadecimal digits that name a condition."""
    return _hash(scientific(config))


def training_digest(config: Config) -> str:
    """Twelve hexadecimal digits that name what is trained, however it is evaluated then."""
    plain = scientific(config)
    del plain["evaluation"]
    return _hash(plain)


def _hash(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def flat(config: Config) -> dict[str, str]:
    """The condition as `group.key` -> text, for MLflow's params."""
    return {
        f"{group}.{key}": _text(value)
        for group, values in scientific(config).items()
        for key, value in values.items()
    }


def _text(value: object) -> str:
    return "x".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def condition(config: Config) -> str:
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
