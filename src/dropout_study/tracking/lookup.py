"""Which seeds of a condition are in a store already, and which are being trained.

A network is identified by its experiment, the digest of its condition, and its seed. A server has
no lock, so two processes may train the same network there. One of the complete runs is then
authoritative, and the others are tagged as duplicates.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlflow.entities import Run

from dropout_study.system.processes import is_alive
from dropout_study.tracking import tags
from dropout_study.tracking.record import Role, RunStatus, is_divergence
from dropout_study.tracking.store import Store

RUNS_PER_SEARCH = 500
"""Ids in one search; databases bound the parameters of a query."""


@dataclass
class RecordedSeeds:
    """The seeds of a condition that are in a store.

    Attributes:
        complete: seed -> its authoritative run.
        running: seed -> the run of the cohort that is being trained.
        diverged: seed -> a run that diverged, as training would again: it gives the same numbers.
    """

    complete: dict[int, Run] = field(default_factory=dict)
    running: dict[int, Run] = field(default_factory=dict)
    diverged: dict[int, Run] = field(default_factory=dict)

    def missing(self, seeds: Iterable[int]) -> list[int]:
        """The seeds that are neither complete nor being trained."""
        return [seed for seed in seeds if seed not in self.complete and seed not in self.running]


def look_up(store: Store, experiment: str, digest: str) -> RecordedSeeds:
    """The seeds of a condition in a store.

    Args:
        store: where to look.
        experiment: its name.
        digest: that of the condition.
    """
    number = store.experiment(experiment)
    return RecordedSeeds() if number is None else _seeds_of(_runs(store, number, digest))


def _seeds_of(runs: Sequence[Run]) -> RecordedSeeds:
    """The seeds that the runs of a condition stand for."""
    authoritative = authoritative_runs(runs)
    recorded = RecordedSeeds(complete={seed: run for (_, seed), run in authoritative.items()})
    recorded.diverged = {seed: run for (_, seed), run in diverged_runs(runs).items()}
    cohorts = cohorts_by_record(runs)

    for run in runs:
        cohort = cohorts.get(run.data.tags[tags.RECORD_ID])
        is_running = tags.SEED in run.data.tags and run.info.status == RunStatus.RUNNING
        if is_running and cohort and is_active(cohort):
            recorded.running[int(run.data.tags[tags.SEED])] = cohort

    return recorded


def authoritative_runs(runs: Sequence[Run]) -> dict[tuple[str, int], Run]:
    """The one run that gives the results of each network: (condition digest, seed) -> run.

    It is complete, and its cohort was not deleted. Of several such runs it is the last that was
    forced (`rerun=true`), or else the first. The tag `duplicate` is not consulted: runs may have
    been deleted or restored since it was written.

    Args:
        runs: all runs of some conditions that were not deleted, cohorts and incomplete runs
            included.
    """
    cohorts = cohorts_by_record(runs)
    authoritative: dict[tuple[str, int], Run] = {}

    for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id)):
        labels = run.data.tags
        is_complete = tags.SEED in labels and labels.get(tags.COMPLETE) == "true"
        if not is_complete or labels.get(tags.RECORD_ID) not in cohorts:
            continue

        network = labels[tags.CONDITION_DIGEST], int(labels[tags.SEED])
        if network not in authoritative or labels.get(tags.RERUN) == "true":
            authoritative[network] = run

    return authoritative


def trained_runs(store: Store, experiment: str, seeds: Iterable[int]) -> dict[str, dict[int, Run]]:
    """The networks that are complete or diverged: training digest -> seed -> run.

    Takes a request per seed and two more.

    Args:
        store: where they are.
        experiment: its name.
        seeds: those to look for.
    """
    number = store.experiment(experiment)
    if number is None:
        return {}

    runs = store.search(number, f"tags.{tags.ROLE} = '{Role.COHORT}'")
    for seed in seeds:
        runs += store.search(number, f"tags.{tags.SEED} = '{seed}'")

    trained: dict[str, dict[int, Run]] = {}

    for run in [*diverged_runs(runs).values(), *authoritative_runs(runs).values()]:
        of_condition = trained.setdefault(run.data.tags[tags.TRAINING_DIGEST], {})
        of_condition[int(run.data.tags[tags.SEED])] = run

    return trained


def validation_error(run: Run) -> float:
    """The validation error of a network in percent; infinite if it diverged, whatever it was."""
    is_complete = run.data.tags.get(tags.COMPLETE) == "true"
    return run.data.metrics.get("val/error", math.inf) if is_complete else math.inf


def diverged_runs(runs: Sequence[Run]) -> dict[tuple[str, int], Run]:
    """The runs of networks that diverged: (condition digest, seed) -> one of its runs.

    Runs of deleted cohorts do not count.

    Args:
        runs: all runs of some conditions that were not deleted, cohorts included.
    """
    cohorts = cohorts_by_record(runs)

    return {
        (run.data.tags[tags.CONDITION_DIGEST], int(run.data.tags[tags.SEED])): run
        for run in runs
        if tags.SEED in run.data.tags
        and run.info.status == RunStatus.FAILED
        and is_divergence(run.data.tags.get(tags.REASON, ""))
        and run.data.tags.get(tags.RECORD_ID) in cohorts
    }


def cohorts_by_record(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs of cohorts, by the id of the record that their seeds share."""
    recorded = [run for run in runs if tags.RECORD_ID in run.data.tags]
    cohorts = [run for run in recorded if run.data.tags[tags.ROLE] == Role.COHORT]
    return {run.data.tags[tags.RECORD_ID]: run for run in cohorts}


def tag_duplicates(store: Store, experiment: str, digest: str) -> None:
    """Tag the complete runs of a condition that are not authoritative, and untag those that are.

    A cohort is a duplicate if no seed of it is authoritative.

    Args:
        store: where they are.
        experiment: its id.
        digest: that of the condition.
    """
    runs = _runs(store, experiment, digest)
    authoritative = authoritative_runs(runs).values()
    records = {run.data.tags[tags.RECORD_ID] for run in authoritative}
    cohorts = [cohort for record, cohort in cohorts_by_record(runs).items() if record in records]
    kept = {run.info.run_id for run in [*authoritative, *cohorts]}

    for run in runs:
        labels = run.data.tags
        if labels.get(tags.COMPLETE) != "true":
            continue

        is_duplicate = run.info.run_id not in kept
        if is_duplicate and tags.DUPLICATE not in labels:
            store.client.set_tag(run.info.run_id, tags.DUPLICATE, "true")

        if not is_duplicate and tags.DUPLICATE in labels:
            store.client.delete_tag(run.info.run_id, tags.DUPLICATE)


def mark_stale_runs_killed(store: Store, experiment: str) -> None:
    """Mark runs as KILLED that say RUNNING although their process has gone.

    Args:
        store: where they are.
        experiment: its id.
    """
    running = store.search(experiment, f"attributes.status = '{RunStatus.RUNNING}'")
    recorded = [run for run in running if tags.RECORD_ID in run.data.tags]
    starters = [run for run in recorded if run.data.tags[tags.ROLE] in (Role.COHORT, Role.SWEEP)]
    active = {run.data.tags[tags.RECORD_ID] for run in starters if is_active(run)}

    for run in recorded:
        if run.data.tags[tags.RECORD_ID] not in active:
            store.client.set_tag(run.info.run_id, tags.REASON, "its process is gone")
            store.client.set_terminated(run.info.run_id, str(RunStatus.KILLED))


def is_active(run: Run) -> bool:
    """Whether the process that began a cohort or a sweep is still at work on it."""
    beat_ms = int(run.data.tags.get(tags.HEARTBEAT, run.info.start_time))
    return run.info.status == RunStatus.RUNNING and is_alive(run.data.tags, beat_ms)


def _runs(store: Store, experiment: str, digest: str) -> list[Run]:
    """The runs of a condition, the oldest first."""
    if not store.is_database:
        return store.search(experiment, f"tags.{tags.CONDITION_DIGEST} = '{digest}'")

    from dropout_study.tracking.database_runs import runs_of_condition, transaction

    with transaction(store.uri) as connection:
        run_ids = runs_of_condition(connection, experiment, digest)

    runs: list[Run] = []
    for start in range(0, len(run_ids), RUNS_PER_SEARCH):
        names = ", ".join(f"'{run_id}'" for run_id in run_ids[start : start + RUNS_PER_SEARCH])
        runs += store.search(experiment, f"attributes.run_id IN ({names})")

    return sorted(runs, key=lambda run: int(run.info.start_time))
