"""What `${name:...}` means in conf/, and the schema under the names that Hydra composes."""

from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.schema import SCHEMAS, ConfigError


def _candidate(*values: Any, _root_: DictConfig) -> Any:
    """`${candidate:a,b,c}` in an arm: the value that belongs to study.candidate."""
    chosen = int(_root_.study.candidate)
    if not 0 <= chosen < len(values):
        raise ConfigError(
            f"study.candidate={chosen} cannot be used: this arm has the candidates 0 to {len(values) - 1}."
        )

    return values[chosen]


def _kept(units: list[int], _parent_: DictConfig) -> list[int]:
    """`${kept:[64,64]}` as model.widths: as many units as leave these on average, n = kept / keep."""
    return [round(n / (1 - float(_parent_.hidden_rate))) for n in units]


def _members(bags: int, _root_: DictConfig) -> list[int]:
    """`${members:5}` as seeds: those of five bags of `bag` networks."""
    return list(range(int(bags) * int(_root_.bag)))


def _first_members(bags: int, _root_: DictConfig) -> list[int]:
    """`${first_members:5}` as seeds: the first of each bag."""
    return _members(bags, _root_)[:: int(_root_.bag)]


def register() -> None:
    """Make the schemas known to Hydra, as `schema/...`, for the defaults lists in conf/, and the resolvers.

    From then on Hydra's store of schemas is one for the process, which no copy of its sources
    copies.
    """
    OmegaConf.register_new_resolver("candidate", _candidate, replace=True)
    OmegaConf.register_new_resolver("kept", _kept, replace=True)
    OmegaConf.register_new_resolver("members", _members, replace=True)
    OmegaConf.register_new_resolver("first_members", _first_members, replace=True)
    store = ConfigStore.instance()

    for path, schema in SCHEMAS.items():
        *parents, name = path.split("/")
        store.store(group="/".join(["schema", *parents]), name=name, node=schema)

    # Hydra copies its sources, with all that is in the store, for each composition and each folder
    # that `--help` lists; who loads a schema gets a copy of that schema anyway.
    ConfigStore.__deepcopy__ = lambda store, _: store  # type: ignore[attr-defined]
