"""The stages of a study: tuning, final and half, and what a study inherits."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from dropout_study.config import read
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.studies import Study
from dropout_study.running.compose_cache import composer_of
from support.paths import CONF

TUNED = {
    "defaults": ["/schema/study@_here_"],
    "name": "tuned",
    "title": "A study that tunes",
    "candidates": 3,
    "extend": {"optimizer.lr": 2},
    "grid": {
        "study.stage": "final,half",
        "study.arm": "none,dropout",
        "budget.updates": "${study.values.updates.${study.stage}}",
        "seeds": "${study.values.seeds.${study.stage}}",
        "optimizer.lr": "${tried:optimizer.lr,5e-4,1e-3,2e-3}",
    },
    "at": {
        "tuning": {"rules": "[weight_scaling]"},
        "smoke": {"study.candidates": 2, "study.extend": {}},
    },
    "values": {
        "updates": {"tuning": 20, "final": 40, "half": 20},
        "seeds": {"tuning": [900, 901], "final": [100, 101], "half": [100]},
        "names": ["dropout + L2", "none"],
    },
}
DERIVED = {
    "defaults": ["/schema/study@_here_"],
    "name": "derived",
    "title": "A study of its networks",
    "cohorts_from": "tuned",
    "grid": {"rules": "[weight_scaling]"},
    "values": {"names": ["mine"], "margin": 1},
}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Where Hydra finds both studies."""
    write(tmp_path, TUNED)
    write(tmp_path, DERIVED)
    return f"file://{tmp_path}"


def write(folder: Path, study: dict[str, Any]) -> None:
    """Write a study where Hydra finds it."""
    (folder / "study").mkdir(exist_ok=True)
    OmegaConf.save(OmegaConf.create(study), folder / "study" / f"{study['name']}.yaml")


def conditions(study: Study, folder: str, *chosen: str) -> list[Config]:
    """The configurations of all conditions."""
    grid = [f"{key}={values}" for key, values in study.grid.items()]
    jobs = expand_sweep(parse_overrides([f"study={study.name}", *chosen, *grid]))
    composed = composer_of(CONF, "train", [f"hydra.searchpath=[{folder}]"])

    return [read.read_config(composed(job)) for job in jobs]


def test_tuning_trains_every_candidate_and_the_other_stages_the_choice(folder: str) -> None:
    """If this failed, candidates would be left out, or other networks judged than were chosen."""
    study = Study.load("tuned", search_path=[folder])
    tuning = conditions(study.at("laptop", stage="tuning"), folder)
    assert [c.optimizer.lr for c in tuning] == [5e-4, 1e-3, 2e-3] * 2
    assert {(c.study.stage, c.budget.updates, *c.seeds) for c in tuning} == {
        ("tuning", 20, 900, 901)
    }
    assert tuning[0].rules == ["weight_scaling"]

    choices = '{"none": {"optimizer.lr": 0.002}, "dropout": {"optimizer.lr": 0.001}}'
    later = conditions(study.at("laptop"), folder, f"study.chosen='{choices}'")
    assert [(c.study.stage, c.study.arm, c.optimizer.lr) for c in later] == [
        ("final", "none", 2e-3),
        ("final", "dropout", 1e-3),
        ("half", "none", 2e-3),
        ("half", "dropout", 1e-3),
    ]
    assert [(c.budget.updates, *c.seeds) for c in later[1:3]] == [(40, 100, 101), (20, 100)]
    assert study.at("laptop", stage="half").grid["study.stage"] == "half"


def test_a_budget_may_tune_less(folder: str) -> None:
    """If this failed, a smoke test would train as many candidates as a study of hours."""
    study = Study.load("tuned", search_path=[folder])
    assert (study.at("laptop").candidates, study.at("laptop").extend) == (3, {"optimizer.lr": 2})
    assert (study.at("smoke").candidates, study.at("smoke").extend) == (2, {})
    assert study.at("smoke", stage="tuning").grid["study.candidate"] == "0,1"
    assert study.at("smoke", stage="tuning").command.endswith(
        "study=tuned study.stage=tuning budget=smoke"
    )


def test_a_study_of_stored_cohorts_has_the_values_of_their_study_but_for_its_own(
    folder: str,
) -> None:
    """If this failed, it would look for other seeds or updates than were trained."""
    study = Study.load("derived", search_path=[folder]).at("laptop")
    assert study.values["names"] == ["mine"]
    assert study.values["seeds"] == {"tuning": [900, 901], "final": [100, 101], "half": [100]}

    choices = '{"none": {"optimizer.lr": 0.002}, "dropout": {"optimizer.lr": 0.001}}'
    configs = conditions(study, folder, f"study.chosen='{choices}'")
    source = Study.load("tuned", search_path=[folder]).at("laptop")
    trained = conditions(source, folder, f"study.chosen='{choices}'")
    assert [(c.budget.updates, c.seeds, c.optimizer.lr) for c in configs] == [
        (c.budget.updates, c.seeds, c.optimizer.lr) for c in trained
    ]
    assert configs[0].study.values["names"] == ["mine"]
    assert configs[0].study.values["updates"] == {"tuning": 20, "final": 40, "half": 20}

    with pytest.raises(ConfigError, match=r"study=derived tunes nothing. .* of study=tuned"):
        Study.load("derived", search_path=[folder]).at("laptop", stage="tuning")


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({"tuning": [1, 2], "final": [2, 3]}, r"has \[2\] in the stage tuning and in a later one"),
        ({"tuning": [1], "half": [1]}, r"has \[1\] in the stage tuning and in a later one"),
        ({"final": [1, 2], "half": [2, 3]}, r"has \[3\] in the stage half and not in final"),
        (
            {"tuning": [1], "final": {"16x16": [2], "other": [1]}},
            r"has \[1\] in the stage tuning and in a later one",
        ),
    ],
)
def test_seeds_that_would_judge_their_own_choice_are_refused(
    tmp_path: Path, seeds: dict[str, Any], message: str
) -> None:
    """If this failed, an arm would be judged by the networks that it was tuned with."""
    write(tmp_path, TUNED | {"name": "mixed", "values": {"seeds": seeds}})
    study = Study.load("mixed", search_path=[f"file://{tmp_path}"])

    with pytest.raises(ConfigError, match=message):
        study.at("laptop")


def test_a_stage_that_does_not_exist_is_refused(folder: str, make_config: Any) -> None:
    """If this failed, runs would be recorded in a stage that no table shows."""
    with pytest.raises(ConfigError, match=r"study.stage=last cannot be used: .* tuning, final"):
        Study.load("tuned", search_path=[folder]).at("laptop", stage="last")

    with pytest.raises(ConfigError, match=r"study.stage=last cannot be used: .* tuning, final"):
        make_config("study.stage=last")
