"""Run Hydra's entry point: retry a sweep whose launcher crashed, report failures.

Imports nothing heavy, so that `--help` is answered at once.
"""

import shlex
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from dropout_study.config.folder import command
from dropout_study.config.overrides import with_overrides
from dropout_study.config.uri import masked
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.command_line import EXPLAINED, fail
from dropout_study.running.compose_cache import compose_once
from dropout_study.running.explain import explain
from dropout_study.running.job import Job
from dropout_study.system.termination import Terminated

if TYPE_CHECKING:
    from dropout_study.running.start import Start


WORKER_REPLACED = "A worker stopped while some jobs were given to the executor"
"""How joblib says that it replaces a worker that has grown, as some jobs need more memory."""


class Supervisor:
    """Runs Hydra's entry point again until every job has ended.

    Attributes:
        running: the supervisor of this process; workers of a launcher have none. Hydra makes its
            callbacks itself, anew for every pass, and they find it here.
        command: what was typed, without passwords.
        start: what Hydra's callback has opened; closed when `run` returns.
    """

    running: ClassVar["Supervisor | None"] = None

    def __init__(self, command: str) -> None:
        self.command = command
        self.start: Start | None = None
        self._open = ExitStack()

    def run(self, entry: Callable[[], Any]) -> None:
        """Run the entry point; however that ends, record and report its jobs."""
        with self._open:
            self._repeat(entry)

    def _repeat(self, entry: Callable[[], Any]) -> None:
        """Pass over the jobs until each has ended, and over the rounds of a search.

        Some launchers crash when a worker dies.
        """
        typed = list(sys.argv[1:])

        while True:
            try:
                entry()
            except EXPLAINED:
                raise
            except Exception:
                if not (self.start and self.start.sweep and self.start.mark_dead_jobs()):
                    raise
                is_unfinished = bool(self.start.packs_to_launch())
            else:
                is_unfinished = False

            if not (is_unfinished or self._continues()):
                sys.argv[1:] = typed
                return

            folder = cast("Start", self.start).folder
            sys.argv[1:] = with_overrides(typed, [f"hydra.sweep.dir='{folder}'"])

    def _continues(self) -> bool:
        """Whether another pass has something to do: a job to retry, or a search's next round."""
        start = self.start
        return start is not None and (start.retry_a_dead_job() or start.begin_next_round())

    def open_start(self, config: DictConfig, folder: Path, sweep: bool) -> None:
        """Open the start of this process, once for all passes; have Hydra launch its packs.

        Raises:
            SystemExit: the configuration, a folder or the store cannot be used.
        """
        BOTTOM_LINE.say("loading MLflow")
        from dropout_study.running.start import Start
        from dropout_study.running.sweep_jobs import launch_packs

        try:
            if self.start is None:
                self.start = self._open.enter_context(Start(config, folder, sweep, self.command))
            else:
                self.start.list_next_round(config)
            if sweep:
                launch_packs(config, self.start.packs_to_launch())
        except Exception as error:  # Hydra would turn it into a warning and continue
            raise SystemExit(masked(explain(error))) from error


class SweepCallback(Callback):
    """Prepares everything before Hydra starts a job, whatever the launcher."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Prepare a single run."""
        _open_start(config, Path(config.hydra.run.dir), sweep=False)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Prepare a sweep."""
        compose_once(GlobalHydra.instance().config_loader())
        _open_start(config, Path(config.hydra.sweep.dir), sweep=True)


def _open_start(config: DictConfig, folder: Path, sweep: bool) -> None:
    if Supervisor.running:
        Supervisor.running.open_start(config, folder, sweep)


def supervise(entry: Callable[[], Any], typed: Sequence[str]) -> None:
    """Let Hydra run its jobs; record and report them, and exit with 1 if one of them failed.

    Args:
        entry: the function that Hydra decorates.
        typed: the command line as it was typed.
    """
    supervisor = Supervisor(masked(as_typed(typed)))
    Supervisor.running = supervisor
    warnings.filterwarnings("ignore", WORKER_REPLACED)

    try:
        supervisor.run(entry)
    except SystemExit as error:
        if error.code == signal.SIGTERM:  # as Ray handles it
            raise Terminated(128 + signal.SIGTERM) from error
        raise

    if supervisor.start and supervisor.start.unfinished:
        _fail(supervisor.start.unfinished, supervisor)


def as_typed(words: Sequence[str]) -> str:
    """The command line that was typed, ready to be typed again.

    Args:
        words: the process' own; the first is a script of the project or the wheel's program.
    """
    script = Path(words[0])
    name = (
        f"python {shlex.quote(words[0])}" if script.parent.name == "scripts" else command("train")
    )

    return f"{name} {shlex.join(words[1:])}".rstrip()


def _fail(unfinished: Sequence[Job], supervisor: Supervisor) -> None:
    """Say which jobs did not finish, and end with exit code 1."""
    if not (supervisor.start and supervisor.start.sweep):
        fail(unfinished[0].reason)

    from dropout_study.running.sweep_tables import failures_of_jobs
    from dropout_study.running.terminal import print_table

    print_table(failures_of_jobs(unfinished), sys.stderr)
    fail(
        "Run them again with the same command; what is complete is skipped:\n  "
        f"{supervisor.command}"
    )
