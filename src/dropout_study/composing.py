"""Composing the configuration of a job once, which Hydra does twice."""

from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig


class Once:
    """A loader's way to a job's configuration that hands out what it has composed a second time before forgetting it.

    Hydra's sweeper composes every job to see whether it can be, and its launcher again to run it: a fifth of a second
    each, most of what a job adds to its training. In a worker, which gets a copy, nothing is remembered.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        self._loader = loader
        self._composed: dict[tuple[str, ...], DictConfig] = {}

    def __call__(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """As `load_sweep_config` of the loader's class."""
        key = tuple(sweep_overrides)
        if key in self._composed:
            return self._composed.pop(key)
        self._composed[key] = type(self._loader).load_sweep_config(self._loader, master_config, sweep_overrides)
        return self._composed[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"_loader": self._loader, "_composed": {}}


def compose_once(loader: Any) -> None:
    """Have a loader compose every job of a sweep once."""
    loader.load_sweep_config = Once(loader)
