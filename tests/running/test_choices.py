"""What tuning has chosen, as a text that reaches every job as it is."""

import json
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.config.condition import training_digest
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.read import read_config
from dropout_study.config.studies import Study
from dropout_study.running.choices import chosen_as_typed, find_tuning
from dropout_study.running.command_line import Place
from support.paths import CONF

NAMES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\$${}, +=[]"))
VALUES = (
    st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.lists(st.floats(0, 1))
)
CHOSEN = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3)


@given(CHOSEN)
@settings(max_examples=200, deadline=None)
def test_any_choice_is_one_text_to_hydras_sweeps(chosen: dict[str, Any]) -> None:
    """If this failed, an arm's name with a comma or a quote would be torn apart on the way to its
    job, or a learning rate lose digits.
    """
    override = OverridesParser.create().parse_override(chosen_as_typed(chosen))
    assert not override.is_sweep_override()
    ((again,),) = expand_sweep([override])  # what a launcher gets
    text = OverridesParser.create().parse_override(again).value()
    assert json.loads(text) == chosen


def test_a_choice_is_composed_as_it_is() -> None:
    """If this failed, a name that looks like an interpolation would be resolved."""
    chosen = {"${seeds}, 'a' + \"b\" \\": {"optimizer.lr": 0.1 + 0.2}}

    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", [chosen_as_typed(chosen)])

    assert json.loads(composed.study.chosen) == chosen


@pytest.mark.parametrize("data", ["digits", "mnist"])
def test_the_data_set_that_is_typed_is_the_one_that_is_tuned(data: str, uri: str) -> None:
    """If this failed, a study on other data than its own would be asked to tune for ever."""
    study = Study.load("narrow").at("smoke", data)
    typed = [f"data={data}", f"tracking.uri={uri}"]
    tuning = find_tuning(study, typed, Place(CONF, [], "train"))
    assert {arm.name for arm in tuning.arms} == {"rate 0.0", "rate 0.5"}
    digests = {candidate.digest for arm in tuning.arms for candidate in arm.candidates}

    grid = [f"{key}={text}" for key, text in study.at("smoke", data, "tuning").grid.items()]
    own = [line for line in grid if not line.startswith("data=")]
    lines = ["study=narrow", "budget=smoke", f"data={data}", *own]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        jobs = expand_sweep(parse_overrides(lines))
        trained = {training_digest(read_config(compose("train", job))) for job in jobs}

    assert digests == trained
