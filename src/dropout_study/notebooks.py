"""What the notebooks share: a claim decided on the store, and published numbers next to ours."""

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from dropout_study.claims import CLAIMS
from dropout_study.config.folder import CARRIED, HOME, command
from dropout_study.config.schema import ConfigError, Report, Tracking
from dropout_study.config.studies import Study, in_order
from dropout_study.config.uri import absolute
from dropout_study.measures.statistics import Interval, interval
from dropout_study.report.rows import rows
from dropout_study.report.scopes import options
from dropout_study.report.tuning_curves import choices
from dropout_study.report.verdicts import SMOKE, Outcome, decide, questions

ROOT = Path.cwd() if HOME == CARRIED else HOME
"""The checkout that the notebooks belong to; Jupyter starts them in a folder of its own choice.

Where a wheel is installed, the current folder.
"""
NO_EVIDENCE = "These networks were trained for seconds: the verdict says nothing about dropout."


def decided(claim: str, folder: Path = ROOT) -> Outcome:
    """A claim as the report decides it, from the store of MLFLOW_TRACKING_URI or `mlflow.db`.

    If the store lacks the runs, all studies that the claim reads are tuned and trained at the smoke
    budget first, on bundled digits.

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
            train(study, uri, folder)

        outcome = _outcome(claim, uri)
        if not outcome.decided:
            raise ConfigError(
                f"Claim {claim} is not decided by the trained runs: {outcome.reason}."
            )

    print(f"Results of budget {outcome.where}.")

    if outcome.scope.budget == SMOKE:
        again = f"{command('reproduce')} {options(CLAIMS[claim])}"
        print(f"{NO_EVIDENCE} For results, run in the project:\n{again}")

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


def train(study: str, uri: str, folder: Path) -> None:
    """Tune a study if it tunes, and train its other stages."""
    arguments = ["-m", f"study={study}", f"budget={SMOKE}"]

    if Study.load(study).at(SMOKE).candidates:
        _run([*arguments, "study.stage=tuning"], uri, folder)

    _run(arguments, uri, folder)


def _run(arguments: Sequence[str], uri: str, folder: Path) -> None:
    """Train what a command line says, and print the output as it comes."""
    command_line = [sys.executable, "-m", "dropout_study.commands.train", *arguments]
    training = subprocess.Popen(
        command_line,
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
        raise subprocess.CalledProcessError(training.returncode, command_line)


def criteria(outcome: Outcome) -> pd.DataFrame:
    """The questions of a claim, parts and checks, each with its criterion and the reason for it."""
    asked = questions(outcome.claim)
    table = {
        name: {
            "measure": question.measure,
            "criterion": question.criterion_in_words,
            "reason": question.criterion.reason,
        }
        for name, question in asked.items()
    }

    return pd.DataFrame.from_dict(table, orient="index").rename_axis("part or check")


def effects(outcome: Outcome) -> pd.DataFrame:
    """The effects of all parts, case by case; p is one-sided, adjusted for the cases of a part."""
    table = pd.DataFrame([asdict(row) for row in rows(outcome)]).set_index(["part", "case"])
    headings = {"half": "at half the updates", "networks": "seeds x images"}

    return table[["effect", "interval", "p", "outcome", "half", "networks"]].rename(
        columns=headings
    )


def choices_table(outcome: Outcome) -> pd.DataFrame:
    """What tuning has chosen for each arm, by the mean validation error over the tuning seeds."""
    chosen = choices(outcome.runs.tuning, outcome.runs.final)
    table = pd.DataFrame([asdict(choice) for choice in chosen]).set_index(["study", "arm"])

    return table.rename(columns={"error": "validation error"})


def verdict(outcome: Outcome) -> str:
    """The verdict on a claim in Markdown: the outcome of every question, and what weakens it."""
    no_evidence = f" {NO_EVIDENCE}" if outcome.scope.budget == SMOKE else ""
    lines = [f"The claim is **{outcome.shown}** ({outcome.where}).{no_evidence}", ""]

    for name, decision in outcome.decisions.items():
        reason = f" ({decision.reason})" if decision.reason else ""
        lines.append(f"- {name}: {decision.outcome}{reason}")

    lines += [
        f"- not settled at half the updates, {part}: {reason}"
        for part, reason in outcome.unsettled.items()
    ]

    return "\n".join(lines)


def context(outcome: Outcome) -> str:
    """Numbers that put the effects into context and do not decide, as a list in Markdown."""
    return "\n".join(f"- {line}" for line in outcome.claim.context_lines(outcome.studies))


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
