"""The jobs that a script has left."""

from pathlib import Path

from dropout_study.running.job import JOB_FILE, Job
from dropout_study.running.progress import jobs_of


def jobs_below(folder: Path) -> list[Job]:
    """The jobs of a folder and of all folders in it."""
    return list(jobs_of(sorted(file.parent for file in folder.rglob(JOB_FILE))).values())
