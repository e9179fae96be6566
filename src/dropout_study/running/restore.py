"""Record the results in the file of a report again, so that nothing is trained twice."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from dropout_study.analysis import results_files
from dropout_study.analysis.arms import ALSO
from dropout_study.analysis.columns import EVALUATION, OBJECTIVE, PARAMS
from dropout_study.analysis.list_columns import is_list, steps_of
from dropout_study.analysis.results import FAILURE
from dropout_study.claims import STUDIES
from dropout_study.config.schema import ConfigError
from dropout_study.config.studies import Study
from dropout_study.running.shared_arms import further_arms
from dropout_study.system.processes import now_ms
from dropout_study.tracking import recorder, tags
from dropout_study.tracking.lookup import look_up
from dropout_study.tracking.packing import pack, pack_picture
from dropout_study.tracking.record import Record, RunStatus, SeedRecord
from dropout_study.tracking.store import Store, quiet_mlflow

TAGS = {
    "training_digest": tags.TRAINING_DIGEST,
    "arm": tags.ARM,
    "stage": tags.STAGE,
    "commit": tags.COMMIT,
    "code": tags.CODE,
    "era": tags.ERA,
    "device": tags.DEVICE,
    "processor": tags.PROCESSOR,
    "started": tags.STARTED,
    "ended": tags.ENDED,
}
"""Columns of a results file that may be missing -> the tags that hold them in a store."""


def restore(path: Path, store: Store, budget: str) -> int:
    """Record the networks of files that a store lacks; returns how many.

    Their weights are not in the files: a study that evaluates stored cohorts needs them trained
    again.

    Args:
        path: results of a report, a folder or a file.
        store: takes the networks.
        budget: only what was trained at it.

    Raises:
        ConfigError: a file cannot be read, is damaged, or holds scalars alone.
    """
    runs = results_files.read(path, STUDIES)
    if not any(is_list(column) for column in map(str, runs)):
        raise ConfigError(
            f"results={path} cannot be restored, since it has no curves and no outcomes per image; "
            f"name one that ends with {results_files.PARQUET}, or its folder."
        )

    quiet_mlflow()
    restored = 0

    # One record has one of each: seeds of a condition may have been trained at other times.
    keys = ["study", "digest", *(column for column in (*TAGS, ALSO) if column in runs)]
    of_budget = runs[runs["budget"] == budget].groupby(keys, sort=True, dropna=False)
    for (study, digest, *_), cohort in tqdm(
        of_budget, desc="restoring", unit=" conditions", leave=False, disable=None
    ):
        with store.lock():  # another start may restore the same, or make the tables of a new store
            store.make_ready()
            recorded = look_up(store, str(study), str(digest))
            lacking = cohort[~cohort["seed"].isin([*recorded.complete, *recorded.diverged])]
            if len(lacking):
                _record(
                    lacking.dropna(axis=1, how="all"),
                    str(study),
                    Study.load(str(study)).title,
                    store,
                )
                restored += len(lacking)

    return restored


def is_param(column: str) -> bool:
    """Whether a column holds a setting of the condition."""
    return column in (*EVALUATION, OBJECTIVE) or column.startswith(PARAMS)


def _record(cohort: pd.DataFrame, study: str, description: str, store: Store) -> None:
    """Record some seeds of one condition."""
    row = cohort.iloc[0]
    labels = {
        tags.CONDITION_DIGEST: str(row["digest"]),
        tags.BUDGET: str(row["budget"]),
        tags.RESTORED: "true",
    }
    labels |= {tag: str(row[column]) for column, tag in TAGS.items() if column in row}
    if "candidate" in row:
        labels[tags.CANDIDATE] = str(int(row["candidate"]))

    labels |= further_arms(str(row[ALSO])) if ALSO in row else {}

    record = Record(
        experiment=study,
        description=description,
        name=str(row["condition"]),
        params={key: str(row[key]) for key in map(str, cohort) if is_param(key)},
        tags=labels,
        dataset={},
        seeds=[_seed(network) for _, network in cohort.iterrows()],
    )
    diverged = [seed for seed in record.seeds if seed.failure]
    if diverged:
        reason = f"{len(diverged)} of {len(record.seeds)} seeds failed"
        record.end(RunStatus.FAILED, reason)
    else:
        record.end(RunStatus.FINISHED)

    with tempfile.TemporaryDirectory() as folder:
        record.save(Path(folder))
        recorder.record(Path(folder), store)


def _seed(network: "pd.Series[Any]") -> SeedRecord:
    """What one network achieved, from its row."""
    measured = network.dropna()
    seed = SeedRecord(int(str(measured["seed"])), str(measured.get("data_digest", "")))
    seed.failure = str(measured.get(FAILURE, ""))

    for key, value in measured.items():
        column = str(key)
        kind, _, name = column.partition("/")

        if kind == "curve":
            values = value.tolist()
            values[-1] = measured.get(name, values[-1])  # as a metric it has all its digits
            points = zip(measured[steps_of(column)].tolist(), values, strict=True)
            seed.curves[name] = [(step, y, now_ms()) for step, y in points]
        elif kind == "wrong":
            seed.wrong[name] = pack(value)
        elif kind == "picture":
            seed.pictures[name] = pack_picture(value)
        elif name and not is_list(column):
            seed.metrics[column] = float(str(value))

    return seed
