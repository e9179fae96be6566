"""What a study is made of, without running anything: its conditions as Hydra composes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from dropout_study.config import plugins, resolvers
from dropout_study.config.choices import comment_of
from dropout_study.config.folder import CONF
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.read import read_config
from dropout_study.config.schema import Config
from dropout_study.config.studies import Study


def jobs(study: Study) -> list[list[str]]:
    """The overrides of every condition of a study at its budget and in its stage."""
    typed = [f"study={study.name}", f"budget={study.budget}"]
    typed += [f"{key}={values}" for key, values in study.grid.items()]

    return expand_sweep(parse_overrides(typed))


def first_condition(study: Study) -> Config:
    """The first condition of a study, with the first candidate of what is tuned."""
    return composed_run(jobs(study)[0])


def composed_run(overrides: Sequence[str]) -> Config:
    """What `scripts/train.py` would run with some overrides."""
    plugins.load(plugins.typed_plugins(overrides))
    resolvers.register()

    with _no_other_hydra(), initialize_config_dir(str(CONF), version_base="1.3"):
        return read_config(compose("train", list(overrides)))


@contextmanager
def _no_other_hydra() -> Iterator[None]:
    """Put the Hydra of a running script aside, since it allows no second one."""
    state = GlobalHydra.instance()
    running = state.hydra
    state.clear()

    try:
        yield
    finally:
        state.hydra = running


def arm_content(arm: str) -> Any:
    """The content of a choice of the group `arm`, with the resolvers that name its candidates."""
    return choice_content("arm", arm)


def choice_content(group: str, choice: str) -> Any:
    """The content of a choice of a group, as its file has it."""
    return OmegaConf.to_container(OmegaConf.load(CONF / group / f"{choice}.yaml"), resolve=False)


def arm_comment(arm: str) -> str:
    """What a choice of the group `arm` stands for, from the comment in its file."""
    return comment_of(CONF / "arm" / f"{arm}.yaml")


def stated_minutes(budget: str) -> dict[str, int]:
    """Study -> minutes that it takes at a budget on two cores, as far as they were measured."""
    minutes = OmegaConf.load(CONF / "reproduce.yaml").minutes.get(budget, {})
    return {str(study): int(value) for study, value in minutes.items()}
