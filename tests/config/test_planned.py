"""What a study asks for is what Hydra composes of it."""

import pytest

from dropout_study.claims import STUDIES
from dropout_study.config import read
from dropout_study.config.names import TUNING
from dropout_study.config.planned import planned_seeds
from dropout_study.config.studies import Study
from dropout_study.report.scopes import stages
from support import smoke


@pytest.mark.parametrize("name", STUDIES)
def test_arms_and_seeds_are_those_of_the_composed_conditions(name: str) -> None:
    """If this failed, a claim would wait for networks that nothing trains, or be decided without
    some of its own.
    """
    for stage in stages(Study.load(name).at("smoke")):
        study = Study.load(name).at("smoke", stage=stage)
        first = {"study.candidate": "0"} if stage == TUNING else {}
        composed: dict[tuple[str, int], set[int]] = {}

        for job in smoke.composed(name, "smoke", first, stage):
            config = read.read_config(job)
            condition = (config.study.arm, config.study.candidate)
            composed.setdefault(condition, set()).update(config.seeds)

        planned = {(p.arm, p.candidate): seeds for p, seeds in planned_seeds(study).items()}
        assert planned == composed, stage
