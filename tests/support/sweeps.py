"""The folder of a sweep as its processes leave it."""

from collections.abc import Mapping
from pathlib import Path

from dropout_study.running.job import Job
from dropout_study.running.sweep_file import SweepFile
from dropout_study.system.processes import now_ms
from dropout_study.tracking.record import Record, Role
from dropout_study.tracking.tags import COMMAND

TYPED = "python scripts/train.py -m model.hidden_rate=0,0.5"


def save_sweep(
    folder: Path,
    process: Mapping[str, str],
    jobs: Mapping[str, Job | None],
    seconds: float = 100,
    command: str = TYPED,
) -> Record:
    """Write the files of a sweep that began some seconds ago.

    Args:
        folder: takes them.
        process: that of the sweep.
        jobs: folder of each job -> how it stands; None if it has not begun.
        seconds: since its start.
        command: what was typed.

    Returns:
        its record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(
        experiment="exploration",
        description="",
        name=f"sweep of {len(jobs)} conditions",
        params={},
        tags={COMMAND: command, **process},
        dataset={},
        seeds=[],
        role=Role.SWEEP,
        store=f"sqlite:///{folder.parent}/mlflow.db",
        started_ms=now_ms() - int(1000 * seconds),
    )
    record.save(folder)
    names = {place: f"overrides of {place}" for place in jobs}
    SweepFile(names, list(jobs), str(folder.parent)).save(folder)

    for place, job in jobs.items():
        if job:
            (folder / place).mkdir(parents=True, exist_ok=True)
            job.save(folder / place)

    return record
