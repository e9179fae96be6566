"""From a store to a report that is printed, written and recorded."""

import sys
from pathlib import Path

import pandas as pd
from mlflow.tracking import MlflowClient
from rich.console import Console

from dropout_study import results, store
from dropout_study.addresses import absolute, masked
from dropout_study.claims import CLAIMS
from dropout_study.config import ConfigError, Data, Report
from dropout_study.images import Images, load
from dropout_study.report import table, write
from dropout_study.verdicts import Outcome, decide

EXPERIMENT, DESCRIPTION = "report", "Verdicts on the claims of section 7.12, and the report"
STUDIES = list(dict.fromkeys(study for claim in CLAIMS.values() for study in claim.studies))


def report(chosen: Report, conf: Path) -> None:
    """Decide the claims, print the table, write the report, and record it in the store.

    Raises:
        ConfigError: there is nothing to read, or the folder cannot be written.
    """
    if unknown := [claim for claim in chosen.claims if claim not in CLAIMS]:
        raise ConfigError(f"claims={unknown} cannot be used: claims must be some of {', '.join(CLAIMS)}.")
    store.check_room(Path(chosen.output))
    runs = read(chosen)
    outcomes = decide(runs, conf, chosen.claims)
    folder = Path(chosen.output)
    folder.mkdir(parents=True, exist_ok=True)
    files = write(outcomes, runs, folder, _links(runs, chosen), _images(outcomes, chosen))
    if len(runs) and not chosen.results:
        files.append(folder / "results.csv")
        results.to_file(runs, files[-1])
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(table(outcomes))
    for outcome in outcomes:
        if not outcome.decided:
            print(f"{outcome.claim.id} needs runs: {outcome.command}")
    if not chosen.results and len(runs):
        _record(outcomes, files, chosen)
    print(f"The report: {folder / 'index.html'}")


def read(chosen: Report) -> pd.DataFrame:
    """The results of all studies, from the store or from a file.

    Raises:
        ConfigError: the file is missing or not one of results.
    """
    if not chosen.results:
        if not store.exists(absolute(chosen.tracking.uri)):
            return results.empty()
        try:
            return results.from_store(chosen.tracking.uri, STUDIES)
        except store.UNREACHABLE as error:
            reason = masked(str(error).splitlines()[0])
            raise ConfigError(f"tracking.uri={masked(chosen.tracking.uri)} cannot be read: {reason}") from error
    try:
        return results.from_file(Path(chosen.results))
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"results={chosen.results} cannot be read: {error}") from error


def _links(runs: pd.DataFrame, chosen: Report) -> dict[str, str]:
    """Study -> the page of its runs; that of a local store opens while `mlflow ui` runs."""
    if "experiment" not in runs:
        return {}
    uri = absolute(chosen.tracking.uri)
    server = masked(uri).rstrip("/") if uri.startswith("http") else "http://127.0.0.1:5000"
    numbers = runs.dropna(subset=["experiment"]).groupby("study")["experiment"].first()
    return {str(study): f"{server}/{store.page(str(int(number)))}" for study, number in numbers.items()}


def _images(outcomes: list[Outcome], chosen: Report) -> Images | None:
    """The images on which robustness was decided, to picture their corruptions; none if they are not at hand."""
    for outcome in outcomes:
        if outcome.claim.id == "robustness" and outcome.decided:
            try:
                return load(Data(name=outcome.data, root=chosen.data_root, download=False))
            except ConfigError:
                return None
    return None


def _record(outcomes: list[Outcome], files: list[Path], chosen: Report) -> None:
    """Log verdicts and files as a run of the experiment `report`."""
    uri = absolute(chosen.tracking.uri)
    number = store.prepare(uri, EXPERIMENT, DESCRIPTION)
    with store.guard(uri):
        client = MlflowClient(uri)
        run = client.create_run(number, run_name="report")
        for outcome in outcomes:
            client.set_tag(run.info.run_id, f"verdict.{outcome.claim.id}", outcome.verdict)
        for file in files:
            client.log_artifact(run.info.run_id, str(file), "figures" if file.suffix == ".png" else None)
        client.set_terminated(run.info.run_id)
