"""Estimates: every part of the work counts, and little of it is done."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from dropout_study.config.schema import Config
from dropout_study.data.datasets import bundled_digits
from dropout_study.dropout.cohort import Cohort
from dropout_study.evaluation.predictions import Batches
from dropout_study.running import estimate as module
from dropout_study.running.estimate import (
    MEASURED,
    UPDATES_MEASURED,
    Line,
    Part,
    cost_key,
    estimate,
    time_line,
)

Make = Callable[..., Config]
SMALL = ("trainer=cpu", "model.widths=[8,8]", "rules=[weight_scaling]", "seeds=[0,1]")


@pytest.fixture(autouse=True)
def nothing_measured() -> None:
    """Forget what other tests have measured."""
    MEASURED.clear()
    UPDATES_MEASURED.clear()


def evaluation(config: Config) -> list[Part]:
    """The parts of the evaluation that an estimate has timed."""
    MEASURED.clear()
    estimate(config)
    (cost,) = MEASURED.values()

    return cost.evaluation


def test_time_is_extrapolated_on_a_line_and_not_measured_on_all_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a dry run would take as long as an evaluation, or miss its constant part."""
    now = 0.0
    evaluated = []

    def evaluate(batches: object) -> None:
        nonlocal now
        images = sum(len(labels) for _, labels in batches)  # type: ignore[attr-defined]
        evaluated.append(images)
        now += 0.1 + 0.01 * images  # hand-made: a constant part, and a part per image

    monkeypatch.setattr(module, "_clock", lambda _: now)
    line = time_line(evaluate, bundled_digits().test)
    assert evaluated == [16, 64]
    assert line.at(10_000) == pytest.approx(0.1 + 100)
    assert line.at(0) == pytest.approx(0.1)


def test_a_large_constant_part_does_not_hide_what_an_image_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a probe of thousands of small steps would be estimated by its first image."""
    now = 0.0
    evaluated = []

    def evaluate(batches: object) -> None:
        nonlocal now
        images = sum(len(labels) for _, labels in batches)  # type: ignore[attr-defined]
        evaluated.append(images)
        now += 0.5 + 0.004 * images

    monkeypatch.setattr(module, "_clock", lambda _: now)
    line = time_line(evaluate, bundled_digits().test)
    assert evaluated == [16, 64, 256]
    assert line.at(2_000) == pytest.approx(8.5)


def test_repetitions_and_limits_of_images_count() -> None:
    """If this failed, 1,000 masks would be estimated like 10, or images that a probe leaves out."""
    line = Line(images=100, seconds=2.0, slope=0.01)
    assert Part(line).seconds(10_000) == 101
    assert Part(line, images=2_000).seconds(10_000) == 21
    assert Part(line, images=2_000, repetitions=100).seconds(300) == 400


@pytest.mark.parametrize(
    "probes",
    ["[removal]", "[interactions,halves]", "[units,timing]", "[corruption_by_kind]", "[bags]"],
)
def test_every_probe_counts(make_config: Make, probes: str) -> None:
    """If this failed, a study would take far longer than its dry run says."""
    parts = evaluation(make_config("budget=smoke", *SMALL, f"probes={probes}", "bag=2"))
    assert len(parts) == 2 + probes.count(",")
    assert all(part.seconds(400) > 0 for part in parts)


def test_probes_that_sample_take_longer_with_more_masks(make_config: Make) -> None:
    """If this failed, the number of masks would seem to cost nothing."""
    common = ("budget=smoke", *SMALL, "probes=[subnetworks,removal]")
    scaled, sampled, removal = evaluation(make_config(*common, "mc.samples=1000"))
    assert (scaled.repetitions, sampled.repetitions, removal.repetitions) == (1, 100, 1)
    (_, sampled, _) = evaluation(make_config(*common, "mc.samples=50"))
    assert sampled.repetitions == 5


def test_exact_rules_and_the_curve_of_sampled_ones_count(make_config: Make) -> None:
    """If this failed, the dearest rules would be estimated like one pass."""
    rules = "rules=[weight_scaling,exact_arithmetic,monte_carlo]"
    small = (*SMALL, "model.widths=[6,6]", rules, "mc.samples=100")
    exact, sampled = evaluation(make_config("budget=smoke", *small))
    (plain,) = evaluation(make_config("budget=smoke", *SMALL))
    assert exact.seconds(400) > plain.seconds(400)
    assert sampled.repetitions == 10


def test_every_network_has_training_examples_of_its_own(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, the final pass over the training set would be estimated like one over images
    that all networks share, half as long for small networks, or with threads that it has not.
    """
    monkeypatch.delenv("OMP_NUM_THREADS")
    score_rules = module.predictions.score_rules
    passes = []

    def watched(cohort: Cohort, batches: Batches, *others: Any) -> object:
        passes.append((next(iter(batches))[0].ndim, torch.get_num_threads()))
        return score_rules(cohort, batches, *others)

    monkeypatch.setattr(module.predictions, "score_rules", watched)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)

    try:
        few, many = (
            estimate(make_config("budget=smoke", *SMALL, f"data.train_size={size}"))
            for size in (100, 900)
        )
    finally:
        torch.set_num_threads(threads)

    assert list(dict.fromkeys(passes)) == [(2, 1), (3, 1), (2, 2)]  # shared, own, rules
    (cost,) = MEASURED.values()
    assert many - few == pytest.approx(cost.learned.at(900) - cost.learned.at(100))


def test_work_of_one_of_several_threads_counts_in_full() -> None:
    """If this failed, a probe of many small steps would be estimated at half its time on two
    cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(2)

    try:
        start = module._clock(torch.device("cpu"))
        begin = time.process_time()
        while time.process_time() < begin + 0.1:
            pass
        seconds = module._clock(torch.device("cpu")) - start
    finally:
        torch.set_num_threads(threads)

    assert seconds > 0.08


def test_stored_cohorts_are_estimated_before_they_are_trained(make_config: Make) -> None:
    """If this failed, a study of stored networks could not be planned."""
    probes = ("budget=smoke", *SMALL, "probes=[subnetworks]")
    config = make_config(*probes)
    trained = estimate(config)
    config.study.cohorts_from = "reference"
    config.budget.updates = 10**9
    assert 0 < estimate(config) < 60
    assert trained > 0


def test_conditions_of_equal_cost_share_a_measurement(make_config: Make) -> None:
    """If this failed, the dry run of a study with many candidates would take minutes."""
    first = make_config("budget=smoke", *SMALL)
    short = estimate(first)
    same = [
        ("optimizer.lr=0.002", "budget.updates=1000", "data.train_size=500"),
        ("model.hidden_rate=0.3", "seeds=[7,9]"),
    ]
    times = [estimate(make_config("budget=smoke", *SMALL, *overrides)) for overrides in same]
    assert len(MEASURED) == 1
    assert times[0] > short

    other = ["model.hidden_rate=0", "regularizer.l1=0.1", "seeds=[7]", "data.batch_size=50"]
    keys = {cost_key(make_config("budget=smoke", *SMALL, override)) for override in other}
    assert len(keys | {cost_key(first)}) == 5


def test_of_updates_that_conditions_share_each_counts_its_part(make_config: Make) -> None:
    """If this failed, a sweep would be planned as if its conditions were trained one by one."""
    pack = [
        make_config("budget=smoke", *SMALL, f"model.hidden_rate={rate}", "budget.updates=100000")
        for rate in (0.1, 0.2, 0.5)
    ]
    together = [estimate(config, pack) for config in pack]
    (of_network,) = UPDATES_MEASURED.values()
    of_updates = len(pack[0].seeds) * 100_000 * of_network
    assert together == pytest.approx([of_updates] * 3, rel=0.05)
    assert estimate(pack[0]) > 1.2 * together[0], "alone, it bears the overhead of an update alone"


def test_rates_at_which_training_breaks_down_are_estimated(make_config: Make) -> None:
    """If this failed, one candidate that will diverge would end a dry run in an error."""
    config = make_config("budget=smoke", *SMALL, "optimizer.lr=1e30", "budget.updates=1000")
    assert torch.isfinite(torch.tensor(estimate(config)))
