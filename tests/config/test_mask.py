"""Kinds of noise in a configuration: what they are called, and where they are refused."""

from collections.abc import Callable

import pytest

from dropout_study.config import condition
from dropout_study.config.schema import Config, ConfigError
from dropout_study.dropout.noise import NOISES
from support.paths import CONF

Make = Callable[..., Config]


def test_the_registry_holds_the_kinds_that_can_be_configured() -> None:
    """If this failed, a kind of noise could be named that does not exist."""
    from dropout_study.config import names

    assert list(NOISES) == names.NOISES


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("mask=bernoulli", ""),
        ("mask=gaussian", "gaussian noise, "),
        ("mask=per_update", "one mask per update, "),
        ("mask=per_network", "one mask per network, "),
        ("mask=dropconnect", "one mask per update, of weights, "),
        ("mask=early", "rate up to 0.5, "),
        ("mask=late", "rate from 0.5, "),
        ("mask=rising", "rate rising to 0.5, "),
        ("mask=falling", "rate falling to 0.5, "),
        ("objective=boosting", ""),
    ],
)
def test_a_condition_says_its_noise(make_config: Make, typed: str, named: str) -> None:
    """If this failed, tables would show two conditions under one name."""
    name = condition.condition_name(make_config(typed))
    assert name.startswith(f"mlp 256-256, rate 0.5, {named}digits")
    assert ("boosting" in name) == (typed == "objective=boosting")


def test_each_choice_is_a_condition_of_its_own(make_config: Make) -> None:
    """If this failed, networks under other noise would count as those of dropout."""
    names = [file.stem for file in (CONF / "mask").glob("*.yaml") if file.stem != "by_channel"]
    digests = {condition.condition_digest(make_config(f"mask={name}")) for name in names}
    assert len(digests) == len(names) == 10
    plain = make_config()
    assert condition.condition_digest(make_config("mask=bernoulli")) in digests
    assert condition.condition_digest(make_config("mask=bernoulli")) == condition.condition_digest(
        plain
    )
    assert not any(key.startswith(("mask", "objective")) for key in condition.flat_params(plain))


def test_when_a_rate_changes_counts_only_if_it_does(make_config: Make) -> None:
    """If this failed, two conditions of one name would be the same networks, trained twice."""
    digests = [
        condition.condition_digest(make_config(*typed))
        for typed in ([], ["mask.until=0.3"], ["mask=early"], ["mask=early", "mask.until=0.3"])
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        (["mask.name=gausian"], "mask.name must be one of bernoulli, gaussian, additive"),
        (["mask.shared=batch"], "mask.shared must be one of nothing, update, training"),
        (
            ["mask.schedule=soon"],
            "mask.schedule must be one of constant, early, falling, late, rising",
        ),
        (["mask=early", "mask.until=1"], "mask.until must be a share of the updates"),
        (["mask=by_channel"], "mask.by_channel must be false, but for model=lenet"),
        (["mask.weights=true"], "mask.weights must be false, but for fully connected layers"),
        (["mask=per_network", "mask.name=gaussian"], "mask.shared must be nothing or update"),
        (["mask=per_network", "mask.schedule=early"], "mask.shared must be nothing or update"),
        (["objective=boost"], "objective must be one of likelihood, boosting"),
        (
            ["data=mnist", "model=autoencoder", "rules=[weight_scaling]", "objective=boosting"],
            "objective must be likelihood with model=autoencoder",
        ),
    ],
)
def test_noise_that_makes_no_sense_is_refused(
    make_config: Make, typed: list[str], refused: str
) -> None:
    """If this failed, a condition would be trained that is not what its name says."""
    with pytest.raises(ConfigError, match=refused):
        make_config(*typed)
