"""The end of a run: the results of its networks, and a record however it ends."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dropout_study.config.uri import masked
from dropout_study.measures import metrics
from dropout_study.system.termination import Stopped
from dropout_study.tracking import recorder
from dropout_study.tracking.record import DIVERGED, IN_BAD_BAG, Record, RunStatus, SeedRecord
from dropout_study.tracking.store import Store
from dropout_study.training.module import CohortTraining

MIN_LOSSES_FOR_FLUCTUATION = 5
"""Points of the training loss, below which their fluctuation is not measured."""


@contextmanager
def recorded(record: Record, folder: Path, store: Store) -> Iterator[None]:
    """Record a run however the block ends. A store that is away gets the run later.

    Args:
        record: that of the run.
        folder: takes it.
        store: takes the run.
    """
    with ended_together([(record, folder)], store):
        yield

    _end_with_seeds(record)
    record.save(folder)
    recorder.try_to_record(folder, store)


@contextmanager
def ended_together(records: Sequence[tuple[Record, Path]], store: Store) -> Iterator[None]:
    """If the block does not end well, so do the runs that have not ended, and are recorded.

    Args:
        records: those of the runs, each with its folder.
        store: takes the runs.
    """
    try:
        yield
    except BaseException as error:
        # The log is among the files that are recorded below.
        if isinstance(error, Exception) and not isinstance(error, Stopped):
            logging.getLogger("traceback").error("the run failed", exc_info=error)

        left = [(record, folder) for record, folder in records if not record.has_ended]

        for record, folder in left:
            _end_by(record, error)
            record.save(folder)

        recorder.try_to_record_all([folder for _, folder in left], store)

        if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error  # Lightning turns Ctrl-C into an exit

        raise


def _end_by(record: Record, error: BaseException) -> None:
    """End a run by what was raised."""
    match error:
        case KeyboardInterrupt() | SystemExit():
            record.end(RunStatus.KILLED, "interrupted")
        case Stopped():
            record.end(RunStatus.KILLED, str(error))
        case _:
            record.fail(masked(f"{type(error).__name__}: {error}"))


def collect_results(record: Record, module: CohortTraining) -> None:
    """Copy the results of the networks to their seeds; a network that failed has no metrics."""
    reasons = failures(module)

    for i, seed in enumerate(record.seeds):
        if i in reasons:
            seed.failure = reasons[i]
        else:
            seed.metrics = _final_metrics(module, i)
        _copy_curves(module, i, seed)


def failures(module: CohortTraining) -> dict[int, str]:
    """Index of each network that failed -> why; all networks of a bag fail with one of them."""
    reasons = {
        i: f"{DIVERGED} (its loss was not a number at update {update})"
        for i, update in module.diverged.items()
    }

    # A network that the last update broke shows it in its results alone.
    for key, values in module.results.items():
        for i, value in enumerate(values):
            if not math.isfinite(value):
                reasons.setdefault(i, f"{DIVERGED} (its {key} is not a number)")

    size = module.config.bag if "bags" in module.config.probes else 1
    broken_bags = {i // size for i in reasons}

    for i in range(len(module.config.seeds)):
        if i // size in broken_bags:
            reasons.setdefault(i, IN_BAD_BAG)

    return reasons


def _end_with_seeds(record: Record) -> None:
    """End a run as finished, or as failed if some of its seeds have."""
    failed = [seed for seed in record.seeds if seed.failure]
    if not failed:
        record.end(RunStatus.FINISHED)
        return

    names = ", ".join(f"seed {seed.seed} {seed.failure}" for seed in failed)
    reason = f"{len(failed)} of {len(record.seeds)} seeds failed: {names}"
    record.end(RunStatus.FAILED, reason)


def _final_metrics(module: CohortTraining, i: int) -> dict[str, float]:
    """The final metrics of one network."""
    final = {key: values[i] for key, values in module.results.items()}

    losses = [point.values[i] for point in module.curves if point.key == "train/loss"]
    if len(losses) >= MIN_LOSSES_FOR_FLUCTUATION:
        final["train/loss_fluctuation"] = metrics.fluctuation(losses)

    return final


def _copy_curves(module: CohortTraining, i: int, seed: SeedRecord) -> None:
    """Copy the curves of one network to its seed, as far as they are finite."""
    for point in module.curves:
        if math.isfinite(point.values[i]):
            curve = seed.curves.setdefault(point.key, [])
            curve.append((point.update, point.values[i], point.time_ms))
