"""One start of the script: the store prepared, the folder locked, jobs of dead workers retried.

Imports neither torch nor Lightning.
"""

import os
import re
import shlex
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import filelock
from omegaconf import DictConfig

from dropout_study.config.checks import check_keys, check_limits, check_one_value, check_study
from dropout_study.config.folder import command
from dropout_study.config.names import FINAL
from dropout_study.config.read import read_config
from dropout_study.config.schema import ConfigError
from dropout_study.config.studies import Study
from dropout_study.config.uri import other_store, without_credentials
from dropout_study.report import mlflow_view
from dropout_study.report.mlflow_description import describe
from dropout_study.running import gpu_slots
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.command_line import HYDRA_GROUPS
from dropout_study.running.job import (
    ACTIVE_STATES,
    FAILED_FAST,
    FAILURES,
    JOB_FILE,
    RETRY_FILE,
    STOP_FILE,
    SUCCESSFUL_STATES,
    Job,
    JobState,
    ask_to_stop,
    condition_of,
    stop_reason,
)
from dropout_study.running.limits import confirm, draw_sample
from dropout_study.running.packs import Assignment, packs_of
from dropout_study.running.packs import save as save_packs
from dropout_study.running.progress import Progress, jobs_of
from dropout_study.running.search import OpenSearch, Proposal, is_search
from dropout_study.running.sweep_file import SweepFile
from dropout_study.running.sweep_jobs import (
    check_launcher,
    check_study_is_typed,
    compose_job,
    distinct_overrides,
    job_folders,
    jobs_at_once,
    limit_threads,
    list_conditions,
    uses_slurm,
    without_hydra,
)
from dropout_study.running.sweep_tables import plan_of_jobs, results_of_jobs
from dropout_study.running.terminal import print_table
from dropout_study.system.processes import in_words, this_process
from dropout_study.tracking import provenance, recorder
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.lookup import mark_stale_runs_killed
from dropout_study.tracking.own_tags import check_own_tags, own_tags
from dropout_study.tracking.record import RECORD_FILE, UNRECORDED, Record, Role, RunStatus
from dropout_study.tracking.store import UNREACHABLE, Store, quiet_mlflow
from dropout_study.tracking.tags import COMMAND

LOCK = "start.lock"  # in a folder: held by the start that is at work there
UNWRITTEN = "nothing could be written into its folder: is the disk full?"
DRY_RUN = (
    "A dry run: a few updates and evaluations are timed; nothing is trained to the end or recorded."
)
CLOSING_CHECKS = 5  # looks, a second apart, at workers that need a moment after Ctrl-C


class Start:
    """One start of the script, of a single run or a sweep, around the jobs that Hydra runs.

    As a context manager, it is open while the jobs run.

    Args:
        config: Hydra's configuration.
        folder: of the run or the sweep.
        sweep: whether it is a sweep.
        command: what was typed, without passwords.

    Attributes:
        folders: one per job, once it is open.
        packs: the jobs of a sweep that are trained together, once it is open.
        unfinished: the jobs that leave something to do, once it is closed.
    """

    def __init__(self, config: DictConfig, folder: Path, sweep: bool, command: str = "") -> None:
        self.folder = folder.absolute()
        self.sweep = sweep
        self.folders: list[Path] = []
        self.packs: list[list[Assignment]] = []
        self.unfinished: list[Job] = []
        self._config = config
        self._task = without_hydra(config)
        self._command = command
        self._folder_key = "hydra.sweep.dir" if sweep else "hydra.run.dir"
        self._jobs: dict[Path, Assignment] = {}
        self._names: dict[Path, str] = {}
        self._grid_size = 0
        self._experiment = ""
        self._settled = 0
        self._search: OpenSearch | None = None
        self._next_round: list[Proposal] = []
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Check what was typed, prepare the store, and lock the folder.

        Raises:
            ConfigError: the configuration, a folder or the store cannot be used.
        """
        self._check_config()

        with ExitStack() as held:
            self._list_jobs(held)
            self._prepare_store()
            self._lock_folder(held)

            if not self._dry_run:
                self._record_leftovers()
            self._remove_job_files(self.folders)
            if self.sweep:
                self._begin_sweep(held)

            self._held = held.pop_all()

        BOTTOM_LINE.clear()
        if self._dry_run:
            print(DRY_RUN, flush=True)

        if self.sweep:
            self._progress = Progress(self.folders, self._total)
        else:
            BOTTOM_LINE.say("preparing the run")

    @property
    def _total(self) -> int:
        """The number of jobs that there will be; a search knows its first ones alone."""
        if self._search and not self._dry_run:
            return self._search.total

        return len(self.folders)

    @property
    def _dry_run(self) -> bool:
        return bool(self._task.dry_run)

    def _check_config(self) -> None:
        """Refuse keys, values and choices that cannot be used, before anything is written."""
        check_keys(self._config.hydra, "hydra.", HYDRA_GROUPS)
        check_limits(self._task, self.sweep)
        check_own_tags(self._task.note, self._task.tags)

        if self.sweep:
            check_study(str(self._task.study.name), str(self._task.study.stage))
            check_keys(self._task)
            check_launcher(self._config)
        else:
            read_config(self._task)  # the jobs of a sweep do so themselves

        check_study_is_typed(self._config, self.sweep)

    def _list_jobs(self, held: ExitStack) -> None:
        """Find the conditions and the folders of the jobs."""
        if not self.sweep:
            self.folders = [self.folder]
        elif is_search(self._config):
            self._search = held.enter_context(OpenSearch(self._config))
            self._confirm(self._search.total)
            self._list_round(self._config, self._search.next_round())
        else:
            self._list_grid()

    def _confirm(self, count: int) -> None:
        """Ask about a large number of jobs, before each of them is composed."""
        if not (self._dry_run or self._task.only_failed):
            confirm(count, self._task.confirm_above)

    def _list_grid(self) -> None:
        """Find the jobs of a sweep whose conditions are typed, or of a sample of it."""
        BOTTOM_LINE.say("composing the conditions")
        grid = list_conditions(self._config)
        distinct = distinct_overrides(grid)
        numbers = draw_sample(distinct, self._task.sample, self._task.sample_seed)
        conditions = [grid[number] for number in numbers]
        self._grid_size = len(grid)
        self._confirm(len(conditions))

        # Here Hydra finds a mistake in the last condition before the first is trained.
        composed = [compose_job(self._config, overrides) for overrides in conditions]
        check_one_value(self._task, composed)
        folders = job_folders(self._config, self.folder, conditions, composed, numbers)
        names = [" ".join(distinct[number]) for number in numbers]
        self._names = dict(zip(folders, names, strict=True))
        kept = self._failed_of(folders) if self._task.only_failed else folders
        self._add_jobs(
            Assignment(without_hydra(job), folder, " ".join(overrides) or "defaults")
            for folder, overrides, job in zip(folders, conditions, composed, strict=True)
            if folder in kept
        )

    def _list_round(self, config: DictConfig, proposals: Sequence[Proposal]) -> None:
        """Add the jobs that a search asks for.

        Args:
            config: Hydra's configuration of this pass.
            proposals: of a round.
        """
        composed = [compose_job(config, each.overrides) for each in proposals]
        folders = [self.folder / each.folder for each in proposals]
        check_one_value(self._task, composed)
        self._names |= {folder: each.name for folder, each in zip(folders, proposals, strict=True)}
        self._add_jobs(
            Assignment(without_hydra(job), folder, each.name)
            for folder, each, job in zip(folders, proposals, composed, strict=True)
        )

    def _add_jobs(self, added: Iterable[Assignment]) -> None:
        """Add jobs, and put them into packs, which are launched next."""
        jobs = list(added)
        self.folders += [job.folder for job in jobs]  # in place: the progress line watches the list
        self._jobs |= {job.folder: job for job in jobs}
        self.packs = packs_of(jobs, jobs_at_once(self._config, len(jobs)) or 1)

    def _failed_of(self, folders: Sequence[Path]) -> list[Path]:
        """The folders whose jobs have failed in an earlier start.

        Raises:
            ConfigError: there are none.
        """
        failed = [
            folder
            for folder, job in jobs_of(folders).items()
            if job.state in FAILURES or job.is_dead
        ]

        if not failed:
            raise ConfigError(
                f"only_failed=true cannot be used: no job of this sweep has failed in "
                f"{self.folder}; {self._folder_key} names the folder where some have."
            )

        return failed

    def _prepare_store(self) -> None:
        """Check the disk, and create the experiment in the store, whose address jobs inherit."""
        BOTTOM_LINE.say("opening the store")
        quiet_mlflow()
        self._store = Store(self._task.tracking.uri)

        # Launchers that extend Ray's under another name have its key, too.
        if "ray" in self._config.hydra.launcher and self._store.shown != self._store.uri:
            raise ConfigError(
                f"tracking.uri={self._store.uri} cannot be used with Ray, whose logs would hold "
                "the password: use a server, and MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD on the nodes."
            )

        os.environ["MLFLOW_TRACKING_URI"] = self._store.uri  # jobs may run in other folders
        check_writable(self.folder, "hydra.run.dir (or hydra.sweep.dir)")
        check_writable(Path(self._task.checkpoint.folder), "checkpoint.folder")

        if not self._dry_run:
            name = self._task.study.name
            self._experiment = self._store.prepare(name, _description(self._task))

    def _lock_folder(self, held: ExitStack) -> None:
        """Keep other starts out of the folder as long as this one is open.

        Raises:
            ConfigError: another start is at work there, or a job of another command; or a dry run
                would replace what the folder says of a sweep.
        """
        if self._dry_run and (self.folder / RECORD_FILE).exists():
            raise ConfigError(
                f"{self._folder_key}={self.folder} cannot be used: it holds what was run, and a "
                "dry run would replace how its jobs stand; leave the folder out."
            )

        self.folder.mkdir(parents=True, exist_ok=True)

        try:
            held.enter_context(filelock.FileLock(self.folder / LOCK).acquire(timeout=0))
        except filelock.Timeout:
            raise self._in_use(self.folder, _occupant(self.folder)) from None

        for folder in self.folders:
            job = Job.load(folder)
            if not (job and job.is_active):
                continue

            asked = self._jobs[folder].composed if self.sweep else self._task
            if job.condition != condition_of(asked, ""):
                raise self._in_use(folder, in_words(job.process))

    def _in_use(self, folder: Path, occupant: str) -> ConfigError:
        return ConfigError(
            f"{self._folder_key}={self.folder} cannot be used: {occupant} is at work in {folder}; "
            "wait until it has ended, or choose another folder."
        )

    def _record_leftovers(self) -> None:
        """Record what earlier starts could not, and mark the runs of dead processes.

        Raises:
            ConfigError: results that no store has would be replaced.
        """
        self._sync()
        self._check_recorded()

        with self._store.lock():
            mark_stale_runs_killed(self._store, self._experiment)
            mlflow_view.refresh(self._store, self._experiment)

    def _sync(self) -> None:
        """Record the folders of earlier starts that the store is missing."""
        parent = self.folder.parent
        nearby = [*parent.glob("*"), *parent.glob("*/*"), *self.folders]

        for name in recorder.sync(dict.fromkeys(nearby), self._store):
            print(f"{name}: recorded now, from its folder")

    def _check_recorded(self) -> None:
        """Refuse to replace results that no store has.

        Raises:
            ConfigError: naming them and their store.
        """
        for folder in {self.folder, *self.folders}:
            record = Record.load(folder) if _is_unrecorded(folder) else None
            if record and any(
                record.status_of(seed) == RunStatus.FINISHED for seed in record.seeds
            ):
                uri = without_credentials(record.store)
                words = [f"folder={folder}", f"tracking.uri={uri}"]
                raise ConfigError(
                    f"{self._folder_key}={self.folder} cannot be used: {folder} holds results "
                    f"that {uri} lacks; choose another folder, or record them first: "
                    f"{command('sync')} {shlex.join(words)}"
                )

    def _begin_sweep(self, held: ExitStack) -> None:
        """Share the cores, record the sweep with a heartbeat, and limit its hours."""
        limit_threads(self._config, len(self.packs))
        save_packs(self.packs, self.folder)
        gpu_slots.offer(gpu_slots.assigned_gpus(self._config), self.folder)

        if uses_slurm(self._config):
            from dropout_study.running.slurm import watch_queue

            watch_queue()

        if self._dry_run:
            return

        labels = own_tags(self._task.note, self._task.tags)
        labels |= {COMMAND: self._command}
        labels |= this_process()
        labels |= provenance.commit()

        record = Record(
            experiment=self._task.study.name,
            description=self._task.study.title,
            name=self._name,
            params={},
            tags=labels,
            dataset={},
            seeds=[],
            role=Role.SWEEP,
            store=self._store.shown,
        )
        record.save(self.folder)
        # A worker of an earlier start, which saw that its sweep had gone, may have asked again.
        (self.folder / STOP_FILE).unlink(missing_ok=True)
        self._sweep_file().save(self.folder)
        run_id = recorder.try_to_record(self.folder, self._store)
        held.enter_context(recorder.heartbeat({self.folder: run_id}, self._store))

        if hours := self._task.max_hours:
            reason = f"max_hours={hours:g} is over"
            timer = threading.Timer(3600 * hours, ask_to_stop, (self.folder, reason))
            timer.daemon = True
            timer.start()
            held.callback(timer.cancel)

    @property
    def _name(self) -> str:
        """The name of the sweep in MLflow: how many conditions there are, and of how many."""
        if self._search:
            return f"search over {self._search.searched}"

        count = len(self.folders)
        part = "" if count == self._grid_size else f" of {self._grid_size}"

        return f"sweep of {count}{part} conditions"

    def _sweep_file(self) -> SweepFile:
        """What this sweep is made of."""
        places = {folder: os.path.relpath(folder, self.folder) for folder in self._names}
        jobs = {place: self._names[folder] for folder, place in places.items()}
        wanted = [places[folder] for folder in self.folders]

        return SweepFile(jobs, wanted, str(Path.cwd()))

    def _remove_job_files(self, folders: Iterable[Path]) -> None:
        """Remove what an earlier start left of its jobs in the same folder; their records stay."""
        for name in (STOP_FILE, RETRY_FILE):
            (self.folder / name).unlink(missing_ok=True)

        for folder in folders:
            job = Job.load(folder)
            if not (job and job.is_active):
                (folder / JOB_FILE).unlink(missing_ok=True)

    def mark_dead_jobs(self) -> bool:
        """After a launcher crashed, mark the jobs that died with it.

        Returns:
            whether another pass can finish more of the jobs.
        """
        time.sleep(1)  # the launcher takes its other workers down, too
        self._wait_for_cluster()

        for folder, job in jobs_of(self.folders).items():
            if job.is_dead:
                self._mark_dead(folder, job)

        jobs = jobs_of(self.folders).values()
        settled_before = self._settled
        self._settled = sum(job.has_ended for job in jobs) + sum(job.deaths for job in jobs)

        # A job on another machine is not known to be dead before it has been silent for a while.
        may_run = any(job.state in ACTIVE_STATES for job in jobs)

        return self._settled > settled_before or may_run

    def _wait_for_cluster(self) -> None:
        """Under SLURM, which takes no other job down with one, wait for the others."""
        if uses_slurm(self._config):
            from dropout_study.running.slurm import wait_for_queue

            wait_for_queue()

    def _print_left_in_queue(self) -> None:
        """Under SLURM, whose tasks outlive the sweep, say which do."""
        if self.unfinished and uses_slurm(self._config):
            from dropout_study.running.slurm import left_in_queue

            if line := left_in_queue():
                print(line)

    def packs_to_launch(self) -> list[int]:
        """The numbers of the packs with jobs to carry out in the next pass."""
        retry_file = self.folder / RETRY_FILE
        retried = retry_file.read_text(encoding="utf-8").splitlines() if retry_file.exists() else []

        return [
            number
            for number, pack in enumerate(self.packs)
            if any(_is_left(each.folder, retried) for each in pack)
        ]

    def _mark_dead(self, folder: Path, job: Job) -> None:
        fail_fast = bool(self._task.fail_fast)
        job.die(recorder.PROCESS_DIED, fail_fast)
        self._save_end(folder, job)

        if fail_fast:
            ask_to_stop(self.folder, FAILED_FAST)

    def _save_end(self, folder: Path, job: Job, interrupted: bool = False) -> None:
        """Write down the end of a job whose process could not; a full disk is reported later."""
        with suppress(OSError):
            job.save(folder)
            recorder.end_dead_job(folder, self._store, interrupted)

    def retry_a_dead_job(self) -> bool:
        """Let the jobs of one pack that died run again, one by one: their next death is their own.

        Returns:
            whether there are any.
        """
        jobs = jobs_of(self.folders)

        for pack in self.packs:
            folders = [each.folder for each in pack]
            died = [str(f) for f in folders if f in jobs and jobs[f].state == JobState.DIED]
            if died:
                (self.folder / RETRY_FILE).write_text("\n".join(died), encoding="utf-8")
                return True

        return False

    def begin_next_round(self) -> bool:
        """Let a search propose further jobs by what became of the last ones.

        Returns:
            whether there are any.
        """
        is_stopped = (self.folder / STOP_FILE).exists()
        if self._search is None or self._dry_run or is_stopped:
            return False

        self._search.tell(self._jobs_by_name())
        self._next_round = self._search.next_round()

        return bool(self._next_round)

    def list_next_round(self, config: DictConfig) -> None:
        """Add the jobs of a round that begins with this pass, if one does.

        Args:
            config: Hydra's configuration of the pass, which composes the jobs.
        """
        if not self._next_round:
            return

        known = len(self.folders)
        self._list_round(config, self._next_round)
        self._next_round = []
        self._remove_job_files(self.folders[known:])
        save_packs(self.packs, self.folder)
        self._sweep_file().save(self.folder)

    def _jobs_by_name(self) -> dict[str, Job]:
        return {folder.name: job for folder, job in jobs_of(self.folders).items()}

    def close(self) -> None:
        """Record what is left to record, print the table, and find the jobs that did not finish."""
        jobs = self._wait_for_jobs()
        self._stop_jobs(jobs)
        self.unfinished = [job for job in jobs.values() if job.state not in SUCCESSFUL_STATES]
        self.unfinished += [_never_begun(folder) for folder in self.folders if folder not in jobs]

        with suppress(OSError):  # of a full disk, which the jobs report
            if self.sweep:
                self._end_sweep()

        self._held.close()

        if not self._dry_run:
            self._refresh_view()

        with suppress(OSError):  # of a terminal that was closed
            self._print_results(jobs)
            self._print_left_in_queue()

    def _wait_for_jobs(self) -> dict[Path, Job]:
        """The jobs as their files say, once those that were interrupted have written theirs."""
        for _ in range(CLOSING_CHECKS):
            jobs = jobs_of(self.folders)
            if any(job.state == JobState.RUNNING and job.is_active for job in jobs.values()):
                time.sleep(1)

        return jobs_of(self.folders)

    def _stop_jobs(self, jobs: dict[Path, Job]) -> None:
        """End the jobs that no process is at work on any more."""
        for folder, job in jobs.items():
            if job.is_dead or job.state in (JobState.DIED, JobState.INTERRUPTED):
                own = job.is_dead and job.process == this_process()
                job.enter(JobState.STOPPED, UNWRITTEN if own else "interrupted")
                self._save_end(folder, job, interrupted=True)

    def _end_sweep(self) -> None:
        """Remove the progress line, and record how the sweep ended."""
        self._progress.close()

        if self._dry_run:
            return

        record = Record.load(self.folder)
        record.unfinished = {job.name: f"{job.state}, {job.reason}" for job in self.unfinished}

        if any(job.state == JobState.FAILED for job in self.unfinished):
            count = len(self.unfinished)
            record.end(RunStatus.FAILED, f"{count} of {len(self.folders)} jobs did not finish")
        elif self.unfinished:
            record.end(RunStatus.KILLED, stop_reason(self.folder) or "interrupted")
        else:
            record.end(RunStatus.FINISHED)

        record.save(self.folder)
        recorder.try_to_record(self.folder, self._store)
        self._sync()

    def _refresh_view(self) -> None:
        """Show the columns that vary between the runs that are recorded now."""
        with suppress(*UNREACHABLE), self._store.lock():  # else the earlier view stays
            mlflow_view.refresh(self._store, self._experiment)

    def _print_results(self, jobs: dict[Path, Job]) -> None:
        """Print the table, and where to look."""
        if self._dry_run:
            print_table(plan_of_jobs(list(jobs.values())))
            self._print_sample()
        else:
            self._print_recorded(jobs)

        for line in self._search.lines(self._jobs_by_name()) if self._search else []:
            print(line)

    def _print_recorded(self, jobs: dict[Path, Job]) -> None:
        """Print the table of what is recorded, and where to look."""
        counted = [job for job in jobs.values() if job.errors]

        if counted:
            print_table(results_of_jobs(counted))
            self._print_sample()

        if counted or any((folder / RECORD_FILE).exists() for folder in jobs):
            link = self._store.link(self._task.study.name, self._experiment)
            print("Look at the results:", link)

        if self.sweep and len(counted) > 1 and self._is_comparable(jobs):
            print("Compare them:", self._comparison())

        if any(_is_unrecorded(folder) for folder in jobs):
            print(
                "The store did not take all results. They are kept in their folders; this records "
                f"them: {command('sync')}"
            )

    def _print_sample(self) -> None:
        """Say of how many conditions this was a sample, if it was one."""
        if self._task.sample and len(self._names) < self._grid_size:
            seed = self._task.sample_seed
            print(f"A sample: {len(self._names)} of {self._grid_size} conditions, seed {seed}.")

    def _comparison(self) -> str:
        """The command that compares the conditions of this sweep."""
        study = self._task.study
        folder = os.path.relpath(self.folder)
        plain = re.fullmatch(r"[\w./-]+", folder)
        sweep = f"sweep={folder}" if plain else shlex.quote(f"sweep='{folder}'")
        is_choice = bool(Study.load(study.name).content)
        name = f"{'study' if is_choice else 'study.name'}={study.name}"
        words = [command("compare"), name, sweep, study["values"].get("compare")]

        return " ".join([*filter(None, words), *other_store(self._store.uri)])

    def _is_comparable(self, jobs: Iterable[Path]) -> bool:
        """Whether the store has judged all conditions by the metric that is compared."""
        is_final = self._task.study.stage == FINAL and "weight_scaling" in self._task.rules
        return is_final and not any(_is_unrecorded(folder) for folder in jobs)


def _description(task: DictConfig) -> str:
    """The text of the experiment's page; a sweep that is typed has no command of its own."""
    study = task.study
    typed = not study.grid and not study.cohorts_from
    same = "" if typed else Study(study.name, content={}).command

    return describe(study.name, study.title, same)


def _occupant(folder: Path) -> str:
    """Which process is at work in a folder, as far as its files say."""
    job = Job.load(folder)
    if job and job.is_active:
        return in_words(job.process)

    record = Record.load(folder) if (folder / RECORD_FILE).exists() else None
    if record and record.status == RunStatus.RUNNING:
        return in_words(record.tags)

    return "another start"


def _is_unrecorded(folder: Path) -> bool:
    """Whether a folder holds a run that has ended, and that its store lacks."""
    marked = (folder / UNRECORDED).exists() and (folder / RECORD_FILE).exists()
    return marked and Record.load(folder).status != RunStatus.RUNNING


def _is_left(folder: Path, retried: Sequence[str]) -> bool:
    """Whether a job has not ended; one that died is left if it is retried now.

    Args:
        folder: that of the job.
        retried: the folders of the jobs that are retried.
    """
    job = Job.load(folder)
    if job is None:
        return True

    return str(folder) in retried if job.state == JobState.DIED else not job.has_ended


def _never_begun(folder: Path) -> Job:
    """A job that left no file, or a broken one."""
    broken = (folder / JOB_FILE).exists()
    return Job(
        f"job {folder.name}", JobState.STOPPED, UNWRITTEN if broken else "it was never begun"
    )
