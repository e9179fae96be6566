"""What Hydra's callback opens before the jobs of a sweep."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from dropout_study.running import start
from dropout_study.running.sweep import Supervisor, SweepCallback

Compose = Callable[..., DictConfig]


def test_a_start_composes_before_what_it_composes_is_kept(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a condition that is named twice would get one configuration,
    already in use.
    """
    loader = GlobalHydra.instance().config_loader()
    cached: list[bool] = []

    def open_start(*_: object) -> nullcontext[bool]:
        cached.append("load_sweep_config" in vars(loader))
        return nullcontext(True)

    monkeypatch.setattr(start, "Start", open_start)
    monkeypatch.setattr(Supervisor, "running", Supervisor("python train.py"))
    SweepCallback().on_multirun_start(composed())
    SweepCallback().on_multirun_start(composed())
    assert cached == [False], "a second pass over the same sweep opens nothing"
    assert "load_sweep_config" in vars(loader), "the jobs themselves are composed once"
