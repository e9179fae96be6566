"""The configuration of a job, composed once; Hydra composes it twice."""

from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig


class Once:
    """A cache of the configurations of jobs, each of which is served once.

    Hydra's sweeper composes each job to validate it, and its launcher composes it again to run it
    (0.2 s each). The cache serves the second request and then drops the entry, because Hydra
    writes into configurations that have run: a sweep that names a condition twice gets two.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._composed: dict[tuple[str, ...], DictConfig | None] = {}

    def __call__(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """As `load_sweep_config` of the loader's class."""
        key = tuple(sweep_overrides)
        is_cached = key in self._composed
        if is_cached and (kept := self._composed[key]) is not None:
            self._composed[key] = None
            return kept

        made = type(self._loader).load_sweep_config(self._loader, master_config, sweep_overrides)
        self._composed[key] = None if is_cached else made

        return made


def compose_once(loader: Any) -> None:
    """Have a loader compose every job of a sweep once."""
    loader.load_sweep_config = Once(loader)
