"""A small store of real runs of all studies and stages, from which the report's tests read."""

from pathlib import Path

from omegaconf import DictConfig

from dropout_study.claims import STUDIES
from dropout_study.config.names import TUNING
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.studies import SETTINGS, Study, in_order
from dropout_study.report.scopes import stages
from dropout_study.running.carry_out import carry_out
from dropout_study.running.choices import find_tuning
from dropout_study.running.command_line import place_of
from dropout_study.running.job import Job, JobState
from dropout_study.running.packs import Assignment, packs_of
from dropout_study.tracking.store import Store
from support.composing import composed_run
from support.paths import CONF

ONE_CANDIDATE = {"study.candidates": "1", "budget.validations": "2"}
SHORT = ONE_CANDIDATE | {"study.values.updates": "{tuning: 4, final: 10, half: 5}"}
SMALLER = {  # than the smoke budget; `capacity` alone chooses among several candidates
    "enumerable": {"seeds": "[100,101]", "data.pool": "4", "budget.updates": "10"},
    "exact": SHORT,
    "reference": SHORT | {"model.widths": "[32,32]"},
    "sampling": {"mc.samples": "40"},
    "autoencoder": SHORT | {"model.widths": "[16]"},
    "capacity": SHORT | {"study.candidates": "2"},
    "narrow": SHORT | {"study.values.updates": "{tuning: 4, final: 20, half: 10}"},
    "dataset_size": SHORT
    | {
        "model.widths": "[16,16]",
        "study.values.updates": "{tuning: {other: 4}, final: {other: 10}, half: {other: 5}}",
    },
    "regularizers": SHORT | {"model.widths": "[16,16]"},
    "bagging": SHORT | {"study.values.long_updates": "{tuning: 8, final: 24, half: 12}"},
    "mc_samples": ONE_CANDIDATE
    | {
        "study.values.digits_updates": "{tuning: 4, final: 10, half: 5}",
        "study.values.masks": "40",
    },
    "cost": {"model.widths": "[16,16]", "budget.updates": "10"},
    "linear_regression": {"budget.updates": "10"},
    "noise": SHORT | {"model.widths": "[16,16]"},
    "untied": SHORT
    | {
        "model.widths": "[16,16]",
        "study.values.long_updates": "{tuning: 8, final: 24, half: 12}",
    },
    "growth": {"model.widths": "[16,16]", "study.values.updates": "{final: 10, half: 5}"},
    "fast_dropout": SHORT,
    "large_data": SHORT
    | {
        "model.widths": "[16,16]",
        "data.train_size": "1000,2000,4000",
        "study.values.updates": "{tuning: {other: 4}, final: {other: 10}, half: {other: 5}}",
    },
    "early_dropout": SHORT,
}


def conditions(
    study: str, budget: str, changes: dict[str, str], stage: str | None = None
) -> list[list[str]]:
    """The overrides of every condition of a study; without a stage, of all but its tuning.

    Args:
        study: its name.
        budget: its budget.
        changes: values that replace those of its grid.
        stage: one stage alone.
    """
    grid = _load(study, changes).at(budget, stage=stage).grid | changes
    typed = [
        f"study={study}",
        f"budget={budget}",
        *(f"{key}={values}" for key, values in grid.items()),
    ]

    return expand_sweep(parse_overrides(typed))


def _load(study: str, changes: dict[str, str]) -> Study:
    """A study, tuned as some changes say."""
    settings = {key: changes[key] for key in SETTINGS if key in changes}
    return Study.load(study).with_settings(settings)


def composed(
    study: str, budget: str, changes: dict[str, str], stage: str | None = None
) -> list[DictConfig]:
    """The configurations of every condition of a study."""
    jobs = conditions(study, budget, changes, stage)
    return [composed_run(overrides) for overrides in jobs]


def changes_of(study: str) -> dict[str, str]:
    """What makes a study smaller; one of stored cohorts is changed as the one that trained them."""
    source = Study.load(study).source
    inherited = {} if source is None else changes_of(source.name)

    return inherited | SMALLER.get(study, {})


def build(folder: Path, studies: list[str] | None = None) -> str:
    """Carry out all conditions in this process, stage by stage; the address of the store."""
    uri = f"sqlite:///{folder}/mlflow.db"
    places = [f"tracking.uri={uri}", f"checkpoint.folder={folder}/checkpoints"]

    for study in in_order(studies or STUDIES):
        Store(uri).prepare(study, "")
        chosen: list[str] = []

        for stage in stages(Study.load(study).at("smoke")):
            if stage != TUNING:
                chosen = chosen or choices(study, places)

            carry_out_stage(folder / study / stage, study, stage, [*chosen, *places])

    return uri


def carry_out_stage(folder: Path, study: str, stage: str, added: list[str]) -> None:
    """Carry out all conditions of a stage of a study, each with some further overrides."""
    jobs = conditions(study, "smoke", changes_of(study), stage)
    assignments = []

    for i, job in enumerate(jobs):
        (folder / str(i)).mkdir(parents=True)
        assignments.append(Assignment(composed_run([*job, *added]), folder / str(i), study))

    for pack in packs_of(assignments):
        carry_out(pack, folder)

    for assignment, job in zip(assignments, jobs, strict=True):
        done = Job.load(assignment.folder)
        assert done.state == JobState.DONE, f"{study}, {job}: {done.reason}"


def choices(study: str, places: list[str]) -> list[str]:
    """What the tuning of a study has chosen, as overrides; none if nothing is tuned."""
    changes = changes_of(study)
    tuned = _load(study, changes).at("smoke").tuned
    if tuned is None:
        return []

    typed = [f"{key}={values}" for key, values in changes.items()]
    tuning = find_tuning(tuned.at("smoke", stage=TUNING), [*typed, *places], place_of([], CONF))
    assert tuning.is_settled

    return [tuning.chosen]
