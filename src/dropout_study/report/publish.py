"""From a store to a report that is printed, written and recorded."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from dropout_study.analysis import results, results_files
from dropout_study.claims import CLAIMS, STUDIES
from dropout_study.config.folder import PUBLISHED, RESULTS, command, results_path
from dropout_study.config.schema import ConfigError, Data, Report
from dropout_study.config.studies import Study
from dropout_study.config.uri import other_store
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images
from dropout_study.report import mlflow_view, readme_table
from dropout_study.report.answers import finding
from dropout_study.report.mlflow_description import describe
from dropout_study.report.origin import code_of
from dropout_study.report.page import write_report
from dropout_study.report.verdict_table import (
    check_frame,
    terminal_tables,
    verdict_frame,
)
from dropout_study.report.verdicts import Outcome, decide
from dropout_study.tracking import tags
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.packing import MAX_TAG_LENGTH
from dropout_study.tracking.store import UNREACHABLE, Store, first_line, quiet_mlflow

EXPERIMENT = "report"
DESCRIPTION = "Verdicts on the claims of section 7.12, and the report"
SUBFOLDERS = ("figures", RESULTS.name)
"""Of a report."""
WIDTH_OF_A_FILE = 160  # columns of the printed table where the output is no terminal


def report(chosen: Report) -> None:
    """Decide the claims, write the report, record it in the store, and print the table.

    Raises:
        ConfigError: there is nothing to read, or the folder cannot be written.
    """
    _check_claims(chosen.claims)
    quiet_mlflow()
    folder = Path(chosen.output)
    check_writable(folder, "output")

    networks = read_results(chosen)
    outcomes = decide(networks, chosen.claims)

    folder.mkdir(parents=True, exist_ok=True)
    links = _links(networks, chosen)
    images = _corruptible_images(outcomes, chosen)
    files = write_report(outcomes, networks, folder, links, images)
    readme_table.renew(folder, outcomes)

    if len(networks) and not chosen.results:
        if notice := removal(folder / RESULTS.name, networks):
            print(notice)

        files += results_files.write(networks, folder / RESULTS.name)
        _record(outcomes, files, chosen)

    _print(outcomes)
    if len(networks):
        print(code_of(networks))

    print(f"The report: {folder / 'index.html'}")


def removal(folder: Path, networks: pd.DataFrame) -> str:
    """A sentence on the studies whose files a report removes; empty if there are none.

    Args:
        folder: of the files.
        networks: what the report is on.
    """
    removed = results_files.written_studies(folder) - set(networks["study"])
    if not removed:
        return ""

    return (
        f"{folder}: the files of {', '.join(sorted(removed))} are removed, since the store has no "
        "results of these studies."
    )


def or_published(chosen: Report) -> Report:
    """The same options; with the published results if no store is named or there, which is said.

    Raises:
        ConfigError: the store cannot be read.
    """
    if chosen.results or not RESULTS.is_dir() or other_store(chosen.tracking.uri):
        return chosen

    store = Store(chosen.tracking.uri)
    with _readable(store):
        if store.exists and any(store.experiment(study) for study in STUDIES):
            return chosen

    print(f"{store.shown} holds no study of a claim: the report is on the published results.")

    return replace(chosen, results=PUBLISHED)


def _check_claims(claims: Sequence[str]) -> None:
    if unknown := [claim for claim in claims if claim not in CLAIMS]:
        allowed = ", ".join(CLAIMS)
        raise ConfigError(f"claims={unknown} cannot be used: claims must be some of {allowed}.")


def _print(outcomes: Sequence[Outcome]) -> None:
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    console = Console(file=sys.stdout, width=width, highlight=False)

    for table in terminal_tables(outcomes):
        console.print(table)

    for outcome in outcomes:
        if not outcome.decided:
            print(f"{outcome.claim.id} needs runs: {command('reproduce')} {outcome.options}")


def read_results(chosen: Report) -> pd.DataFrame:
    """The results of all studies, from the store or from a file.

    Raises:
        ConfigError: store or file cannot be read, or the file is damaged.
    """
    if chosen.results:
        return results_files.read(results_path(chosen.results), STUDIES)

    store = Store(chosen.tracking.uri)
    if not store.exists:
        return results.empty()

    with _readable(store):
        return results.from_store(store, STUDIES)


@contextmanager
def _readable(store: Store) -> Iterator[None]:
    """A store that cannot be reached is a mistake of whoever named it."""
    try:
        yield
    except UNREACHABLE as error:
        reason = first_line(error)
        raise ConfigError(f"tracking.uri={store.shown} cannot be read: {reason}") from error


def _links(networks: pd.DataFrame, chosen: Report) -> dict[str, str]:
    """Study -> the page of its runs; that of a local store opens while `scripts/ui.py` runs."""
    if "experiment" not in networks:
        return {}

    store = Store(chosen.tracking.uri)
    numbers = networks.dropna(subset=["experiment"]).groupby("study")["experiment"].first()

    return {str(study): store.page(str(int(number))) for study, number in numbers.items()}


def _corruptible_images(outcomes: Sequence[Outcome], chosen: Report) -> Images | None:
    """The data set that decided robustness, if it is at hand; the report shows its corruptions."""
    for outcome in outcomes:
        if outcome.claim.id == "robustness" and outcome.decided:
            try:
                return load_images(
                    Data(name=outcome.scope.data, root=chosen.data_root, download=False)
                )
            except ConfigError:
                return None

    return None


def _record(outcomes: Sequence[Outcome], files: list[Path], chosen: Report) -> None:
    """Log the report as a run of its own experiment, and bring the studies up to date."""
    store = Store(chosen.tracking.uri)
    # A report on some claims keeps the summary of all claims.
    summary = "" if chosen.claims else f"{DESCRIPTION}.\n\n{_summary(outcomes)}"
    experiment = store.prepare(EXPERIMENT, summary)

    with store.lock():
        _log_report(store, experiment, outcomes, files)

        for study in STUDIES:
            if number := store.experiment(study):
                if not chosen.claims:  # else claims that it shares would lose their findings
                    _describe_study(store, number, study, outcomes)
                mlflow_view.refresh(store, number)
                _tag_study(store, number, study, outcomes)


def _log_report(
    store: Store, experiment: str, outcomes: Sequence[Outcome], files: list[Path]
) -> None:
    client = store.client
    labels = {f"{tags.VERDICT}{outcome.claim.id}": outcome.shown for outcome in outcomes}
    labels[tags.DESCRIPTION] = _verdicts_in_markdown(outcomes)
    run = client.create_run(experiment, tags=labels, run_name="report").info.run_id
    tables = {"verdicts.json": verdict_frame(outcomes), "checks.json": check_frame(outcomes)}

    for name, table in tables.items():
        if len(table):
            client.log_table(run, table, name)

    for file in files:
        subfolder = file.parent.name if file.parent.name in SUBFOLDERS else None
        client.log_artifact(run, str(file), subfolder)

    client.set_terminated(run)


def _describe_study(store: Store, number: str, name: str, outcomes: Sequence[Outcome]) -> None:
    study = Study.load(name)
    findings = {o.claim.id: f"{o.shown}. {finding(o)}" for o in outcomes if o.decided}
    description = describe(name, study.title, study.command, findings)
    store.client.set_experiment_tag(number, tags.DESCRIPTION, description)


def _tag_study(store: Store, number: str, study: str, outcomes: Sequence[Outcome]) -> None:
    """Tag a study with the verdicts on its own claims."""
    for outcome in outcomes:
        if study == outcome.claim.studies[0] and outcome.decided:
            store.client.set_experiment_tag(number, outcome.claim.id, outcome.shown)


def _verdicts_in_markdown(outcomes: Sequence[Outcome]) -> str:
    """The table of the verdicts, with as many of the findings as there is room for."""
    rows = [f"| {o.claim.title} | {o.shown} |" for o in outcomes]
    head = ["| claim | verdict | finding |", "| --- | --- | --- |"]
    room = MAX_TAG_LENGTH - sum(len(row) + len("  |\n") for row in [*head, *rows])
    lines = []

    for row, outcome in zip(rows, outcomes, strict=True):
        found = finding(outcome).replace("|", "\\|")
        room -= len(found)
        lines.append(f"{row} {found if room >= 0 else ''} |")

    return "\n".join([*head, *lines])


def _summary(outcomes: Sequence[Outcome]) -> str:
    """The verdicts in Markdown; the last run has the figures, and the tables."""
    lines = [f"- **{o.claim.title}**: {o.shown}. {finding(o)}".rstrip() for o in outcomes]
    return "\n".join(lines)
