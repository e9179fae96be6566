"""What is typed: completed with the sweep of its study, freed of passwords, its mistakes put into sentences.

Imports neither torch nor Lightning nor MLflow, so that a command line is refused, and `--help` answered, at once.
"""

import difflib
import errno
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from dropout_study.addresses import absolute, masked
from dropout_study.config import ConfigError
from dropout_study.termination import Terminated, raised

DEFAULT_STUDY, DEFAULT_BUDGET = "rate_by_width", "laptop"
EXPLAINED = (ConfigError, HydraException, OmegaConfBaseException)
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""The numbers of errors of a disk that takes no more."""


def run(entry: Callable[[], Any]) -> None:
    """Call an entry point; a mistake ends in one sentence and exit code 1.

    Ctrl-C and signals that ask the process to end have the exit codes that shells give them.
    HYDRA_FULL_ERROR=1 keeps the tracebacks.
    """
    traceback_wanted = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # this prints its own
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")  # a minute, in which a server may start again
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach this function instead of Hydra's printer
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # no work is lost for a sign that cannot be shown
    try:
        with raised():
            entry()
    except EXPLAINED as error:
        if traceback_wanted:
            raise
        fail(explain(error))
    except (KeyboardInterrupt, SystemExit) as ended:
        _end(ended)
    except Exception as error:
        if getattr(error, "errno", None) in UNWRITABLE and not traceback_wanted:
            fail(f"The disk takes no more: {error}. Make room, and give the same command again.")
        fail(traceback.format_exc())  # Python itself would print it with the passwords in it


def _end(ended: KeyboardInterrupt | SystemExit) -> NoReturn:
    """Say in a word why the program ends before its time, if it does."""
    interrupted = isinstance(ended, KeyboardInterrupt)
    interrupted |= isinstance(ended.__context__, KeyboardInterrupt)  # Lightning makes it an exit

    with suppress(OSError):  # of a terminal that was closed
        if interrupted:
            print("interrupted", file=sys.stderr)
        if isinstance(ended, Terminated):
            print("stopped; the same command resumes", file=sys.stderr)

    raise SystemExit(130) if interrupted else ended


def fail(reason: str) -> NoReturn:
    """End the program with a sentence on standard error and exit code 1."""
    raise SystemExit(masked(reason))


def store_to_environment(arguments: Sequence[str]) -> list[str]:
    """The command line without its store, which goes into MLFLOW_TRACKING_URI as an absolute address.

    Hydra writes what is typed into files, where no password belongs, and jobs may run in another
    folder. An empty variable is no store. With `--resolve`, Hydra only prints values: the password
    is masked.

    Raises:
        ConfigError: the address is not one of a store.
    """
    typed = {argument: override for argument in arguments for override in _parse([argument])}
    addresses = {argument: o for argument, o in typed.items() if o.key_or_group == "tracking.uri"}
    if any(override.is_sweep_override() for override in addresses.values()):
        raise ConfigError("tracking.uri: one store at a time; put an address that holds a comma into quotes.")
    addresses = {argument: o for argument, o in addresses.items() if "${" not in str(o.value())}  # Hydra's to resolve
    for override in addresses.values():
        os.environ["MLFLOW_TRACKING_URI"] = absolute(str(override.value()))
    if uri := os.environ.pop("MLFLOW_TRACKING_URI", ""):
        uri = absolute(uri)
        os.environ["MLFLOW_TRACKING_URI"] = masked(uri) if "--resolve" in arguments else uri
    return [argument for argument in arguments if argument not in addresses]


def with_overrides(arguments: Sequence[str], added: Sequence[str]) -> list[str]:
    """The command line with more overrides: Hydra takes them in one piece, flags stand before or behind it."""
    positions = [i for i, argument in enumerate(arguments) if _is_override(argument)]
    end = positions[-1] + 1 if positions else len(arguments)
    return [*arguments[:end], *added, *arguments[end:]]


def _is_override(argument: str) -> bool:
    return "=" in argument and not argument.startswith("-")


def complete(arguments: Sequence[str], conf: Path) -> list[str]:
    """The command line with the sweep of its study, and the settings of its launcher, written out.

    With `-m`, the study that is named (or the default study, if nothing is swept) adds those of its axes that
    were not typed. A sweep that is typed without a study is run as it is.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration.

    Raises:
        ConfigError: a study is named without `-m`, several are named at once, or its axes do not exist in a choice
            that was typed.
    """
    typed = {override.key_or_group: override for override in _parse([a for a in arguments if _is_override(a)])}
    launcher = str(typed["hydra/launcher"].value()) if "hydra/launcher" in typed else ""
    if (conf / "hydra" / "at_once" / f"{launcher}.yaml").is_file():
        _check_installed(launcher)
        arguments = with_overrides(arguments, [f"hydra/at_once={launcher}"])
    multirun = bool({"-m", "--multirun"}.intersection(arguments))
    if "study" in typed:
        if typed["study"].is_sweep_override():
            raise ConfigError("study: one study at a time; run the script once for each.")
        study = str(typed["study"].value())
    elif multirun and not any(override.is_sweep_override() for override in typed.values()):
        study = DEFAULT_STUDY
    else:
        return list(arguments)
    chosen = {key: str(typed[key].value()) for key in ("budget", "data") if key in typed}
    grid = grid_of(study, conf, chosen.get("budget", DEFAULT_BUDGET), chosen.get("data"))
    if grid and not multirun:
        raise ConfigError(f"study={study} is a sweep: add -m to run it.")
    _check_axes(study, grid, typed)
    added = [] if "study" in typed else [f"study={study}"]
    added += [f"{key}={values}" for key, values in grid.items() if key not in typed]
    return with_overrides(arguments, added)


def _check_installed(launcher: str) -> None:
    """Refuse a launcher whose plugin is missing, which Hydra would only call unknown."""
    extra = launcher.partition("_")[0]
    plugins = importlib.util.find_spec("hydra_plugins")
    if plugins is None or importlib.util.find_spec(f"hydra_plugins.hydra_{extra}_launcher") is None:
        raise ConfigError(f"hydra/launcher={launcher} is not installed: pip install -e '.[{extra}]'")


def _check_axes(study: str, grid: Mapping[str, str], typed: Mapping[str, Override]) -> None:
    """Refuse a choice (model=lenet) other than the one whose values the study varies (model=mlp)."""
    for group, choice in grid.items():
        axes = [key for key in grid if key.startswith(f"{group}.")]
        if axes and group in typed and str(typed[group].value()) != choice:
            raise ConfigError(
                f"{group}={typed[group].value()} cannot be used with the sweep {study}, which varies "
                f"{' and '.join(axes)} of {group}={choice}; type the sweep you want, such as {group}.KEY=0,0.5."
            )


def _parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's reading of the overrides; none if there is a mistake, which Hydra itself will report."""
    try:
        return list(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException:
        return []


def grid_of(study: str, conf: Path, budget: str, data: str | None = None) -> dict[str, str]:
    """The overrides of a study at a budget and on a data set (by default the study's own).

    A study that evaluates the cohorts of another has that one's conditions, but for its own overrides. There are
    none if there is no such study, which Hydra itself will report.
    """
    file = conf / "study" / f"{study}.yaml"
    if not file.is_file():
        return {}
    plain = cast("DictConfig", OmegaConf.load(file))
    inherited = grid_of(plain.cohorts_from, conf, budget, data) if plain.get("cohorts_from") else {}
    grid = {key: values for key, values in inherited.items() if not key.startswith("study.values.")}
    at = plain.get("at") or {}
    grid |= _texts(plain.get("grid")) | _texts(at.get(budget))
    grid |= _texts(at.get(data or grid.get("data", "")))
    return {key: values for key, values in grid.items() if values}


def _texts(section: Any) -> dict[str, str]:
    """Key -> values as text; an empty one takes a key away."""
    return {str(key): "" if values is None else str(values) for key, values in (section or {}).items()}


def choices(conf: Path) -> str:
    """Every choice of every group with the comment of its file, for `--help`."""
    lines = []
    for file in [*sorted(conf.glob("*/*.yaml")), *sorted(conf.glob("hydra/at_once/*.yaml"))]:
        comments = re.findall(r"^# (?!@package)(.*)", file.read_text(encoding="utf-8"), re.MULTILINE)
        group = "hydra/launcher" if file.parent.name == "at_once" else file.parent.name
        lines.append(f"  {f'{group}={file.stem}':<32} {comments[0]}")
    return "\n".join(lines)


def explain(error: Exception) -> str:
    """A mistake in an override as one sentence: the key, the value, what is allowed."""
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice} cannot be used: {group} must be one of {', '.join(error.options)}."
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and isinstance(cause.parent_node, DictConfig):
        return _unknown_key(cause)
    if isinstance(cause, OmegaConfBaseException):
        override = re.search(r"override '?(\S+=[^'\n]*)", str(error))
        subject = override[1] if override else cause.full_key
        return f"{subject} cannot be used: {str(cause.msg).splitlines()[0].rstrip('.')}."
    return re.sub(r"\s*\n\s*", " ", str(error).strip())


def _unknown_key(error: OmegaConfBaseException) -> str:
    allowed = [str(key) for key in error.parent_node or () if key != "hydra"]
    close = difflib.get_close_matches(str(error.key), allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    where = str(error.full_key).rpartition(".")[0] or "the top level"
    return f"{error.full_key} is not a key of this configuration.{hint} Allowed in {where}: {', '.join(allowed)}."
