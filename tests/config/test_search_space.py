"""What a command line says of a search."""

from collections.abc import Callable

import pytest
from hydra import compose, initialize_config_dir

from dropout_study.config.overrides import parse_overrides
from dropout_study.config.schema import ConfigError
from dropout_study.config.search_space import Choices, Interval, Space, read_space
from support.paths import CONF

RATE = "model.hidden_rate=interval(0,0.8)"
Read = Callable[..., Space]


@pytest.fixture(scope="module")
def read() -> Read:
    """Read the overrides of a command line."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train")

    return lambda *typed: read_space(parse_overrides(typed), composed)


def test_an_interval_has_the_kind_of_numbers_that_its_key_has(read: Read) -> None:
    """If this failed, a rate between 0 and 1 would be 0 or 1, since both are typed as integers."""
    space = read(
        "model.hidden_rate=interval(0,1)",
        "optimizer.lr=tag(log,interval(1e-4,1e-2))",
        "budget.updates=interval(100,200.5)",
        "regularizer.max_norm=interval(1,4)",
    )
    assert list(space.axes.values()) == [
        Interval("model.hidden_rate", 0.0, 1.0),
        Interval("optimizer.lr", 1e-4, 1e-2, is_logarithmic=True),
        Interval("budget.updates", 100, 200, is_whole=True),
        Interval("regularizer.max_norm", 1.0, 4.0, in_list=True),
    ]
    assert space.condition(space.corner(is_high=True))[2:] == [
        "budget.updates=200",
        "regularizer.max_norm=[4.0]",
    ]


def test_what_is_fixed_stands_before_what_is_searched(read: Read) -> None:
    """If this failed, a candidate would lack a setting, or have one that was typed over."""
    space = read("data=mnist", "model.widths=[16],[16,16]", RATE, "seeds=[1]", "data=digits")
    assert space.axes["model.widths"] == Choices("model.widths", ("[16]", "[16,16]"))

    values = {"model.widths": "[16,16]", "model.hidden_rate": 0.123456}
    searched = ["model.widths=[16,16]", "model.hidden_rate=0.123"]
    assert space.condition(values) == ["data=digits", "seeds=[1]", *searched]
    assert space.condition(values, ["seeds=[9]"], ["seeds"]) == [
        "data=digits",
        *searched,
        "seeds=[9]",
    ]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["model.hidden_rate=0,0.5"], "searches intervals, and none is typed: add one, such as"),
        (["model.hidden_rate=interval(0.5,0.5)"], "must be numbers, the smaller one first"),
        (["optimizer.lr=tag(log,interval(0,1))"], "must be numbers above 0, the smaller one"),
        (["optimizer.lr=tag(lg,interval(1,2))"], r"there is no tag lg; tag\(log,...\) searches"),
        ([RATE, "study.stage=half"], "with hydra/sweeper=optuna, which sets study.stage itself"),
        ([RATE, "seeds=[0],[1]"], "seeds cannot be searched; type one value, which the best"),
    ],
)
def test_what_cannot_be_searched_is_refused(read: Read, typed: list[str], sentence: str) -> None:
    """If this failed, a typing error would be a search of something else, or a traceback."""
    with pytest.raises(ConfigError, match=sentence):
        read(*typed)
