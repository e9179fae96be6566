"""The configuration of a job, composed once; Hydra composes it twice."""

from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig


class Once:
    """A loader's way to a job's configuration that gives what it composed at first a second time, and then forgets it.

    Hydra's sweeper composes every job to see whether it can be, and its launcher again to run it: a
    fifth of a second each, most of what a job adds to its training. Who asks a third time, for a
    sweep that names a condition twice, gets a configuration of its own, since Hydra writes into
    those that have run.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._composed: dict[tuple[str, ...], DictConfig | None] = {}

    def __call__(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """As `load_sweep_config` of the loader's class."""
        key = tuple(sweep_overrides)
        known = key in self._composed
        if known and (kept := self._composed[key]) is not None:
            self._composed[key] = None
            return kept

        made = type(self._loader).load_sweep_config(self._loader, master_config, sweep_overrides)
        self._composed[key] = None if known else made

        return made


def compose_once(loader: Any) -> None:
    """Have a loader compose every job of a sweep once."""
    loader.load_sweep_config = Once(loader)
