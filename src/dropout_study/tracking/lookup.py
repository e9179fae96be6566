"""Which seeds of a condition a store holds already, and which are being trained.

The identity of a network is (experiment, digest of its condition, seed). A server has no lock: two
processes may train the same identity there. Then one of the complete runs counts, and the others
say `duplicate`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.system.processes import alive
from dropout_study.tracking.store import experiment_id, search

RECORD_ID = "record_id"
COMPLETE = "complete"
DUPLICATE = "duplicate"
RERUN = "rerun"
HEARTBEAT = "heartbeat"


@dataclass
class Known:
    """The seeds of a condition that are in a store: the runs that count, and the cohorts that train others now."""

    complete: dict[int, Run] = field(default_factory=dict)
    running: dict[int, Run] = field(default_factory=dict)

    def missing(self, seeds: Iterable[int]) -> list[int]:
        """The seeds that are neither complete nor being trained."""
        return [seed for seed in seeds if seed not in self.complete and seed not in self.running]


def look_up(client: MlflowClient, experiment: str, digest: str) -> Known:
    """What a store knows of a condition; takes two requests, unless there are thousands of runs."""
    if not (number := experiment_id(client, experiment)):
        return Known()

    runs = _of_condition(client, number, digest)
    known = Known(complete={seed: run for (_, seed), run in counted(runs).items()})
    cohorts = cohorts_of(runs)

    for run in runs:
        cohort = cohorts.get(run.data.tags[RECORD_ID])
        if "seed" in run.data.tags and run.info.status == "RUNNING" and cohort and at_work(cohort):
            known.running[int(run.data.tags["seed"])] = cohort

    return known


def counted(runs: Sequence[Run]) -> dict[tuple[str, int], Run]:
    """The runs that count: the digest of a condition and a seed -> the run of that seed.

    It is complete, and its cohort was not deleted. Of several it is the last that was forced
    (`rerun=true`), or else the first. The tag `duplicate` has no say: runs may have been deleted or
    restored since it was written.

    Args:
        runs: those of whole conditions that were not deleted, cohorts and incomplete ones included.
    """
    cohorts = cohorts_of(runs)
    found: dict[tuple[str, int], Run] = {}

    for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id)):
        tags = run.data.tags
        if "seed" in tags and tags.get(COMPLETE) == "true" and tags.get(RECORD_ID) in cohorts:
            network = tags["config_digest"], int(tags["seed"])
            if network not in found or tags.get(RERUN) == "true":
                found[network] = run

    return found


def cohorts_of(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs of cohorts, by the id of the record that their seeds share."""
    recorded = [run for run in runs if RECORD_ID in run.data.tags]
    return {run.data.tags[RECORD_ID]: run for run in recorded if run.data.tags["role"] == "cohort"}


def settle(client: MlflowClient, experiment_number: str, digest: str) -> None:
    """Tag as duplicates the complete runs of a condition that do not count, and cohorts of which no seed counts."""
    runs = _of_condition(client, experiment_number, digest)
    chosen = counted(runs).values()
    seeds = {run.info.run_id for run in chosen}
    cohorts = {run.data.tags[RECORD_ID] for run in chosen}

    for run in runs:
        if run.data.tags.get(COMPLETE) != "true":
            continue

        counts = (
            run.info.run_id in seeds
            if "seed" in run.data.tags
            else run.data.tags[RECORD_ID] in cohorts
        )
        if not counts and DUPLICATE not in run.data.tags:
            client.set_tag(run.info.run_id, DUPLICATE, "true")

        if counts and DUPLICATE in run.data.tags:
            client.delete_tag(run.info.run_id, DUPLICATE)


def bury(client: MlflowClient, experiment_number: str) -> None:
    """Mark the runs of an experiment as KILLED that say RUNNING while nobody is at work on them."""
    running = search(client, experiment_number, "attributes.status = 'RUNNING'")
    working = {
        run.data.tags[RECORD_ID]
        for run in running
        if run.data.tags.get("role") in ("cohort", "sweep") and at_work(run)
    }

    for run in running:
        if RECORD_ID in run.data.tags and run.data.tags[RECORD_ID] not in working:
            client.set_tag(run.info.run_id, "reason", "its process is gone")
            client.set_terminated(run.info.run_id, "KILLED")


def at_work(run: Run) -> bool:
    """Whether the process that began a cohort or a sweep is still at work on it."""
    beat_ms = int(run.data.tags.get(HEARTBEAT, run.info.start_time))
    return run.info.status == "RUNNING" and alive(run.data.tags, beat_ms)


def _of_condition(client: MlflowClient, experiment_number: str, digest: str) -> list[Run]:
    return search(client, experiment_number, f"tags.config_digest = '{digest}'")
