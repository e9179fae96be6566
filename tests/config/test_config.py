"""Configuration: what is refused, and what a condition's identity and name are made of."""

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_type_hints

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from dropout_study.config import read, schema
from dropout_study.config.schema import Config, ConfigError
from support.paths import CONF

Make = Callable[..., Config]


@pytest.mark.parametrize(
    ("overrides", "key", "allowed"),
    [
        (["model.hidden_rate=1"], "model.hidden_rate=1", "below 1"),
        (["model.hidden_rate=-0.1"], "model.hidden_rate=-0.1", "at least 0"),
        (["model.input_rate=1.5"], "model.input_rate=1.5", "below 1"),
        (["model=softmax_regression", "model.input_rate=1"], "model.input_rate=1", "below 1"),
        (["model.widths=[16,0]"], r"model.widths=\[16, 0\]", "at least 1"),
        (["model.widths=[]"], r"model.widths=\[\]", "softmax_regression"),
        (["model.activation=gelu"], "model.activation=gelu", "relu, tanh, sigmoid, identity"),
        (["model=lenet"], "lenet with data=digits", "28 x 28"),
        (["model=lenet", "data=mnist", "data.pool=2"], "data.pool=2", "28 x 28"),
        (
            ["model=lenet", "data=mnist", "model.dropout=conv"],
            "model.dropout=conv",
            "none, fc, pools, all",
        ),
        (
            ["model=lenet", "data=mnist", "model.dropout=none", "model.hidden_rate=0.3"],
            "hidden_rate=0.3",
            "no hidden site",
        ),
        (["model=autoencoder", "data=mnist1d"], "autoencoder with data=mnist1d", "mlp here"),
        (["model=autoencoder", "model.loss=l1"], "model.loss=l1", "squared, cross_entropy"),
        (["model=autoencoder", "model.widths=[]"], r"model.widths=\[\]", "at least one width"),
        (["model=autoencoder", "regularizer.max_norm=[1,2,3]"], "max_norm=", "2 layers"),
        (
            ["model=autoencoder", "rules=[weight_scaling,geometric]"],
            r"rules=\['weight_scaling', 'geometric'\]",
            r"\[weight_scaling\] with model=autoencoder",
        ),
        (
            ["model=autoencoder", "probes=[units,removal]"],
            r"probes=\['units', 'removal'\]",
            r"\[units\] or \[\] with model=autoencoder",
        ),
        ([f"seeds=[{2**32}]"], "seeds=", "2.32 - 1"),
        (["seeds=[]"], r"seeds=\[\]", "at least one"),
        (["seeds=[1,2,1]"], r"seeds=\[1, 2, 1\]", "different"),
        (["seeds=[-1]"], r"seeds=\[-1\]", "from 0 to"),
        (["data.train_size=1098"], "data.train_size=1098", "1097"),
        (["data.train_size=0"], "data.train_size=0", "at least 1"),
        (["data.pool=3"], "data.pool=3", "divisor of 8"),
        (["data.classes=[3]"], r"data.classes=\[3\]", "at least two different classes of digits"),
        (["data.classes=[3,8,3]"], r"data.classes=\[3, 8, 3\]", "different"),
        (["data.classes=[3,10]"], r"data.classes=\[3, 10\]", "0 to 9"),
        (["data.classes=[-1,3]"], r"data.classes=\[-1, 3\]", "at least 0"),
        (["data.reserve=100"], "data.reserve=100", "0 without data.train_size"),
        (["data.train_size=1000", "data.reserve=98"], "data.reserve=98", "between 0 and 97"),
        (["data.train_size=10", "data.reserve=-1"], "data.reserve=-1", "at least 0"),
        (["probes=[bags]", "bag=5", "data.train_size=1000"], "data.train_size=1000", "or 1097"),
        (
            ["probes=[bags]", "bag=5", "data.train_size=500", "data.reserve=97"],
            "data.train_size=500",
            "empty or 1000, all examples that data.reserve leaves",
        ),
        (["data=mnist1d", "data.pool=2"], "data.pool=2", "1, since .* no images"),
        (["data=mnist1d", "probes=[corruption]"], "probes=", "without corruption"),
        (
            ["data=mnist1d", "probes=[corruption_by_kind]"],
            "probes=",
            "without corruption_by_kind",
        ),
        (["data=mnist1d", "model=lenet"], "lenet with data=mnist1d", "28 x 28"),
        (["data.batch_size=0"], "data.batch_size=0", "at least 1"),
        (["data.resample=jackknife"], "data.resample=jackknife", "none, bootstrap"),
        (["data.name=imagenet"], "data.name=imagenet", "digits, mnist"),
        (["regularizer.l2=-1"], "regularizer.l2=-1", "at least 0"),
        (["regularizer.max_norm=[1,2]"], r"regularizer.max_norm=\[1.0, 2.0\]", "3 layers"),
        (["optimizer.lr=0"], "optimizer.lr=0", "above 0"),
        (["optimizer=sgd", "optimizer.momentum=1"], "optimizer.momentum=1", "below 1"),
        (["schedule.warmup=1"], "schedule.warmup=1", "between 0 and 1"),
        (["schedule=exponential", "schedule.final=0"], "schedule.final=0", "above 0"),
        (["schedule=inverse_t", "schedule.half_life=0"], "schedule.half_life=0", "at least 1"),
        (["trainer.precision=16-mixed"], "trainer.precision=16-mixed", "bf16-mixed"),
        (["budget.updates=0"], "budget.updates=0", "at least 1"),
        (["budget.weights=first"], "budget.weights=first", "last, best"),
        (
            ["study=robustness", "rules=[monte_carlo]"],
            r"rules=\['monte_carlo'\]",
            "weight_scaling, since",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_a_value_out_of_range_is_named_with_what_is_allowed(
    make_config: Make, overrides: list[str], key: str, allowed: str
) -> None:
    """If this failed, a mistake would surface as a traceback, or as a strange result."""
    with pytest.raises(ConfigError, match=rf"{key}.* must be .*{allowed}.*\.$"):
        make_config(*overrides)


def with_numbers(schemas: Iterable[type]) -> list[tuple[type, str, bool]]:
    """Schema, field and whether it holds whole numbers, for every field of numbers."""
    found = []

    for kind in schemas:
        for key, hint in get_type_hints(kind).items():
            words = set(re.findall(r"\w+", hint.__name__ if isinstance(hint, type) else str(hint)))
            if words & {"int", "float"}:
                found.append((kind, key, "int" in words))

    return found


def test_every_number_of_the_schema_has_a_bound() -> None:
    """If this failed, an infinite or an enormous value would fail late, or never."""
    schemas = [kind for _, kind in inspect.getmembers(schema, dataclasses.is_dataclass)]
    numbers = with_numbers(schemas)
    assert len(numbers) > 30

    for kind, key, whole in numbers:
        (field,) = (field for field in dataclasses.fields(kind) if field.name == key)
        refused = [math.nan, math.inf, -1, *([10**23] if whole else [])]
        allowed = field.metadata["allowed"]
        assert not any(allowed.holds(value) for value in refused), (kind, key)


@pytest.mark.parametrize(
    "choices",
    [
        [],
        ["model=softmax_regression", "optimizer=sgd", "schedule=exponential"],
        ["model=lenet", "data=mnist", "schedule=inverse_t"],
        ["model=autoencoder"],
    ],
    ids=" ".join,
)
def test_a_number_out_of_bounds_is_refused_wherever_it_stands(
    make_config: Make, choices: list[str]
) -> None:
    """If this failed, a bound of the schema would not be asked for what it allows."""
    config = make_config(*choices)
    groups = {f"{field.name}.": getattr(config, field.name) for field in dataclasses.fields(config)}
    for path, part in {"": config, **groups}.items():
        for _, key, _ in with_numbers([type(part)] if dataclasses.is_dataclass(part) else []):
            composed = OmegaConf.structured(config)
            value = getattr(part, key)
            bad = [-1] if isinstance(value, list) else {"x": -1} if isinstance(value, dict) else -1
            OmegaConf.update(composed, f"{path}{key}", bad)

            with pytest.raises(ConfigError, match=f"^{path}{key}=.*-1.* cannot be used: "):
                read.read_config(composed)


@pytest.mark.parametrize("override", ["++model.hiden_rate=0.9", "+model.n=1", "+mc.n=3", "+n=[1]"])
def test_an_unknown_key_is_refused_however_it_is_typed(make_config: Make, override: str) -> None:
    """If this failed, a value would be accepted and ignored, and the default trained
    in its place.
    """
    key = override.lstrip("+").partition("=")[0]
    with pytest.raises(
        ConfigError, match=f"^{key} is not a key of this configuration.*Allowed in "
    ):
        make_config(override)


def test_what_the_schema_leaves_free_stays_free(make_config: Make) -> None:
    """If this failed, a study of one's own could not carry values."""
    free = ["+study.values.units=[8]", "+study.at.smoke={seeds: '[0]'}"]
    config = make_config(*free)
    assert config.study.values == {"units": [8]}


@pytest.mark.parametrize(
    ("script", "read"),
    [
        ("evaluate", read.read_evaluate),
        ("report", read.read_report),
        ("reproduce", read.read_reproduce),
        ("sync", read.read_sync),
    ],
)
def test_every_script_refuses_unknown_keys(
    script: str, read: Callable[[DictConfig], object]
) -> None:
    """If this failed, a mistyped key would be ignored by one of the scripts."""
    run = ["run=x"] if script == "evaluate" else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        read(compose(script, run))
        with pytest.raises(ConfigError, match=r"tracking.urii is not a key.*Did you mean uri"):
            read(compose(script, [*run, "+tracking.urii=x"]))


@pytest.mark.parametrize("name", ["", "' '", "a" * 151])
def test_a_study_has_a_name_of_some_length(make_config: Make, name: str) -> None:
    """If this failed, the store would refuse an experiment, or the disk the name of a
    checkpoint.
    """
    with pytest.raises(ConfigError, match=r"^study.name=.* must be a name of 1 to 150 bytes"):
        make_config(f"study.name={name}")


NEEDED = {
    "model=lenet": ["data=mnist"],
    "mask=by_channel": ["data=mnist", "model=lenet", "model.dropout=all"],
}
"""What goes with a choice that the default data and model do not allow."""


def test_every_choice_composes_and_every_choice_has_a_comment(make_config: Make) -> None:
    """If this failed, some file of conf/ would be broken or unexplained."""
    for file in sorted(CONF.glob("*/*.yaml")):  # an arm lies deeper: it needs its study's values
        typed = f"{file.parent.name}={file.stem}"
        make_config(typed, *NEEDED.get(typed, []))

    for file in [*CONF.glob("*/*.yaml"), *CONF.glob("*/*/*.yaml")]:
        comments = [line for line in file.read_text().splitlines()[:2] if line.startswith("# ")]
        assert any("@package" not in line for line in comments), file


def test_seed_0_is_a_seed(make_config: Make) -> None:
    """If this failed, seed 0 would mean "no seed", as it does elsewhere."""
    assert make_config("seeds=[0]").seeds == [0]


def test_regularizers_combine(make_config: Make) -> None:
    """If this failed, dropout with L2 and max-norm could not be one condition."""
    regularizer = make_config("regularizer=[l2,max_norm]", "regularizer.l1=1e-6").regularizer
    assert (regularizer.l2, regularizer.l1, regularizer.max_norm) == (1e-4, 1e-6, [3.0])


def test_nothing_to_evaluate_is_refused() -> None:
    """If this failed, `evaluate.py rules=[]` would print an empty table and exit 0."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("evaluate", ["run=x", "rules=[]"])
    with pytest.raises(
        ConfigError, match=r"rules=\[\] cannot be used: rules must be a list of at least one"
    ):
        read.read_evaluate(composed)


def test_each_composition_is_its_own() -> None:
    """If this failed, one job's values would reach the next."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        first = compose("train")
        first.seeds.append(5)
        first.mc.samples = 1  # which comes from the schema alone
        second = compose("train")

    assert second.seeds == [0, 1, 2, 3, 4]
    assert second.mc.samples == schema.MonteCarlo().samples


def test_a_configuration_of_an_earlier_version_is_read(make_config: Make, tmp_path: Path) -> None:
    """If this failed, cohorts that were stored before could no longer be evaluated."""
    stored = OmegaConf.create(dataclasses.asdict(make_config()))
    stored.budget.minutes = {"capacity": 26}
    OmegaConf.save(stored, tmp_path / "config.yaml")
    assert read.load_config(tmp_path / "config.yaml") == make_config()


@pytest.mark.parametrize("wrong", ["capacity=x", "capacity=-3", "capacity=10000000000"])
def test_minutes_are_numbers(wrong: str) -> None:
    """If this failed, a plan would end in a traceback, or add up nonsense."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("reproduce", [f"minutes.laptop.{wrong}"])

    refused = r"^minutes=.* cannot be used: minutes must be at least 0"
    with pytest.raises(ConfigError, match=refused):
        read.read_reproduce(composed)
