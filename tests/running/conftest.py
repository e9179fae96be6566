"""A configuration as Hydra's callbacks see it."""

from collections.abc import Callable, Iterator

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from support.paths import CONF


@pytest.fixture
def composed(uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., DictConfig]]:
    """Compose conf/ with Hydra's own part."""

    def compose(*overrides: str) -> DictConfig:
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        return hydra.compose_config("train", list(overrides), RunMode.MULTIRUN, from_shell=False)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # a start leaves it there
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)

    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield compose
