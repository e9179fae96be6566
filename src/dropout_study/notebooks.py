"""What the notebooks share: digits to train on, recorded results, and verdicts on claims."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from dropout_study.analysis import results, results_files
from dropout_study.analysis.columns import BUDGETS
from dropout_study.claims import CLAIMS, STUDIES
from dropout_study.config.composed import stated_minutes
from dropout_study.config.folder import CARRIED, HOME, RESULTS, command
from dropout_study.config.names import FINAL
from dropout_study.config.schema import Data
from dropout_study.config.studies import DEFAULT_BUDGET, Study, in_order
from dropout_study.config.uri import absolute, database_file
from dropout_study.data.datasets import load_images
from dropout_study.report.answers import finding
from dropout_study.report.verdicts import SMOKE, Outcome, decide, questions

ROOT = Path.cwd() if HOME == CARRIED else HOME
"""The checkout that the notebooks belong to; Jupyter starts them in a folder of its own choice.

Where a wheel is installed, the current folder.
"""
NO_EVIDENCE = "These networks were trained for seconds: they say nothing about dropout."
IDENTITY = ["study", "digest", "seed"]
"""Columns that identify a network."""


class Digits(NamedTuple):
    """scikit-learn's digits, in double precision, so that rounding changes no result.

    Attributes:
        x: training images `[N, D]`, pixels in [0, 1].
        y: their labels `[N]`.
        test_x: test images.
        test_y: their labels.
    """

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def digits(pool: int = 1) -> Digits:
    """The bundled digits: 1,097 to train on, 400 to test on.

    Args:
        pool: side of the squares of pixels that are averaged; 2 gives images of 4 x 4 pixels.

    Example:
        >>> digits(pool=2).test_x.shape
        torch.Size([400, 16])
    """
    images = load_images(Data(name="digits", root="-", pool=pool))
    x, y = images.train.batch(torch.arange(len(images.train)))
    test_x, test_y = images.test.batch(torch.arange(len(images.test)))

    return Digits(x.double(), y, test_x.double(), test_y)


def recorded(study: str, folder: Path = ROOT) -> pd.DataFrame:
    """The networks of a study, a row per network, one's own and the published ones.

    Of several budgets the largest counts. What was found is printed; where there is nothing, so is
    the command that trains it.

    Args:
        study: its name.
        folder: the address of a local store is relative to it.

    Raises:
        ConfigError: the store cannot be read.
    """
    networks = _of_largest_budget(study, read_networks([study], folder))
    if networks.empty:
        minutes = stated_minutes(DEFAULT_BUDGET)[study]
        print(f"Study {study}: no results yet. In the project, this trains it ({minutes} minutes):")
        print(_reproduce([study]))
        return networks

    budget = networks["budget"].iloc[0]
    print(f"Study {study}: {len(networks):,} networks, budget {budget}.")

    if budget == SMOKE:
        print(f"{NO_EVIDENCE} For results, run in the project:")
        print(_reproduce([study]))

    return networks


def _of_largest_budget(study: str, networks: pd.DataFrame) -> pd.DataFrame:
    """The networks of the largest budget, on the study's own data set where it has one.

    A budget of which only tuning has begun does not count.
    """
    if networks.empty:
        return networks

    judged = networks[networks["stage"] == FINAL]
    if judged.empty:
        return judged

    largest = max(judged["budget"], key=BUDGETS.index)
    kept = networks[networks["budget"] == largest]
    usual = kept["data.name"] == Study.load(study).at(largest).default_data
    chosen: pd.DataFrame = kept[usual] if usual.any() else kept

    return chosen.dropna(axis="columns", how="all")


def _reproduce(studies: Sequence[str]) -> str:
    """What is typed to train some studies."""
    return f'{command("reproduce")} "studies=[{",".join(in_order(studies))}]" budget=laptop'


def read_networks(studies: Sequence[str], folder: Path = ROOT) -> pd.DataFrame:
    """The networks of some studies, one's own and, where one's own lack them, the published ones.

    One's own are in the store of MLFLOW_TRACKING_URI, or in `mlflow.db`.

    Raises:
        ConfigError: store or results cannot be read.
    """
    uri = absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db", folder)
    published = results_files.read(RESULTS) if RESULTS.is_dir() else results.empty()
    tables = [_in_store(uri, studies), published[published["study"].isin(studies)]]
    filled = [table for table in tables if len(table)]
    if not filled:
        return results.empty()

    networks = pd.concat(filled, ignore_index=True)

    return networks.drop_duplicates(IDENTITY, ignore_index=True)


def _in_store(uri: str, studies: Sequence[str]) -> pd.DataFrame:
    file = database_file(uri)
    if file and not file.exists():
        return results.empty()

    with warnings.catch_warnings():
        # MLflow warns about ipywidgets where they are not installed.
        warnings.filterwarnings("ignore", "IProgress not found")
        from dropout_study.tracking.store import Store, quiet_mlflow

    quiet_mlflow()

    return results.from_store(Store(uri), studies)


def verdict(*claims: str, folder: Path = ROOT) -> str:
    """Verdicts on claims in Markdown: the outcome of every question, or what is missing.

    They are those of the report on the same results: p values are adjusted for all claims.

    Args:
        claims: their ids.
        folder: the address of a local store is relative to it.

    Raises:
        ConfigError: the store cannot be read.
    """
    networks = read_networks(STUDIES, folder)
    outcomes = decide(networks, claims)
    texts = [_decided(each) if each.decided else _not_decided(each, networks) for each in outcomes]

    return "\n\n".join(texts)


def _decided(outcome: Outcome) -> str:
    no_evidence = f" {NO_EVIDENCE}" if outcome.scope.budget == SMOKE else ""
    lines = [
        f"**{outcome.claim.title}: {outcome.shown}** ({outcome.where}).{no_evidence} "
        f"{finding(outcome)}",
        "",
        "| question | criterion | outcome |",
        "| --- | --- | --- |",
    ]

    for name, question in questions(outcome.claim).items():
        decision = outcome.decisions[name]
        reason = f": {decision.reason}" if decision.reason else ""
        lines.append(
            f"| {name}: {question.measure} | {question.criterion_in_words} "
            f"| {decision.outcome}{reason} |"
        )

    lines += [
        f"\n'{part}', {doubt.name}: {doubt.reason}." for part, doubt in outcome.unsettled.items()
    ]

    return "\n".join(lines)


def _not_decided(outcome: Outcome, networks: pd.DataFrame) -> str:
    studies = CLAIMS[outcome.claim.id].studies
    there = [study for study in studies if study in set(networks["study"])]
    missing = [study for study in studies if study not in there]
    minutes = sum(stated_minutes(DEFAULT_BUDGET)[study] for study in in_order(missing or studies))
    lacking = f"Missing: {', '.join(missing)}." if missing else f"{outcome.reason}."

    return (
        f"**{outcome.claim.title}: not decided yet.** Recorded: {', '.join(there) or 'nothing'}. "
        f"{lacking} This trains what is missing, in {minutes} minutes on two cores, and resumes "
        f"if it is interrupted:\n\n```bash\n{_reproduce(studies)}\n```"
    )
