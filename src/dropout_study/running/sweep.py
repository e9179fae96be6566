"""What happens around Hydra's jobs: the store made ready, dead workers made up for, the table at the end.

Imports neither torch nor Lightning.
"""

import copy
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast

import filelock
import joblib
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console
from rich.table import Table

from dropout_study.config import studies
from dropout_study.config.checks import check_keys, check_study
from dropout_study.config.grids import DEFAULT_BUDGET
from dropout_study.config.overrides import expand_sweep
from dropout_study.config.read import read_config
from dropout_study.config.schema import ConfigError
from dropout_study.config.uri import masked, without_credentials
from dropout_study.measures.statistics import PERCENT, interval
from dropout_study.report import mlflow_view
from dropout_study.report.mlflow_description import describe
from dropout_study.running import supervision
from dropout_study.running.command_line import HYDRA_GROUPS
from dropout_study.running.compose_cache import compose_once
from dropout_study.running.explain import explain
from dropout_study.running.job import (
    JOB_FILE,
    RETRY_FILE,
    STOP_FILE,
    SUCCESSFUL_STATES,
    Job,
    condition_of,
)
from dropout_study.running.progress import Progress, duration, jobs_of
from dropout_study.system.processes import SHARED_THREADS, in_words, this_process
from dropout_study.tracking import provenance, recorder
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.lookup import mark_stale_runs_killed
from dropout_study.tracking.record import RECORD_FILE, UNRECORDED, Record, Role, RunStatus
from dropout_study.tracking.store import UNREACHABLE, Store, quiet_mlflow

LOCK = "start.lock"  # in a folder: held by the start that is at work there
UNWRITTEN = "nothing could be written into its folder: is the disk full?"


class Start:
    """One start of the script: from the store made ready to the table at the end.

    Attributes:
        folders: those of its jobs.

    Raises:
        ConfigError: the configuration, a folder or the store cannot be used.
    """

    def __init__(self, config: DictConfig, folder: Path, sweep: bool) -> None:
        plain = _plain(config)
        check_keys(config.hydra, "hydra.", HYDRA_GROUPS)

        if sweep:
            check_study(str(plain.study.name))
            check_keys(plain)
            _check_launcher(config)
        else:
            read_config(plain)  # the jobs of a sweep do so themselves

        _check_grid(config, sweep)
        self.folder = folder.absolute()
        self.sweep = sweep
        self._key = "hydra.sweep.dir" if sweep else "hydra.run.dir"
        conditions = _conditions(config) if sweep else [[]]
        self.folders = _subfolders(config, self.folder, conditions) if sweep else [self.folder]
        self.dry_run = bool(plain.dry_run)
        self._fail_fast = bool(plain.fail_fast)

        quiet_mlflow()
        self.store = Store(plain.tracking.uri)
        if "ray" in config.hydra.launcher and self.store.shown != self.store.uri:
            raise ConfigError(
                f"tracking.uri={self.store.uri} cannot be used with Ray, whose logs would hold the password: "
                "use a server, and MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD on the nodes."
            )

        os.environ["MLFLOW_TRACKING_URI"] = self.store.uri  # jobs may run in other folders
        check_writable(folder, "hydra.run.dir (or hydra.sweep.dir)")
        check_writable(Path(plain.checkpoint.folder), "checkpoint.folder")

        if not self.dry_run:
            self.experiment = self.store.prepare(plain.study.name, _description(plain))

        self._beside = ExitStack()
        self._enter(config, conditions)

        if not self.dry_run:
            self._sync()
            self._check_recorded()

            with self.store.lock():
                mark_stale_runs_killed(self.store, self.experiment)
                mlflow_view.refresh(self.store, self.experiment)

        self.total = len(self.folders)
        self._settled = 0

        if sweep:
            _limit_threads(config, self.total)
            self._begin_sweep(plain)

        self._forget()

        if sweep:
            self._progress = Progress(self.folders)

    def _enter(self, config: DictConfig, conditions: Sequence[list[str]]) -> None:
        """Keep other starts out of the folder as long as this one lives.

        Raises:
            ConfigError: another start is at work there, or a job that is not of this one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)

        try:
            self._beside.enter_context(filelock.FileLock(self.folder / LOCK).acquire(timeout=0))
        except filelock.Timeout:
            raise self._taken(self.folder, _occupant(self.folder)) from None

        for folder, overrides in zip(self.folders, conditions, strict=True):
            job = Job.load(folder)
            if not (job and job.at_work):
                continue

            asked = _compose(config, overrides) if self.sweep else config
            if job.condition != condition_of(_plain(asked), ""):
                raise self._taken(folder, in_words(job.process))

    def _taken(self, folder: Path, occupant: str) -> ConfigError:
        return ConfigError(
            f"{self._key}={self.folder} cannot be used: {occupant} is at work in {folder}; "
            "wait until it has ended, or choose another folder."
        )

    def _check_recorded(self) -> None:
        """Refuse to replace results that no store has.

        Raises:
            ConfigError: naming them and their store.
        """
        for folder in {self.folder, *self.folders}:
            saved = Record.load(folder) if _is_unrecorded(folder) else None
            if saved and any(saved.status_of(seed) == RunStatus.FINISHED for seed in saved.seeds):
                uri = without_credentials(saved.store)
                words = ["python", "scripts/sync.py", f"folder={folder}", f"tracking.uri={uri}"]
                raise ConfigError(
                    f"{self._key}={self.folder} cannot be used: {folder} holds results that {uri} "
                    f"lacks; choose another folder, or record them first: {shlex.join(words)}"
                )

    def go_on(self) -> bool:
        """After a launcher has broken down: note the jobs that died with it; whether another pass can do better."""
        time.sleep(1)  # the launcher takes its other workers down, too

        for folder, job in jobs_of(self.folders).items():
            if job.dead:
                job.die(recorder.PROCESS_DIED, self._fail_fast)
                self._keep(folder, job)

                if self._fail_fast:
                    (self.folder / STOP_FILE).touch()

        before = self._settled
        jobs = jobs_of(self.folders).values()
        self._settled = sum(job.ended for job in jobs) + sum(job.deaths for job in jobs)

        # What runs on another machine is not known to be dead before it has been silent for a
        # while.
        return self._settled > before or any(job.state in ("running", "waiting") for job in jobs)

    def _keep(self, folder: Path, job: Job, interrupted: bool = False) -> None:
        """Write down what became of a job whose process did not; a full disk is told in the end."""
        with suppress(OSError):
            job.save(folder)
            recorder.mark_dead_job_failed(folder, self.store, interrupted)

    def next_turn(self) -> bool:
        """Let one of the jobs that have died run again, alone, so that its next death is its own; whether one is."""
        died = [folder for folder, job in jobs_of(self.folders).items() if job.state == "died"]
        if died:
            (self.folder / RETRY_FILE).write_text(str(died[0]), encoding="utf-8")

        return bool(died)

    def close(self) -> list[Job]:
        """Record what is left to record, print the table, and return the jobs that leave something to do."""
        for _ in range(5):  # after Ctrl-C workers need a moment
            jobs = jobs_of(self.folders)
            if any(job.state == "running" and job.at_work for job in jobs.values()):
                time.sleep(1)

        jobs = jobs_of(self.folders)
        for folder, job in jobs.items():
            if job.dead or job.state in ("died", "interrupted"):
                mine = job.dead and job.process == this_process()
                job.end("stopped", UNWRITTEN if mine else "interrupted")
                self._keep(folder, job, interrupted=True)

        unfinished = [job for job in jobs.values() if job.state not in SUCCESSFUL_STATES]
        unfinished += [_never_begun(folder) for folder in self.folders if folder not in jobs]

        with suppress(OSError):  # of a full disk, which the jobs report
            if self.sweep:
                self._end_sweep(unfinished)

        self._beside.close()

        if not self.dry_run:
            self._refresh()

        with suppress(OSError):  # of a terminal that was closed
            self._tell(jobs)

        return unfinished

    def _refresh(self) -> None:
        """Show what varies between the runs that are there now."""
        with (
            suppress(*UNREACHABLE),
            self.store.lock(),
        ):  # the view of an earlier start stays
            mlflow_view.refresh(self.store, self.experiment)

    def _tell(self, jobs: dict[Path, Job]) -> None:
        """Print the table, and where to look."""
        console = Console(
            file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False
        )

        if self.dry_run:
            console.print(plan(list(jobs.values())))
            return

        if counted := [job for job in jobs.values() if job.errors]:
            console.print(table(counted))

        if counted or any((folder / RECORD_FILE).exists() for folder in jobs):
            print("Look at the results:", self.store.link(self.experiment))

        if any(_is_unrecorded(folder) for folder in jobs):
            print(
                "The store did not take all results. They are kept; this records them: python scripts/sync.py"
            )

    def _forget(self) -> None:
        """Remove what an earlier start left of its jobs in the same folder; their records stay."""
        for name in (STOP_FILE, RETRY_FILE):
            (self.folder / name).unlink(missing_ok=True)
        for folder in self.folders:
            job = Job.load(folder)
            if not (job and job.at_work):
                (folder / JOB_FILE).unlink(missing_ok=True)

    def _sync(self) -> None:
        """Record what earlier starts could not."""
        near = [*self.folder.parent.glob("*"), *self.folder.parent.glob("*/*"), *self.folders]
        for name in recorder.sync(dict.fromkeys(near), self.store):
            print(f"{name}: recorded now, from its folder")

    def _begin_sweep(self, plain: DictConfig) -> None:
        if not self.dry_run:
            record = Record(
                experiment=plain.study.name,
                description=plain.study.title,
                name=f"sweep of {self.total} conditions",
                params={},
                tags={"command": supervision.command} | this_process() | provenance.commit(),
                dataset={},
                seeds=[],
                role=Role.SWEEP,
                store=self.store.shown,
            )
            record.save(self.folder)
            run_id = recorder.try_to_record(self.folder, self.store)
            self._beside.enter_context(recorder.heartbeat(self.folder, self.store, run_id))

    def _end_sweep(self, unfinished: list[Job]) -> None:
        self._progress.close()

        if self.dry_run:
            return

        record = Record.load(self.folder)

        if any(job.state == "failed" for job in unfinished):
            record.end(RunStatus.FAILED, f"{len(unfinished)} of {self.total} jobs did not finish")
        elif unfinished:
            record.end(RunStatus.KILLED, "interrupted")
        else:
            record.end(RunStatus.FINISHED)

        record.save(self.folder)
        recorder.try_to_record(self.folder, self.store)
        self._sync()


class Sweep(Callback):
    """Makes everything ready before Hydra starts a job, whatever the launcher."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Make ready for a single run."""
        self._start(config, Path(config.hydra.run.dir), sweep=False)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Make ready for a sweep."""
        self._start(config, Path(config.hydra.sweep.dir), sweep=True)
        if config.hydra.runtime.choices["hydra/launcher"] == "basic":
            # The other launchers compose in their workers.
            compose_once(GlobalHydra.instance().config_loader())

    def _start(self, config: DictConfig, folder: Path, sweep: bool) -> None:
        if supervision.current:  # another pass over the same sweep
            return
        try:
            supervision.current = Start(config, folder, sweep)
        except Exception as error:  # Hydra would turn it into a warning and go on
            raise SystemExit(masked(explain(error))) from error


def table(jobs: list[Job]) -> Table:
    """The results of a sweep: error and NLL under weight scaling, mean and 95 % interval over all complete seeds."""
    result = Table(
        caption="test data, weight scaling; mean and 95 % t interval over all recorded seeds"
    )

    for heading in ("condition", "seeds", "test error %", "95 % interval", "NLL (nats)", "time"):
        result.add_column(heading, justify="left" if heading == "condition" else "right")

    for job in jobs:
        error = interval(job.errors).within(PERCENT)
        nll = interval(job.nlls)
        spread = "one seed" if error.n == 1 else f"{error.low:.2f} to {error.high:.2f}"
        spent = "recorded" if job.state == "skipped" else duration(job.seconds)
        result.add_row(
            job.name, str(error.n), f"{error.mean:.2f}", spread, f"{nll.mean:.4f}", spent
        )

    return result


def plan(jobs: list[Job]) -> Table:
    """What a sweep would do, for a dry run."""
    total = duration(sum(job.estimate for job in jobs))
    result = Table(
        caption=f"about {total} of training in all, one job after the other; nothing was recorded"
    )

    for heading in ("condition", "seeds to train", "recorded", "time"):
        result.add_column(heading, justify="left" if heading == "condition" else "right")

    for job in jobs:
        spent = duration(job.estimate) if job.estimate else "-"
        result.add_row(job.name, str(len(job.seeds)), str(len(job.errors)), spent)

    return result


def _description(plain: DictConfig) -> str:
    """What the experiment's page says; a sweep that is typed has no command of its own."""
    study, typed = plain.study, not plain.study.grid and not plain.study.cohorts_from
    return describe(
        study.name, study.title, "" if typed else studies.command(study.name, DEFAULT_BUDGET)
    )


def _conditions(config: DictConfig) -> list[list[str]]:
    """The overrides of every condition that the command line asks for."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    defaults = config.hydra.sweeper.get("params") or {}
    typed = [f"{key}={values}" for key, values in defaults.items()]
    overrides = parser.parse_overrides([*typed, *config.hydra.overrides.task])

    return expand_sweep(overrides)


def _check_grid(config: DictConfig, sweep: bool) -> None:
    """Refuse a study that a file chooses, whose axes are read where it is typed alone.

    Raises:
        ConfigError: naming the study.
    """
    overrides = [*config.hydra.overrides.task, *config.hydra.overrides.hydra]
    typed = {override.partition("=")[0].lstrip("+") for override in overrides}
    if config.study.grid and not (sweep and typed.intersection(config.study.grid)):
        name = config.hydra.runtime.choices.study
        raise ConfigError(f"study={name} is a sweep that has to be typed: add -m study={name}.")


def _check_launcher(config: DictConfig) -> None:
    """Refuse numbers that launchers answer with a traceback.

    Raises:
        ConfigError: naming the key.
    """
    jobs = config.hydra.launcher.get("n_jobs")
    batch = config.hydra.sweeper.get("max_batch_size")

    if jobs == 0:
        key = "launcher.n_jobs"
        allowed = "at least 1, or -1 for as many as there are cores"
        raise ConfigError(f"hydra.{key}=0 cannot be used: hydra.{key} must be {allowed}.")

    if batch is not None and batch < 1:
        key = "sweeper.max_batch_size"
        raise ConfigError(f"hydra.{key}={batch} cannot be used: hydra.{key} must be at least 1.")


def _subfolders(config: DictConfig, folder: Path, conditions: Sequence[list[str]]) -> list[Path]:
    """The folder of each job of a sweep.

    The conditions are composed for their names, unless these are numbers. Those of a sweep in
    batches are composed in any case: Hydra would find a mistake in the last batch hours later.

    Raises:
        ConfigError: two jobs would share a folder, or a name is not known before its job starts.
        HydraException: for the first condition that cannot be composed.
    """
    sweep = cast("dict[str, str]", OmegaConf.to_container(config.hydra.sweep))
    subdir = sweep["subdir"]
    if "job.id" in subdir or "${now:" in subdir:
        raise ConfigError(
            f"hydra.sweep.subdir={subdir} cannot be used: neither the id of a job nor the time of "
            "its start is known before; ${hydra.job.num} is, and hydra.sweep.dir may hold a time."
        )

    if subdir == "${hydra.job.num}" and not config.hydra.sweeper.get("max_batch_size"):
        return [folder / str(number) for number in range(len(conditions))]

    common = set.intersection(*map(set, conditions))
    jobs: dict[Path, str] = {folder.resolve(): "the sweep itself"}
    folders = []

    for number, overrides in enumerate(conditions):
        composed = _compose(config, overrides)
        with open_dict(composed):
            composed.hydra.job.num = number

        HydraConfig.instance().set_config(composed)
        folders.append(folder / str(composed.hydra.sweep.subdir))

        name = " ".join(text for text in overrides if text not in common) or " ".join(overrides)

        place = folders[-1].resolve()
        if place in jobs:
            raise ConfigError(
                f"hydra.sweep.subdir={subdir} cannot be used: "
                f"{jobs[place]} and {name} would share {place}; "
                "${hydra.job.num} or ${hydra.job.override_dirname} tells jobs apart."
            )

        jobs[place] = name

    return folders


def _compose(config: DictConfig, overrides: list[str]) -> DictConfig:
    """The configuration of one job of a sweep."""
    return GlobalHydra.instance().config_loader().load_sweep_config(config, overrides)


def _plain(config: DictConfig) -> DictConfig:
    """A configuration without Hydra's own part."""
    plain = copy.deepcopy(config)
    with open_dict(plain):
        del plain["hydra"]

    return plain


def _occupant(folder: Path) -> str:
    """Who is at work in a folder, as far as its files say."""
    job = Job.load(folder)
    if job and job.at_work:
        return in_words(job.process)

    if (folder / RECORD_FILE).exists() and (
        saved := Record.load(folder)
    ).status == RunStatus.RUNNING:
        return in_words(saved.tags)

    return "another start"


def _is_unrecorded(folder: Path) -> bool:
    """Whether a folder holds a run that has ended, and that its store lacks."""
    kept = (folder / UNRECORDED).exists() and (folder / RECORD_FILE).exists()
    return kept and Record.load(folder).status != RunStatus.RUNNING


def _never_begun(folder: Path) -> Job:
    """A job that left no file, or a broken one."""
    broken = (folder / JOB_FILE).exists()
    return Job(f"job {folder.name}", "stopped", UNWRITTEN if broken else "it was never begun")


def _limit_threads(config: DictConfig, total: int) -> None:
    """Share the cores of a machine among the jobs that run there at once; what is set already is left.

    Ray does so itself.
    """
    launcher = config.hydra.launcher
    cores = joblib.cpu_count()
    at_once = launcher.get("n_jobs") or config.hydra.sweeper.get("max_batch_size")

    threads = launcher.get("cpus_per_task")
    if at_once and not threads:
        at_once = min(total, cores if at_once < 0 else at_once)
        threads = max(1, cores // at_once)

    if threads and "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = os.environ[SHARED_THREADS] = str(threads)


OmegaConf.register_new_resolver("cores", lambda: joblib.cpu_count(), replace=True)
