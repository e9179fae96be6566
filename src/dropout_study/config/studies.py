"""The studies of conf/study as the rest of the project sees them: values, order, commands."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.grids import grid_of
from dropout_study.config.overrides import expand_sweep, parse_overrides

VALUES = "study.values."
_grid = cache(grid_of)  # a report asks hundreds of times


def values(study: str, conf: Path, budget: str, data: str | None = None) -> dict[str, Any]:
    """What a study's claims need to know, at a budget and on a data set."""
    plain = _load(study, conf)
    known = (
        cast("dict[str, Any]", OmegaConf.to_container(plain["values"])) if "values" in plain else {}
    )
    told = _grid(study, conf, budget, data)

    return known | {
        key.removeprefix(VALUES): yaml.safe_load(v)
        for key, v in told.items()
        if key.startswith(VALUES)
    }


def data_of(study: str, conf: Path, budget: str) -> str | None:
    """The data set a study is on, unless its arms choose theirs."""
    return _grid(study, conf, budget).get("data")


def size(study: str, conf: Path, budget: str, data: str | None = None) -> int:
    """The number of a study's conditions."""
    grid = _grid(study, conf, budget, data)
    typed = [f"{key}={values}" for key, values in grid.items()]
    return len(expand_sweep(parse_overrides(typed)))


def title(study: str, conf: Path) -> str:
    """What a study shows, in one line."""
    return str(_load(study, conf).title)


def command(study: str, budget: str, data: str | None = None) -> str:
    """What is typed to run a study."""
    typed = f" data={data}" if data else ""
    return f"python scripts/train.py -m study={study} budget={budget}{typed}"


def in_order(studies: Iterable[str], conf: Path) -> list[str]:
    """The studies, each once and behind the one whose cohorts it evaluates."""
    ordered: list[str] = []

    for study in studies:
        source = _load(study, conf).get("cohorts_from")
        ordered += [name for name in (source, study) if name and name not in ordered]

    return ordered


@cache
def _load(study: str, conf: Path) -> DictConfig:
    return cast("DictConfig", OmegaConf.load(conf / "study" / f"{study}.yaml"))
