"""The meaning of `${name:...}` in conf/, and the schemas under the names that Hydra composes."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, ListConfig, OmegaConf

from dropout_study.config.choices import list_choices
from dropout_study.config.folder import CONF, command
from dropout_study.config.names import OTHER
from dropout_study.config.schema import SCHEMAS, ConfigError

SIGNIFICANT_DIGITS = 3
"""Of what is drawn, so that names and tables can show it."""


def candidate(*values: Any, _root_: DictConfig) -> Any:
    """`${candidate:a,b,c}` in an arm: the value that belongs to study.candidate."""
    return _entry(values, int(_root_.study.candidate))


def tried(key: str, *values: Any, _root_: DictConfig) -> Any:
    """`${tried:optimizer.lr,1e-3,2e-3}` as optimizer.lr: the value of study.candidate, or chosen.

    Args:
        key: of the setting that has this value.
        values: one per candidate.

    Raises:
        ConfigError: there is no such candidate, or study.chosen lacks the key.
    """
    choice = _choice(key, _root_)
    if choice is None:
        return _entry(values, int(_root_.study.candidate))

    in_list = isinstance(choice, list)
    wanted_in_list = isinstance(values[0], list | ListConfig)

    return [choice] if wanted_in_list and not in_list else choice


def drawn(key: str, low: float, high: float, _root_: DictConfig) -> Any:
    """`${drawn:optimizer.lr,1e-4,1e-2}` as optimizer.lr: drawn for study.candidate, or chosen.

    The logarithm is drawn uniformly, by the key and the candidate alone: arms that tune the same
    key try the same values, so that none has the luckier ones.

    Args:
        key: of the setting that has this value.
        low: the smallest value.
        high: the largest value.

    Raises:
        ConfigError: the limits are not ascending numbers above 0, or study.chosen lacks the key.
    """
    if not 0 < low < high:
        _refuse_limits("drawn", key, low, high, "numbers above 0, the smaller one first")

    choice = _choice(key, _root_)
    if choice is not None:
        return choice

    share = _share(key, _root_)

    return _rounded(math.exp((1 - share) * math.log(low) + share * math.log(high)))


def drawn_evenly(key: str, low: float, high: float, _root_: DictConfig) -> Any:
    """`${drawn_evenly:model.hidden_rate,0.1,0.7}`: as `drawn`, but the value itself is uniform.

    Raises:
        ConfigError: the limits are not ascending, or study.chosen lacks the key.
    """
    if not low < high:
        _refuse_limits("drawn_evenly", key, low, high, "numbers, the smaller one first")

    choice = _choice(key, _root_)

    return _rounded(low + (high - low) * _share(key, _root_)) if choice is None else choice


def _refuse_limits(resolver: str, key: str, low: float, high: float, allowed: str) -> None:
    raise ConfigError(
        f"${{{resolver}:{key},{low},{high}}} cannot be used: its limits must be {allowed}."
    )


def _entry(values: Sequence[Any], number: int) -> Any:
    """The value of a candidate.

    Raises:
        ConfigError: there are fewer.
    """
    last = len(values) - 1

    if not 0 <= number <= last:
        raise ConfigError(
            f"study.candidate={number} cannot be used: this arm has the candidates 0 to {last}."
        )

    return values[number]


def _choice(key: str, root: DictConfig) -> Any:
    """What study.chosen has for a key of the arm; None if nothing is chosen yet.

    Raises:
        ConfigError: it has nothing for the arm or the key, or is not what it must be.
    """
    if not root.study.chosen:
        return None

    arm = str(root.study.arm)

    try:
        return json.loads(root.study.chosen)[arm][key]
    except (ValueError, TypeError) as error:
        allowed = '{"ARM": {"KEY": VALUE}} in JSON'
        raise ConfigError(f"study.chosen cannot be used: it must be {allowed}: {error}.") from error
    except KeyError as error:
        raise ConfigError(f"study.chosen cannot be used: it has no {key} for {arm!r}.") from error


def _share(key: str, root: DictConfig) -> float:
    """A number in [0, 1) that depends on the key and the candidate alone, in every arm the same."""
    text = json.dumps([key, int(root.study.candidate)])
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])

    return number / 2**48


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def members(bags: int, _root_: DictConfig) -> list[int]:
    """`${members:5}` as seeds: those of five bags of `bag` networks; while tuning, a few others."""
    values = _root_.study["values"]
    if _root_.study.stage == "tuning":
        return list(values["tuning_seeds"])

    first = int(values["first_seed"])
    seeds = range(first, first + int(bags) * int(_root_.bag))
    if shared := sorted(set(seeds) & set(values["tuning_seeds"])):
        raise ConfigError(f"study.values.tuning_seeds has {shared}, which are seeds of bags, too.")

    return list(seeds)


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
        name = names.get(str(key), names.get(OTHER))
        if name is None:
            allowed = ", ".join(names)
            raise ConfigError(f"{key} cannot be used: study.values has entries for {allowed}.")

        mapping = mapping[name]

    return mapping


def joined(numbers: list[int]) -> str:
    """`${joined:${model.widths}}`: a list as it is written in results, `256x256`."""
    return "x".join(map(str, numbers))


def workers(_root_: DictConfig) -> int:
    """`${workers:}`: how many jobs run at once on this machine: one per core, or as GPUs allow."""
    from dropout_study.config import devices  # a tenth of a second, which `--help` does without

    return devices.workers(_root_.trainer.accelerator, _root_.jobs_per_gpu)


def batch_size(_root_: DictConfig) -> int | None:
    """`${batch_size:}` as hydra.sweeper.max_batch_size, for a launcher without a limit of its own.

    The file of a launcher cannot set it, since Hydra composes sweepers after launchers.
    """
    is_local = _root_.hydra.runtime.choices["hydra/launcher"] == "submitit_local"
    return workers(_root_) if is_local else None


def choices() -> str:
    """`${choices:}` in the text of `--help`: every choice of every group."""
    return list_choices()


RESOLVERS = (
    candidate,
    tried,
    drawn,
    drawn_evenly,
    members,
    first_members,
    entry,
    joined,
    workers,
    batch_size,
    choices,
    command,
)


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
