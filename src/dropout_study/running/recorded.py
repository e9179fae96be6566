"""What a store holds of the condition of a job.

Imports neither torch nor Lightning.
"""

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dropout_study.config.condition import condition_digest
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.uri import masked
from dropout_study.system.processes import in_words
from dropout_study.tracking import provenance, tags

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)


@dataclass
class Recorded:
    """What a store holds of the condition of a job.

    Attributes:
        missing: wanted seeds that are neither complete nor being trained.
        runs: those of the wanted seeds that are recorded, with those that diverged in tuning.
        metrics: final metrics of every complete seed of the stage, in the order of the seeds.
        validation: validation error (percent) of the wanted seeds that are recorded; that of a
            candidate's network that diverged is infinite.
        source: which commits, and which other code, gave the wanted seeds that are complete.
        other_code: the code that computed some of the complete seeds, if not the present code.
        trainers: which processes train wanted seeds now; empty if none does.
    """

    missing: list[int]
    runs: "list[Run]" = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    source: str = ""
    other_code: list[str] = field(default_factory=list)
    trainers: str = ""


def look_up_job(config: Config, wanted: list[int]) -> Recorded:
    """What the store holds of a condition; nothing if it is away or training is forced.

    Raises:
        ConfigError: the store refuses this process.
    """
    from dropout_study.tracking.lookup import look_up
    from dropout_study.tracking.store import UNREACHABLE, Store, quiet_mlflow, refuses

    quiet_mlflow()
    store = Store(config.tracking.uri)
    if config.rerun or (config.dry_run and not store.exists):
        return Recorded(wanted)

    try:
        seeds = look_up(store, config.study.name, condition_digest(config))
    except UNREACHABLE as error:
        if refuses(error):
            raise ConfigError(
                f"tracking.uri={store.shown} refuses this process: set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD where it runs."
            ) from error

        # Networks that are trained twice are tagged as duplicates when they are recorded.
        log.warning("the store cannot be queried: %s", masked(str(error)))
        return Recorded(wanted)

    missing = seeds.missing(wanted)
    diverged = []
    if config.study.stage == TUNING:
        diverged = [seeds.diverged[seed] for seed in missing if seed in seeds.diverged]
        missing = [seed for seed in missing if seed not in seeds.diverged]

    complete = [seeds.complete[seed] for seed in wanted if seed in seeds.complete]
    running = [
        seeds.running[seed]
        for seed in wanted
        if seed in seeds.running and seed not in seeds.complete
    ]
    averaged = [
        run
        for seed, run in sorted(seeds.complete.items())
        if seed in wanted or run.data.tags.get(tags.STAGE, FINAL) == config.study.stage
    ]
    origin = provenance.origin([run.data.tags for run in complete]) if complete else "diverged"
    processes = {in_words(run.data.tags) for run in running}

    return Recorded(
        missing=missing,
        runs=[*complete, *diverged],
        metrics=[run.data.metrics for run in averaged],
        validation=[
            *(run.data.metrics.get("val/error", math.inf) for run in complete),
            *(math.inf for _ in diverged),
        ],
        other_code=provenance.other_code(run.data.tags for run in averaged),
        source=f"{origin}; rerun=true trains again",
        trainers=f"being trained by {' and '.join(sorted(processes))}" if processes else "",
    )
