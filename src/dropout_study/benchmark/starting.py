"""Start-up times: a script, a job of a sweep, a finished sweep, a report, with a full store."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dropout_study.benchmark.comparison import Row, in_turn
from dropout_study.config.folder import HOME
from dropout_study.tracking.record import RECORD_FILE, Record

STUDY = "enumerable"  # which is not tuned, and whose cohorts are small
CLAIM = "subnetworks"  # on this study alone
SEEDS = 5  # of each of its cohorts
SEEDS_APART = 100  # seeds of a cohort and of its copy
COHORTS = 1_000
MORE_COHORTS = 10_000
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


SCRIPTS = HOME / "scripts"


def starts(folder: Path, rounds: int) -> list[Row]:
    """`--help`, and what a job of a sweep adds to its training."""

    def sweep(jobs: int) -> float:
        rates = ",".join(str(round(0.01 * i, 2)) for i in range(1, jobs + 1))
        return script(
            "train.py", folder, "-m", f"model.hidden_rate={rates}", "model.widths=[16,16]",
            f"budget.updates={UPDATES}", "budget.validations=1", "rules=[weight_scaling]",
            "rerun=true", "pack=false", f"hydra.sweep.dir=sweep{jobs}",
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
    """The report, and the second start of a finished sweep, with a full store."""
    rates = ",".join(str(round(0.01 * i, 2)) for i in range(1, CONDITIONS + 1))
    sweep = [
        "-m",
        f"model.hidden_rate={rates}",
        "model.widths=[4]",
        "budget=smoke",
        "rules=[weight_scaling]",
        "seeds=[0]",
    ]
    seeds = ",".join(str(100 + i) for i in range(SEEDS))
    script("train.py", folder, *sweep)
    script(
        "train.py",
        folder,
        "-m",
        f"study={STUDY}",
        "budget=smoke",
        "data=digits",
        f"seeds=[{seeds}]",
    )
    database = folder / "mlflow.db"
    trained = runs_of(database, "cohort", "seed")
    cohorts_trained = len(runs_of(database, "cohort"))
    copies = range(1, COHORTS // cohorts_trained)
    more_copies = range(copies.stop, MORE_COHORTS // cohorts_trained)

    multiply(database, trained, copies)
    beside_some = script("train.py", folder, *sweep)
    report = script("report.py", folder, f"claims=[{CLAIM}]")
    multiply(database, trained, more_copies)
    beside_more = script("train.py", folder, *sweep)

    again = f"second start of a finished sweep of {CONDITIONS}, beside"
    some, more = (
        f"{count:,} cohorts with {count * SEEDS:,} seeds" for count in (COHORTS, MORE_COHORTS)
    )

    return [
        row("growth", f"{again} {some} of another study", [beside_some], 20),
        row("growth", f"{again} {more} of another study", [beside_more], 20),
        row("growth", f"the report on a claim with {some}", [report], 20),
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


def runs_of(database: Path, *roles: str) -> list[str]:
    """The ids of the runs of the study that have one of some roles."""
    with closing(sqlite3.connect(database)) as store:
        rows = store.execute(
            "SELECT run_uuid, value FROM tags JOIN runs USING (run_uuid) "
            "JOIN experiments USING (experiment_id) "
            "WHERE experiments.name = ? AND key = 'role'",
            (STUDY,),
        )
        return [run for run, role in rows if role in roles]


def multiply(database: Path, runs: Sequence[str], copies: range) -> None:
    """Add copies of cohorts and of their seeds, with other numbers.

    Rows are copied, for recording so many would take longer than all that is measured here.

    Args:
        database: an SQLite store.
        runs: ids of the cohorts and of their seeds.
        copies: numbers, from 1, that no copy has had.
    """
    with closing(sqlite3.connect(database)) as store, store:
        store.execute("PRAGMA synchronous = OFF")
        store.execute("PRAGMA cache_size = -1000000")  # KiB
        store.execute("CREATE TEMP TABLE chosen (run TEXT)")
        store.executemany("INSERT INTO chosen VALUES (?)", [(run,) for run in runs])
        store.execute("CREATE TEMP TABLE copies (copy INTEGER)")
        store.executemany("INSERT INTO copies VALUES (?)", [(copy,) for copy in copies])

        for table, key in COPIED.items():
            columns = [name for _, name, *_ in store.execute(f"PRAGMA table_info({table})")]
            values = [NUMBERED.get(name, f"{table}.{name}") for name in columns]

            if table == "tags":
                values[columns.index("value")] = VALUE_OF_TAG

            store.execute(
                f"INSERT INTO {table} SELECT {', '.join(values)} FROM chosen CROSS JOIN copies "
                f"JOIN {table} ON {table}.{key} = chosen.run"
            )


def numbered(name: str) -> str:
    """SQL for an id of 32 hexadecimal digits that ends in the number of the copy."""
    return f"substr({name}, 1, 24) || printf('%08x', copy)"


COPIED = dict.fromkeys(("runs", "params", "metrics", "latest_metrics", "tags"), "run_uuid")
COPIED |= {"inputs": "destination_id"}
"""Table -> the column with the id of the run."""
NUMBERED = {name: numbered(name) for name in ("run_uuid", "input_uuid", "destination_id")}
VALUE_OF_TAG = (
    f"CASE key WHEN 'seed' THEN value + {SEEDS_APART} * copy "
    f"WHEN 'mlflow.parentRunId' THEN {numbered('value')} "
    f"WHEN 'record_id' THEN {numbered('value')} ELSE value END"
)
