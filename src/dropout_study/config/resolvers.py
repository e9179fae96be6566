"""What `${name:...}` means in conf/, and the schema under the names that Hydra composes."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.folder import CONF
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
    """Register the resolvers, and the schemas as `schema/...` for the defaults lists in conf/."""
    OmegaConf.register_new_resolver("candidate", _candidate, replace=True)
    OmegaConf.register_new_resolver("kept", _kept, replace=True)
    OmegaConf.register_new_resolver("members", _members, replace=True)
    OmegaConf.register_new_resolver("first_members", _first_members, replace=True)
    store = ConfigStore.instance()

    for path, schema in SCHEMAS.items():
        *parents, name = path.split("/")
        store.store(group="/".join(["schema", *parents]), name=name, node=schema)

    _move_launchers(store)


def _move_launchers(store: ConfigStore) -> None:
    """Move what plugins register as `hydra/launcher/NAME` to `schema/launcher/NAME`.

    The file of the same name in conf/ extends it there. Under one name, Hydra 1.3 would validate
    the file against the schema, which is deprecated and ends in a warning.
    """
    Plugins.instance()  # imports the plugins
    launchers = store.repo["hydra"]["launcher"]

    for launcher in [name for name in launchers if (CONF / "hydra" / "launcher" / name).is_file()]:
        plugin = launchers.pop(launcher)
        store.store(group="schema/launcher", name=launcher, node=plugin.node)
