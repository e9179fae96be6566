"""What is made of a job that an earlier pass has left."""

from pathlib import Path

import pytest

from dropout_study.running.earlier_passes import RESTARTS, deaths_so_far
from dropout_study.running.job import Job
from dropout_study.tracking.record import Record
from support.processes import another_process
from support.records import example


@pytest.mark.parametrize(
    ("restarts", "deaths", "status"),
    [(None, 1, "FAILED"), ("0", 1, "FAILED"), ("1", 0, "KILLED")],
    ids=["no SLURM", "a further task", "begun again"],
)
def test_a_job_that_slurm_has_ended_and_begins_again_has_not_died(
    tmp_path: Path,
    uri: str,
    monkeypatch: pytest.MonkeyPatch,
    restarts: str | None,
    deaths: int,
    status: str,
) -> None:
    """If this failed, a job would not be resumed after it was preempted, and fail the next time."""
    with another_process() as (_, gone):
        pass

    Job("job", condition="its own", process=gone).save(tmp_path)
    begun = example()
    begun.tags |= gone
    begun.save(tmp_path)

    if restarts:
        monkeypatch.setenv(RESTARTS, restarts)

    assert deaths_so_far(tmp_path, None, "its own", uri) == deaths
    assert Record.load(tmp_path).status == status
