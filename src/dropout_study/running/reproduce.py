"""Everything from nothing: the studies one after another, then the report."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from rich.table import Table

from dropout_study.config.folder import CONF, RESULTS
from dropout_study.config.names import TUNING
from dropout_study.config.schema import ConfigError, Report, Reproduce
from dropout_study.config.studies import Study, in_order
from dropout_study.config.uri import absolute, masked
from dropout_study.running.choices import MAX_EXTENSIONS, find_tuning, print_extensions
from dropout_study.running.command_line import EXPLAINED, Place, fail
from dropout_study.running.explain import explain
from dropout_study.running.terminal import print_table
from dropout_study.running.warm_process import run, warm_up

MAX_ROUNDS = MAX_EXTENSIONS + 2
"""Rounds of tuning: the grid, its extensions, and a last look."""


def reproduce(chosen: Reproduce, train: Path) -> None:
    """Run the studies that are asked for, each tuned first, and report.

    A study that fails does not stop the others; the exit code is 1 then. One that was interrupted
    or asked to end stops them, and so does the end of the time.

    Args:
        chosen: which studies, and where.
        train: the file of the command that trains.

    Raises:
        ConfigError: a study does not exist, or `results` names none.
    """
    from dropout_study.claims import STUDIES
    from dropout_study.report.publish import report

    if unknown := [study for study in chosen.studies if study not in STUDIES]:
        raise ConfigError(
            f"studies={unknown} cannot be used: studies must be some of {', '.join(STUDIES)}."
        )

    wanted = in_order(chosen.studies or STUDIES)

    if chosen.dry_run:
        print_table(plan(wanted, chosen.budget.name, chosen.minutes.get(chosen.budget.name, {})))
        return

    GlobalHydra.instance().clear()  # that of the script: the arms of studies are composed apart
    os.environ["MLFLOW_TRACKING_URI"] = absolute(chosen.tracking.uri)  # for the studies, too
    warm_up()
    _restore(chosen)
    limit = TimeLimit(chosen.max_hours)
    unfinished = run_in_turn(wanted, lambda study: _run_study(study, chosen, train, limit), limit)

    print(flush=True)
    output = chosen.output or ("outputs/smoke" if chosen.budget.name == "smoke" else "report")
    report(Report(output=output, data_root=chosen.data_root, tracking=chosen.tracking))

    if unfinished:
        fail(" ".join([*unfinished, "The same command resumes."]))


def run_in_turn(
    studies: Sequence[str], run_study: Callable[[str], bool], limit: "TimeLimit"
) -> list[str]:
    """Run studies one after another until the time is over.

    Args:
        studies: their names.
        run_study: runs one; whether it finished.
        limit: the time that they have together.

    Returns:
        A sentence on the studies that failed, and one on those that the time was too short for.
    """
    failed = []
    left = []

    for i, study in enumerate(studies, start=1):
        if limit.is_over:
            left.append(study)
            continue

        print(f"\n== study {i} of {len(studies)}: {study}", flush=True)

        try:
            finished = run_study(study)
        except EXPLAINED as error:
            print(masked(explain(error)), file=sys.stderr)
            failed.append(study)
            continue

        if not finished:
            (left if limit.is_over else failed).append(study)

    sentences = [f"These studies failed: {', '.join(failed)}."] if failed else []
    if left:
        sentences.append(f"{limit.in_words} is over, and these are not done: {', '.join(left)}.")

    return sentences


class TimeLimit:
    """The time that all studies have together.

    Args:
        hours: from now on; None sets no limit.

    Attributes:
        in_words: the limit as it was typed.
    """

    def __init__(self, hours: float | None) -> None:
        self._end = None if hours is None else time.monotonic() + 3600 * hours
        self.in_words = f"max_hours={hours:g}" if hours is not None else ""

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end

    @property
    def arguments(self) -> list[str]:
        """What limits a study to the time that is left."""
        if self._end is None:
            return []

        return [f"max_hours={max(self._end - time.monotonic(), 1) / 3600:.6f}"]


def _run_study(study: str, chosen: Reproduce, train: Path, limit: TimeLimit) -> bool:
    """Tune a study, if it is tuned, and run its other stages; whether all of it finished.

    Args:
        study: its name.
        chosen: what was typed.
        train: the file of the command that trains.
        limit: without time left, nothing is run.
    """
    data = chosen.data.name if chosen.data else None
    settings = Study.load(study).at(chosen.budget.name, data)
    command = ["-m", f"study={study}", f"budget={settings.budget}"]
    command += [f"data={data}"] if data else []
    command += [f"hydra/launcher={chosen.launcher}"] if chosen.launcher else []

    def run_limited(*arguments: str) -> bool:
        return not limit.is_over and run(train, [*command, *arguments, *limit.arguments]) == 0

    if not settings.tuned:
        return run_limited()

    # Every round begins with what the store holds now. The last finds nothing left to do.
    for _ in range(MAX_ROUNDS):
        tuning = find_tuning(settings, [], Place(CONF, [], "train"))
        if tuning.is_settled:
            return run_limited(tuning.chosen)

        if not settings.candidates:
            raise ConfigError(f"study={study} needs the choices of study={settings.tuned.name}.")

        if tuning.is_begun:
            print_extensions(tuning)

        if not run_limited(f"study.stage={TUNING}", *tuning.next_round):
            return False

    raise ConfigError(f"study={study}: its tuning has not settled in {MAX_ROUNDS} rounds.")


def plan(studies: Sequence[str], budget: str, minutes: Mapping[str, int]) -> Table:
    """How long studies take at a budget, as far as it was measured.

    Args:
        studies: in the order in which they run.
        budget: its name.
        minutes: study -> minutes that it takes on two cores.
    """
    total = sum(minutes.get(study, 0) for study in studies)
    caption = (
        f"about {total // 60} h {total % 60} min in all on two cores; nothing was run"
        if minutes
        else "how long they take at this budget was not measured; nothing was run"
    )
    table = Table(title=f"budget {budget}", caption=caption)

    for heading in ("study", "minutes", "shows"):
        table.add_column(heading, justify="right" if heading == "minutes" else "left")

    for study in studies:
        table.add_row(study, str(minutes.get(study, "-")), Study.load(study).title)

    return table


def _restore(chosen: Reproduce) -> None:
    """Bring back what a report of the same budget holds."""
    if not chosen.results:
        return

    path = Path(chosen.results)
    if chosen.results == Reproduce.results and not path.exists():  # elsewhere than in a checkout
        path = RESULTS
    if path == RESULTS and not path.exists():
        return

    from dropout_study.running.restore import restore
    from dropout_study.tracking.store import UNREACHABLE, Store, first_line

    store = Store(chosen.tracking.uri)

    try:
        count = restore(path, store, chosen.budget.name)
    except UNREACHABLE as error:
        raise ConfigError(
            f"tracking.uri={store.shown} cannot be used: {first_line(error)}"
        ) from error

    if count:
        print(f"{count} networks taken from {path} (results=null trains them again)")
