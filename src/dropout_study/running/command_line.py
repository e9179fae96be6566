"""The command line: completed with the sweep of its study, freed of passwords, checked.

Imports neither torch nor Lightning nor MLflow, so that a command line is refused, and `--help`
answered, at once.
"""

import argparse
import functools
import importlib.util
import os
import re
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropout_study.config import resolvers
from dropout_study.config.checks import check_keys
from dropout_study.config.choices import names_of_choices
from dropout_study.config.folder import CONF
from dropout_study.config.names import TUNING
from dropout_study.config.overrides import is_override, parse_overrides, with_overrides
from dropout_study.config.schema import ConfigError
from dropout_study.config.studies import (
    DEFAULT_BUDGET,
    DEFAULT_STUDY,
    SETTINGS,
    VALUES,
    Study,
)
from dropout_study.config.uri import absolute, masked
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.explain import FULL, SBATCH, explain
from dropout_study.system.termination import Terminated, raised

HYDRA_GROUPS = ("env",)  # in Hydra's own configuration, but not in its schema
EXPLAINED = (ConfigError, HydraException, OmegaConfBaseException, YAMLError)
UNREAD = 128 + signal.SIGPIPE
"""The exit code of a program whose output nobody reads any more, as shells give it."""
STOPPED = "stopped; the same command resumes"
PART = "DROPOUT_STUDY_PART"
"""The variable of a program that is a part of another one, which says how both ended."""
TRACEBACK = "DROPOUT_STUDY_TRACEBACK"
"""The variable that keeps what was typed as HYDRA_FULL_ERROR, which is always 1 to Hydra."""


def hydra_main(config_name: str, job: Callable[[DictConfig], None]) -> Callable[[], Any]:
    """A job as Hydra's entry point, with a file of conf/ as its configuration."""
    resolvers.register()
    decorate = hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")
    entry = cast("Callable[[], Any]", decorate(job))

    def start() -> Any:
        sys.argv[1:] = with_absolute_path(sys.argv[1:])
        return entry()

    return start


def with_absolute_path(arguments: Sequence[str]) -> list[str]:
    """The command line with `--config-path` from the current folder, as all that one types.

    Hydra would look for a relative one beside the code.
    """
    path = _parse_flags(arguments).config_path
    return [*arguments, f"--config-path={Path(path).absolute()}"] if path else list(arguments)


def with_new_tags(arguments: Sequence[str]) -> list[str]:
    """The command line with a + in front of `tags`, without which Hydra adds no key to them.

    >>> with_new_tags(["-m", "tags={team: vision}", "tags.ticket=A7"])
    ['-m', '+tags={team: vision}', '+tags.ticket=A7']
    """
    return [f"+{each}" if each.startswith(("tags=", "tags.")) else each for each in arguments]


def main(config_name: str, job: Callable[[DictConfig], None], resumes: bool = False) -> None:
    """Run a script: check the command line, take the store off it, and hand over to Hydra.

    Args:
        config_name: the file of conf/ that the script composes.
        job: what the script does with it.
        resumes: whether the same command, started again, does what was left.
    """

    def start() -> None:
        check(sys.argv[1:], CONF)
        sys.argv[1:] = store_to_environment(sys.argv[1:])
        hydra_main(config_name, in_sentences(job))()

    run(start, resumes)


def run(entry: Callable[[], Any], resumes: bool = False) -> None:
    """Call an entry point; a mistake ends in one sentence and exit code 1.

    Ctrl-C and signals that ask the process to end have the exit codes that shells give them.
    HYDRA_FULL_ERROR=1 keeps the tracebacks.

    Args:
        entry: the entry point.
        resumes: whether the same command, started again, does what was left.
    """
    typed = os.environ.get("HYDRA_FULL_ERROR", "0")
    traceback_wanted = os.environ.setdefault(TRACEBACK, typed) == "1"  # scripts may start scripts
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # this prints its own
    # A minute, in which a server may start again.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    # Exceptions reach this function instead of Hydra's printer.
    os.environ["HYDRA_FULL_ERROR"] = "1"

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # no work is lost for a sign that cannot be shown

    try:
        with raised(), _schemas_shared(), closing_line():
            entry()
    except (KeyboardInterrupt, SystemExit) as ended:
        if traceback_wanted and ended.__cause__:
            raise ended.__cause__ from None
        _end(ended, resumes)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _is_unread():  # it may be another pipe
            raise SystemExit(UNREAD) from None
        if _is_mistake(error) and not traceback_wanted:
            fail(explain(error))
        fail(traceback.format_exc())  # Python itself would print it with the passwords in it
    finally:
        if _is_unread():  # Python would write the rest at its end, and fail
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _schemas_shared() -> Iterator[None]:
    """For `--help`, make copies of Hydra's store of schemas the store itself.

    Hydra 1.3 copies the store once for each group that it lists, which takes half a second in all.
    """
    if not {"--help", "-h"}.intersection(sys.argv):
        yield
        return

    ConfigStore.__deepcopy__ = lambda store, _: store  # type: ignore[attr-defined]

    try:
        yield
    finally:
        del ConfigStore.__deepcopy__  # type: ignore[attr-defined]


@contextmanager
def closing_line() -> Iterator[None]:
    """Remove the line at the bottom of the terminal after the block, however it ends."""
    try:
        yield
    finally:
        BOTTOM_LINE.clear()


def _end(ended: KeyboardInterrupt | SystemExit, resumes: bool) -> NoReturn:
    """Say in a line that the program ends before its time, if it does.

    What another program has started leaves that to it.
    """
    interrupted = isinstance(ended, KeyboardInterrupt)
    interrupted |= isinstance(ended.__context__, KeyboardInterrupt)  # Lightning makes it an exit
    is_stopped = interrupted or isinstance(ended, Terminated)

    if is_stopped and PART not in os.environ:
        with suppress(OSError):  # of a terminal that was closed
            print(STOPPED if resumes else "stopped", file=sys.stderr)

    raise SystemExit(130) if interrupted else ended


def _is_unread() -> bool:
    """Whether what reads the output has gone, as `head` does after some lines."""
    output = select.poll()

    try:
        output.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))
    except (AttributeError, OSError, ValueError):  # there is no output, or it is no file
        return False


def _is_mistake(error: Exception) -> bool:
    """Whether an error is a user's mistake: declared so, of a file, of Hydra or of SLURM."""
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    of_hydra = str(last.f_globals["__name__"]).startswith("hydra.")
    of_file = isinstance(error, OSError) and (error.filename is not None or error.errno in FULL)

    of_slurm = str(error).startswith(SBATCH)

    return isinstance(error, EXPLAINED) or of_file or of_hydra or of_slurm


def fail(reason: str) -> NoReturn:
    """End the program with a sentence on standard error and exit code 1."""
    raise SystemExit(masked(reason))


def in_sentences(job: Callable[[DictConfig], None]) -> Callable[[DictConfig], None]:
    """A job whose mistakes end the program; Hydra would print all overrides before the sentence.

    Unknown keys of Hydra's own configuration are refused, which the job never sees.
    """

    @functools.wraps(job)
    def attempt(composed: DictConfig) -> None:
        try:
            check_keys(cast("DictConfig", HydraConfig.get()), "hydra.", HYDRA_GROUPS)
            job(composed)
        except Exception as error:
            if isinstance(error, BrokenPipeError) and _is_unread():
                raise SystemExit(UNREAD) from error
            if not _is_mistake(error):
                raise
            raise SystemExit(masked(explain(error))) from error

    return attempt


def check(arguments: Sequence[str], conf: Path) -> None:
    """Refuse overrides whose mistake Hydra reports without naming them.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration.

    Raises:
        ConfigError: there is no key, or something else than a name is chosen from a group.
    """
    for typed in filter(is_override, arguments):
        for override in parse_overrides([typed]):
            group = override.key_or_group
            if not group:
                raise ConfigError(f"{typed} cannot be used: there is no key in front of the =.")

            named = override.is_sweep_override() or isinstance(override.value(), str | list | dict)
            if (conf / group).is_dir() and not named:
                choices = names_of_choices(group, conf)
                names = ", ".join(["basic", *choices] if group.startswith("hydra/") else choices)
                raise ConfigError(f"{typed} cannot be used: {group} must be one of {names}.")


def store_to_environment(arguments: Sequence[str]) -> list[str]:
    """The command line without its store, whose absolute address goes into MLFLOW_TRACKING_URI.

    Hydra writes what is typed into files, where no password belongs, and jobs may run in another
    folder. An empty variable is no store. With `--resolve`, Hydra only prints values: the password
    is masked.

    Raises:
        ConfigError: the address is not one of a store.
    """
    typed = {
        argument: override for argument in arguments for override in parse_overrides([argument])
    }
    addresses = {argument: o for argument, o in typed.items() if o.key_or_group == "tracking.uri"}
    if any(override.is_sweep_override() for override in addresses.values()):
        raise ConfigError(
            "tracking.uri: one store at a time; put an address that holds a comma into quotes."
        )

    addresses = {
        argument: o for argument, o in addresses.items() if "${" not in str(o.value())
    }  # Hydra's to resolve
    for override in addresses.values():
        os.environ["MLFLOW_TRACKING_URI"] = absolute(str(override.value()))

    if uri := os.environ.pop("MLFLOW_TRACKING_URI", ""):
        uri = absolute(uri)
        os.environ["MLFLOW_TRACKING_URI"] = masked(uri) if "--resolve" in arguments else uri

    return [argument for argument in arguments if argument not in addresses]


def complete(arguments: Sequence[str], conf: Path) -> list[str]:
    """The command line with the sweep of its study written out.

    With `-m`, the study that is named (or the default study, if nothing is swept) adds those of its
    axes that were not typed. A sweep that is typed without a study is run as it is.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration.

    Raises:
        ConfigError: a study is named without `-m`, several are named at once, or its axes do not
            exist in a choice that was typed.
    """
    typed = typed_overrides(arguments)
    launcher = str(typed["hydra/launcher"].value()) if "hydra/launcher" in typed else ""
    if (conf / "hydra" / "launcher" / f"{launcher}.yaml").is_file():
        _check_installed(launcher)

    multirun = _parse_flags(arguments).multirun
    is_search = "hydra/sweeper" in typed and typed["hydra/sweeper"].value() == "optuna"
    if is_search:
        _check_search(typed, multirun)
        if "study" not in typed:
            return list(arguments)

    study = find_study(arguments, conf)
    if study is None:
        _check_arms(typed, conf)
        return list(arguments)

    if study.grid and is_search:
        raise ConfigError(
            f"study={study.name} cannot be used with hydra/sweeper=optuna: it has values of its "
            "own; leave it out, and type what is searched and what is fixed."
        )

    if study.grid and not multirun:
        raise ConfigError(f"study={study.name} is a sweep: add -m to run it.")

    _check_axes(study.name, study.grid, typed)
    _check_arms(typed, place_of(arguments, conf).conf, [f"{VALUES}{key}" for key in study.values])
    added = [] if "study" in typed else [f"study={study.name}"]
    added += [f"{key}={text}" for key, text in study.grid.items() if key.lstrip("+") not in typed]

    return with_overrides(arguments, added)


def typed_overrides(arguments: Sequence[str]) -> dict[str, Override]:
    """The overrides of a command line by their keys; of a key that is typed twice, the last."""
    overrides = parse_overrides([argument for argument in arguments if is_override(argument)])
    return {override.key_or_group: override for override in overrides}


def find_study(arguments: Sequence[str], conf: Path) -> Study | None:
    """The study of a command line, at its budget, on its data, in its stage; none without one.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration.

    Raises:
        ConfigError: several studies are named, or stages that do not go together.
    """
    typed = typed_overrides(arguments)
    name = _name_of_study(typed, _parse_flags(arguments).multirun)
    if name is None:
        return None

    place = place_of(arguments, conf)
    chosen = {key: str(typed[key].value()) for key in ("budget", "data") if key in typed}
    budget = chosen.get("budget", DEFAULT_BUDGET)
    settings = {key: typed[key].get_value_string() for key in SETTINGS if key in typed}
    study = Study.load(name, place.conf, place.folders).with_settings(settings)

    return study.at(budget, chosen.get("data"), _stage(typed))


def _name_of_study(typed: Mapping[str, Override], multirun: bool) -> str | None:
    """The study that is typed; the default study if nothing is swept with `-m`."""
    if "study" in typed:
        if typed["study"].is_sweep_override():
            raise ConfigError("study: one study at a time; run the script once for each.")
        return str(typed["study"].value())

    is_swept = any(override.is_sweep_override() for override in typed.values())

    return DEFAULT_STUDY if multirun and not is_swept else None


def _stage(typed: Mapping[str, Override]) -> str | None:
    """The stage that is typed; none if there is none, or if there are several.

    Raises:
        ConfigError: tuning is one of several.
    """
    if "study.stage" not in typed:
        return None

    stage = typed["study.stage"]
    if not stage.is_sweep_override():
        return str(stage.value())

    if TUNING in stage.sweep_string_iterator():
        raise ConfigError(
            f"{stage.input_line} cannot be used: {TUNING} comes before the other stages; "
            f"type study.stage={TUNING} alone."
        )

    return None


class Place(NamedTuple):
    """Where a command line has its configuration.

    Attributes:
        conf: the folder of Hydra's first source.
        folders: further ones, as Hydra writes them (`file://...`).
        config: the file of the folder that is composed.
    """

    conf: Path
    folders: list[str]
    config: str


def place_of(arguments: Sequence[str], conf: Path) -> Place:
    """Where a command line of `scripts/train.py` has its configuration.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration, unless another is typed.
    """
    flags = _parse_flags(arguments)
    if flags.config_path:  # instead of ours
        conf = Path(flags.config_path).absolute()

    folders = _folders(flags.config_dir, typed_overrides(arguments))

    return Place(conf, folders, flags.config_name or "train")


def asks_to_train(arguments: Sequence[str]) -> bool:
    """Whether a command line trains something, and does not only show text or configuration."""
    flags = _parse_flags(arguments)
    return not (flags.help or flags.cfg or flags.info)


def _parse_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of Hydra that bear on a study: `-m`, and where its configuration lies.

    `--help`, `--cfg` and `--info` are declared so that no abbreviation of these is taken for
    another flag; Hydra itself reads the rest.
    """
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--multirun", "-m", action="store_true")
    parser.add_argument("--config-path", "-cp")
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-name", "-cn")
    parser.add_argument("--cfg", "-c")
    parser.add_argument("--info", "-i", nargs="?", const="all")

    return parser.parse_known_args(arguments)[0]


def _folders(config_dir: str | None, typed: Mapping[str, Override]) -> list[str]:
    """Where Hydra looks for what is not in the project's own folder, in its order."""
    folders = [f"file://{Path(config_dir).absolute()}"] if config_dir else []
    searched = typed["hydra.searchpath"].value() if "hydra.searchpath" in typed else None
    return [*folders, *map(str, searched)] if isinstance(searched, list) else folders


def _check_installed(launcher: str) -> None:
    """Refuse a launcher whose plugin is missing, which Hydra would only call unknown."""
    extra = launcher.partition("_")[0]
    plugins = importlib.util.find_spec("hydra_plugins")
    if plugins is None or importlib.util.find_spec(f"hydra_plugins.hydra_{extra}_launcher") is None:
        raise ConfigError(
            f"hydra/launcher={launcher} is not installed: pip install -e '.[{extra}]'"
        )


def _check_search(typed: Mapping[str, Override], multirun: bool) -> None:
    """Refuse a search without Optuna, or without -m, which Hydra would not name."""
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("hydra/sweeper=optuna is not installed: pip install -e '.[optuna]'")

    if not multirun:
        raise ConfigError("hydra/sweeper=optuna trains many conditions: add -m to search.")

    _check_arms(typed, CONF)


def _check_axes(study: str, grid: Mapping[str, str], typed: Mapping[str, Override]) -> None:
    """Refuse model=lenet with a study that varies values of model=mlp, and the like."""
    for group, choice in grid.items():
        axes = [key for key in grid if key.startswith(f"{group}.")]
        if axes and group in typed and str(typed[group].value()) != choice:
            raise ConfigError(
                f"{group}={typed[group].value()} cannot be used with the sweep {study}, which "
                f"varies {' and '.join(axes)} of {group}={choice}; type the sweep you want, such "
                f"as {group}.KEY=0,0.5."
            )


def _check_arms(typed: Mapping[str, Override], conf: Path, values: Sequence[str] = ()) -> None:
    """Refuse an arm without its study if it reads values of the study, whose name its folder has.

    Args:
        typed: the overrides.
        conf: the folder of the configuration.
        values: those of the study that was typed.

    Raises:
        ConfigError: naming the values and the study.
    """
    if "arm" not in typed:
        return

    chosen = typed["arm"]
    arms = chosen.sweep_string_iterator() if chosen.is_sweep_override() else [str(chosen.value())]

    for arm in arms:
        needed = _values_of_study(conf / "arm" / f"{arm}.yaml")
        missing = [value for value in needed if value not in (*typed, *values)]

        if missing:
            study = arm.rpartition("/")[0]
            added = " ".join(f"+{value}=VALUE" for value in missing)
            raise ConfigError(
                f"arm={arm} cannot be used without its study, of which it reads "
                f"{' and '.join(missing)}: type -m study={study} arm={arm}, or add {added}."
            )


def _values_of_study(arm: Path) -> list[str]:
    """The values of its study that an arm reads, each once."""
    text = arm.read_text(encoding="utf-8") if arm.is_file() else ""
    return list(dict.fromkeys(re.findall(r"\$\{(study\.values\.\w+)}", text)))
