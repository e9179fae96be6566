"""Conditions: what names one, what changes its name, and what must not."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Any

import pytest
from omegaconf import OmegaConf

from dropout_study.config import condition, names, read, schema
from dropout_study.config.schema import MLP, Config, MonteCarlo
from support.paths import ROOT

Make = Callable[..., Config]
ADVICE = "bump ERA in config/condition.py, for results that are recorded count no more, or mend it"
PINNED = {
    (): "d5fffcf274bf",
    ("seeds=[5,6]", "data.root=/elsewhere", "trainer=cpu", "tracking.cohort=true"): "d5fffcf274bf",
    ("model.hidden_rate=0", "model.widths=[16,16]"): "7cb4a68878f9",
    ("model.input_rate=0.2", "model.activation=tanh", "regularizer=[l2,max_norm]"): "81518c8a1481",
    ("data=mnist", "data.train_size=1000", "data.resample=bootstrap"): "52305cfb1e7f",
    ("data=mnist", "model=autoencoder"): "c46fc4b0143c",
    ("data=mnist", "model=lenet"): "5be72f20af7e",
    ("data=mnist", "model=lenet", "model.dropout=none"): "4916a6b21cca",
    (
        "data=mnist",
        "model=lenet",
        "model.dropout=all",
        "optimizer=sgd",
        "schedule=inverse_t",
    ): "fe1e455258ee",
    ("data=mnist", "model=lenet", "model.dropout=pools"): "10011ed65d7e",
    (
        "model=softmax_regression",
        "data.pool=2",
        "budget=smoke",
        "budget.weights=best",
    ): "00c87e2acf20",
    ("optimizer.lr=0.01", "optimizer.weight_decay=0.1", "schedule=exponential"): "f06d6338a735",
    ("probes=[units,removal]", "rules=[weight_scaling]"): "89f9454fab52",
    ("probes=[corruption]", "mc.samples=1000", "mc.redraws=50"): "b282da7286f4",
    ("probes=[bags]", "bag=5", "trainer.precision=64-true"): "177d46180e63",
}
"""Overrides -> the digest of the condition that they describe."""


def test_the_digests_of_conditions_never_change(make_config: Make) -> None:
    """If this failed, every recorded network would be trained again, or results of another meaning
    would count.
    """
    digests = {typed: condition.condition_digest(make_config(*typed)) for typed in PINNED}
    assert digests == PINNED, ADVICE


def test_all_of_a_lenet_is_not_what_it_was(make_config: Make) -> None:
    """If this failed, networks that drop after pooling would count as those that drop before."""
    lenet = ("data=mnist", "model=lenet", "optimizer=sgd", "schedule=inverse_t")
    first = "48138cac0bb0"  # of model.dropout=all when it dropped after pooling
    digests = {
        condition.condition_digest(make_config(*lenet, f"model.dropout={placement}"))
        for placement in names.PLACEMENTS
    }
    assert len(digests) == 4
    assert first not in digests


def defaults() -> list[str]:
    """The defaults of all keys that belong to a condition, a line per key."""
    lines = []

    for kind in vars(schema).values():
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and is_of_condition(kind):
            for key in dataclasses.fields(kind):
                if key.metadata.get("part") != "none":
                    value = condition.default_of(key)
                    shown = type(value).__name__ if dataclasses.is_dataclass(value) else value
                    lines.append(f"{kind.__name__}.{key.name} = {shown!r}")

    return sorted(lines)


def is_of_condition(kind: type) -> bool:
    """Whether a schema is that of a condition or of a group in it."""
    groups = (schema.Data, schema.Model, schema.Regularizer, schema.Optimizer, schema.Schedule)
    others = (schema.Trainer, schema.Budget, schema.Mask, MonteCarlo, Config)
    return issubclass(kind, (*groups, *others))


def test_a_default_that_changes_is_noticed() -> None:
    """If this failed, networks that were recorded under another default would count as this
    condition's.
    """
    pinned = (ROOT / "tests" / "config" / "defaults.txt").read_text(encoding="utf-8").splitlines()
    assert set(pinned) <= set(defaults()), ADVICE
    assert set(defaults()) <= set(pinned), "a new key: add its line to tests/config/defaults.txt"


def test_a_key_that_is_added_changes_no_identity(make_config: Make) -> None:
    """If this failed, a new option would orphan every network that was ever recorded."""
    wider_model = make_dataclass("Wider", [("novelty", float, 0.5)], bases=(MLP,))
    wider = make_dataclass(
        "WiderConfig",
        [
            ("masks", Noise, field(default_factory=Noise)),
            ("measure", int, field(default=3, metadata=schema.EVALUATION)),
        ],
        bases=(Config,),
    )
    config = make_config("model.widths=[8]", "mc.samples=50")
    grown: Any = wider(**vars(config))
    grown.model = wider_model(**vars(config.model))
    assert condition.identity(grown) == condition.identity(config)

    before = condition.identity(config)
    grown.model.novelty = 0.6
    grown.measure = 4
    grown.masks = Gaussian()
    added = {"model.novelty": 0.6, "measure": 4, "masks.name": "gaussian"}
    assert condition.identity(grown) == before | added
    del added["measure"]
    assert condition.identity(grown, condition.TRAINING) == (
        condition.identity(config, condition.TRAINING) | added
    )


@dataclass
class Noise:
    """A group that the schema does not have, with a default choice."""

    name: str = "bernoulli"


@dataclass
class Gaussian(Noise):
    """Another choice of that group."""

    name: str = "gaussian"
    spread: float = 1.0


def test_what_a_probe_measures_is_a_part_of_identity(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, results of a probe that was changed, or lacks a kind of corruption, would
    count.
    """
    probing = make_config("probes=[corruption,units]")
    before = condition.condition_digest(probing)
    trained = condition.training_digest(probing)
    plain = condition.condition_digest(make_config())

    monkeypatch.setitem(names.CORRUPTIONS, "fog", 1)
    fog = condition.condition_digest(probing)
    monkeypatch.setitem(names.CORRUPTIONS, "blur", 2)
    blur = condition.condition_digest(probing)
    monkeypatch.setitem(names.PROBES, "units", 2)
    units = condition.condition_digest(probing)
    assert len({before, fog, blur, units}) == 4

    assert condition.training_digest(probing) == trained
    assert condition.condition_digest(make_config()) == plain


def test_the_order_of_rules_and_probes_changes_nothing(make_config: Make) -> None:
    """If this failed, the same condition would be trained twice."""
    default = make_config("rules=[geometric,monte_carlo,weight_scaling]")
    assert condition.condition_digest(default) == condition.condition_digest(make_config())
    one = make_config("rules=[geometric,weight_scaling]", "probes=[units,removal]")
    two = make_config("rules=[weight_scaling,geometric]", "probes=[removal,units]")
    assert condition.condition_digest(one) == condition.condition_digest(two)
    assert condition.flat_params(one) == condition.flat_params(two)


def test_classes_and_reserve_are_a_part_of_what_is_trained(make_config: Make) -> None:
    """If this failed, networks for other classes, or trained on images that are tested on now,
    would count as this condition's; or the order of classes, which changes nothing, would count.
    """
    plain = make_config("data.train_size=100")
    pair = make_config("data.train_size=100", "data.classes=[3,8]")
    swapped = make_config("data.train_size=100", "data.classes=[8,3]")
    reserved = make_config("data.train_size=100", "data.reserve=500")
    digests = [condition.training_digest(config) for config in (plain, pair, reserved)]
    assert len(set(digests)) == 3
    assert condition.training_digest(swapped) == digests[1]
    assert condition.flat_params(swapped)["data.classes"] == "3 8"
    assert condition.flat_params(plain)["data.classes"] == "none"


def test_the_era_is_a_part_of_identity(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a change of the arithmetic could not be declared."""
    config = make_config("probes=[units]")
    digests = {condition.condition_digest(config), condition.training_digest(config)}
    monkeypatch.setattr(condition, "ERA", condition.ERA + 1)
    later = {condition.condition_digest(config), condition.training_digest(config)}
    assert len(digests | later) == 4


@pytest.mark.parametrize(
    "cosmetic",
    [
        "seeds=[7]",
        "data.root=/elsewhere",
        "data.download=false",
        "trainer=cpu",
        "tracking.cohort=true",
        "debug.profile=true",
    ],
)
def test_the_digest_ignores_what_does_not_change_a_condition(
    make_config: Make, cosmetic: str
) -> None:
    """If this failed, moving to another machine would train everything again."""
    assert condition.condition_digest(make_config(cosmetic)) == condition.condition_digest(
        make_config()
    )


@pytest.mark.parametrize(
    "scientific",
    [
        "model.hidden_rate=0.4",
        "model.widths=[256]",
        "data.train_size=100",
        "data.resample=bootstrap",
        "optimizer.lr=0.01",
        "schedule=constant",
        "budget.updates=7",
        "trainer.precision=64-true",
        "regularizer.l2=1e-3",
    ],
)
def test_the_digest_changes_with_the_condition(make_config: Make, scientific: str) -> None:
    """If this failed, two conditions would be taken for one and their seeds averaged."""
    assert condition.condition_digest(make_config(scientific)) != condition.condition_digest(
        make_config()
    )


def test_the_digest_survives_writing_and_reading(make_config: Make) -> None:
    """If this failed, a stored configuration would not find its own run."""
    config = make_config()
    stored = OmegaConf.create(OmegaConf.to_yaml(OmegaConf.structured(config)))
    again = OmegaConf.merge(OmegaConf.structured(config), stored)
    assert condition.condition_digest(read.read_config(again)) == condition.condition_digest(config)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["data=mnist", "data.train_size=1000"], "mlp 256-256, rate 0.5, mnist, n 1000"),
        (
            ["model.input_rate=0.2", "model.activation=tanh"],
            "mlp 256-256 tanh, rates 0.2/0.5, digits",
        ),
        (
            ["model=softmax_regression", "data.pool=2"],
            "softmax regression, input rate 0, digits, pool 2",
        ),
        (["model=lenet", "data=mnist", "model.dropout=all"], "lenet all, rate 0.5, mnist"),
        (["model=lenet", "data=mnist", "model.dropout=pools"], "lenet pools, rate 0.5, mnist"),
        (["model=lenet", "data=mnist", "model.dropout=none"], "lenet none, mnist"),
        (["model=autoencoder", "model.widths=[9,3]"], "autoencoder 9-3, rate 0.5, digits"),
        (
            ["model=autoencoder", "model.loss=cross_entropy", "model.input_rate=0.2"],
            "autoencoder 256 cross_entropy, rates 0.2/0.5, digits",
        ),
        (
            ["regularizer.l2=1e-4", "regularizer.max_norm=[3]"],
            "mlp 256-256, rate 0.5, digits, l2 0.0001, max-norm 3.0",
        ),
        (
            ["data.resample=bootstrap", "data.batch_size=50"],
            "mlp 256-256, rate 0.5, digits, bootstrap, batch 50",
        ),
        (["optimizer.lr=0.01"], "mlp 256-256, rate 0.5, digits, lr 0.01"),
        (["data.classes=[8,3]"], "mlp 256-256, rate 0.5, digits 3 8"),
        (
            ["data.train_size=100", "data.reserve=500"],
            "mlp 256-256, rate 0.5, digits, n 100, reserve 500",
        ),
        (["optimizer=sgd", "schedule=constant"], "mlp 256-256, rate 0.5, digits, sgd, constant"),
    ],
)
def test_names_say_what_the_condition_is(
    make_config: Make, overrides: list[str], name: str
) -> None:
    """If this failed, the MLflow UI would show names that do not tell runs apart."""
    assert condition.condition_name(make_config(*overrides)) == f"{name}, 2000 updates"


def test_params_are_flat_and_numbers_stay_numbers(make_config: Make) -> None:
    """If this failed, MLflow could not plot results against a parameter."""
    params = condition.flat_params(make_config("model.hidden_rate=0.25"))
    assert params["model.hidden_rate"] == "0.25"
    assert params["model.widths"] == "256x256"
    assert not any(key.startswith(("seeds", "tracking")) for key in params)
