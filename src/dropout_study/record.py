"""The record of a run: one JSON file in the job's folder, written before anything reaches a store."""

import dataclasses
import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "record.json"
Curve = list[tuple[int, float, int]]
"""Points of a curve: update, value, time in milliseconds."""


def now_ms() -> int:
    """The time in milliseconds since the epoch, as MLflow counts."""
    return int(time.time() * 1000)


@dataclass
class SeedRecord:
    """What one network of the cohort achieved."""

    seed: int
    data_digest: str
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)


@dataclass
class Record:
    """A cohort's run: what it is, how it stands, and what came out.

    Attributes:
        evaluated_ms: when the final metrics were computed, if after the run.
        status: `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
        reason: why it failed or was killed.
        dataset: name, digest and source of the data, and the number of training examples.
        artifacts: files of the folder that belong to the run.
        id: names the record in a store, so that recording twice makes one run.
    """

    experiment: str
    description: str
    name: str
    params: dict[str, str]
    tags: dict[str, str]
    dataset: dict[str, Any]
    seeds: list[SeedRecord]
    artifacts: list[str] = field(default_factory=list)
    status: str = "RUNNING"
    reason: str = ""
    started_ms: int = field(default_factory=now_ms)
    ended_ms: int | None = None
    evaluated_ms: int | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def seconds(self) -> float:
        """Wall time of the run."""
        return ((self.ended_ms or now_ms()) - self.started_ms) / 1000

    def values(self, metric: str) -> list[float]:
        """A metric of all seeds that have it."""
        return [seed.metrics[metric] for seed in self.seeds if metric in seed.metrics]

    def end(self, status: str, reason: str = "") -> None:
        """Set the final status."""
        self.status, self.reason, self.ended_ms = status, reason, now_ms()

    def save(self, folder: Path) -> None:
        """Write the record whole or not at all."""
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Read the record of a job's folder.

        Raises:
            FileNotFoundError: the job did not get as far as training.
        """
        plain = json.loads((folder / FILE).read_text(encoding="utf-8"))
        seeds = [SeedRecord(**seed) for seed in plain.pop("seeds")]
        return cls(seeds=seeds, **plain)
