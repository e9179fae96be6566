"""Which seeds of a condition a store holds already, and which are being trained.

The identity of a network is (experiment, digest of its condition, seed). A store has no atomic claim: on a server
two processes may train the same identity. Then one of the complete runs counts, and the others say `duplicate`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.processes import alive
from dropout_study.store import experiment_id

RECORD_ID, COMPLETE, DUPLICATE, RERUN, HEARTBEAT = "record_id", "complete", "duplicate", "rerun", "heartbeat"
MOST = 5_000  # runs asked for at once


@dataclass
class Known:
    """The seeds of a condition that are in a store: the runs that count, and the cohorts that train others now."""

    complete: dict[int, Run] = field(default_factory=dict)
    running: dict[int, Run] = field(default_factory=dict)

    def missing(self, seeds: Iterable[int]) -> list[int]:
        """The seeds that are neither complete nor being trained."""
        return [seed for seed in seeds if seed not in self.complete and seed not in self.running]


def look_up(client: MlflowClient, experiment: str, digest: str) -> Known:
    """What a store knows of a condition; takes two requests, however many runs there are."""
    if not (number := experiment_id(client, experiment)):
        return Known()
    runs = _of_condition(client, number, digest)
    cohorts = {run.data.tags[RECORD_ID]: run for run in runs if run.data.tags["role"] == "cohort"}
    known = Known(complete={seed: counting(same) for seed, same in _complete(runs).items()})
    for run in runs:
        cohort = cohorts.get(run.data.tags[RECORD_ID])
        if "seed" in run.data.tags and run.info.status == "RUNNING" and cohort and at_work(cohort):
            known.running[int(run.data.tags["seed"])] = cohort
    return known


def counting(runs: list[Run]) -> Run:
    """The one of several complete runs of a seed that counts: the last that was forced, or else the first."""
    in_order = sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))
    forced = [run for run in in_order if run.data.tags.get(RERUN) == "true"]
    return forced[-1] if forced else in_order[0]


def settle(client: MlflowClient, experiment_number: str, digest: str) -> None:
    """Tag as duplicates the complete runs of a condition that do not count, and cohorts of which no seed counts."""
    runs = [run for run in _of_condition(client, experiment_number, digest) if run.data.tags.get(COMPLETE) == "true"]
    chosen = [counting(same) for same in _complete(runs).values()]
    seeds, cohorts = {run.info.run_id for run in chosen}, {run.data.tags[RECORD_ID] for run in chosen}
    for run in runs:
        counts = run.info.run_id in seeds if "seed" in run.data.tags else run.data.tags[RECORD_ID] in cohorts
        if not counts and DUPLICATE not in run.data.tags:
            client.set_tag(run.info.run_id, DUPLICATE, "true")
        if counts and DUPLICATE in run.data.tags:
            client.delete_tag(run.info.run_id, DUPLICATE)


def bury(client: MlflowClient, experiment_number: str) -> None:
    """Mark the runs of an experiment as KILLED that say RUNNING while nobody is at work on them."""
    running = list(client.search_runs([experiment_number], "attributes.status = 'RUNNING'", max_results=MOST))
    working = {
        run.data.tags[RECORD_ID] for run in running if run.data.tags.get("role") in ("cohort", "sweep") and at_work(run)
    }
    for run in running:
        if RECORD_ID in run.data.tags and run.data.tags[RECORD_ID] not in working:
            client.set_tag(run.info.run_id, "reason", "its process is gone")
            client.set_terminated(run.info.run_id, "KILLED")


def at_work(run: Run) -> bool:
    """Whether the process that began a cohort or a sweep is still at work on it."""
    tags = run.data.tags
    beat_ms = int(tags.get(HEARTBEAT, run.info.start_time))
    return run.info.status == "RUNNING" and alive(tags["host"], int(tags["pid"]), run.info.start_time, beat_ms)


def _of_condition(client: MlflowClient, experiment_number: str, digest: str) -> list[Run]:
    return list(client.search_runs([experiment_number], f"tags.config_digest = '{digest}'", max_results=MOST))


def _complete(runs: Iterable[Run]) -> dict[int, list[Run]]:
    """The complete runs of each seed."""
    seeds: dict[int, list[Run]] = {}
    for run in runs:
        if "seed" in run.data.tags and run.data.tags.get(COMPLETE) == "true":
            seeds.setdefault(int(run.data.tags["seed"]), []).append(run)
    return seeds
