"""Configurations of runs as `scripts/train.py` composes them, in half of Hydra's time."""

import pickle
from collections.abc import Sequence
from functools import cache

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, flag_override

from dropout_study.running.compose_cache import SweepComposer
from support.paths import CONF


def composed_run(overrides: Sequence[str]) -> DictConfig:
    """What Hydra composes with some overrides; a process merges each choice of files once."""
    composer, master = _composer()
    config = composer(pickle.loads(master), list(overrides))

    with flag_override(config, ["readonly", "struct"], [False, False]):
        del config["hydra"]

    return config


@cache
def _composer() -> tuple[SweepComposer, bytes]:
    """What composes the runs of this process, and the configuration that they begin from."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        master = compose("train", return_hydra_config=True)
        return SweepComposer(GlobalHydra.instance().config_loader()), pickle.dumps(master)
