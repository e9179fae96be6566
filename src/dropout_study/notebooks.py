"""What the notebooks share: a claim decided on the store, and published numbers next to ours."""

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from dropout_study.claims import CLAIMS
from dropout_study.config.schema import ConfigError, Report, Tracking
from dropout_study.config.studies import in_order
from dropout_study.config.uri import absolute
from dropout_study.measures.statistics import Interval, interval
from dropout_study.report.verdict_table import footnotes
from dropout_study.report.verdicts import Outcome, decide

ROOT = Path(__file__).parents[2]
"""The checkout that the notebooks belong to; Jupyter starts them in a folder of its own choice."""
TRAIN = ROOT / "scripts" / "train.py"


def decided(claim: str, folder: Path = ROOT) -> Outcome:
    """A claim as the report decides it, from the store of MLFLOW_TRACKING_URI or `mlflow.db`.

    If the store lacks the runs, the claim's studies are trained at the smoke budget first, on
    bundled digits.

    Args:
        claim: its id.
        folder: the address of a local store is relative to it; training writes its outputs here.

    Raises:
        CalledProcessError: training failed; its output is printed.
        ConfigError: the store cannot be read, or the trained runs do not decide the claim.
    """
    uri = absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", folder)
    outcome = _outcome(claim, uri)

    if not outcome.decided:
        print(f"Not decided yet: {outcome.reason}. Training at the smoke budget:")

        for study in in_order(CLAIMS[claim].studies):
            _train(study, uri, folder)

        outcome = _outcome(claim, uri)
        if not outcome.decided:
            raise ConfigError(
                f"Claim {claim} is not decided by the trained runs: {outcome.reason}."
            )

    print(f"Results of budget {outcome.where}, {outcome.seeds} seeds.")

    if outcome.budget == "smoke":
        studies = ",".join(CLAIMS[claim].studies)
        print(
            "This budget tests the machinery and says nothing about dropout. "
            "For results, run in the project:\n"
            f"python scripts/reproduce.py budget=laptop studies=[{studies}]\n"
            "It takes the networks in report/results.parquet from there and trains only the others."
        )

    return outcome


def _outcome(claim: str, uri: str) -> Outcome:
    with warnings.catch_warnings():
        # MLflow warns about ipywidgets where they are not installed.
        warnings.filterwarnings("ignore", "IProgress not found")
        from dropout_study.report.publish import read_results
        from dropout_study.tracking.store import quiet_mlflow

    quiet_mlflow()
    results = read_results(Report(tracking=Tracking(uri=uri)))

    return decide(results, [claim])[0]


def _train(study: str, uri: str, folder: Path) -> None:
    """Train a study, and print its output as it comes."""
    command = [sys.executable, str(TRAIN), "-m", f"study={study}", "budget=smoke"]
    training = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    with training:
        for line in training.stdout or ():
            print(line, end="", flush=True)

    if training.returncode:
        raise subprocess.CalledProcessError(training.returncode, command)


def verdict(outcome: Outcome) -> str:
    """The verdict on a claim in Markdown, with its reason and what weakens it."""
    no_evidence = ", which says nothing about dropout" if outcome.budget == "smoke" else ""
    marked = f"**{outcome.verdict}{footnotes(outcome)}**"
    lines = [f"The claim is {marked} at the {outcome.budget} budget{no_evidence}.", ""]

    if outcome.reason:
        lines.append(f"- {outcome.reason}")

    if outcome.overturned:
        adjusted = f"p is {outcome.adjusted:.2g} after adjustment for the number of claims"
        lines.append(f"- \\* {adjusted}: inconclusive")

    lines += [f"- † {warning}" for warning in outcome.convergence_warnings]

    return "\n".join(lines)


def comparison(what: str, published: float, values: Sequence[float]) -> dict[str, str | float]:
    """A row of a table: a published number, ours with its interval over seeds, and their match.

    >>> comparison("L2", 1.62, [1.6, 1.7, 1.5])["match"]
    'within our interval'

    Args:
        what: is compared.
        published: in the unit of the values.
        values: ours, one per seed.
    """
    ours = interval(values)

    return {
        "what": what,
        "published": published,
        "here (95 % interval)": f"{ours:.2f}",
        "difference": round(ours.mean - published, 2),
        "match": _match(ours, published),
    }


def _match(ours: Interval, published: float) -> str:
    if ours.low <= published <= ours.high:
        return "within our interval"
    return "ours is higher" if ours.mean > published else "ours is lower"
