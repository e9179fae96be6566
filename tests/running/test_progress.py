"""What the line of a sweep says."""

from pathlib import Path

import pytest

from dropout_study.running.job import JOB_FILE, Job, JobState
from dropout_study.running.progress import duration, jobs_of, outcome_line, progress_line


def test_the_jobs_of_a_start_are_those_in_its_folders(tmp_path: Path) -> None:
    """If this failed, what lies below a folder would count as the start's, or be removed by it."""
    for name in ("2", "10", "10/below", "beside", "broken"):
        (tmp_path / name).mkdir()
        Job(name).save(tmp_path / name)

    (tmp_path / "broken" / JOB_FILE).write_text('{"name": "cut sho')
    folders = [tmp_path / name for name in ("2", "10", "broken", "not begun")]
    assert [job.name for job in jobs_of(folders).values()] == ["2", "10"]


def test_the_line_counts_ranks_and_estimates() -> None:
    """If this failed, the one thing that a user looks at during a sweep would be wrong."""
    jobs = [
        Job("a", state=JobState.DONE, errors=[1.0, 3.0]),
        Job("b", state=JobState.SKIPPED, errors=[1.0, 2.0]),
        Job("c", state=JobState.FAILED, reason="out of memory"),
        Job("d", share=0.5),
    ]
    # 1.5 jobs took 100 s, and 3.5 are left to do.
    assert (
        progress_line(jobs, 7, 100)
        == "4 min left, 1 done, 1 failed, 1 skipped, 4 to do, best 1.50 % (b)"
    )


def test_the_evaluation_of_a_job_is_a_part_of_its_work() -> None:
    """If this failed, a sweep would be at 100 %, or without time left, while test data are
    evaluated.
    """
    trained = Job("a", share=1.0, resumed_at=0.5, evaluation=0.6)
    assert (trained.progress, trained.progress_here) == pytest.approx((0.4, 0.2))
    evaluated = Job("a", share=1.0, evaluation=0.6, evaluated=0.5)
    assert evaluated.progress == pytest.approx(0.7)
    # 0.7 of it took 70 s, and 0.3 of it and another job are left.
    assert progress_line([evaluated], 2, 70) == "2 min left, 2 to do, evaluation on test data: 50 %"
    evaluated.state = JobState.DONE
    assert evaluated.progress == 1.0
    assert progress_line([evaluated], 1, 70) == "1 done, 0 to do"


def test_a_line_without_anything_done_promises_nothing() -> None:
    """If this failed, a sweep would begin with a division by zero, or a made-up time."""
    assert progress_line([], 3, 0.0) == "3 to do"
    assert (
        progress_line([Job("a", state=JobState.SKIPPED, errors=[1.0])], 3, 5.0)
        == "1 skipped, 2 to do, best 1.00 % (a)"
    )


def test_each_end_is_printed_with_its_reason() -> None:
    """If this failed, a skipped or failed condition would look like a trained one."""
    assert outcome_line(Job("a", state=JobState.DONE, errors=[1.0], together=3)).endswith(
        "s with 2 others"
    )
    assert outcome_line(Job("a", state=JobState.DONE, errors=[1.0, 3.0])).startswith(
        "a: 2.00 % test error, 2 seeds"
    )
    assert (
        outcome_line(Job("a", state=JobState.SKIPPED, reason="recorded at commit 01"))
        == "a: skipped, recorded at commit 01"
    )
    assert (
        outcome_line(Job("a", state=JobState.FAILED, reason="out of memory"))
        == "a: FAILED, out of memory"
    )
    assert outcome_line(
        Job("a", state=JobState.FAILED, reason="1 of 2 seeds failed", errors=[1.0])
    ).startswith("a: FAILED")


def test_durations_are_printed_in_the_unit_that_people_use() -> None:
    """If this failed, an hour would be 3600 s."""
    assert [duration(s) for s in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]
