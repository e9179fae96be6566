"""The jobs of a sweep before the first of them runs: overrides, folders, checks, threads."""

import copy
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from dropout_study.config.devices import cores
from dropout_study.config.overrides import expand_sweep
from dropout_study.config.schema import ConfigError
from dropout_study.running.packs import FOLDER
from dropout_study.system.processes import SHARED_THREADS

JOB_NUMBER = "${hydra.job.num}"
BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
SWEEPERS = ("basic", "optuna")
"""The choices of `hydra/sweeper`."""


def list_conditions(config: DictConfig) -> list[list[str]]:
    """The overrides of every condition that the command line of a sweep stands for."""
    return expand_sweep(sweep_overrides(config))


def sweep_overrides(config: DictConfig) -> list[Override]:
    """The overrides of a sweep: those of its file, then those that were typed."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    defaults = config.hydra.sweeper.get("params") or {}
    of_file = [f"{key}={values}" for key, values in defaults.items()]
    typed = _as_typed(config.hydra.overrides.task)

    return list(parser.parse_overrides([*of_file, *typed]))


def compose_job(config: DictConfig, overrides: list[str]) -> DictConfig:
    """The configuration of one job of a sweep."""
    return GlobalHydra.instance().config_loader().load_sweep_config(config, overrides)


def without_hydra(config: DictConfig) -> DictConfig:
    """A copy of a configuration without Hydra's own part."""
    task = copy.deepcopy(config)

    with open_dict(task):
        del task["hydra"]

    return task


def check_study_is_typed(config: DictConfig, sweep: bool) -> None:
    """Refuse a study that a file chooses: its axes are added only where it is typed.

    Raises:
        ConfigError: naming the study.
    """
    chosen = config.hydra.overrides
    overrides = _as_typed(chosen.task) + _as_typed(chosen.hydra)
    typed = {override.partition("=")[0].lstrip("+") for override in overrides}

    if config.study.grid and not (sweep and typed.intersection(config.study.grid)):
        name = config.hydra.runtime.choices.study
        raise ConfigError(f"study={name} is a sweep that has to be typed: add -m study={name}.")


def _as_typed(overrides: ListConfig) -> list[str]:
    """Overrides with their interpolations, which belong to each job and not to the sweep."""
    return cast("list[str]", OmegaConf.to_container(overrides, resolve=False))


def check_launcher(config: DictConfig) -> None:
    """Refuse sweepers that packs cannot be given to, and numbers that end in a traceback.

    Raises:
        ConfigError: naming the key.
    """
    sweeper = config.hydra.runtime.choices["hydra/sweeper"]
    if sweeper not in SWEEPERS:
        allowed = f"one of {', '.join(SWEEPERS)}"
        raise ConfigError(
            f"hydra/sweeper={sweeper} cannot be used: hydra/sweeper must be {allowed}."
        )

    launcher = config.hydra.launcher
    jobs = launcher.get("n_jobs")
    batch = config.hydra.sweeper.get("max_batch_size")

    if jobs == 0:
        key = "hydra.launcher.n_jobs"
        allowed = "at least 1, or -1 for as many as there are cores"
        raise ConfigError(f"{key}=0 cannot be used: {key} must be {allowed}.")

    if batch is not None and batch < 1:
        key = "hydra.sweeper.max_batch_size"
        raise ConfigError(f"{key}={batch} cannot be used: {key} must be at least 1.")

    if uses_slurm(config):
        _check_slurm()
        check_time_limit(launcher.timeout_min, launcher.signal_delay_s)


def _check_slurm() -> None:
    """Refuse SLURM where it is not installed."""
    if shutil.which("srun") is None:
        raise ConfigError(
            "hydra/launcher=submitit_slurm cannot be used: there is no srun here; start the sweep "
            "on a machine of a SLURM cluster, or type hydra/launcher=submitit_local."
        )


def check_time_limit(minutes: int, delay: int) -> None:
    """Refuse a limit before which SLURM would ask a job to end as soon as it has begun.

    Args:
        minutes: the time limit of a job.
        delay: so many seconds before, and up to a minute earlier, SLURM asks.

    Raises:
        ConfigError: naming the shortest limit.
    """
    least = (delay + 60) // 60 + 1
    if minutes < least:
        key = "hydra.launcher.timeout_min"
        raise ConfigError(
            f"{key}={minutes} cannot be used: {key} must be at least {least}, since SLURM asks a "
            f"job to end {delay} s (hydra.launcher.signal_delay_s) and up to a minute before."
        )


def uses_slurm(config: DictConfig) -> bool:
    """Whether the launcher gives the jobs of a sweep to SLURM."""
    return str(config.hydra.launcher.get("_target_", "")).endswith(".SlurmLauncher")


def job_folders(
    config: DictConfig,
    folder: Path,
    conditions: Sequence[list[str]],
    composed: Sequence[DictConfig],
    numbers: Sequence[int] | None = None,
) -> list[Path]:
    """The folder of each job of a sweep.

    Args:
        config: Hydra's configuration of the sweep.
        folder: that of the sweep.
        conditions: the overrides of each job.
        composed: the configuration of each job, with Hydra's part.
        numbers: that of each job in the grid; by default they are all jobs of the grid.

    Raises:
        ConfigError: two jobs would share a folder, or a name is not known before its job starts.
    """
    sweep = cast("dict[str, str]", OmegaConf.to_container(config.hydra.sweep))
    subdir = sweep["subdir"]
    if "job.id" in subdir or "${now:" in subdir:
        raise ConfigError(
            f"hydra.sweep.subdir={subdir} cannot be used: neither the id of a job nor the time of "
            f"its start is known before; {JOB_NUMBER} is, and hydra.sweep.dir may hold a time."
        )

    _check_sweep_folder(config, composed)

    numbers = range(len(conditions)) if numbers is None else numbers
    if subdir == JOB_NUMBER:
        return [folder / str(number) for number in numbers]

    folders = [
        folder / _subfolder(job, number) for number, job in zip(numbers, composed, strict=True)
    ]
    _check_distinct(folders, distinct_overrides(conditions), folder, subdir)

    return folders


def _check_sweep_folder(config: DictConfig, composed: Sequence[DictConfig]) -> None:
    """Refuse a folder of the sweep that differs between its jobs."""
    places = {str(job.hydra.sweep.dir) for job in composed}

    if places != {str(config.hydra.sweep.dir)}:
        written = OmegaConf.to_container(config.hydra.sweep, resolve=False)
        raise ConfigError(
            f"hydra.sweep.dir={cast('dict[str, str]', written)['dir']} cannot be used: it differs "
            f"between the jobs of the sweep, as {' and '.join(sorted(places)[:2])}; "
            "hydra.sweep.subdir is the folder of a job."
        )


def _subfolder(composed: DictConfig, number: int) -> str:
    """The name of the folder of a job."""
    with open_dict(composed):
        composed.hydra.job.num = number

    HydraConfig.instance().set_config(composed)  # for names that use ${hydra:...}

    return str(composed.hydra.sweep.subdir)


def distinct_overrides(conditions: Sequence[list[str]]) -> list[list[str]]:
    """What sets each condition apart from the others; of a single one, all overrides."""
    common = set.intersection(*map(set, conditions))
    distinct = []

    for overrides in conditions:
        own = [override for override in overrides if override not in common]
        distinct.append(own or overrides)

    return distinct


def _check_distinct(
    folders: list[Path], conditions: list[list[str]], sweep: Path, subdir: str
) -> None:
    """Refuse a folder that two jobs, or a job and the sweep itself, would share."""
    owners = {sweep.resolve(): "the sweep itself"}

    for folder, overrides in zip(folders, conditions, strict=True):
        place = folder.resolve()
        name = " ".join(overrides)
        if place in owners:
            raise ConfigError(
                f"hydra.sweep.subdir={subdir} cannot be used: {owners[place]} and {name} would "
                f"share {place}; {JOB_NUMBER} or ${{hydra.job.override_dirname}} keeps jobs apart."
            )

        owners[place] = name


def jobs_at_once(config: DictConfig, total: int) -> int | None:
    """How many jobs a launcher runs on this machine at the same time; None if it does not say.

    Args:
        config: Hydra's configuration of the sweep.
        total: the number of its jobs.
    """
    wanted = config.hydra.launcher.get("n_jobs") or config.hydra.sweeper.get("max_batch_size")
    if not wanted:
        return None

    return min(total, cores() if wanted < 0 else int(wanted))


def limit_threads(config: DictConfig, total: int) -> None:
    """Share the cores of a machine among the jobs that run there at the same time.

    A number of threads that is set already stays. Ray shares the cores itself.

    Args:
        config: Hydra's configuration of the sweep.
        total: the number of its jobs.
    """
    threads = config.hydra.launcher.get("cpus_per_task")
    number = jobs_at_once(config, total)

    if number and not threads:
        threads = max(1, cores() // number)

    if threads and "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        os.environ[SHARED_THREADS] = str(threads)


def launch_packs(config: DictConfig, numbers: Sequence[int]) -> None:
    """Give a launcher packs instead of the conditions that were typed, each by its number.

    Hydra reads the overrides of a sweep after its callbacks.

    Args:
        config: Hydra's configuration of the sweep.
        numbers: those of the packs.
    """
    listed = [each for each in sweep_overrides(config) if not each.is_interval_sweep()]
    first, *_ = expand_sweep(listed)
    of_hydra = [
        override
        for override in _as_typed(config.hydra.overrides.hydra)
        if not override.startswith("hydra.sweep.subdir=")
    ]

    with read_write(config), open_dict(config):
        config.hydra.overrides.task = [*first, f"pack_number={','.join(map(str, numbers))}"]
        config.hydra.overrides.hydra = [*of_hydra, f"hydra.sweep.subdir={FOLDER}/${{pack_number}}"]
        config.hydra.sweeper = {  # also of a search, whose rounds it launches
            "_target_": BASIC_SWEEPER,
            "max_batch_size": config.hydra.sweeper.max_batch_size,
        }
