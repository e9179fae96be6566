"""From a store to a report that is printed, written and recorded."""

import sys
from pathlib import Path

import pandas as pd
from rich.console import Console

from dropout_study.analysis import results
from dropout_study.claims import CLAIMS
from dropout_study.config import studies
from dropout_study.config.grids import DEFAULT_BUDGET
from dropout_study.config.schema import ConfigError, Data, Report
from dropout_study.data.datasets import Images, load_images
from dropout_study.report import mlflow_view
from dropout_study.report.mlflow_description import describe
from dropout_study.report.page import write
from dropout_study.report.rows import decisive, table
from dropout_study.report.verdicts import Outcome, decide
from dropout_study.tracking import tags
from dropout_study.tracking.folders import check_writable
from dropout_study.tracking.store import UNREACHABLE, Store, first_line, quiet_mlflow

EXPERIMENT = "report"
DESCRIPTION = "Verdicts on the claims of section 7.12, and the report"
STUDIES = list(dict.fromkeys(study for claim in CLAIMS.values() for study in claim.studies))


def report(chosen: Report, conf: Path) -> None:
    """Decide the claims, write the report, record it in the store, and print the table.

    Raises:
        ConfigError: there is nothing to read, or the folder cannot be written.
    """
    if unknown := [claim for claim in chosen.claims if claim not in CLAIMS]:
        raise ConfigError(
            f"claims={unknown} cannot be used: claims must be some of {', '.join(CLAIMS)}."
        )

    quiet_mlflow()
    check_writable(Path(chosen.output), "output")
    runs = read_results(chosen)
    outcomes = decide(runs, conf, chosen.claims)
    folder = Path(chosen.output)
    folder.mkdir(parents=True, exist_ok=True)
    files = write(outcomes, runs, folder, _links(runs, chosen), _images(outcomes, chosen))

    if len(runs) and not chosen.results:
        files += results.to_file(runs, folder / "results.csv")

    if not chosen.results and len(runs):
        _record(outcomes, files, chosen, conf)

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(table(outcomes))

    for outcome in outcomes:
        if not outcome.decided:
            print(f"{outcome.claim.id} needs runs: {outcome.command}")

    print(f"The report: {folder / 'index.html'}")


def read_results(chosen: Report) -> pd.DataFrame:
    """The results of all studies, from the store or from a file.

    Raises:
        ConfigError: store or file cannot be read, or the file is damaged.
    """
    if not chosen.results:
        store = Store(chosen.tracking.uri)
        if not store.exists:
            return results.empty()

        try:
            return results.from_store(store, STUDIES)
        except UNREACHABLE as error:
            raise ConfigError(
                f"tracking.uri={store.shown} cannot be read: {first_line(error)}"
            ) from error

    return results.from_file(Path(chosen.results), STUDIES)


def _links(runs: pd.DataFrame, chosen: Report) -> dict[str, str]:
    """Study -> the page of its runs; that of a local store opens while `mlflow ui` runs."""
    if "experiment" not in runs:
        return {}

    store = Store(chosen.tracking.uri)
    numbers = runs.dropna(subset=["experiment"]).groupby("study")["experiment"].first()

    return {str(study): store.page(str(int(number))) for study, number in numbers.items()}


def _images(outcomes: list[Outcome], chosen: Report) -> Images | None:
    """The images on which robustness was decided, to picture their corruptions; none if they are not at hand."""
    for outcome in outcomes:
        if outcome.claim.id == "robustness" and outcome.decided:
            try:
                return load_images(Data(name=outcome.data, root=chosen.data_root, download=False))
            except ConfigError:
                return None

    return None


def _record(outcomes: list[Outcome], files: list[Path], chosen: Report, conf: Path) -> None:
    """Log verdicts and files as a run of the experiment `report`, and tag the studies with their verdicts."""
    store = Store(chosen.tracking.uri)
    # A report on some claims leaves the summary of all as it is.
    number = store.prepare(
        EXPERIMENT, "" if chosen.claims else f"{DESCRIPTION}.\n\n{_summary(outcomes)}"
    )

    with store.lock():
        client = store.client
        verdicts = {f"{tags.VERDICT}{outcome.claim.id}": outcome.shown for outcome in outcomes}
        run = client.create_run(number, tags=verdicts, run_name="report")
        client.log_table(run.info.run_id, _verdicts(outcomes), "verdicts.json")

        for file in files:
            client.log_artifact(
                run.info.run_id, str(file), "figures" if file.suffix == ".svg" else None
            )

        client.set_terminated(run.info.run_id)

        for study in STUDIES:
            if of_study := store.experiment(study):
                title = studies.title(study, conf)
                command = studies.command(study, DEFAULT_BUDGET)
                store.prepare(study, describe(study, title, command))
                mlflow_view.refresh(store, of_study)

                for outcome in outcomes:
                    if study == outcome.claim.studies[0] and outcome.decided:
                        client.set_experiment_tag(of_study, outcome.claim.id, outcome.shown)


def _summary(outcomes: list[Outcome]) -> str:
    """The verdicts in Markdown; the last run has the figures, and the table `verdicts.json`."""
    return "\n".join(f"- **{o.claim.title}**: {o.shown}. {o.claim.says}" for o in outcomes)


def _verdicts(outcomes: list[Outcome]) -> pd.DataFrame:
    """A row a claim: the verdict, the effect that decided, its interval, the criterion, and where it was decided."""
    rows = []

    for outcome in outcomes:
        told = {"claim": outcome.claim.id, "verdict": outcome.shown}

        if outcome.decided:
            row = decisive(outcome)
            told |= {
                "part": row.part,
                "effect": row.value,
                "95 % interval": row.spread,
                "criterion": row.criterion,
            }
            told |= {"seeds": str(outcome.seeds), "budget": outcome.where}

        rows.append(told)

    return pd.DataFrame(rows).fillna("")
