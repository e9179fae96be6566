"""Recorded results for one's own analysis, as data frames."""

from pathlib import Path

import pandas as pd

from dropout_study.analysis import results as recorded
from dropout_study.analysis import results_files
from dropout_study.analysis.runs import Runs
from dropout_study.config.schema import ConfigError

NAMES = ("study", "condition", "arm", "stage", "seed")
"""Columns that say which network a curve is of."""


def results(store: str | Path, study: str) -> pd.DataFrame:
    """The networks of a study, a row per network, as `docs/results.md` describes its columns.

    Args:
        store: the address of an MLflow store, such as `sqlite:///mlflow.db`, or a folder or file of
            results, such as `report/results`.
        study: its name; that of the experiment.

    Raises:
        ConfigError: the study has no results there, or the file or the address cannot be used.
    """
    if "://" in str(store):
        from dropout_study.tracking.store import Store  # a file needs no MLflow

        opened = Store(str(store))
        networks = recorded.from_store(opened, [study]) if opened.exists else recorded.empty()
    else:
        networks = results_files.read(Path(store))

    own = networks[networks["study"] == study].dropna(axis="columns", how="all")
    if own.empty:
        raise ConfigError(f"study={study} has no results in {store}.")

    return own.reset_index(drop=True)


def curves(networks: pd.DataFrame, name: str) -> pd.DataFrame:
    """A curve of several networks in long form: a row per network and step.

    Args:
        networks: of `results`; those without the curve have no rows.
        name: of the curve, such as `val/error`.

    Returns:
        The columns that name a network, `step`, and `value`.

    Raises:
        ResultsMissing: no network has the curve.
    """
    column = f"curve/{name}"
    filled = Runs(networks, {}).with_column(column)
    if filled.frame.empty:
        filled.curve(name)  # says so

    named = [each for each in NAMES if each in filled.frame]
    cells = filled.frame[[*named, f"steps/{name}", column]]
    long = cells.explode([f"steps/{name}", column], ignore_index=True)
    long = long.rename(columns={f"steps/{name}": "step", column: "value"})

    return long.astype({"step": int, "value": float})
