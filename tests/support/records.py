"""Records as training leaves them."""

import copy
from pathlib import Path

from dropout_study.config.condition import ERA
from dropout_study.system.processes import this_process
from dropout_study.tracking.record import Record, RunStatus, SeedRecord


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


def save(saved: Record, folder: Path) -> Path:
    """Save a record with one of its files."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text("seeds: [0, 1]\n")
    saved.save(folder)
    return folder


def stages() -> list[Record]:
    """A record as it is recorded one time after the other."""
    begun = example()
    begun.seeds = [type(seed)(seed.seed, seed.data_digest) for seed in begun.seeds]

    killed = copy.deepcopy(begun)
    killed.end(RunStatus.KILLED, "its process is gone")

    ended = copy.deepcopy(begun)
    ended.seeds = example().seeds
    ended.seeds[0].metrics["ratio"] = float("inf")
    ended.seeds[0].wrong["weight_scaling"] = "x" * 20_000
    ended.end(RunStatus.FINISHED)

    extended = copy.deepcopy(ended)
    extended.evaluated_ms = extended.started_ms + 1_000
    for seed in extended.seeds:
        seed.metrics |= {"test/error/bag": 1.0, "val/error": 2.0}
        seed.curves["val/error"].append((30, 2.0, 3_000))

    return [begun, killed, ended, extended]


def interruption() -> list[Record]:
    """A record of a run that is interrupted, resumed and finished, as it is recorded each time."""
    begun = example()
    begun.tags |= {"sweep": "first"}
    begun.started_ms -= 600_000
    begun.seeds = [type(seed)(seed.seed, seed.data_digest) for seed in begun.seeds]

    killed = copy.deepcopy(begun)
    for seed, whole in zip(killed.seeds, example().seeds, strict=True):
        seed.curves = {"val/error": whole.curves["val/error"][:1]}
        seed.metrics = {"val/error": 9.0, "train/loss_fluctuation": 0.5}
    killed.end(RunStatus.KILLED, "interrupted")

    resumed = example()
    resumed.tags |= {"sweep": "second"}
    resumed.resume(begun.id, begun.started_ms, resumed=1, paused_ms=500)
    ended = copy.deepcopy(resumed)
    resumed.seeds = copy.deepcopy(begun.seeds)

    for seed in ended.seeds:
        first, *others = seed.curves["val/error"]
        step, value, time_ms = first
        seed.curves["val/error"] = [(step, value, time_ms + 100), *others]
    ended.end(RunStatus.FINISHED)
    ended.ended_ms = ended.started_ms + 700_000

    return [begun, killed, resumed, ended]
