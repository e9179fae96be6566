"""What is timed is the same computation, and what is said of times follows from them."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from mlflow.tracking import MlflowClient

from dropout_study.analysis.results import from_store
from dropout_study.benchmark import starting, throughput
from dropout_study.benchmark.comparison import Row, in_turn, ratio
from dropout_study.benchmark.jax_peer import GENERATORS, INSTALLED, JaxProcess, JaxTraining
from dropout_study.benchmark.many_networks import (
    COMPILED,
    FUNC,
    JAX,
    OURS,
    Setting,
    Timing,
    best_setting,
    compared,
)
from dropout_study.benchmark.peers import passes, plain_network, repeated
from dropout_study.benchmark.torch_func_peer import FuncUpdates, PackedUpdates
from dropout_study.benchmark.training import BareUpdates, operations, overrides
from dropout_study.config.condition import ERA
from dropout_study.config.schema import Config
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.rules import monte_carlo
from dropout_study.running.run import quiet
from dropout_study.tracking import recorder
from dropout_study.tracking.record import Record, SeedRecord
from dropout_study.tracking.store import Store
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import make_trainer
from support.images import random_images
from support.paths import ROOT

needs_jax = pytest.mark.skipif(
    not INSTALLED, reason="needs JAX, 390 MB: pip install dropout-study[benchmark]"
)


def test_rivals_are_timed_in_turn() -> None:
    """If this failed, a slow minute would meet one rival alone."""
    clock = count(1)
    times = in_turn({"a": lambda: float(next(clock)), "b": lambda: 2.0 * next(clock)}, rounds=3)
    assert times == {"a": [1, 3, 5], "b": [4, 8, 12]}
    assert ratio(times, "b", "a", 10) == (10 * 8 / 3, 24.0, 40.0)


@pytest.mark.parametrize(
    ("at_least", "at_most", "met"),
    [(2, None, True), (2.1, None, False), (None, 2, True), (None, 1.9, False)],
)
def test_a_target_is_met_or_not(at_least: float | None, at_most: float | None, met: bool) -> None:
    """If this failed, a shortfall would be printed as met."""
    assert Row("", "", 2.0, 1.0, 3.0, at_least, at_most).met is met
    assert Row("", "", 2.0, 1.0, 3.0).met is None


def test_operations_of_an_update() -> None:
    """If this failed, the share of the machine's limit would be wrong by a factor."""
    assert operations([3, 5], batch=7, inputs=2) == 6 * 7 * (2 * 3 + 3 * 5 + 5 * 10)


def test_the_bare_updates_are_those_of_the_trainer(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, what Lightning adds would be measured against other work."""
    quiet()
    images = random_images(8)
    config = make_config(
        *overrides([6, 5], 0.5, 3, batch=20), "budget.updates=50", "budget.validations=1"
    )
    module = CohortTraining(config, make_network(config, 64, 10))
    make_trainer(config, tmp_path).fit(
        module, datamodule=DataModule(images, config.data, config.seeds, 50)
    )
    bare = BareUpdates(config, images)
    losses = torch.stack([bare() for _ in range(50)]).mean(0)
    assert losses.tolist() == next(
        point.values for point in module.curves if point.key == "train/loss"
    )


def test_the_peers_predict_what_monte_carlo_predicts() -> None:
    """If this failed, the peers would be timed at something else."""
    cohort = Cohort(MLP(8, 10, [16], hidden_rate=0.5), [0])
    x = torch.rand(4, 8)
    model = plain_network([16], 0.5, inputs=8)

    with torch.no_grad():
        for i, j in enumerate((0, 3)):
            model[j].weight.copy_(cohort.get_parameter(f"stacked.layers.{i}.weight")[0].T)
            model[j].bias.copy_(cohort.get_parameter(f"stacked.layers.{i}.bias")[0])

    ours = monte_carlo(cohort, x, [4000]).arithmetic[0, 0].exp()
    torch.manual_seed(0)

    for theirs in (passes(model, x, 4000, batch=3), repeated(model, x, 4000, batch=3)):
        assert theirs.shape == ours.shape
        assert (
            theirs - ours
        ).abs().max() < 0.005  # five standard errors of probabilities that vary by 0.04


@pytest.mark.parametrize("peer", [FuncUpdates, PackedUpdates])
def test_the_peers_in_pytorch_learn(peer: type[FuncUpdates | PackedUpdates]) -> None:
    """If this failed, what is timed beside ours would be no training of as many networks."""
    torch.manual_seed(0)
    split = random_images(8, count=40).train
    update = peer(split.images.float() * split.scale, split.labels, [32], 0.2, nets=3, batch=20)
    losses = torch.stack([update() for _ in range(300)])
    assert losses.shape == (300, 3)
    assert (losses[-50:].mean(0) < 0.9 * losses[:50].mean(0)).all()


@needs_jax
def test_the_peer_in_jax_learns() -> None:
    """If this failed, ours would be compared with a program that makes other updates, or drops
    at another rate than it is given.
    """
    split = random_images(8, count=40).train
    data = (split.images.float() * split.scale).numpy(), split.labels.numpy()
    train = JaxTraining(data, [32], rates=[0.0, 0.2, 0.9], batch=20, updates=150)
    losses = torch.stack([torch.tensor(train().tolist()) for _ in range(2)])
    assert losses.shape == (2, 150, 3)
    first, last = losses[0, :50].mean(0), losses[1, -50:].mean(0)
    assert (last < first).all()
    assert last[0] < last[1] < last[2]


@needs_jax
def test_jax_is_timed_in_a_process_of_its_own() -> None:
    """If this failed, a generator could not be measured, or the process would never end."""
    split = random_images(8).train
    process = JaxProcess(split.images.float() * split.scale, split.labels, threads=1)
    times = [process.seconds((8,), 0.5, 2, batch=4, updates=3, kind=kind) for kind in GENERATORS]
    process.close()
    assert all(0 < seconds < compile_seconds for seconds, compile_seconds in times)


def test_a_rival_gets_its_best_setting() -> None:
    """If this failed, a peer would be beaten at a batch size that does not suit it."""
    best = Setting(threads=2, batch=512)
    assert best == best_setting(
        lambda setting: Timing(1.0 + (setting.threads != 2) + (setting.batch != 512)),
        {"threads": (1, 2), "batch": (128, 512, 2048)},
    )


def test_a_peer_that_is_missing_is_a_row() -> None:
    """If this failed, a table without JAX would look as if nobody had thought of it."""
    rows = compared({OURS: lambda _: Timing(1.0), FUNC: lambda _: Timing(3.0)}, 10, rounds=1)
    measured, *missing = rows
    assert (measured.value, measured.met) == (3.0, None)
    assert [(row.value, row.met) for row in missing] == [(None, None), (None, None)]
    assert [name in row.what for name, row in zip((COMPILED, JAX), missing, strict=True)]


def test_copied_cohorts_are_cohorts_of_other_seeds(tmp_path: Path, uri: str) -> None:
    """If this failed, a full store would not be what its size says: its cohorts would have no
    networks.
    """
    metrics = {"test/error/weight_scaling": 1.5}
    seeds = [SeedRecord(seed, f"digest{seed}", dict(metrics)) for seed in (0, 1)]
    saved = Record(
        starting.STUDY,
        "",
        "mlp 8",
        {"data.name": "digits"},
        {"config_digest": "abc", "era": str(ERA)},
        {},
        seeds,
    )

    sweep = Record(starting.STUDY, "", "sweep", {}, {}, {}, [], role="sweep")
    for i, record in enumerate((saved, sweep)):
        folder = tmp_path / str(i)
        folder.mkdir()
        record.end("FINISHED")
        record.save(folder)
        recorder.record(folder, Store(uri))

    database = tmp_path / "mlflow.db"
    assert len(starting.runs_of(database, "cohort")) == 1
    starting.multiply(database, starting.runs_of(database, "cohort", "seed"), range(1, 3))
    rows = from_store(Store(uri), [starting.STUDY])
    assert sorted(rows["seed"]) == [0, 1, 100, 101, 200, 201]
    assert rows["test/error/weight_scaling"].tolist() == [1.5] * 6
    assert rows.groupby("run")["seed"].apply(lambda of: sorted(of % 100)).tolist() == [[0, 1]] * 3
    client = MlflowClient(uri)
    assert {client.get_run(run).data.tags["role"] for run in rows["run"]} == {"cohort"}


def test_the_figure_shows_every_combination() -> None:
    """If this failed, the figure would break where a combination was too slow to be measured."""
    speeds = [
        throughput.Speed(width, nets, batch, 10.0, 100.0)
        for width in throughput.WIDTHS
        for nets in throughput.COHORTS
        for batch in (*throughput.BATCHES, throughput.BATCH)
        if width * nets < 10_000
    ]
    sheet = throughput.figure(speeds)
    assert len(sheet.axes) == 3
    assert [len(part.lines) for part in sheet.axes] == [3, 3, 3]


def test_the_page_on_speed_quotes_what_was_measured() -> None:
    """If this failed, docs/speed.md would show numbers that no run of the benchmark gave."""
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    section = page.split("## Measured")[1].split("## ")[0]
    measured = (ROOT / "report" / "speed" / "README.md").read_text(encoding="utf-8").splitlines()
    quoted = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(quoted) > 10
    assert set(quoted) <= set(measured)
