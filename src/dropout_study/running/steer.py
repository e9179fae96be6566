"""Stopping a sweep, and running it again, from another terminal.

Imports neither torch nor MLflow.
"""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dropout_study.config.folder import command
from dropout_study.config.overrides import as_typed, with_overrides
from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import absolute, masked, without_credentials
from dropout_study.running.job import FAILURES, JobState, ask_to_stop, stop_reason
from dropout_study.running.sweep_state import (
    EVALUATED,
    NOT_BEGUN,
    SweepState,
    count_states,
    load_sweep,
)
from dropout_study.tracking.tags import COMMAND

ASKED = "it was asked to stop"
MASK = "***"
"""What stands for a password in a command."""
MASKED = re.compile(r"(:|//)\*\*\*@|=\*\*\*(?=$|[\s&'\"])")
"""Where it does."""
STORE = "MLFLOW_TRACKING_URI"
SET_BY_RETRY = ("hydra.sweep.dir=", "only_failed=")
"""How the overrides begin that a retry adds, and that an earlier one may have added."""


@dataclass(frozen=True)
class Again:
    """How a sweep is run again.

    Attributes:
        words: what follows the interpreter on the command line.
        place: the folder where it is run.
        variables: the environment that it needs besides the present one.
    """

    words: list[str]
    place: Path
    variables: dict[str, str]


def stop(folder: str) -> list[str]:
    """Ask the jobs of a running sweep to stop.

    Args:
        folder: that of the sweep.

    Returns:
        what happens now, in lines.

    Raises:
        ConfigError: there is no sweep, or it does not run.
    """
    sweep = load_sweep(folder)
    if not sweep.is_running:
        raise ConfigError(
            f"folder={folder} cannot be used: its sweep does not run ({sweep.state}); "
            f"{command('retry')} folder={folder} runs what it has not done."
        )

    if stop_reason(sweep.folder):
        return ["It was asked to stop before.", *_what_happens(sweep)]

    ask_to_stop(sweep.folder, ASKED)

    return _what_happens(sweep)


def _what_happens(sweep: SweepState) -> list[str]:
    """What the jobs of a sweep do that is asked to stop."""
    running = [line for line in sweep.lines if line.state == JobState.RUNNING]
    evaluated = sum(line.reason == EVALUATED for line in running)
    trained = len(running) - evaluated
    others = sum(line.state in (JobState.WAITING, NOT_BEGUN) for line in sweep.lines)
    found = {
        "running: writes a checkpoint and ends": trained,
        "being evaluated: ends once it is recorded": evaluated,
        "waiting or not begun: does not begin": others,
    }

    return [f"{count} {words}" for words, count in found.items() if count]


def command_to_retry(folder: str, failed: bool) -> Again:
    """The command that runs what a sweep has not done, in the folder of the sweep.

    Args:
        folder: that of the sweep.
        failed: only the jobs that have failed, and not those that were stopped or never begun.

    Raises:
        ConfigError: there is no sweep, it runs, there is nothing to do, or its command cannot be
            run again as it was recorded.
    """
    sweep = load_sweep(folder)
    _check_undone(sweep, folder, failed)
    interpreter, script, *typed = shlex.split(sweep.record.tags[COMMAND])
    added = [f"hydra.sweep.dir={as_typed(str(sweep.folder))}"]
    added += ["only_failed=true"] if failed else []
    arguments = with_overrides([each for each in typed if not _is_set_by_retry(each)], added)
    place = Path(sweep.file.place)
    is_script = interpreter == "python" and (place / script).is_file()
    runner = [script] if is_script else ["-m", "dropout_study.commands", "train"]
    words = shlex.join(["python", *runner, *arguments])

    if "rerun=true" in typed and not failed:
        raise ConfigError(
            f"folder={folder} cannot be used: its command holds rerun=true, which would train "
            "again what it has done; failed=true runs what has failed, and this everything, in "
            f"{place}:\n  {words}"
        )

    if MASKED.search(words):
        raise ConfigError(
            f"folder={folder} cannot be used: its command holds a password, which was not "
            f"recorded; type it with the password in place of {MASK}, in {place}:\n  {words}"
        )

    if not place.is_dir():
        raise ConfigError(
            f"folder={folder} cannot be used: {place}, where its command was typed, is no longer "
            f"there; type it elsewhere:\n  {words}"
        )

    return Again([*runner, *arguments], place, _store_of(sweep, arguments))


def _check_undone(sweep: SweepState, folder: str, failed: bool) -> None:
    """Refuse a sweep that runs, or that leaves nothing to do."""
    if sweep.is_running:
        raise ConfigError(
            f"folder={folder} cannot be used: its sweep is {sweep.state}; wait until it has ended, "
            f"or stop it: {command('stop')} folder={folder}"
        )

    undone = [line for line in sweep.undone if not failed or line.state in FAILURES]
    if not undone:
        counts = count_states(sweep.lines)
        what = "has failed" if failed else "is left to do"
        raise ConfigError(f"folder={folder} cannot be used: nothing {what} there ({counts}).")


def _is_set_by_retry(argument: str) -> bool:
    """Whether an argument is one that a retry adds, or may have added before."""
    return argument.startswith(SET_BY_RETRY)


def _store_of(sweep: SweepState, arguments: Sequence[str]) -> dict[str, str]:
    """The variable that names the store of a sweep, unless it is typed or set.

    Raises:
        ConfigError: its address holds a password, which was not recorded.
    """
    here = os.environ.get(STORE, "")
    is_typed = any(argument.lstrip("+").startswith("tracking.uri=") for argument in arguments)
    is_set = bool(here) and masked(without_credentials(absolute(here))) == sweep.record.store
    if is_typed or is_set:
        return {}

    if MASK in sweep.record.store:
        raise ConfigError(
            f"{STORE} is missing: set it to {sweep.record.store}, with the password in place of "
            f"{MASK}."
        )

    return {STORE: sweep.record.store}
