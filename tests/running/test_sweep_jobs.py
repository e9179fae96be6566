"""The folders of the jobs of a sweep."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from dropout_study.config.schema import ConfigError
from dropout_study.running.sweep_jobs import (
    check_launcher,
    check_study_is_typed,
    check_time_limit,
    compose_job,
    job_folders,
    launch_packs,
    list_conditions,
)

Compose = Callable[..., DictConfig]


def subfolders(composed: Compose, subdir: str, *axes: str) -> list[str]:
    config = composed(f"hydra.sweep.subdir='{subdir}'", *axes)
    sweep = Path(config.hydra.sweep.dir)  # its time is that of all jobs
    conditions = list_conditions(config)
    jobs = [compose_job(config, overrides) for overrides in conditions]

    return [folder.name for folder in job_folders(config, sweep, conditions, jobs)]


def test_each_condition_has_the_folder_that_hydra_gives_it(composed: Compose) -> None:
    """If this failed, a sweep would not find its jobs, or find those of another."""
    rates = "model.hidden_rate=0,0.5"
    folders = {
        "${hydra.job.num}": ["0", "1"],
        "rate${model.hidden_rate}": ["rate0.0", "rate0.5"],
        "${hydra:job.num}-${model.hidden_rate}": ["0-0.0", "1-0.5"],
        "${hydra.job.override_dirname}": ["model.hidden_rate=0", "model.hidden_rate=0.5"],
    }
    assert {subdir: subfolders(composed, subdir, rates) for subdir in folders} == folders


@pytest.mark.parametrize(
    ("subdir", "said"),
    [
        (
            "rate${model.hidden_rate}",
            "hidden_rate=0 model.activation=relu and model.hidden_rate=0 model.activation=tanh",
        ),
        (".", "the sweep itself and model.hidden_rate=0 model.activation=relu would share"),
        ("${hydra.job.id}", "neither the id of a job nor the time"),
    ],
)
def test_folders_that_are_not_distinct_are_refused(
    composed: Compose,
    subdir: str,
    said: str,
) -> None:
    """If this failed, half of a sweep would be taken for the other half, and never be trained."""
    with pytest.raises(ConfigError, match=said) as refused:
        subfolders(composed, subdir, "model.hidden_rate=0,0.5", "model.activation=relu,tanh")
    assert "${hydra.job.num}" in str(refused.value)


def test_interpolations_that_are_typed_belong_to_each_job(composed: Compose) -> None:
    """If this failed, all jobs would have the value of the sweep itself, here the default rate."""
    config = composed("model.hidden_rate=0,0.25", "model.input_rate=${model.hidden_rate}")
    jobs = [compose_job(config, condition) for condition in list_conditions(config)]
    assert [job.model.input_rate for job in jobs] == [0.0, 0.25]


def test_an_interpolation_of_what_only_jobs_have_is_no_mistake(composed: Compose) -> None:
    """If this failed, a study whose updates depend on its stage would stop before its first job."""
    config = composed("+study.values.rate=0,0.25", "model.input_rate=${study.values.rate}")
    check_study_is_typed(config, sweep=True)
    jobs = [compose_job(config, condition) for condition in list_conditions(config)]
    assert [job.model.input_rate for job in jobs] == [0.0, 0.25]


def test_a_folder_of_the_sweep_that_differs_between_jobs_is_refused(composed: Compose) -> None:
    """If this failed, jobs would look for their packs in folders that do not exist."""
    with pytest.raises(ConfigError, match=r"^hydra.sweep.dir=out/.* as out/0.0 and out/0.5"):
        subfolders(
            composed,
            "${hydra.job.num}",
            "hydra.sweep.dir='out/${model.hidden_rate}'",
            "model.hidden_rate=0,0.5",
        )


def test_a_sweep_over_all_choices_of_a_group_is_packed(composed: Compose) -> None:
    """If this failed, Hydra would start jobs that no pack knows."""
    config = composed("schedule=glob(*)")
    launch_packs(config, [0, 1, 2])
    assert config.hydra.overrides.task == ["schedule=constant", "pack_number=0,1,2"]


def test_a_launcher_gets_a_pack_for_each_of_its_jobs(composed: Compose) -> None:
    """If this failed, a launcher would get conditions that others are trained with, or write its
    log into the folder of a condition.
    """
    rates = "model.hidden_rate=0,0.5,0.2"
    config = composed("hydra.sweep.subdir=mine", "study.name=a", rates, "seeds=[0,1]")
    launch_packs(config, [1, 4])
    jobs = [compose_job(config, overrides) for overrides in list_conditions(config)]
    assert [job.pack_number for job in jobs] == [1, 4]

    for job in jobs:
        assert (job.study.name, job.model.hidden_rate, job.seeds) == ("a", 0, [0, 1])
        assert job.hydra.sweep.subdir == f"packs/{job.pack_number}"


def test_a_single_pack_may_be_launched_again(composed: Compose) -> None:
    """If this failed, a job that died would be retried along with all that are done."""
    config = composed("model.hidden_rate=0,0.5")
    launch_packs(config, [3])
    (job,) = (compose_job(config, overrides) for overrides in list_conditions(config))
    assert (job.pack_number, job.hydra.sweep.subdir) == (3, "packs/3")


def test_slurm_is_refused_where_there_is_none(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, the mistake would end in a traceback, after a store has been created."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="there is no srun here"):
        check_launcher(composed("hydra/launcher=submitit_slurm"))


@pytest.mark.parametrize(("minutes", "delay", "least"), [(3, 120, 4), (2, 60, 3), (1, 1, 2)])
def test_a_time_limit_in_which_nothing_is_trained_is_refused(
    minutes: int, delay: int, least: int
) -> None:
    """If this failed, each job would be asked to end as soon as it begins, again and again."""
    with pytest.raises(ConfigError, match=rf"timeout_min must be at least {least}, since SLURM"):
        check_time_limit(minutes, delay)

    check_time_limit(least, delay)
