"""The networks that a study asks for: arms and seeds, without composing every job by Hydra."""

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from dropout_study.config import resolvers
from dropout_study.config.composed import arm_content, choice_content, jobs
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.overrides import parse_overrides
from dropout_study.config.schema import SCHEMAS, Config
from dropout_study.config.studies import VALUES, Study

TOP_LEVEL = ("seeds", "bag")
"""Keys without a dot that are settings; the others choose files, rules or probes."""

FIRST_CANDIDATE = "study.candidate=0"


@dataclass(frozen=True)
class Planned:
    """A condition of a study, as its results name it.

    Attributes:
        arm: its name; empty where the study has none.
        candidate: its number, from 0.
    """

    arm: str
    candidate: int

    def __str__(self) -> str:
        name = self.arm or "the study"
        return f"{name}, candidate {self.candidate}" if self.candidate else name


def planned_seeds(study: Study) -> dict[Planned, set[int]]:
    """The seeds that each condition of a study asks for, at its budget and in its stage.

    In the stage `tuning` all candidates of an arm have the seeds of the first, which stands for
    them.

    >>> planned_seeds(Study.load("cost").at("smoke"))
    {Planned(arm='', candidate=0): {100, 101}}
    """
    resolvers.register()
    seeds: dict[Planned, set[int]] = {}

    for job in jobs(study):
        if study.stage == TUNING and FIRST_CANDIDATE not in job:
            continue

        settings = _settings(study, job)
        condition = Planned(str(settings.study.arm), int(settings.study.candidate))
        seeds.setdefault(condition, set()).update(map(int, settings.seeds))

    return seeds


def _settings(study: Study, job: list[str]) -> DictConfig:
    """What bears on names and seeds: the study's values, the arm's file, and the overrides."""
    values = {override.key_or_group: override.value() for override in parse_overrides(job)}
    about: dict[str, Any] = {
        "values": study.values,
        "stage": study.stage or FINAL,
        "candidate": 0,
        "chosen": "",
        "arm": "",
    }
    arm = arm_content(str(values["arm"])) if "arm" in values else {}
    mask = choice_content("mask", str(values["mask"])) if "mask" in values else {}
    for content in (arm, mask):
        content.pop("defaults", None)

    model = SCHEMAS.get(f"model/{values.get('model')}")
    typed = {"model": OmegaConf.structured(model)} if model else {}  # a rate of 0 is called 0.0
    settings = OmegaConf.merge({"study": about, "bag": Config.bag, "mask": mask}, typed, arm)

    for key, value in values.items():
        is_setting = "." in key or key in TOP_LEVEL
        if is_setting and not key.startswith(VALUES):
            OmegaConf.update(settings, key, value)

    assert isinstance(settings, DictConfig)

    return settings
