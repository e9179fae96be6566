"""Overrides and the conditions that they stand for."""

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # to compare with
from hydra.core.override_parser.overrides_parser import OverridesParser

from dropout_study.analysis.columns import BUDGETS
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.schema import ConfigError
from dropout_study.config.studies import Study
from support.paths import CONF

STUDIES = sorted(file.stem for file in (CONF / "study").glob("*.yaml"))


def test_a_sweep_is_the_product_of_its_axes_the_last_one_fastest() -> None:
    """If this failed, a condition would be looked for in the folder of another."""
    typed = ["a=1,2", "b=[3,4]", "+c=x,y", "a=5,6", "e=range(0,2)"]
    assert expand_sweep(parse_overrides(typed)) == [
        ["a=5", "b=[3,4]", "+c=x", "e=0"],
        ["a=5", "b=[3,4]", "+c=x", "e=1"],
        ["a=5", "b=[3,4]", "+c=y", "e=0"],
        ["a=5", "b=[3,4]", "+c=y", "e=1"],
        ["a=6", "b=[3,4]", "+c=x", "e=0"],
        ["a=6", "b=[3,4]", "+c=x", "e=1"],
        ["a=6", "b=[3,4]", "+c=y", "e=0"],
        ["a=6", "b=[3,4]", "+c=y", "e=1"],
    ]
    assert expand_sweep([]) == [[]]


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("study", STUDIES)
def test_conditions_are_those_of_hydras_sweeper(study: str, budget: str) -> None:
    """If this failed, a claim would wait for conditions that Hydra never runs."""
    typed = [f"{key}={values}" for key, values in Study.load(study).at(budget).grid.items()]
    overrides = OverridesParser.create().parse_overrides([f"study={study}", *typed])
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    assert expand_sweep(overrides) == jobs


def test_an_interval_is_refused() -> None:
    """If this failed, it would end in a traceback: there is no list of its values."""
    with pytest.raises(ConfigError, match=r"^a=interval\(0,1\) cannot be used: a sweep needs its"):
        expand_sweep(parse_overrides(["a=interval(0,1)"]))
