"""Figure and table of a run."""

import json
from pathlib import Path

from dropout_study.report import mlflow_run_page
from dropout_study.report.line_chart import OF_SEED
from dropout_study.tracking.record import Record, SeedRecord


def record(*curves: str) -> Record:
    """Two networks that finished and one that failed."""
    seeds = [
        SeedRecord(
            seed,
            "d",
            {"test/error/weight_scaling": 2.0 * seed},
            {key: [(1, 9.0, 0), (2, 5.0 + seed, 0)]},
        )
        for seed in (1, 2)
        for key in [curves[0]]
    ]
    for seed in seeds:
        seed.curves |= {key: [(1, 8.0, 0), (10, 7.0 + seed.seed, 0)] for key in curves[1:]}

    return Record("e", "", "n", {}, {}, {}, [*seeds, SeedRecord(3, "d", failure="diverged")])


def test_the_table_has_every_seed_that_counts_beside_mean_and_interval(tmp_path: Path) -> None:
    """If this failed, a run's page would hide the networks behind a mean, or show no table."""
    mlflow_run_page.write_run_page(record("val/error"), tmp_path)
    table = json.loads((tmp_path / "seeds.json").read_text())
    assert table["columns"] == ["metric", "mean", "sd", "95 % low", "95 % high", "seed 1", "seed 2"]
    assert table["data"] == [["test/error/weight_scaling", 3.0, 1.4142, 0.0, 15.706, 2.0, 4.0]]


def test_the_figure_has_the_curves_that_matter(tmp_path: Path) -> None:
    """If this failed, a run without curves would have an empty figure, or one with curves none."""
    assert mlflow_run_page.write_run_page(record("train/loss"), tmp_path) == ["seeds.json"]
    assert mlflow_run_page.write_run_page(record("val/error", "mc/error", "mc/nll"), tmp_path) == [
        "curves.svg",
        "seeds.json",
    ]
    both = (tmp_path / "curves.svg").stat().st_size
    text = (tmp_path / "curves.svg").read_text()
    assert "mean over 2 seeds, and each of them" in text, "an interval of two means nothing"
    assert text.count(OF_SEED) == 4, "two curves of two seeds"
    mlflow_run_page.write_run_page(record("val/error"), tmp_path)
    assert (tmp_path / "curves.svg").stat().st_size < both
