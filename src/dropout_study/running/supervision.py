"""What goes on while Hydra runs: another pass over a sweep whose launcher broke down, and a report in the end.

Imports nothing heavy, so that `--help` is answered at once.
"""

import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from dropout_study.config.overrides import with_overrides
from dropout_study.config.uri import masked
from dropout_study.running.command_line import EXPLAINED, fail
from dropout_study.running.job import Job
from dropout_study.system.termination import Terminated

if TYPE_CHECKING:
    from dropout_study.running.sweep import Start

current: "Start | None" = None
"""The one start of this process. Hydra makes its callbacks itself, anew for every pass, so they leave it here."""
command = ""
"""What was typed, without passwords."""


def supervise(entry: Callable[[], Any], typed: Sequence[str]) -> None:
    """Let Hydra do its jobs; however that ends, record, report, and exit with 1 if a job failed.

    Args:
        entry: the function that Hydra decorates.
        typed: the command line as it was typed.
    """
    global command
    command = masked(shlex.join(["python", *typed]))

    try:
        _passes(entry)
    except BaseException as error:
        if current:
            current.close()

        if isinstance(error, SystemExit) and error.code == signal.SIGTERM:  # as Ray handles it
            raise Terminated(128 + signal.SIGTERM) from error

        raise

    if current and (unfinished := current.close()):
        if not current.sweep:
            fail(unfinished[0].reason)

        console = Console(
            file=sys.stderr, width=None if sys.stderr.isatty() else 120, highlight=False
        )
        console.print(failures(unfinished))
        fail(f"Run them again with the same command; what is complete is skipped:\n  {command}")


def _passes(entry: Callable[[], Any]) -> None:
    """Pass over the jobs until each has ended: the death of a worker takes some launchers down with all the others."""
    typed = list(sys.argv[1:])

    while True:
        try:
            entry()
        except EXPLAINED:
            raise
        except Exception:
            if not (current and current.sweep and current.go_on()):
                raise
        else:
            if not (current and current.next_turn()):
                sys.argv[1:] = typed
                return
        sys.argv[1:] = with_overrides(typed, [f"hydra.sweep.dir='{current.folder}'"])


def failures(jobs: list[Job]) -> Table:
    """The jobs that failed or were stopped, and why."""
    result = Table(title=f"{len(jobs)} did not finish")

    for heading in ("condition", "state", "reason"):
        result.add_column(heading)

    for job in jobs:
        result.add_row(job.name, job.state, job.reason)

    return result
