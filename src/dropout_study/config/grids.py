"""The overrides that a study stands for."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf

DEFAULT_STUDY = "rate_by_width"
DEFAULT_BUDGET = "laptop"


def grid_of(
    study: str, conf: Path, budget: str, data: str | None = None, folders: Sequence[str] = ()
) -> dict[str, str]:
    """The overrides of a study at a budget and on a data set (by default the study's own).

    A study that evaluates the cohorts of another has that one's conditions, but for its own
    overrides. There are none if there is no such study, which Hydra itself will report.

    Args:
        study: its name.
        conf: the folder of the configuration.
        budget: which of the study's settings apply.
        data: likewise.
        folders: where Hydra looks for what is not in `conf`, as it writes them (`file://...`).
    """
    plain = _load(study, conf, folders)
    source = plain.get("cohorts_from")
    inherited = grid_of(source, conf, budget, data, folders) if source else {}
    grid = {key: values for key, values in inherited.items() if not key.startswith("study.values.")}
    at = plain.get("at") or {}
    grid |= _texts(plain.get("grid")) | _texts(at.get(budget))
    grid |= _texts(at.get(data or grid.get("data", "")))

    return {key: values for key, values in grid.items() if values}


def _load(study: str, conf: Path, folders: Sequence[str]) -> DictConfig:
    """A study: the project's own file, which Hydra finds first, or what it composes of others."""
    file = conf / "study" / f"{study}.yaml"
    if file.is_file():
        return cast("DictConfig", OmegaConf.load(file))

    searched = ",".join("'" + folder.replace("'", r"\'") + "'" for folder in folders)

    with warnings.catch_warnings(), initialize_config_dir(str(conf), version_base="1.3"):
        warnings.simplefilter("ignore")  # Hydra will compose it again, and say so then
        try:
            composed = compose(None, [f"+study={study}", f"hydra.searchpath=[{searched}]"])
        except MissingConfigException:
            return OmegaConf.create()

    return cast("DictConfig", composed.get("study") or OmegaConf.create())


def _texts(section: Any) -> dict[str, str]:
    """Key -> values as text; an empty one takes a key away."""
    return {
        str(key): "" if values is None else str(values) for key, values in (section or {}).items()
    }
