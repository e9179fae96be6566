"""What happens around Hydra's jobs: completing the command line, readying the store, the table at the end.

Imports neither torch nor Lightning, so that a command line is refused, and `--help` answered, at once.
"""

import copy
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from rich.console import Console
from rich.table import Table

from dropout_study.config import ConfigError, read
from dropout_study.record import FILE, Record
from dropout_study.statistics import Interval, interval

DEFAULT_STUDY = "rate_by_width"
FAILURE = "failure.txt"  # in a job's folder: why it failed, in one sentence


def complete(arguments: Sequence[str], conf: Path) -> list[str]:
    """The command line with the sweep of its study written out.

    With `-m`, the study that is named (or the default study, if nothing is swept) adds those of its axes that
    were not typed. A sweep that is typed without a study is run as it is.

    Args:
        arguments: everything behind the script's name.
        conf: the folder of the configuration.

    Raises:
        ConfigError: a study is named without `-m`, several are named at once, or its axes do not exist in a choice
            that was typed.
    """
    positions = [i for i, argument in enumerate(arguments) if "=" in argument and not argument.startswith("-")]
    typed = {override.key_or_group: override for override in _parse([arguments[i] for i in positions])}
    multirun = bool({"-m", "--multirun"}.intersection(arguments))
    if "study" in typed:
        if typed["study"].is_sweep_override():
            raise ConfigError("study: one study at a time; run the script once for each.")
        study = str(typed["study"].value())
    elif multirun and not any(override.is_sweep_override() for override in typed.values()):
        study = DEFAULT_STUDY
    else:
        return list(arguments)
    grid = _grid(conf / "study" / f"{study}.yaml")
    if grid and not multirun:
        raise ConfigError(f"study={study} is a sweep: add -m to run it.")
    _check_axes(study, grid, typed)
    added = [] if "study" in typed else [f"study={study}"]
    added += [f"{key}={values}" for key, values in grid.items() if key not in typed]
    # Hydra takes overrides in one piece: flags may stand before or behind them, not between.
    end = positions[-1] + 1 if positions else len(arguments)
    return [*arguments[:end], *added, *arguments[end:]]


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


def _grid(file: Path) -> dict[str, str]:
    """The axes of a study; none if there is no such study, which Hydra itself will report."""
    if not file.is_file():
        return {}
    return {str(key): str(value) for key, value in (cast("DictConfig", OmegaConf.load(file)).get("grid") or {}).items()}


def choices(conf: Path) -> str:
    """Every choice of every group with the comment of its file, for `--help`."""
    lines = []
    for file in sorted(conf.glob("*/*.yaml")):
        comments = re.findall(r"^# (?!@package)(.*)", file.read_text(encoding="utf-8"), re.MULTILINE)
        lines.append(f"  {file.parent.name + '=' + file.stem:<28} {comments[0]}")
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


def fail(reason: str) -> NoReturn:
    """End the program with a sentence on standard error and exit code 1."""
    raise SystemExit(reason)


class Sweep(Callback):
    """Readies the store before any job starts, and reports when all have ended."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Check the configuration of a single run and ready the store."""
        self._ready(config, check=True)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Ready the store of a sweep; every job checks its own configuration."""
        self._ready(config, check=False)

    def on_run_end(self, config: DictConfig, **_: Any) -> None:
        """Report on a single run."""
        self._report(Path(config.hydra.run.dir))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Report on a sweep."""
        self._report(Path(config.hydra.sweep.dir))

    def _ready(self, config: DictConfig, check: bool) -> None:
        from dropout_study import tracking

        plain = copy.deepcopy(config)
        with open_dict(plain):
            del plain["hydra"]
        try:
            if check:
                read(plain)
            self._uri = tracking.absolute(plain.tracking.uri)
            self._experiment = tracking.prepare(self._uri, plain.study.name, plain.study.title)
        except Exception as error:  # Hydra would turn it into a warning and go on
            fail(explain(error))

    def _report(self, folder: Path) -> None:
        from dropout_study import tracking

        records = [Record.load(file.parent) for file in folder.rglob(FILE)]
        console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False)
        finished = [record for record in records if record.status == "FINISHED"]
        if finished:
            console.print(table(sorted(finished, key=lambda record: record.started_ms)))
        if records:
            print("Look at the results:", tracking.link(self._uri, self._experiment))
        if failures := sorted({file.read_text(encoding="utf-8") for file in folder.rglob(FAILURE)}):
            fail("\n".join(failures))


def table(records: Sequence[Record]) -> Table:
    """The results of a sweep: error and NLL under weight scaling, mean and 95 % interval over seeds, time."""
    result = Table(caption="test data, weight scaling; mean and 95 % t interval over seeds")
    for heading in ("condition", "seeds", "test error %", "95 % interval", "NLL (nats)", "time"):
        result.add_column(heading, justify="left" if heading == "condition" else "right")
    for record in records:
        error = interval(record.values("test/error/weight_scaling"))
        nll = interval(record.values("test/nll/weight_scaling"))
        spread = _spread(error)
        result.add_row(
            record.name,
            str(error.n),
            f"{error.mean:.2f}",
            spread,
            f"{nll.mean:.4f}",
            f"{record.seconds:.0f} s",
        )
    return result


def _spread(error: Interval) -> str:
    return "one seed" if error.n == 1 else f"{error.low:.2f} to {error.high:.2f}"


EXPLAINED = (ConfigError, HydraException, OmegaConfBaseException)
