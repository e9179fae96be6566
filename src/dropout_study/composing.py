"""What Hydra does more often than it has to: composing the configuration of a job, copying all schemas."""

from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig


class Once:
    """A loader's way to a job's configuration that gives what it composed at first a second time, and then forgets it.

    Hydra's sweeper composes every job to see whether it can be, and its launcher again to run it: a fifth of a second
    each, most of what a job adds to its training. Who asks a third time, for a sweep that names a condition twice,
    gets a configuration of its own, since Hydra writes into those that have run.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
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


def share_schemas() -> None:
    """Spare the copy of all schemas that Hydra makes for every composition, and for every folder that `--help` lists.

    It copies its sources so as to exchange them, and what is in the store with them; who loads a schema from the store
    gets a copy of that schema anyway.
    """
    ConfigStore.__deepcopy__ = lambda store, _: store  # type: ignore[attr-defined]
