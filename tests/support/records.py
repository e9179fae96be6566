"""A record as training leaves it."""

from dropout_study.config.condition import ERA
from dropout_study.system.processes import this_process
from dropout_study.tracking.record import Record, SeedRecord


def example() -> Record:
    """A record of two seeds as training leaves it."""
    seeds = []

    for seed, error in ((0, 2.0), (1, 4.0)):
        metrics = {"val/error": error + 1, "test/error/weight_scaling": error}
        curves = {"val/error": [(10, 9.0, 1_000), (20, error + 1, 2_000)]}
        seeds.append(SeedRecord(seed, f"digest{seed}", metrics, curves))

    return Record(
        experiment="capacity",
        description="what it is about",
        name="mlp 8, rate 0.5",
        params={"model.hidden_rate": "0.5"},
        tags={"config_digest": "abc", "era": str(ERA), "git.commit": "0123"} | this_process(),
        dataset={"name": "digits", "digest": "def", "source": "sklearn", "train_size": 100},
        seeds=seeds,
        artifacts=["config.yaml", "absent.txt"],
    )
