"""A job of a sweep is composed once."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from dropout_study.config import resolvers
from dropout_study.running.compose_cache import compose_once
from support.paths import CONF
from support.scripts import Script


def test_what_was_composed_to_be_checked_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a job would cost a fifth of a second more, or be trained with the values of
    another.
    """
    composed: list[list[str]] = []
    resolvers.register()

    with initialize_config_dir(str(CONF), version_base="1.3"):
        master = compose("train", ["seeds=[7]"], return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        compose_job = type(loader).load_sweep_config

        def counted(loader: ConfigLoader, master: DictConfig, overrides: list[str]) -> DictConfig:
            composed.append(overrides)
            return compose_job(loader, master, overrides)

        monkeypatch.setattr(type(loader), "load_sweep_config", counted)
        compose_once(loader)
        jobs = [["model.hidden_rate=0.1"], ["model.hidden_rate=0.2"]]
        checked = [loader.load_sweep_config(master, job) for job in jobs]
        assert [loader.load_sweep_config(master, job) for job in jobs] == checked
        assert composed == jobs
        assert [config.model.hidden_rate for config in checked] == [0.1, 0.2]


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
