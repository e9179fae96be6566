"""A small store of real runs of all studies, from which the report's tests read."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.studies import Study, in_order
from dropout_study.report.publish import STUDIES
from dropout_study.running.carry_out import carry_out
from dropout_study.running.job import Job, JobState
from dropout_study.tracking.store import Store
from support.paths import CONF

SMALLER = {  # than the smoke budget
    "enumerable": {"seeds": "[0,1]", "data.pool": "4"},
    "bagging": {"mc.samples": "10", "study.values.bags": "2"},
    "mc_samples": {"mc.samples": "100", "seeds": "[0,1]"},
    "capacity": {"seeds": "[0,1]"},
    "dropout_rate": {
        "seeds": "[0,1]",
        "arm": "dropout_rate/units_fixed,dropout_rate/noisy_inputs",
        "study.values.units": "[16]",
    },
    "dataset_size": {"seeds": "[0,1]", "model.widths": "[16]"},
    "regularizers": {"seeds": "[0,1]", "model.widths": "[16]"},
    "independent_units": {"seeds": "[0,1]"},
    "ensemble_gain": {"seeds": "[0,1]"},
    "co_adaptation": {"seeds": "[0,1]"},
    "longer": {"seeds": "[0,1]", "study.values.units": "[16]"},
    "robustness": {"seeds": "[0,1]", "study.values.units": "[16]"},
    "cost": {"model.widths": "[16]"},
}


def conditions(study: str, budget: str, changes: dict[str, str]) -> list[list[str]]:
    """The overrides of every condition of a study."""
    grid = Study.load(study).at(budget).grid | changes
    typed = [
        f"study={study}",
        f"budget={budget}",
        *(f"{key}={values}" for key, values in grid.items()),
    ]

    return expand_sweep(parse_overrides(typed))


def composed(study: str, budget: str, changes: dict[str, str]) -> list[DictConfig]:
    """The configurations of every condition of a study."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return [compose("train", overrides) for overrides in conditions(study, budget, changes)]


def build(folder: Path, studies: list[str] | None = None) -> str:
    """Carry out all conditions in this process; returns the address of the store."""
    uri = f"sqlite:///{folder}/mlflow.db"
    places = [f"tracking.uri={uri}", f"checkpoint.folder={folder}/checkpoints"]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        for study in in_order(studies or STUDIES):
            Store(uri).prepare(study, "")
            for i, overrides in enumerate(conditions(study, "smoke", SMALLER[study])):
                job = folder / study / str(i)
                job.mkdir(parents=True)
                carry_out(compose("train", [*overrides, *places]), job, study, folder / study)
                done = Job.load(job)
                assert done.state == JobState.DONE, f"{study}, {overrides}: {done.reason}"

    return uri
