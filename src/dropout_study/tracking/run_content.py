"""What the runs of a record hold in MLflow: params, tags, metrics, data set."""

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric

from dropout_study.measures.statistics import PERCENT, interval, range_of, spread_in_words
from dropout_study.system.processes import now_ms
from dropout_study.tracking import run_links, tags
from dropout_study.tracking.packing import pack_curve, split_text
from dropout_study.tracking.record import TABLE, Record, Role, RunStatus, SeedRecord

PREFIX_WITH_INTERVAL = "test/"
"""Prefix of the metrics whose intervals are metrics of the cohort; its table has all intervals."""
SYSTEM = "system/"
"""Prefix of what the machine did, which MLflow shows on a tab of its own."""
TAGS_OF_SEEDS = (
    tags.CONDITION_DIGEST,
    tags.TRAINING_DIGEST,
    tags.RERUN,
    tags.COMMIT,
    tags.ERA,
    tags.CODE,
    tags.BUDGET,
    tags.ARM,
    tags.CANDIDATE,
    tags.STAGE,
    tags.DEVICE,
    tags.PROCESSOR,
    tags.RESUMED,
    tags.STARTED,
    tags.ENDED,
)
"""Tags of a cohort that the runs of its seeds repeat."""
OUTCOME_TAGS = (tags.WALL_SECONDS, tags.STARTED, tags.ENDED, tags.REASON)
"""Tags that say how a run ended."""
UNSUCCESSFUL = (RunStatus.KILLED, RunStatus.FAILED)
"""How a run has ended that has curves, but no final metrics."""


@dataclass(frozen=True)
class RunContent:
    """What one run holds, its files aside.

    Attributes:
        name: its name.
        started_ms: when it began, in milliseconds since the epoch.
        tags: those that it has from the start.
        params: its params.
        dataset: the data that it was trained on; None for a sweep.
        metrics: the points of its curves, and its final metrics.
        outcome: tags that come with the results.
        status: how it stands.
        ended_ms: when it ended, likewise.
    """

    name: str
    started_ms: int
    tags: dict[str, str]
    params: dict[str, str]
    dataset: DatasetInput | None
    metrics: list[Metric]
    outcome: dict[str, str]
    status: RunStatus
    ended_ms: int | None

    @property
    def resumed(self) -> int:
        """How often the run was resumed after an interruption."""
        return int(self.tags.get(tags.RESUMED, "0"))

    @property
    def changing_tags(self) -> dict[str, str]:
        """The tags that change when a run is resumed: not the description, which users change."""
        return {key: text for key, text in self.tags.items() if key != tags.DESCRIPTION}


def cohort_run(record: Record, folder: Path) -> RunContent:
    """The run of a cohort or a sweep.

    Args:
        record: that of the run.
        folder: that of the record.
    """
    outcome = display_tags(record, folder)
    outcome |= outcome_tags(record, record.status, record.reason)

    return RunContent(
        name=record.name,
        started_ms=record.started_ms,
        tags=cohort_tags(record) | {tags.RECORD_ID: record.id},
        params=params(record),
        dataset=dataset_input(record) if record.dataset else None,
        metrics=cohort_metrics(record),
        outcome=outcome,
        status=record.status,
        ended_ms=record.ended_ms,
    )


def seed_run(record: Record, seed: SeedRecord, experiment: str, parent: str) -> RunContent:
    """The run of a seed.

    Args:
        record: that of the cohort.
        seed: one of its seeds.
        experiment: the id of the experiment.
        parent: the id of the cohort's run.
    """
    own = {
        tags.RECORD_ID: record.id,
        tags.DESCRIPTION: run_links.describe_seed(record, experiment, parent),
    }
    status = record.status_of(seed)
    reason = seed.failure or record.reason

    return RunContent(
        name=f"{record.name}, seed {seed.seed}",
        started_ms=record.started_ms,
        tags=seed_tags(record, seed, parent) | own,
        params=params(record),
        dataset=dataset_input(record) if record.dataset else None,
        metrics=seed_metrics(record, seed),
        outcome=packed_tags(seed) | outcome_tags(record, status, reason),
        status=status,
        ended_ms=record.ended_ms,
    )


def params(record: Record) -> dict[str, str]:
    """The params of every run of a record.

    The number of hidden units is added, a number that MLflow's charts can put on an axis.
    """
    widths = record.params.get("model.widths")
    if not widths:
        return record.params

    units = sum(map(int, widths.split("x")))
    return record.params | {"model.units": str(units)}


def dataset_input(record: Record) -> DatasetInput:
    """The data that a cohort was trained on."""
    dataset = Dataset(
        name=record.dataset["name"],
        digest=record.dataset["digest"],
        source_type="local",
        source=json.dumps({"uri": record.dataset["source"]}),
        profile=json.dumps({"train_size": record.dataset["train_size"]}),
    )
    return DatasetInput(dataset, [InputTag(tags.DATA_CONTEXT, "training")])


def cohort_tags(record: Record) -> dict[str, str]:
    """The tags of a cohort or a sweep when it starts."""
    return record.tags | {tags.ROLE: str(record.role)}


def seed_tags(record: Record, seed: SeedRecord, parent: str) -> dict[str, str]:
    """The tags of a seed when it starts.

    Args:
        record: that of the cohort.
        seed: one of its seeds.
        parent: the id of the cohort's run.
    """
    own = {
        tags.PARENT: parent,
        tags.ROLE: str(Role.SEED),
        tags.SEED: str(seed.seed),
        tags.DATA_DIGEST: seed.data_digest,
    }
    repeated = {key: record.tags[key] for key in TAGS_OF_SEEDS if key in record.tags}
    further_arms = {key: text for key, text in record.tags.items() if key.startswith(tags.ALSO)}

    return own | repeated | further_arms


def outcome_tags(record: Record, status: RunStatus, reason: str) -> dict[str, str]:
    """Tags that say how a run ended; none as long as it runs."""
    if status == RunStatus.RUNNING:
        return {}

    outcome = {tags.WALL_SECONDS: f"{record.seconds:.1f}"}
    if tags.RESTORED not in record.tags:  # then they are those of its first recording, if any
        outcome[tags.STARTED] = _time(record.started_ms)
        outcome[tags.ENDED] = _time(record.ended_ms or now_ms())
    if status != RunStatus.FINISHED:
        outcome[tags.REASON] = reason

    return outcome


def _time(milliseconds: int) -> str:
    """A time as text, to the second.

    >>> _time(1_795_723_200_000)
    '2026-11-26T20:00:00+00:00'
    """
    moment = datetime.datetime.fromtimestamp(milliseconds // 1000, tz=datetime.UTC)
    return moment.isoformat()


def display_tags(record: Record, folder: Path) -> dict[str, str]:
    """The interval of the test error as text, and which of the files MLflow shows as a table.

    Of few seeds, their errors stand in place of the interval.
    """
    shown = {}

    errors = record.values("test/error/weight_scaling")
    if len(errors) > 1:
        shown[tags.INTERVAL] = spread_in_words(errors, PERCENT)

    if (folder / TABLE).exists():
        shown[tags.LOGGED_ARTIFACTS] = json.dumps([{"path": TABLE, "type": "table"}])

    return shown


def packed_tags(seed: SeedRecord) -> dict[str, str]:
    """Curves, misclassified images and pictures as text, in as many tags as it takes.

    The results of thousands of runs can be read with one request, since it returns their tags.
    """
    packed = {
        f"curve/{key}": pack_curve([(step, value) for step, value, _ in curve])
        for key, curve in seed.curves.items()
        if not key.startswith("train/")
    }
    packed |= {f"wrong/{rule}": text for rule, text in seed.wrong.items()}
    packed |= {f"picture/{name}": text for name, text in seed.pictures.items()}

    return {
        name: part
        for key, text in packed.items()
        for name, part in split_text(f"{tags.PACKED}{key}", text).items()
    }


def seed_metrics(record: Record, seed: SeedRecord) -> list[Metric]:
    """The curves of a seed, and its final metrics.

    A final metric that is the last point of a curve is left out.
    """
    points = [
        Metric(key, value, time_ms, update)
        for key, curve in seed.curves.items()
        for update, value, time_ms in curve
    ]
    if record.status_of(seed) in UNSUCCESSFUL:
        return points

    final = {key: value for key, value in seed.metrics.items() if key not in seed.curves}

    return points + _final_metrics(record, final)


def cohort_metrics(record: Record) -> list[Metric]:
    """Mean curves over the seeds, means of the final metrics, and what the machine did.

    Final metrics on test data have the bounds of their 95 % intervals, too.
    """
    points = _mean_curves(record.successful or record.seeds) + _system_metrics(record)
    if record.status == RunStatus.KILLED:
        return points

    in_curves = {key for seed in record.successful for key in seed.curves}
    summary: dict[str, float] = {}

    for key in dict.fromkeys(key for seed in record.successful for key in seed.metrics):
        mean = interval(record.values(key)).within(range_of(key))

        if key not in in_curves:
            summary[key] = _short(mean.mean)

        if mean.n > 1 and key.startswith(PREFIX_WITH_INTERVAL):
            summary[f"{key}_low"] = _short(mean.low)
            summary[f"{key}_high"] = _short(mean.high)

    return points + _final_metrics(record, summary)


def _mean_curves(seeds: Iterable[SeedRecord]) -> list[Metric]:
    """The mean of each curve over the seeds that have it."""
    points = []

    for key in {key for seed in seeds for key in seed.curves}:
        curves = [seed.curves[key] for seed in seeds if key in seed.curves]
        for of_step in zip(*curves, strict=True):
            step, _, time_ms = of_step[0]
            mean = sum(value for _, value, _ in of_step) / len(of_step)
            points.append(Metric(key, _short(mean), time_ms, step))

    return points


def _system_metrics(record: Record) -> list[Metric]:
    """What the machine did, where MLflow's page looks for it; the step is in seconds."""
    return [
        Metric(f"{SYSTEM}{key}", value, time_ms, (time_ms - record.started_ms) // 1000)
        for key, points in record.system.items()
        for time_ms, value in points
    ]


def _short(value: float) -> float:
    """Five digits, for which a column has room; the values of the seeds are exact."""
    return float(f"{value:.5g}")


def _final_metrics(record: Record, values: dict[str, float]) -> list[Metric]:
    time_ms = record.evaluated_ms or record.ended_ms or record.started_ms
    return [Metric(key, value, time_ms, 0) for key, value in values.items()]
