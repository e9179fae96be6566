"""Configurations of runs as `scripts/train.py` composes them, in half of Hydra's time."""

from collections.abc import Callable, Sequence
from functools import cache

from omegaconf import DictConfig

from dropout_study.running.compose_cache import composer_of
from support.paths import CONF


def composed_run(overrides: Sequence[str]) -> DictConfig:
    """What Hydra composes with some overrides; a process merges each choice of files once."""
    return _composer()(overrides)


@cache
def _composer() -> Callable[[Sequence[str]], DictConfig]:
    """What composes the runs of this process."""
    return composer_of(CONF, "train")
