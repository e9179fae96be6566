"""A comparison from a store or a file to a folder, and into the store beside its study."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pandas as pd

from dropout_study.analysis import comparison, results, results_files, selection
from dropout_study.config.folder import command, results_path
from dropout_study.config.schema import Compare, ConfigError
from dropout_study.config.uri import other_store
from dropout_study.report.comparison_page import Comparison, write
from dropout_study.running.job import JOB_FILE, Job
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.store import UNREACHABLE, Store, first_line, quiet_mlflow

EXPERIMENT = "comparisons"
DESCRIPTION = "Tables and figures of `scripts/compare.py`."


def compare(chosen: Compare, typed: Sequence[str]) -> tuple[Comparison, list[Path]]:
    """Compare recorded conditions, and write the comparison; returns it with its files.

    Args:
        chosen: what is compared.
        typed: the overrides of the command line.

    Raises:
        ConfigError: something that was named does not exist, the conditions are not on a par, or
            the folder cannot be written.
    """
    quiet_mlflow()
    folder = Path(chosen.output)
    check_writable(folder, "output")
    selected = selection.select(
        read_networks(chosen),
        chosen.metric,
        chosen.x,
        chosen.by,
        chosen.where,
        None if chosen.sweep is None else digests_of(Path(chosen.sweep)),
    )

    if selected.doubts and not chosen.incomplete:
        reasons = " ".join(selected.doubts)
        raise ConfigError(f"{reasons} incomplete=true compares them all the same, and says so.")

    alternative = cast("comparison.Alternative", chosen.alternative)
    made = Comparison(
        selected,
        comparison.compare(selected, chosen.against, alternative),
        chosen.x,
        chosen.by,
        chosen.against,
        alternative,
        " ".join([command("compare"), *map(quoted, [*typed, *other_store(chosen.tracking.uri)])]),
    )
    files = write(made, folder)

    if not chosen.results:
        _record(made, files, chosen)

    return made, files


def quoted(override: str) -> str:
    """An override as it can be typed in a shell.

    >>> print(quoted("against='rate 0'"), quoted("x=model.hidden_rate"))
    "against='rate 0'" x=model.hidden_rate
    """
    safe = shlex.quote(override)
    plain = not set(override) & set('"$`\\')

    return f'"{override}"' if safe != override and plain else safe


def read_networks(chosen: Compare) -> pd.DataFrame:
    """The networks of a study, from its store or from a file.

    Raises:
        ConfigError: there are none, or store or file cannot be read.
    """
    if chosen.results:
        networks = results_files.read(results_path(chosen.results))
        studies = sorted(set(networks["study"]))
    else:
        networks, studies = _of_store(Store(chosen.tracking.uri), chosen.study.name)

    own = networks[networks["study"] == chosen.study.name]
    if own.empty:
        raise ConfigError(f"study={chosen.study.name} has no results to compare{_hint(studies)}.")

    return own


def _of_store(store: Store, study: str) -> tuple[pd.DataFrame, list[str]]:
    """The networks of a study, and, if there are none, the studies of which there are some."""
    try:
        networks = results.from_store(store, [study]) if store.exists else results.empty()
        others = store.studies() if store.exists and networks.empty else []
    except UNREACHABLE as error:
        reason = first_line(error)
        raise ConfigError(f"tracking.uri={store.shown} cannot be read: {reason}") from error

    return networks, [name for name in others if name != study]


def _hint(studies: Sequence[str]) -> str:
    """Of which studies there are results, for a sentence."""
    there = selection.listed([f"study={name}" for name in studies])
    return f"; there are those of {there}" if there else ""


def digests_of(sweep: Path) -> set[str]:
    """The conditions of the jobs of a sweep.

    Args:
        sweep: its folder.

    Raises:
        ConfigError: there is no such folder, or it holds no jobs.
    """
    jobs = [job for file in sweep.glob(f"*/{JOB_FILE}") if (job := Job.load(file.parent))]
    digests = {job.condition.split()[1] for job in jobs if job.condition}
    if not digests:
        raise ConfigError(f"sweep={sweep} cannot be used: it is no folder with jobs of a sweep.")

    return digests


def _record(made: Comparison, files: Sequence[Path], chosen: Compare) -> None:
    """Log the files as a run beside the studies."""
    store = Store(chosen.tracking.uri)
    experiment = store.prepare(EXPERIMENT, DESCRIPTION)

    with store.lock():
        labels = {"study": chosen.study.name, "command": made.command}
        name = f"{chosen.study.name}: {made.selection.metric}"
        run = store.client.create_run(experiment, tags=labels, run_name=name).info.run_id

        for file in files:
            store.client.log_artifact(run, str(file))

        store.client.set_terminated(run)
