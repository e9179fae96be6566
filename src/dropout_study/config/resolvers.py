"""The meaning of `${name:...}` in conf/, and the schemas under the names that Hydra composes."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.choices import list_choices
from dropout_study.config.folder import CONF
from dropout_study.config.schema import SCHEMAS, ConfigError


def candidate(*values: Any, _root_: DictConfig) -> Any:
    """`${candidate:a,b,c}` in an arm: the value that belongs to study.candidate."""
    chosen = int(_root_.study.candidate)
    last = len(values) - 1

    if not 0 <= chosen <= last:
        raise ConfigError(
            f"study.candidate={chosen} cannot be used: this arm has the candidates 0 to {last}."
        )

    return values[chosen]


def kept(units: list[int], _parent_: DictConfig) -> list[int]:
    """`${kept:[64,64]}` as model.widths: n / keep, so that n units are kept on average."""
    keep = 1 - float(_parent_.hidden_rate)
    return [round(n / keep) for n in units]


def members(bags: int, _root_: DictConfig) -> list[int]:
    """`${members:5}` as seeds: those of five bags of `bag` networks; while tuning, a few others."""
    values = _root_.study.values
    if _root_.study.stage == "tuning":
        return list(values.tuning_seeds)

    first = int(values.first_seed)

    return list(range(first, first + int(bags) * int(_root_.bag)))


def first_members(bags: int, _root_: DictConfig) -> list[int]:
    """`${first_members:5}` as seeds: the first of each bag; while tuning, a few others."""
    seeds = members(bags, _root_)
    return seeds if _root_.study.stage == "tuning" else seeds[:: int(_root_.bag)]


def entry(mapping: Any, *keys: Any) -> Any:
    """`${entry:${study.values.updates},${study.stage}}`: an entry of a mapping, by a few keys.

    A mapping that lacks a key has the entry `other` for all such keys. Keys that are left over,
    because all of them share one entry, are not looked at.
    """
    for key in keys:
        if not isinstance(mapping, DictConfig):
            break

        names = {str(name): name for name in mapping}
        name = names.get(str(key), names.get("other"))
        if name is None:
            allowed = ", ".join(names)
            raise ConfigError(f"{key} cannot be used: study.values has entries for {allowed}.")

        mapping = mapping[name]

    return mapping


def joined(numbers: list[int]) -> str:
    """`${joined:${model.widths}}`: a list as it is written in results, `256x256`."""
    return "x".join(map(str, numbers))


def cores() -> int:
    """`${cores:}`: the processor cores that this process may use."""
    from joblib import cpu_count  # a tenth of a second, which `--help` does without

    return int(cpu_count())


def batch_size(_root_: DictConfig) -> int | None:
    """`${batch_size:}` as hydra.sweeper.max_batch_size, for a launcher without a limit of its own.

    The file of a launcher cannot set it, since Hydra composes sweepers after launchers.
    """
    return cores() if _root_.hydra.runtime.choices["hydra/launcher"] == "submitit_local" else None


def choices() -> str:
    """`${choices:}` in the text of `--help`: every choice of every group."""
    return list_choices()


RESOLVERS = (candidate, kept, members, first_members, entry, joined, cores, batch_size, choices)


def register() -> None:
    """Register the resolvers, and the schemas as `schema/...` for the defaults lists in conf/."""
    for resolver in RESOLVERS:
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)

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
