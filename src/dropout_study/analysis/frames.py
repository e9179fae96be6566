"""Recorded results for one's own analysis, as data frames."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dropout_study.analysis import comparison, results_files
from dropout_study.analysis import results as recorded
from dropout_study.analysis.curve_points import long_form
from dropout_study.analysis.list_columns import steps_of
from dropout_study.analysis.runs import Runs
from dropout_study.analysis.selection import select
from dropout_study.config.folder import results_path
from dropout_study.config.schema import ConfigError

NAMES = ("study", "condition", "arm", "stage", "seed")
"""Columns that say which network a curve is of."""


def results(store: str | Path, study: str) -> pd.DataFrame:
    """The networks of a study, a row per network, as `docs/results.md` describes its columns.

    Args:
        store: the address of an MLflow store, such as `sqlite:///mlflow.db`; a folder or file of
            results, such as `report/results`; or `published`, the results that come with the code.
        study: its name; that of the experiment.

    Raises:
        ConfigError: the study has no results there, or the file or the address cannot be used.
    """
    if "://" in str(store):
        from dropout_study.tracking.store import Store  # a file needs no MLflow

        opened = Store(str(store))
        networks = recorded.from_store(opened, [study]) if opened.exists else recorded.empty()
    else:
        networks = results_files.read(results_path(str(store)))

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

    return long_form(filled.frame[[*named, steps_of(column), column]], name, "value")


def compare(
    networks: pd.DataFrame,
    metric: str = "test/error/weight_scaling",
    against: str = "",
    x: str = "",
    by: str = "",
    where: Sequence[str] = (),
    alternative: comparison.Alternative = "two-sided",
    incomplete: bool = False,
) -> pd.DataFrame:
    """Conditions beside each other, as `scripts/compare.py` compares them: a row per condition.

    Args:
        networks: of `results`, all of one study.
        metric: a column of numbers; or, with `x="step"`, a curve.
        against: words of the condition that the others are compared with, such as `rate 0`.
        x: a column that is shown beside the conditions; `step` compares curves step by step.
        by: a column whose values are compared apart.
        where: `COLUMN=VALUE`; all have to hold.
        alternative: what a small p value speaks for: `two-sided`, or that others are `less` or
            `greater`.
        incomplete: whether conditions that are not on a par are compared all the same.

    Returns:
        Condition, number of seeds, mean with its 95 % interval, and, with `against`, the difference
        with its interval, p, p adjusted by Holm, effect size, and what it would take to tell the
        difference (`docs/compare.md`). Conditions that are not on a par have a column that says so.

    Raises:
        ConfigError: something that was named does not exist, or the conditions are not on a par.
    """
    selected = select(networks, metric, x, by, where)
    if selected.doubts and not incomplete:
        reasons = " ".join(selected.doubts)
        raise ConfigError(f"{reasons} incomplete=True compares them all the same.")

    rows = comparison.compare(selected, against, alternative)
    table = comparison.table(rows, x, by, selected.doubts)

    return table if against else table.drop(columns=table.loc[:, "difference":"needed"].columns)
