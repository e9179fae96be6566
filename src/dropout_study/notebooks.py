"""What the notebooks share: a claim decided on what the store holds, and published numbers beside ours."""

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
from dropout_study.measures.statistics import interval
from dropout_study.report.rows import daggers
from dropout_study.report.verdicts import Outcome, decide

ROOT = Path(__file__).parents[2]
"""The checkout that the notebooks belong to; Jupyter starts them in a folder of its own choice."""
CONF = ROOT / "conf"
TRAIN = ROOT / "scripts" / "train.py"


def decided(claim: str, folder: Path = ROOT) -> Outcome:
    """A claim as the report decides it, from the store that MLFLOW_TRACKING_URI names or else from `mlflow.db`.

    Where the store lacks the runs, the claim's studies are trained at the smoke budget first, on
    bundled digits.

    Args:
        claim: its id.
        folder: what the address of a local store starts from; training leaves its outputs here.

    Raises:
        CalledProcessError: training failed; what it said is printed.
        ConfigError: the store cannot be read, or what was trained does not decide the claim.
    """
    uri = absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", folder)
    outcome = _outcome(claim, uri)
    if not outcome.decided:
        print(f"Not decided yet: {outcome.reason}. Training at the smoke budget:")

        for study in in_order(CLAIMS[claim].studies, CONF):
            _train(study, uri, folder)

        outcome = _outcome(claim, uri)
        if not outcome.decided:
            raise ConfigError(
                f"Claim {claim} is not decided by what was trained: {outcome.reason}."
            )

    print(f"Results of budget {outcome.where}, {outcome.seeds} seeds.")

    if outcome.budget == "smoke":
        print(
            "This budget says whether everything works, and nothing about dropout. For results, in the project:\n"
            f"python scripts/reproduce.py budget=laptop studies=[{','.join(CLAIMS[claim].studies)}]\n"
            "What report/results.csv holds is taken from there, and not trained again."
        )

    return outcome


def _outcome(claim: str, uri: str) -> Outcome:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "IProgress not found"
        )  # MLflow's, where ipywidgets is not installed
        from dropout_study.report.publish import read
    return decide(read(Report(tracking=Tracking(uri=uri))), CONF, [claim])[0]


def _train(study: str, uri: str, folder: Path) -> None:
    """Train a study and pass on what is printed as it comes."""
    command = [sys.executable, str(TRAIN), "-m", f"study={study}", "budget=smoke"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as training:
        for line in training.stdout or ():
            print(line, end="", flush=True)

    if training.returncode:
        raise subprocess.CalledProcessError(training.returncode, command)


def verdict(outcome: Outcome) -> str:
    """What has become of the claim, in Markdown, with what the reader has to know of it."""
    says = ", which says nothing about dropout" if outcome.budget == "smoke" else ""
    lines = [
        f"The claim is **{outcome.verdict}{daggers(outcome)}** at the {outcome.budget} budget{says}."
    ]

    if outcome.reason:
        lines.append(f"- {outcome.reason}")

    if outcome.overturned:
        lines.append(
            f"- \\* adjusted for the number of claims, p is {outcome.adjusted:.2g}: inconclusive"
        )

    lines += [f"- † {line}" for line in outcome.unfinished]

    return "\n".join([lines[0], "", *lines[1:]])


def beside(what: str, published: float, values: Sequence[float]) -> dict[str, str | float]:
    """A row of a table: a published number, ours with its interval over seeds, and how well they match."""
    of = interval(values)
    inside = of.low <= published <= of.high
    match = (
        "within our interval"
        if inside
        else f"ours is {'higher' if of.mean > published else 'lower'}"
    )
    difference = round(of.mean - published, 2)

    return {
        "what": what,
        "published": published,
        "here (95 % interval)": f"{of:.2f}",
        "difference": difference,
        "match": match,
    }
