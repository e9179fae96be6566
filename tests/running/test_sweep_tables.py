"""The tables that a sweep ends with."""

from rich.console import Console
from rich.table import Table

from dropout_study.running.job import Job, JobState
from dropout_study.running.sweep_tables import plan_of_jobs, results_of_jobs


def text_of(table: Table) -> str:
    """What a table shows on a wide terminal, with single spaces."""
    console = Console(width=300)
    with console.capture() as capture:
        console.print(table)

    return " ".join(capture.get().split())


def test_numbers_that_rest_on_other_code_are_marked() -> None:
    """If this failed, a mean over seeds of different arithmetic would look like any other."""
    fresh = Job("fresh", JobState.DONE, errors=[1.0, 2.0], nlls=[0.1, 0.2])
    mixed = Job("mixed", JobState.DONE, errors=[1.0] * 3, nlls=[0.1] * 3, other_code=["c0de"])
    note = "‡ some seeds were computed by other code (c0de); rerun=true trains them again"

    for table in (results_of_jobs([fresh, mixed]), plan_of_jobs([fresh, mixed])):
        assert "3‡" in text_of(table)
        assert "2‡" not in text_of(table)
        assert note in text_of(table)

    for table in (results_of_jobs([fresh]), plan_of_jobs([fresh])):
        assert "‡" not in text_of(table)


def test_a_plan_says_for_how_many_jobs_its_total_is() -> None:
    """If this failed, a dry run that was interrupted would promise a sweep of 0 s."""
    timed, untimed = (Job("mlp 8", seeds=[0], estimate=seconds) for seconds in (90.0, 0.0))
    recorded = Job("mlp 9", seeds=[], errors=[1.0])
    assert plan_of_jobs([timed, recorded]).caption.startswith("about 2 min in all, one job")
    half = plan_of_jobs([timed, untimed, recorded]).caption
    assert half.startswith("about 2 min for 2 of 3 jobs, one job")
