"""The record of a run: a JSON file in the job's folder, written before a store gets anything."""

import dataclasses
import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_study.system.processes import is_alive, now_ms
from dropout_study.tracking import tags
from dropout_study.tracking.packing import pack, pack_picture

if TYPE_CHECKING:
    from torch import Tensor  # a job that is skipped loads no torch

RECORD_FILE = "record.json"
FIGURE = "curves.svg"
TABLE = "seeds.json"
"""The results of the seeds as a table, which MLflow shows on the page of a run."""
UNRECORDED = "unrecorded"
"""An empty file beside a record, as long as its store lacks something of it."""
DIVERGED = "diverged"
"""How the failure of a network begins whose loss or results are not numbers."""
IN_BAD_BAG = "is in a bag with one that diverged"
"""The failure of a network that would have been averaged with one that diverged."""
Curve = list[tuple[int, float, int]]
"""Points of a curve: update, value, time in milliseconds."""
SystemCurve = list[tuple[int, float]]
"""Points of what a machine did: time in milliseconds since the epoch, value."""


class RunStatus(StrEnum):
    """How a run stands, as MLflow calls it."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


def is_divergence(failure: str) -> bool:
    """Whether a network failed because it, or one of its bag, diverged."""
    # Where all networks diverge, the failure begins with the name of the exception, `Diverged`.
    return failure.lower().startswith((DIVERGED, IN_BAD_BAG))


class Role(StrEnum):
    """What a run stands for: the networks of a condition, one of them, or a sweep."""

    COHORT = "cohort"
    SEED = "seed"
    SWEEP = "sweep"


@dataclass
class SeedRecord:
    """The results of one network of a cohort.

    A store shows the last point of a curve as the metric of the same key. So a metric has a key of
    its own, or equals that last point, as the validation error does.

    Attributes:
        data_digest: digest of the training and validation examples of the seed.
        metrics: final values.
        curves: key -> points; the step is the update, or what the key says.
        wrong: rule -> how often each test image was misclassified, packed.
        pictures: name -> grey values, packed.
        failure: why the network failed; empty if it did not.
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
        curve = self.curves.get(key)
        if key not in self.metrics or not curve:
            return False

        _, last, _ = curve[-1]
        return self.metrics[key] != last

    def check(self, key: str) -> None:
        """Refuse a metric that a store would replace by the last point of a curve.

        Raises:
            ValueError: the two differ.
        """
        if self.clashes(key):
            raise ValueError(
                f"{key} is a curve, and a metric that is not its last point: "
                "give the metric another key"
            )


@dataclass
class Record:
    """A run: what it is, how it stands, and its results.

    A cohort has seeds; a sweep has none.

    Attributes:
        experiment: its name, that of the study.
        description: that of the experiment, in Markdown.
        name: the condition in words.
        params: key of the configuration -> value.
        tags: see the module `tags`.
        dataset: name, digest and source of the data, and the number of training examples.
        seeds: the networks.
        artifacts: files of the folder that belong to the run.
        role: `cohort` or `sweep`.
        store: the address of the store to which it belongs, without its password.
        status: how the run stands.
        reason: why it failed or was killed.
        unfinished: of a sweep, the jobs that did not finish -> why.
        system: what the machine did, as MLflow names it -> points.
        started_ms: when it began, in milliseconds since the epoch, as the following.
        ended_ms: when it ended.
        paused_ms: how long it was interrupted, from the last checkpoint on, in milliseconds.
        evaluated_ms: when the final metrics were computed, if after the run.
        id: identifies the record in a store, so that recording it twice makes one run.
    """

    experiment: str
    description: str
    name: str
    params: dict[str, str]
    tags: dict[str, str]
    dataset: dict[str, Any]
    seeds: list[SeedRecord]
    artifacts: list[str] = field(default_factory=list)
    role: Role = Role.COHORT
    store: str = ""
    status: RunStatus = RunStatus.RUNNING
    reason: str = ""
    unfinished: dict[str, str] = field(default_factory=dict)
    system: dict[str, SystemCurve] = field(default_factory=dict)
    started_ms: int = field(default_factory=now_ms)
    ended_ms: int | None = None
    paused_ms: int = 0
    evaluated_ms: int | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def seconds(self) -> float:
        """Wall time of the run without interruptions, until now if it has not ended."""
        return ((self.ended_ms or now_ms()) - self.started_ms - self.paused_ms) / 1000

    @property
    def resumed(self) -> int:
        """How often the run was resumed after an interruption."""
        return int(self.tags.get(tags.RESUMED, "0"))

    def resume(self, record_id: str, started_ms: int, resumed: int, paused_ms: int) -> None:
        """Become the record of a run that was interrupted.

        Args:
            record_id: that of the run.
            started_ms: when it began, in milliseconds since the epoch.
            resumed: how often it was resumed, now included.
            paused_ms: how long it was interrupted, in milliseconds.
        """
        self.id = record_id
        self.started_ms = started_ms
        self.paused_ms = paused_ms
        self.tags[tags.RESUMED] = str(resumed)
        # The last sign of life in the store is that of a process that has gone.
        self.tags[tags.HEARTBEAT] = str(now_ms())

    def begin_anew(self) -> None:
        """Become the record of a new run, and not of the one that was interrupted."""
        self.id = uuid.uuid4().hex
        self.started_ms = now_ms()
        self.paused_ms = 0
        del self.tags[tags.RESUMED], self.tags[tags.HEARTBEAT]

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.status != RunStatus.RUNNING

    @property
    def successful(self) -> list[SeedRecord]:
        """The seeds that did not fail."""
        return [seed for seed in self.seeds if not seed.failure]

    @property
    def failed_by_divergence(self) -> bool:
        """Whether seeds failed, each because it diverged."""
        failures = [seed.failure for seed in self.seeds if seed.failure]
        return bool(failures) and all(map(is_divergence, failures))

    def values(self, metric: str) -> list[float]:
        """A metric of all seeds that have it and did not fail."""
        return [seed.metrics[metric] for seed in self.successful if metric in seed.metrics]

    def add_metric(self, key: str, values: "Tensor") -> None:
        """Add a final value of every network that did not fail.

        Args:
            key: that of the metric.
            values: `[R]`; NaN adds none.

        Raises:
            ValueError: the key is that of a curve that ends with another value.
        """
        for seed, value in zip(self.successful, values.tolist(), strict=True):
            if not math.isnan(value):
                seed.metrics[key] = value
                seed.check(key)

    def add_curve(self, key: str, steps: Sequence[int], values: "Tensor") -> None:
        """Add a curve of every network that did not fail.

        Args:
            key: that of the curve.
            steps: K of them.
            values: `[K, R]`; a NaN among those of a network adds no curve.

        Raises:
            ValueError: the key is that of a metric that differs from the last point.
        """
        for seed, of_seed in zip(self.successful, values.T.tolist(), strict=True):
            if not any(map(math.isnan, of_seed)):
                points = zip(steps, of_seed, strict=True)
                seed.curves[key] = [(step, value, now_ms()) for step, value in points]
                seed.check(key)

    def add_wrong(self, rule: str, shares: "Tensor") -> None:
        """Add how often a rule misclassified each test image, for every network that did not fail.

        Args:
            rule: its name.
            shares: `[R, N]` in [0, 1]; a NaN among those of a network adds none.
        """
        for seed, of_seed in zip(self.successful, shares, strict=True):
            if not of_seed.isnan().any():
                seed.wrong[rule] = pack(of_seed.double().numpy())

    def add_picture(self, name: str, values: "Tensor") -> None:
        """Add a picture of every network that did not fail.

        Args:
            name: that of the picture.
            values: grey values, `[R, H, W]`.
        """
        for seed, of_seed in zip(self.successful, values, strict=True):
            seed.pictures[name] = pack_picture(of_seed.cpu().numpy())

    def status_of(self, seed: SeedRecord) -> RunStatus:
        """The status of one seed: in a cohort that failed, the seeds that did not are finished."""
        if self.status != RunStatus.FAILED:
            return self.status

        return RunStatus.FAILED if seed.failure else RunStatus.FINISHED

    def fail(self, reason: str) -> None:
        """End the run as failed, with every seed."""
        for seed in self.seeds:
            seed.failure = reason
        self.end(RunStatus.FAILED, reason)

    def end(self, status: RunStatus, reason: str = "") -> None:
        """Set the final status."""
        self.status = status
        self.reason = reason
        self.ended_ms = now_ms()

    def is_abandoned(self, folder: Path) -> bool:
        """Whether the record in a folder says RUNNING although its process has gone."""
        beat_ms = int((folder / RECORD_FILE).stat().st_mtime * 1000)
        return self.status == RunStatus.RUNNING and not is_alive(self.tags, beat_ms)

    def save(self, folder: Path) -> None:
        """Write the record whole or not at all, and note that the store lacks it."""
        (folder / UNRECORDED).touch()
        partial = folder / f"{RECORD_FILE}.partial"
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / RECORD_FILE)

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Read the record of a job's folder.

        Earlier versions allowed a metric with the key of a curve. Stores never showed such metrics,
        and they are left out.

        Raises:
            FileNotFoundError: the job did not get as far as training.
        """
        content = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        content["role"] = Role(content["role"])
        content["status"] = RunStatus(content["status"])

        seeds = [SeedRecord(**seed) for seed in content.pop("seeds")]
        for seed in seeds:
            clashing = [key for key in seed.metrics if seed.clashes(key)]
            for key in clashing:
                del seed.metrics[key]

        return cls(seeds=seeds, **content)
