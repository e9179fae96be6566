"""Start-up times: a script, a job of a sweep, a finished sweep, a report, with a full store."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dropout_study.benchmark.comparison import Row, in_turn
from dropout_study.tracking.record import RECORD_FILE, Record

COHORTS = 1_000
CONDITIONS = 40
FEW = 2  # jobs of two sweeps that differ in nothing else
MANY = 10
UPDATES = 200  # of each


def script(name: str, folder: Path, *arguments: str) -> float:
    """Seconds of a script of the project, run in a folder.

    Raises:
        RuntimeError: it failed.
    """
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / name), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stderr or done.stdout}")

    return time.perf_counter() - start


SCRIPTS = Path(__file__).parents[3] / "scripts"


def starts(folder: Path, rounds: int) -> list[Row]:
    """`--help`, and what a job of a sweep adds to its training."""

    def sweep(jobs: int) -> float:
        rates = ",".join(str(round(0.01 * i, 2)) for i in range(1, jobs + 1))
        return script(
            "train.py", folder, "-m", f"model.hidden_rate={rates}", "model.widths=[16,16]",
            f"budget.updates={UPDATES}", "budget.validations=1", "rules=[weight_scaling]",
            "rerun=true", f"hydra.sweep.dir=sweep{jobs}",
        )  # fmt: skip

    helped = in_turn({"help": lambda: script("train.py", folder, "--help")}, rounds)["help"]
    few = sweep(FEW)
    many = sweep(MANY)
    trained = training_seconds(folder / f"sweep{MANY}")
    added = (many - few) / (MANY - FEW) - trained

    return [
        row("start-up", "`python scripts/train.py --help`", helped, at_most=3),
        row(
            "start-up",
            f"a job of an in-process sweep, besides its training ({trained:.2f} s)",
            [added],
            at_most=0.5,
        ),
    ]


def training_seconds(sweep: Path) -> float:
    """Mean seconds that the updates of a sweep's jobs took."""
    spans = []

    for file in sweep.glob(f"*/{RECORD_FILE}"):
        (first, _, began), *_, (last, _, ended) = (
            Record.load(file.parent).seeds[0].curves["train/loss"]
        )
        spans.append((ended - began) / 1000 * UPDATES / (last - first))

    return sum(spans) / len(spans)


def growth(folder: Path) -> list[Row]:
    """The report, and the second start of a finished sweep, beside 1,000 other cohorts."""
    rates = ",".join(str(round(0.01 * i, 2)) for i in range(1, CONDITIONS + 1))
    sweep = [
        "-m",
        f"model.hidden_rate={rates}",
        "model.widths=[4]",
        "budget=smoke",
        "rules=[weight_scaling]",
        "seeds=[0]",
    ]
    script("train.py", folder, *sweep)
    script("train.py", folder, "-m", "study=capacity", "budget=smoke", "data=digits")
    multiply(folder / "mlflow.db", COHORTS)
    again = script("train.py", folder, *sweep)
    report = script("report.py", folder, "claims=[capacity]")

    return [
        row(
            "growth",
            f"second start of a finished sweep of {CONDITIONS}, "
            f"beside {COHORTS:,} cohorts of another",
            [again],
            20,
        ),
        row("growth", f"the report on a claim with {COHORTS:,} cohorts", [report], 20),
    ]


def row(section: str, what: str, times: Sequence[float], at_most: float | None = None) -> Row:
    """A row in seconds."""
    ordered = sorted(times)
    return Row(
        section,
        what,
        ordered[len(ordered) // 2],
        ordered[0],
        ordered[-1],
        at_most=at_most,
        unit="s",
    )


def multiply(database: Path, cohorts: int) -> None:
    """Add copies of the cohorts of the study capacity, with other seeds.

    Rows are copied, for recording so many would take longer than all that is measured here.
    """
    with sqlite3.connect(database) as store:
        store.execute(
            "CREATE TEMP TABLE chosen AS SELECT run_uuid FROM runs "
            "JOIN experiments USING (experiment_id) "
            "WHERE experiments.name = 'capacity' AND run_uuid IN "
            "(SELECT run_uuid FROM tags WHERE key = 'role' AND value IN ('cohort', 'seed'))"
        )
        (there,) = store.execute(
            "SELECT count(*) FROM chosen JOIN tags USING (run_uuid) "
            "WHERE key = 'role' AND value = 'cohort'"
        ).fetchone()
        for copy in range(1, cohorts // there + 1):
            for table in ("runs", "params", "metrics", "latest_metrics", "tags"):
                columns = [name for _, name, *_ in store.execute(f"PRAGMA table_info({table})")]
                taken = [COPIED.get(name, f'"{name}"') for name in columns]

                if table == "tags":
                    taken[columns.index("value")] = OF_TAGS

                store.execute(
                    f"INSERT INTO {table} SELECT {', '.join(taken)} FROM {table} "
                    "WHERE run_uuid IN chosen",
                    {"copy": copy},
                )


COPIED = {"run_uuid": "substr(run_uuid, 1, 24) || printf('%08x', :copy)"}
OF_TAGS = (
    "CASE key WHEN 'seed' THEN value + 100 * :copy "
    "WHEN 'mlflow.parentRunId' THEN substr(value, 1, 24) || printf('%08x', :copy) "
    "WHEN 'record_id' THEN substr(value, 1, 24) || printf('%08x', :copy) ELSE value END"
)
