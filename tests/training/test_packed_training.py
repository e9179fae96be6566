"""Conditions that are trained together, against each of them alone."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from dropout_study.config.schema import Config
from dropout_study.data.batches import BatchStream
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.data_module import DataModule, JoinedData
from dropout_study.training.members import members_of
from dropout_study.training.module import CohortTraining, Diverged
from dropout_study.training.trainer import finish, fit, make_trainer, train
from support.images import random_images

Make = Callable[..., Config]

SHARED = (
    "trainer=cpu",
    "trainer.precision=64-true",
    "model.widths=[12,9]",
    "data.batch_size=7",
    "data.train_size=40",
    "budget.updates=60",
    "budget.validations=3",
)
DIFFERENT = {
    "rates": (["model.hidden_rate=0"], ["model.hidden_rate=0.5", "model.input_rate=0.2"]),
    "removed units": (
        ["mask=per_network", "model.hidden_rate=0.2"],
        ["mask=per_network", "model.hidden_rate=0.5"],
    ),
    "boosting": (
        ["objective=boosting", "model.hidden_rate=0.2"],
        ["objective=boosting", "model.hidden_rate=0.5"],
    ),
    "early dropout": (
        ["mask=early", "model.hidden_rate=0.2"],
        ["mask=early", "model.hidden_rate=0.5"],
    ),
    "rising rate": (
        ["mask=rising", "model.hidden_rate=0.2"],
        ["mask=rising", "model.hidden_rate=0.5"],
    ),
    "falling rate": (
        ["mask=falling", "model.hidden_rate=0.2"],
        ["mask=falling", "model.hidden_rate=0.5"],
    ),
    "Gaussian factors": (
        ["mask=gaussian", "model.hidden_rate=0.2"],
        ["mask=gaussian", "model.hidden_rate=0.5"],
    ),
    "additive noise": (
        ["mask=additive", "model.hidden_rate=0.2"],
        ["mask=additive", "model.hidden_rate=0.5"],
    ),
    "dropped weights": (
        ["mask=dropconnect", "model.hidden_rate=0.2"],
        ["mask=dropconnect", "model.hidden_rate=0.5"],
    ),
    "seeds": (["seeds=[0,1,2]"], ["seeds=[2,7]"]),
    "learning rates": (["optimizer.lr=0.01"], ["optimizer.lr=0.002"], ["optimizer.lr=0.01"]),
    "weight decay": (
        ["optimizer.lr=0.01", "optimizer.weight_decay=0.3"],
        ["optimizer.lr=0.03", "optimizer.weight_decay=0.3"],
        ["optimizer.lr=0.03", "optimizer.weight_decay=3"],
    ),
    "momentum by rate": (
        ["optimizer=sgd", "optimizer.momentum_ramp=9", "optimizer.lr=0.1"],
        ["optimizer=sgd", "optimizer.momentum_ramp=9", "optimizer.lr=0.02"],
    ),
    "terms": (
        ["regularizer=[l2,l1]", "regularizer.l2=0.01", "regularizer.l1=0.001"],
        ["regularizer.sparsity=0.01"],
        [],
    ),
    "limits": (
        ["regularizer.max_norm=[0.5]"],
        ["regularizer.max_norm=[0.3,0.6,0.2]"],
    ),
    "examples": (
        ["data.train_size=40"],
        ["data.train_size=15"],
        ["data.resample=bootstrap"],
    ),
    "best weights": (
        ["budget.weights=best", "model.hidden_rate=0.2"],
        ["budget.weights=best", "optimizer.lr=0.05"],
    ),
}


def data_of(config: Config) -> DataModule:
    """Noise images."""
    return DataModule(
        random_images(8),
        config.data,
        config.seeds,
        config.budget.updates,
        validation_interval(config),
    )


def trained_together(
    configs: list[Config], folder: Path
) -> Iterator[tuple[CohortTraining, Callable[[], None]]]:
    """The training of each condition, taken out of the pack, and what finishes it."""
    quiet()
    networks = [make_network(config, 64, 10) for config in configs]
    members = [
        member
        for config, network in zip(configs, networks, strict=True)
        for member in members_of(config, network)
    ]
    parts = [data_of(config) for config in configs]
    pack = CohortTraining(configs[0], networks[0], members=members)
    trainer = make_trainer(configs[0], folder)
    train(pack, trainer, JoinedData(parts))

    start = 0

    for config, network, data in zip(configs, networks, parts, strict=True):
        stop = start + len(config.seeds)
        training = pack.part(config, network, range(start, stop))
        yield training, partial(finish, training, trainer, data)
        start = stop


def trained_alone(config: Config, folder: Path) -> CohortTraining:
    """The training of a condition that has no others beside it."""
    quiet()
    training = CohortTraining(config, make_network(config, 64, 10))
    fit(training, make_trainer(config, folder), data_of(config))

    return training


@pytest.mark.parametrize("difference", DIFFERENT)
def test_a_condition_gives_the_same_networks_in_a_pack_and_alone(
    make_config: Make, tmp_path: Path, difference: str
) -> None:
    """If this failed, a condition would have the rates, batches, masks, terms, limits or learning
    rate of its neighbours in the pack.
    """
    configs = [make_config(*SHARED, *own) for own in DIFFERENT[difference]]
    together = trained_together(configs, tmp_path)

    for config, (training, finish_it) in zip(configs, together, strict=True):
        finish_it()
        alone = trained_alone(config, tmp_path)
        assert training.cohort.seeds == alone.cohort.seeds

        for name, p in alone.cohort.named_parameters():
            own = training.cohort.get_parameter(name)
            torch.testing.assert_close(own, p, rtol=1e-9, atol=1e-12)

        assert training.results.keys() == alone.results.keys()
        for key, values in alone.results.items():
            assert training.results[key] == pytest.approx(values, rel=1e-9), key

        curves = [(point.key, point.update) for point in training.curves]
        assert curves == [(point.key, point.update) for point in alone.curves]


def test_networks_of_equal_seeds_and_subsets_share_their_batches(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a pack of twenty rates would draw each batch twenty times."""
    drawn: list[int] = []
    batch = BatchStream.batch

    def counted(stream: BatchStream, update: int) -> torch.Tensor:
        drawn.append(update)
        return batch(stream, update)

    sizes = ("data.train_size=40", "data.train_size=40", "data.train_size=15")
    parts = [data_of(make_config(*SHARED, size)) for size in sizes]
    monkeypatch.setattr(BatchStream, "batch", counted)
    (x, _), *_ = next(iter(JoinedData(parts).train_dataloader()))
    assert torch.equal(x[:5], x[5:10])
    assert not torch.equal(x[:5], x[10:])
    assert drawn.count(0) == 10


def test_the_networks_of_a_pack_begin_equal_bit_for_bit(make_config: Make) -> None:
    """If this failed, conditions in a pack would start from other weights than alone."""
    configs = [make_config(*SHARED, f"model.hidden_rate={rate}") for rate in (0, 0.5)]
    networks = [make_network(config, 64, 10) for config in configs]
    members = [m for c, n in zip(configs, networks, strict=True) for m in members_of(c, n)]
    pack = CohortTraining(configs[0], networks[0], members=members)
    alone = CohortTraining(configs[0], networks[0])

    for name, p in alone.cohort.named_parameters():
        for first in (0, 5):
            assert torch.equal(pack.cohort.get_parameter(name)[first : first + 5], p)


def test_a_condition_that_diverges_ends_as_alone_and_leaves_the_others(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, one bad learning rate would spoil the pack, or be recorded differently."""
    configs = [make_config(*SHARED, "optimizer=sgd", f"optimizer.lr={lr}") for lr in (1e200, 0.01)]
    (bad, finish_bad), (good, finish_good) = trained_together(configs, tmp_path)
    alone = trained_alone(configs[1], tmp_path)

    assert bad.diverged == dict.fromkeys(range(5), 50)
    assert max(point.update for point in bad.curves) == 50
    with pytest.raises(Diverged, match="at update 50"):
        finish_bad()

    finish_good()
    assert good.diverged == {}
    for key, values in alone.results.items():
        assert good.results[key] == pytest.approx(values, rel=1e-9), key


@pytest.mark.parametrize(
    ("scheduled", "plain", "equal"),
    [
        (["mask=early", "mask.until=0.999"], ["model.hidden_rate=0.5"], True),
        (["mask=late", "mask.until=0.999"], ["model.hidden_rate=0"], True),
        (["mask=early", "mask.until=0.5"], ["model.hidden_rate=0.5"], False),
        (["mask=early", "mask.until=0.5"], ["model.hidden_rate=0"], False),
    ],
    ids=["early to the end", "late at the end", "early not all", "early at all"],
)
def test_a_schedule_of_the_rate_reaches_the_training(
    make_config: Make, tmp_path: Path, scheduled: list[str], plain: list[str], equal: bool
) -> None:
    """If this failed, early dropout would be dropout in all updates, or in none.

    Of 60 updates 0.999 are all.
    """
    with_schedule = make_config(*SHARED, "model.hidden_rate=0.5", *scheduled)
    networks = [
        trained_alone(each, tmp_path) for each in (with_schedule, make_config(*SHARED, *plain))
    ]
    scheduled_weights, weights = (list(each.cohort.parameters()) for each in networks)
    same = all(map(torch.equal, scheduled_weights, weights))
    assert same == equal
