"""The configurations of the jobs of a sweep, whose files are read and merged once.

Hydra composes every job twice, once to check it and once to run it, at 0.2 s each. Jobs that choose
the same files differ in values alone, which are set in a copy of what the files give. This module
does for such values what `ConfigLoaderImpl._load_configuration_impl` of Hydra 1.3 does.
"""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict


class SweepComposer:
    """Composes the jobs of a sweep in the place of a loader of Hydra.

    Args:
        loader: Hydra's, which composes each choice of files.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._topmost: set[str] | None = None
        self._chosen: dict[str, bool] = {}
        self._templates: dict[tuple[str, ...], bytes] = {}

    def __call__(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """As `load_sweep_config` of the loader's class."""
        parsed = OverridesParser.create().parse_overrides(sweep_overrides)
        if any(override.is_hydra_override() or override.is_sweep_override() for override in parsed):
            return self._compose(master_config, sweep_overrides)

        values = [each for each in parsed if not self._chooses_file(master_config, each)]
        files = [str(override.input_line) for override in parsed if override not in values]

        try:
            config = self._copy(master_config, files)
            self._loader._apply_overrides_to_config(values, config)
        except Exception:
            # Hydra words the error, or accepts values that go only with others.
            return self._compose(master_config, sweep_overrides)

        _name(config, parsed)
        OmegaConf.copy_cache(from_config=master_config, to_config=config)

        return config

    def _chooses_file(self, master_config: DictConfig, override: Override) -> bool:
        """Whether an override chooses a file of a group, and does not set a value."""
        if isinstance(override.value(), dict):
            return False

        # To ask Hydra takes long, and most keys have no group's name.
        if self._topmost is None:
            self._topmost = set(self._options(master_config, "", ObjectType.GROUP))

        group = override.key_or_group
        if group.split("/")[0] not in self._topmost:
            return False

        if group not in self._chosen:
            self._chosen[group] = bool(self._options(master_config, group, None))

        return self._chosen[group]

    def _options(
        self, master_config: DictConfig, group: str, kind: ObjectType | None
    ) -> Sequence[str]:
        """What a group holds, also in the folders that overrides of Hydra itself add."""
        name = master_config.hydra.job.config_name
        of_hydra = _overrides_of_hydra(master_config)
        found: list[str] = self._loader.get_group_options(group, kind, name, of_hydra)

        return found

    def _copy(self, master_config: DictConfig, files: list[str]) -> DictConfig:
        """A copy of what some files give; a job may change it, as Hydra does."""
        # Those of Hydra itself are composed into it, too.
        key = (*_overrides_of_hydra(master_config), *files)

        # Copies by way of bytes take a sixth of the time of `copy.deepcopy`.
        if key not in self._templates:
            self._templates[key] = pickle.dumps(self._compose(master_config, files))

        config: DictConfig = pickle.loads(self._templates[key])
        return config

    def _compose(self, master_config: DictConfig, overrides: list[str]) -> DictConfig:
        """What Hydra itself makes of some overrides."""
        load = type(self._loader).load_sweep_config
        config: DictConfig = load(self._loader, master_config, overrides)
        return config


def _overrides_of_hydra(master_config: DictConfig) -> list[str]:
    """The overrides of Hydra itself, not resolved."""
    return cast("list[str]", OmegaConf.to_container(master_config.hydra.overrides.hydra))


def _name(config: DictConfig, overrides: Sequence[Override]) -> None:
    """Write the overrides of a job, and the name that they give its folder, into its config."""
    job = config.hydra.job
    naming = job.config.override_dirname
    config.hydra.overrides.task = [override.input_line for override in overrides]
    job.override_dirname = get_overrides_dirname(
        overrides=list(overrides),
        kv_sep=naming.kv_sep,
        item_sep=naming.item_sep,
        exclude_keys=naming.exclude_keys,
    )


def compose_once(loader: Any) -> None:
    """Have a loader read and merge the files of the jobs of a sweep once."""
    loader.load_sweep_config = SweepComposer(loader)


def composer_of(
    conf: Path, name: str, of_hydra: Sequence[str] = ()
) -> Callable[[Sequence[str]], DictConfig]:
    """A function that composes overrides as `hydra.compose` does, but merges choices of files once.

    Args:
        conf: the folder of the configuration.
        name: the file in it that is composed.
        of_hydra: overrides of Hydra itself, as of its search path.
    """
    with initialize_config_dir(str(conf), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()

    # That of a sweep may lack choices that each of its jobs makes.
    master = loader.load_configuration(name, list(of_hydra), RunMode.MULTIRUN)
    sweep_composer = SweepComposer(loader)

    def composed(overrides: Sequence[str]) -> DictConfig:
        config = sweep_composer(master, list(overrides))
        with open_dict(config):
            del config["hydra"]

        return config

    return composed
