"""From a composed configuration to typed and checked objects."""

from pathlib import Path
from typing import cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropout_study.config import plugins
from dropout_study.config.bounds import SEEDS
from dropout_study.config.checks import (
    check_autoencoder,
    check_data,
    check_given,
    check_keys,
    check_mask,
    check_metrics,
    check_model,
    check_numbers,
    check_probes,
    check_rules,
    check_study,
    check_terms,
    check_training,
    require,
)
from dropout_study.config.files import check_files, expand_files
from dropout_study.config.folder import command
from dropout_study.config.names import ALTERNATIVES, SAMPLERS
from dropout_study.config.parts import TERM
from dropout_study.config.schema import (
    SCHEMAS,
    Compare,
    Config,
    ConfigError,
    Criteria,
    Evaluate,
    Explore,
    LeNet,
    Report,
    Reproduce,
    Retry,
    Search,
    Status,
    Stop,
    StudyConfig,
    Sync,
    Ui,
)


def read_config(composed: DictConfig) -> Config:
    """The composed configuration as typed objects, checked.

    Raises:
        ConfigError: for the first value that cannot be used.
    """
    plugins.load(composed.plugins)
    check_given(composed)
    config = cast("Config", _typed(composed))
    config.terms = {name: term for name, term in config.terms.items() if term.strength}
    if isinstance(config.model, LeNet) and config.model.hidden_rate is None:
        config.model.hidden_rate = 0.0 if config.model.dropout == "none" else 0.5

    check_study(config.study.name, config.study.stage)
    distinct = len(set(config.seeds)) == len(config.seeds) > 0
    require(distinct, "seeds", config.seeds, SEEDS["allowed"].words)
    expand_files(config)
    check_files(config)
    check_data(config.data)
    check_model(config)
    check_mask(config)
    check_terms(config.terms)
    check_training(config)
    check_rules(config.rules)
    check_metrics(config.metrics)
    # Training judges it anyway.
    judged = "weight_scaling" in config.rules or not config.study.cohorts_from
    require(
        judged, "rules", config.rules, "a list with weight_scaling, since this study trains nothing"
    )
    check_probes(config)
    check_autoencoder(config)

    return config


def read_evaluate(composed: DictConfig) -> Evaluate:
    """What to evaluate, as typed objects.

    Rules and metrics are not checked: the plug-ins of the run may have them.

    Raises:
        ConfigError: for the first value that cannot be used.
    """
    if OmegaConf.is_missing(composed, "run"):
        raise ConfigError(
            "run is missing: say run=ID of an MLflow run, or run=PATH of a checkpoint."
        )

    plugins.load(composed.plugins)
    config = cast("Evaluate", _typed(composed))
    require(bool(config.rules), "rules", config.rules, "a list of at least one rule")

    return config


def read_report(composed: DictConfig) -> Report:
    """What to report, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Report", _typed(composed))


def read_compare(composed: DictConfig) -> Compare:
    """What to compare, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or another word than those allowed.
    """
    # The name alone counts; a grid may refer to a model, which is not composed here.
    composed.study = StudyConfig(name=composed.study.name)
    config = cast("Compare", _typed(composed))
    allowed = config.alternative in ALTERNATIVES
    require(allowed, "alternative", config.alternative, f"one of {', '.join(ALTERNATIVES)}")

    return config


def read_reproduce(composed: DictConfig) -> Reproduce:
    """What to reproduce, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a number that cannot be used.
    """
    return cast("Reproduce", _typed(composed))


def read_search(composed: DictConfig) -> Search:
    """How to search, as typed objects.

    Args:
        composed: the part `hydra.sweeper` of Hydra's configuration.

    Raises:
        ConfigError: for a key that does not exist, or a value that cannot be used.
    """
    search = cast("Search", _typed(composed, "hydra.sweeper."))
    allowed = f"one of {', '.join(SAMPLERS)}"
    require(search.sampler in SAMPLERS, "hydra.sweeper.sampler", search.sampler, allowed)
    distinct = len(set(search.seeds)) == len(search.seeds) > 0
    require(distinct, "hydra.sweeper.seeds", search.seeds, SEEDS["allowed"].words)

    return search


def read_sync(composed: DictConfig) -> Sync:
    """What to record, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Sync", _typed(composed))


def read_status(composed: DictConfig) -> Status:
    """Which sweeps to show, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a number that cannot be used.
    """
    return cast("Status", _typed(composed))


def read_stop(composed: DictConfig) -> Stop:
    """Which sweep to stop, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a folder that is missing.
    """
    _require_sweep(composed)

    return cast("Stop", _typed(composed))


def read_retry(composed: DictConfig) -> Retry:
    """Which sweep to run again, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a folder that is missing.
    """
    _require_sweep(composed)

    return cast("Retry", _typed(composed))


def _require_sweep(composed: DictConfig) -> None:
    """Refuse a command line that names no sweep."""
    if OmegaConf.is_missing(composed, "folder"):
        raise ConfigError(
            f"folder is missing: say folder=FOLDER of a sweep; {command('status')} lists them."
        )


def read_explore(composed: DictConfig) -> Explore:
    """Which page to write, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Explore", _typed(composed))


def read_ui(composed: DictConfig) -> Ui:
    """Which store to show, and where, as typed objects.

    Raises:
        ConfigError: for a key that does not exist, or a number that cannot be used.
    """
    return cast("Ui", _typed(composed))


def read_criteria(composed: DictConfig) -> Criteria:
    """Which manifest to write, as typed objects.

    Raises:
        ConfigError: for a key that does not exist.
    """
    return cast("Criteria", _typed(composed))


def load_config(file: Path) -> Config:
    """A configuration that `scripts/train.py` has written beside its results.

    Raises:
        ConfigError: it is not one, or a value in it cannot be used.
    """
    try:
        stored = cast("DictConfig", OmegaConf.load(file))
        stored.budget.pop("minutes", None)  # a key of earlier versions, which changed no result
        plugins.load(stored.get("plugins", []))
        typed = OmegaConf.structured(Config)

        for group in ("data", "model", "optimizer", "schedule"):
            schema = SCHEMAS.get(f"{group}/{stored[group].name}", SCHEMAS.get(group))
            _require_part(schema is not None, f"{group}={stored[group].name}", stored)
            typed[group] = OmegaConf.structured(schema)

        for name in stored.get("terms", {}):
            _require_part(f"{TERM}/{name}" in SCHEMAS, f"{TERM}={name}", stored)
            typed.terms[name] = OmegaConf.structured(SCHEMAS[f"{TERM}/{name}"])

        return read_config(cast("DictConfig", OmegaConf.merge(typed, stored)))
    except (
        OSError,
        KeyError,
        AttributeError,
        TypeError,
        OmegaConfBaseException,
        YAMLError,
    ) as error:
        raise ConfigError(f"{file} is not the configuration of a run: {error}") from error


def _require_part(is_there: bool, what: str, stored: DictConfig) -> None:
    """Refuse a stored configuration whose plug-ins no longer add what it uses."""
    if not is_there:
        named = ",".join(stored.get("plugins", []))
        raise ConfigError(f"{what}: no plug-in adds it any more; the run names plugins=[{named}].")


def _typed(composed: DictConfig, path: str = "") -> object:
    """A configuration as objects of its schema, its keys and its numbers checked.

    Args:
        composed: a configuration, or a part of one.
        path: of the part, such as `hydra.sweeper.`.
    """
    check_keys(composed, path)
    config = OmegaConf.to_object(composed)
    check_numbers(config, path)

    return config
