"""The files of the jobs of a sweep are read and merged once."""

import pickle
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig, OmegaConf

from dropout_study.config import resolvers
from dropout_study.running.compose_cache import SweepComposer, compose_once, composer_of
from support.paths import CONF
from support.scripts import Script

JOBS = [
    ["model.hidden_rate=0.1", "budget.updates=20"],
    ["model.hidden_rate=0.2", "model.widths=[16,16]", "study.title='a, b=c'"],
    ["model=lenet", "model.hidden_rate=0.2"],
    ["model.hidden_rate=0.2", "model=lenet", "regularizer=l2", "regularizer.strength=0.1"],
    ["arm=regularizers/dropout", "budget=smoke"],
    ["+study.chosen.new=1"],
    ["~study.title"],
    ["seeds=[1,2]", "rules=[monte_carlo]", "tracking.uri='sqlite:///other.db'"],
    ["hydra.job.name=other", "seeds=[1]"],
    ["model={hidden_rate: 0.3}"],
    [],
]
"""Overrides of jobs, some of which Hydra refuses."""


@pytest.fixture
def master() -> Iterator[DictConfig]:
    """The configuration of a sweep, with Hydra at hand."""
    resolvers.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["seeds=[7]", "hydra.sweep.subdir=packs/${hydra.job.num}"]
        yield compose("train", overrides, return_hydra_config=True)


def outcome(loader: ConfigLoader, master: DictConfig, overrides: list[str]) -> object:
    """What a loader makes of overrides: values, what may be changed, types; or the error."""
    try:
        config = loader.load_sweep_config(master, overrides)
    except ConfigCompositionException as error:
        return str(error)

    flags = [OmegaConf.is_struct(config), OmegaConf.is_readonly(config.hydra)]
    types = {key: OmegaConf.get_type(config, key) for key in config}

    return OmegaConf.to_container(config), flags, types, pickle.dumps(OmegaConf.get_cache(config))


def test_a_job_gets_what_hydra_would_compose(master: DictConfig) -> None:
    """If this failed, a condition would be trained with the values of another."""
    loader = GlobalHydra.instance().config_loader()
    plain = [outcome(loader, master, job) for job in JOBS]
    assert any(isinstance(one, str) for one in plain)
    assert sum(isinstance(one, tuple) for one in plain) > 7

    compose_once(loader)
    for _ in range(2):
        assert [outcome(loader, master, job) for job in JOBS] == plain


def test_files_are_merged_once_and_jobs_share_nothing(
    master: DictConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a job would cost two fifths of a second more, or be changed by another."""
    composed: list[list[str]] = []
    loader = GlobalHydra.instance().config_loader()
    compose_job = type(loader).load_sweep_config

    def counted(loader: ConfigLoader, master: DictConfig, overrides: list[str]) -> DictConfig:
        composed.append(overrides)
        return compose_job(loader, master, overrides)

    monkeypatch.setattr(type(loader), "load_sweep_config", counted)
    compose_once(loader)
    jobs = [[f"model.hidden_rate=0.{i}"] for i in (1, 2, 1)]
    configs = [loader.load_sweep_config(master, job) for job in jobs]
    assert composed == [[]]

    configs[0].model.hidden_rate = 0.9
    configs[0].hydra.job.num = 5
    assert [config.model.hidden_rate for config in configs[1:]] == [0.2, 0.1]
    assert OmegaConf.is_missing(configs[2].hydra.job, "num")


def test_a_worker_gets_what_was_merged(master: DictConfig) -> None:
    """If this failed, no launcher could send Hydra's loader to another process."""
    loader = GlobalHydra.instance().config_loader()
    compose_once(loader)
    first = loader.load_sweep_config(master, JOBS[0])
    copy = pickle.loads(pickle.dumps(loader))
    assert isinstance(copy.load_sweep_config, SweepComposer)
    again = copy.load_sweep_config(master, JOBS[0])
    assert OmegaConf.to_container(again) == OmegaConf.to_container(first)


def composed_or_refused(compose: Callable[[list[str]], DictConfig], job: list[str]) -> object:
    """The values that overrides give, and whether keys may be added; or the error."""
    try:
        config = compose(job)
    except ConfigCompositionException as error:
        return str(error)

    return OmegaConf.to_container(config), OmegaConf.is_struct(config)


def test_conditions_are_composed_as_hydra_composes_them() -> None:
    """If this failed, the choices of tuning would be read for other conditions than are trained."""
    resolvers.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        plain = [composed_or_refused(partial(compose, "train"), job) for job in JOBS]

    composed = composer_of(CONF, "train")
    for _ in range(2):
        assert [composed_or_refused(composed, job) for job in JOBS] == plain


def test_groups_of_a_folder_of_ones_own_are_chosen_from(tmp_path: Path) -> None:
    """If this failed, the choice of a file in a folder of one's own would be a value, and nothing
    of the file would be trained.
    """
    (tmp_path / "bundle").mkdir()
    own = "# @package _global_\nmodel: {hidden_rate: 0.77}\n"
    (tmp_path / "bundle" / "a.yaml").write_text(own, encoding="utf-8")
    composed = composer_of(CONF, "train", [f"hydra.searchpath=[file://{tmp_path}]"])
    assert composed(["+bundle=a"]).model.hidden_rate == 0.77


def test_a_choice_that_every_condition_must_make_is_made_there(tmp_path: Path) -> None:
    """If this failed, a configuration that asks for a study could not be composed with one."""
    own = tmp_path / "conf"
    shutil.copytree(CONF, own)
    text = (own / "train.yaml").read_text(encoding="utf-8")
    changed = text.replace("- study: exploration", "- study: ???")
    assert changed != text
    (own / "train.yaml").write_text(changed, encoding="utf-8")
    config = composer_of(own, "train")(["study=rate_by_width", "budget=smoke"])
    assert config.study.name == "rate_by_width"


@pytest.mark.usefixtures("uri")
def test_a_condition_that_a_sweep_names_twice_is_skipped_the_second_time(train: Script) -> None:
    """If this failed, the second of two equal jobs would get what Hydra wrote into the
    configuration of the first.
    """
    done = train(
        "-m",
        "model.hidden_rate=0.5,0.50,0.5",
        "seeds=[0]",
        "budget=smoke",
        "rules=[weight_scaling]",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("skipped") == 2
