"""How far an evaluation is, and that looking at it changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from dropout_study.config.schema import Config
from dropout_study.data import batches
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP
from dropout_study.evaluation.evaluate import evaluate_cohort
from dropout_study.running import evaluating, watch
from dropout_study.running.evaluating import evaluate, list_passes
from dropout_study.running.job import Job
from dropout_study.running.watch import Watch
from dropout_study.training.data_module import DataModule
from support.images import random_images
from support.records import example

Make = Callable[..., Config]


def test_an_evaluation_reports_its_share_and_measures_the_same(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, minutes on test data would be silent, or looking would change results."""
    monkeypatch.setattr(batches, "EVALUATION_BATCH", 10)
    config = make_config("mc.samples=20", "probes=[subnetworks,enumeration,removal]")
    cohort = Cohort(MLP(64, 10, [6], hidden_rate=0.5), [0, 1])
    data = DataModule(random_images(8, 40), config.data, [0, 1], updates=1)
    plain, watched = example(), example()
    shares: list[float] = []

    evaluate_cohort(config, cohort, data, plain)
    evaluate(config, cohort, data, watched, shares.append)
    assert [seed.metrics for seed in watched.seeds] == [seed.metrics for seed in plain.seeds]
    assert [seed.wrong for seed in watched.seeds] == [seed.wrong for seed in plain.seeds]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert all(later >= earlier for earlier, later in pairwise(shares))
    assert len(shares) == 4 + 4 + 4 + 1 + 4 + 1, "each batch of each rule and probe, and the end"


def test_an_evaluation_gives_large_blocks_back(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, an evaluation would grow by a block per pass, until it is killed."""
    open_blocks: list[str] = []

    @contextmanager
    def counted() -> Iterator[None]:
        open_blocks.append("heap")
        yield
        open_blocks.pop()

    monkeypatch.setattr(evaluating, "large_blocks_given_back", counted)
    config = make_config("rules=[weight_scaling]")
    cohort = Cohort(MLP(64, 10, [6], hidden_rate=0.5), [0, 1])
    data = DataModule(random_images(8, 40), config.data, [0, 1], updates=1)
    seen: list[int] = []
    evaluate(config, cohort, data, example(), lambda _: seen.append(len(open_blocks)))
    assert seen == [1, 0], "the only batch within, the end behind"


def test_the_work_of_an_evaluation_grows_with_its_masks(make_config: Make) -> None:
    """If this failed, 1,000 masks would move the bar, and count, like one pass."""
    dropping = MLP(64, 10, [6], hidden_rate=0.5)
    config = make_config("rules=[weight_scaling,monte_carlo,exact_arithmetic]", "mc.samples=1000")
    assert list_passes(config, dropping, images=400) == [65, 1000]
    assert list_passes(config, MLP(64, 10, [6]), images=400) == [1]
    config.probes = ["enumeration", "subnetworks", "removal"]
    assert list_passes(config, dropping, images=400)[2:] == [16, 1000, 50]


def test_a_watch_foresees_the_evaluation_by_the_pace_of_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, the time left would leave evaluations out."""
    now = 100.0
    monkeypatch.setattr(watch, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    jobs = [Job("a"), Job("b")]
    looked = Watch(jobs, updates=100)
    looked.count_updates(20)
    now = 110.0
    looked.count_updates(40)
    # Each job takes 25 s of training: 10 s made a fifth of both.
    looked.foresee([25.0, 75.0])
    assert [job.evaluation for job in jobs] == pytest.approx([0.5, 0.75])
    looked.count_updates(100)
    report = looked.report_on(1)
    report(0.5)
    assert (jobs[1].share, jobs[1].evaluated) == (1.0, 0.5)
    assert jobs[1].progress == pytest.approx(0.25 + 0.75 * 0.5)
    assert jobs[0].evaluated is None


def test_the_evaluation_of_stored_networks_is_all_the_work() -> None:
    """If this failed, a study that trains nothing would be done as soon as it begins."""
    job = Job("a")
    report = Watch([job], updates=100).report_on(0)
    report(0.0)
    assert job.progress == 0.0
    report(0.25)
    assert (job.progress, job.progress_here) == (0.25, 0.25)
