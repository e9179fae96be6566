"""What came of a run, in the Markdown of its description in MLflow.

The pages of a run and of its files are links that begin with `#`, as in `run_links`.
"""

import re
from collections.abc import Iterator, Mapping

from dropout_study.config.names import SMOKE
from dropout_study.measures.statistics import (
    PERCENT,
    SEEDS_OF_INTERVAL,
    interval,
    spread_in_words,
)
from dropout_study.tracking import tags
from dropout_study.tracking.record import FIGURE, TABLE, Record, Role, RunStatus

WORKFLOW = "workflowType=machine_learning"
"""In an address: without it pages would open among those for language models."""
ERRORS = {
    "Test": ("test/error/weight_scaling", "test/nll/weight_scaling"),
    "Validation": ("val/error", "val/nll"),
}
"""Data -> error and NLL on them; those of the first that were measured are shown."""
SMOKE_WORDS = f"{SMOKE}: trained for seconds to see that it works, which says nothing about dropout"
MAX_FAILURES = 10
"""Jobs that did not finish, as many as the description of a sweep lists."""
MAX_REASON_LENGTH = 150
MAX_COMMAND_LENGTH = 1_500
"""Longer commands are left to the tag."""
ENDS = {RunStatus.FAILED: "Failed", RunStatus.KILLED: "Stopped"}
"""How a run ended that did not finish."""


def summarize(record: Record, page: str) -> str:
    """What came of a cohort or a sweep: paragraphs in Markdown; none as long as it runs.

    Args:
        record: that of the run.
        page: the address of the run, such as `#/experiments/1/runs/ID`.
    """
    if not record.has_ended:
        return ""

    paragraphs = [*_end(record), *_results(record), *_files(record, page), *_command(record)]

    return "\n\n".join(paragraphs)


def _end(record: Record) -> Iterator[str]:
    """How it ended, if it did not finish, and which jobs of a sweep did not."""
    if record.status in ENDS:
        yield f"**{ENDS[record.status]}**: {_one_line(record.reason)}"

    if record.unfinished:
        yield _list(record.unfinished)


def _list(unfinished: Mapping[str, str]) -> str:
    """The jobs that did not finish, and why."""
    lines = [f"- {_one_line(name)}: {_one_line(why)}" for name, why in unfinished.items()]
    more = len(lines) - MAX_FAILURES

    return "\n".join([*lines[:MAX_FAILURES], *([f"- and {more} more"] if more > 0 else [])])


def _results(record: Record) -> Iterator[str]:
    """Error and NLL of a cohort."""
    if record.role == Role.COHORT and record.tags.get(tags.BUDGET) == SMOKE:
        yield f"*{SMOKE_WORDS}*"

    for data, (error, nll) in ERRORS.items():
        if errors := record.values(error):
            yield _errors_in_words(data, errors, record.values(nll))
            return


def _errors_in_words(data: str, errors: list[float], nlls: list[float]) -> str:
    """Mean error and NLL with the interval of the error, or the errors of few seeds.

    >>> _errors_in_words("Test", [2.0, 4.0], [0.1, 0.3])
    '**Test error 3.00 %** (seeds: 2.00, 4.00), NLL 0.2000 nats'
    >>> _errors_in_words("Test", [1.0, 2.0, 3.0, 2.0], [])
    '**Test error 2.00 %** (95 % interval 0.70 to 3.30, 4 seeds)'
    """
    spread = spread_in_words(errors, PERCENT)
    few = len(errors) < SEEDS_OF_INTERVAL
    bracket = f"seeds: {spread}" if few else f"95 % interval {spread}, {len(errors)} seeds"
    words = f"**{data} error {interval(errors).mean:.2f} %** ({bracket})"

    return f"{words}, NLL {interval(nlls).mean:.4f} nats" if nlls else words


def _files(record: Record, page: str) -> Iterator[str]:
    """The figure of the curves, and a link to the table of all metrics."""
    if FIGURE in record.artifacts:
        run_id = page.rpartition("/")[2]
        yield f"![Its curves](get-artifact?path={FIGURE}&run_uuid={run_id})"

    if TABLE in record.artifacts:
        yield f"[Table of all metrics and seeds]({page}/artifacts/{TABLE}?{WORKFLOW})"


def _command(record: Record) -> Iterator[str]:
    """The command that does the same again."""
    typed = record.tags.get(tags.COMMAND, "")
    if typed and len(typed) <= MAX_COMMAND_LENGTH:
        yield f"Again: `{typed}`"


def _one_line(text: str) -> str:
    """A text that breaks no list, and is not long."""
    line = re.sub(r"\s+", " ", text)
    return line if len(line) <= MAX_REASON_LENGTH else f"{line[:MAX_REASON_LENGTH]} ..."
