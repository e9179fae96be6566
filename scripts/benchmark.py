"""How fast this project is, compared with its alternatives and with the limit of the machine.

Absolute times mean little on a shared machine. Rivals run in turn, and what is reported is the
ratio of their medians, with the lowest and the highest round. Give the machine nothing else to do.

  python scripts/benchmark.py                                  all (how long: docs/speed.md)
  python scripts/benchmark.py --sections training prediction   some sections
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin

from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from dropout_study.analysis.svg import as_svg
from dropout_study.benchmark import (
    many_networks,
    packing,
    prediction,
    starting,
    throughput,
    training,
)
from dropout_study.benchmark.comparison import Row
from dropout_study.benchmark.machine import described
from dropout_study.config import read, resolvers, schema
from dropout_study.config.folder import CONF
from dropout_study.data.datasets import load_images
from dropout_study.running import command_line
from dropout_study.running.run import quiet
from dropout_study.tracking.store import Store, quiet_mlflow

SECTIONS = ("training", "packs", "peers", "prediction", "start-up", "growth", "throughput")


def sections(
    configure: training.Configure, folder: Path, rounds: int
) -> dict[str, Callable[[], list[Row]]]:
    """Section -> what measures it."""
    return {
        "training": lambda: training.small(configure, rounds) + training.large(configure, rounds),
        "packs": lambda: packing.packs(configure, rounds),
        "peers": lambda: many_networks.many_networks(configure, rounds),
        "prediction": lambda: prediction.sampling(rounds) + prediction.enumeration(rounds),
        "start-up": lambda: starting.starts(folder, rounds),
        "growth": lambda: starting.growth(folder),
    }


def markdown(rows: list[Row], machine: dict[str, str]) -> str:
    """The table, with what it was measured on."""
    on = ", ".join(f"{key} {value}" for key, value in machine.items())
    lines = [
        "| | what | median | lowest and highest round | target | |",
        "| --- | --- | ---: | --- | --- | --- |",
    ]

    for row in rows:
        value = number(row.value, row.unit)
        lines.append(
            f"| {row.section} | {row.what} | {value} | {spread(row)} "
            f"| {row.target} | {verdict(row)} |"
        )

    return f"Measured on: {on}.\n\n" + "\n".join(lines) + "\n"


def number(value: float | None, unit: str) -> str:
    """Three digits and the unit."""
    return "not measured" if value is None else f"{value:.3g} {unit}".strip()


def spread(row: Row) -> str:
    """The lowest and the highest round."""
    if row.low is None:
        return ""

    return "once" if row.low == row.high else f"{row.low:.3g} to {row.high:.3g}"


def verdict(row: Row) -> str:
    """Whether the target is met."""
    return {True: "met", False: "not met", None: ""}[row.met]


def table(rows: list[Row]) -> Table:
    """The same for a terminal."""
    shown = Table("", "what", "median", "rounds", "target", "")

    for row in rows:
        shown.add_row(
            row.section,
            row.what,
            number(row.value, row.unit),
            spread(row),
            row.target,
            verdict(row),
        )

    return shown


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="which parts"
    )
    parser.add_argument(
        "--rounds", type=int, default=2, help="times that all is measured (default 2)"
    )
    folders = "folder of table and figure (default report/speed; of some sections outputs/speed)"
    parser.add_argument("--output", type=Path, help=folders)
    arguments = parser.parse_args()
    output = arguments.output or Path(
        "report/speed" if set(arguments.sections) == set(SECTIONS) else "outputs/speed"
    )

    if root := os.environ.get("DROPOUT_STUDY_DATA"):
        # The runs have folders of their own.
        os.environ["DROPOUT_STUDY_DATA"] = str(Path(root).absolute())

    resolvers.register()
    quiet()
    quiet_mlflow()
    logging.getLogger("dropout_study").setLevel(logging.WARNING)

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        uri = f"sqlite:///{folder}/mlflow.db"
        places = ["data=mnist", f"tracking.uri={uri}", f"checkpoint.folder={folder}/checkpoints"]

        def configure(*overrides: str) -> schema.Config:
            with initialize_config_dir(str(CONF), version_base="1.3"):
                return read.read_config(compose("train", [*places, *overrides]))

        load_images(configure().data)  # which the peers do not download
        Store(uri).prepare(configure().study.name, "")
        rows: list[Row] = []

        for name, measure in sections(configure, folder, arguments.rounds).items():
            if name in arguments.sections:
                start = time.monotonic()
                rows += measure()
                print(f"{name}: measured in {time.monotonic() - start:.0f} s", flush=True)

        output.mkdir(parents=True, exist_ok=True)
        machine = described()
        content: dict[str, Any] = {
            "machine": machine,
            "rows": [asdict(row) | {"met": row.met} for row in rows],
        }

        if "throughput" in arguments.sections:
            speeds = throughput.measure(configure)
            content |= {"throughput": [asdict(speed) for speed in speeds]}
            (output / "throughput.svg").write_bytes(as_svg(throughput.figure(speeds)))

    (output / "speed.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shown = "\n![Throughput](throughput.svg)\n" if "throughput" in content else ""
    (output / "README.md").write_text(markdown(rows, machine) + shown, encoding="utf-8")
    Console(width=160).print(table(rows))
    print(f"Written to {output}")


if __name__ == "__main__":
    command_line.run(main)
