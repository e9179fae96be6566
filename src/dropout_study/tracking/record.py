"""The record of a run: one JSON file in the job's folder, written before anything reaches a store."""

import dataclasses
import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_study.system.processes import alive, now_ms
from dropout_study.tracking.packing import pack, pack_picture

if TYPE_CHECKING:
    from torch import Tensor  # a job that is skipped loads no torch

FILE = "record.json"
TABLE = "seeds.json"  # the results as a table
UNRECORDED = "unrecorded"  # lies beside a record as long as its store lacks something of it
Curve = list[tuple[int, float, int]]
"""Points of a curve: update, value, time in milliseconds."""


@dataclass
class SeedRecord:
    """What one network of the cohort achieved.

    A store shows the last point of a curve as the metric of that key. So a metric has a key of its
    own, or is that last point, such as the validation error.

    Attributes:
        metrics: final values.
        curves: by update, or by whatever the step of a curve is.
        wrong: rule -> which test images it misclassified, packed.
        pictures: name -> grey values, packed.
        failure: why the network does not count, if it does not.
    """

    seed: int
    data_digest: str
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    failure: str = ""

    def clashes(self, key: str) -> bool:
        """Whether a metric has the key of a curve without being its last point."""
        both = key in self.metrics and self.curves.get(key)
        return bool(both) and self.metrics[key] != self.curves[key][-1][1]

    def check(self, key: str) -> None:
        """Refuse a metric that a store would replace by the last point of a curve.

        Raises:
            ValueError: the two differ.
        """
        if self.clashes(key):
            found = f"{key} is a curve, and a metric that is not its last point"
            raise ValueError(f"{found}: give the metric another key")


@dataclass
class Record:
    """A run: what it is, how it stands, and what came out. A cohort has seeds; a sweep has none of its own.

    Attributes:
        dataset: name, digest and source of the data, and the number of training examples.
        artifacts: files of the folder that belong to the run.
        role: `cohort` or `sweep`.
        store: the address of the store it belongs into, without its password.
        status: `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
        reason: why it failed or was killed.
        evaluated_ms: when the final metrics were computed, if after the run.
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
    role: str = "cohort"
    store: str = ""
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

    @property
    def whole(self) -> list[SeedRecord]:
        """The seeds that did not fail."""
        return [seed for seed in self.seeds if not seed.failure]

    def values(self, metric: str) -> list[float]:
        """A metric of all seeds that have it and did not fail."""
        return [seed.metrics[metric] for seed in self.whole if metric in seed.metrics]

    def add_metric(self, key: str, values: "Tensor") -> None:
        """A final value of every network that did not fail, `[R]`; nan is none.

        Raises:
            ValueError: the key is that of a curve that ends with another value.
        """
        for seed, value in zip(self.whole, values.tolist(), strict=True):
            if not math.isnan(value):
                seed.metrics[key] = value
                seed.check(key)

    def add_curve(self, key: str, steps: Sequence[int], values: "Tensor") -> None:
        """A curve of every network that did not fail: values `[K, R]` at K steps; nan is none.

        Raises:
            ValueError: the key is that of a metric with another value than the last.
        """
        for seed, of_seed in zip(self.whole, values.T.tolist(), strict=True):
            if not any(map(math.isnan, of_seed)):
                seed.curves[key] = [
                    (step, value, now_ms()) for step, value in zip(steps, of_seed, strict=True)
                ]
                seed.check(key)

    def add_wrong(self, rule: str, shares: "Tensor") -> None:
        """How often a rule misclassified each test image, `[R, N]` in [0, 1]; nan is not known.

        A row for every network that did not fail.
        """
        for seed, of_seed in zip(self.whole, shares, strict=True):
            if not of_seed.isnan().any():
                seed.wrong[rule] = pack(of_seed.double().numpy())

    def add_picture(self, name: str, values: "Tensor") -> None:
        """A picture of every network that did not fail, grey values `[R, H, W]`."""
        for seed, of_seed in zip(self.whole, values, strict=True):
            seed.pictures[name] = pack_picture(of_seed.cpu().numpy())

    def status_of(self, seed: SeedRecord) -> str:
        """The status of one seed: those that did not fail are finished, though their cohort is not whole."""
        if self.status == "FAILED":
            return "FAILED" if seed.failure else "FINISHED"
        return self.status

    def fail(self, reason: str) -> None:
        """The run as a whole, and so every seed, has failed."""
        for seed in self.seeds:
            seed.failure = reason
        self.end("FAILED", reason)

    def end(self, status: str, reason: str = "") -> None:
        """Set the final status."""
        self.status = status
        self.reason = reason
        self.ended_ms = now_ms()

    def abandoned(self, folder: Path) -> bool:
        """Whether the record in a folder says RUNNING, and its process is gone."""
        beat_ms = int((folder / FILE).stat().st_mtime * 1000)
        return self.status == "RUNNING" and not alive(self.tags, beat_ms)

    def save(self, folder: Path) -> None:
        """Write the record whole or not at all, and note that the store lacks it."""
        (folder / UNRECORDED).touch()
        partial = folder / f"{FILE}.partial"
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Read the record of a job's folder, without metrics of older ones that no store has shown.

        Raises:
            FileNotFoundError: the job did not get as far as training.
        """
        plain = json.loads((folder / FILE).read_text(encoding="utf-8"))
        seeds = [SeedRecord(**seed) for seed in plain.pop("seeds")]
        for seed in seeds:
            kept = {key: value for key, value in seed.metrics.items() if not seed.clashes(key)}
            seed.metrics = kept

        return cls(seeds=seeds, **plain)
