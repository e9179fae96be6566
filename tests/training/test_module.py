"""Training: independence of the seeds, constraints, curves, which weights are kept."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from dropout_study.config.names import DATASETS
from dropout_study.config.schema import Config
from dropout_study.data.batches import BatchStream, EvaluationBatches, subset
from dropout_study.dropout.masks import sample
from dropout_study.dropout.rules import weight_scaling
from dropout_study.measures.metrics import nll
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network, validation_interval
from dropout_study.training.checkpoints import Checkpointing, checkpoint_name, trained_in
from dropout_study.training.data_module import DataModule
from dropout_study.training.half_precision import has_bfloat16
from dropout_study.training.module import CohortTraining, Diverged
from dropout_study.training.trainer import UpdateCounter, fit, make_trainer
from support.images import random_images

Make = Callable[..., Config]
NEEDS_BFLOAT16 = pytest.mark.skipif(
    not has_bfloat16(torch.device("cpu")), reason="this processor has no bfloat16 arithmetic"
)


def data_of(config: Config) -> DataModule:
    """Noise images of the data set's size."""
    images = random_images(DATASETS[config.data.name].side)
    return DataModule(
        images, config.data, config.seeds, config.budget.updates, validation_interval(config)
    )


def cohort_of(config: Config, checkpointing: Checkpointing | None = None) -> CohortTraining:
    """What is trained on them."""
    inputs = DATASETS[config.data.name].side ** 2
    return CohortTraining(config, make_network(config, inputs, 10), checkpointing)


def train(config: Config, folder: Path) -> CohortTraining:
    """Train on noise, through the project's own path."""
    quiet()
    module = cohort_of(config)
    fit(module, make_trainer(config, folder), data_of(config))

    return module


SMALL = (
    "model.widths=[16]",
    "seeds=[0,1,2]",
    "trainer=cpu",
    "budget.updates=60",
    "budget.validations=3",
)


def test_the_loss_of_a_network_moves_its_own_weights_only(make_config: Make) -> None:
    """If this failed, the summed loss (and its regularizers) would couple the seeds."""
    config = make_config(*SMALL, "regularizer=[l2,l1,sparsity]")
    module = CohortTraining(config, make_network(config, 64, 10))
    masks = sample(module.cohort.stacked.sites, config.seeds, 0, 5)
    module.losses(torch.rand(3, 5, 64), torch.zeros(3, 5, dtype=torch.long), masks)[1].backward()

    for p in module.parameters():
        assert p.grad is not None
        assert (p.grad[[0, 2]] == 0).all()
        assert (p.grad[1] != 0).any()


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_the_gradient_of_an_autoencoder_is_that_of_the_formula(
    make_config: Make, loss: str
) -> None:
    """If this failed, an autoencoder would learn to give back masked inputs, or another loss."""
    config = make_config(
        "model=autoencoder",
        f"model.loss={loss}",
        "model.widths=[6]",
        "model.input_rate=0.3",
        "seeds=[4,1]",
    )
    module = CohortTraining(config, make_network(config, 64, 10)).double()
    x = torch.rand(2, 5, 64, dtype=torch.float64)
    masks = sample(module.cohort.stacked.sites, config.seeds, 0, 5, dtype=torch.float64)
    losses = module.losses(x, torch.zeros(2, 5, dtype=torch.long), masks)
    losses.sum().backward()

    for r in range(2):
        encoder, decoder = module.cohort.member(r).layers
        hidden = torch.relu((x[r] * masks["input"][r]) @ encoder.weight + encoder.bias)
        p = torch.sigmoid((hidden * masks["hidden0"][r]) @ decoder.weight + decoder.bias)
        entropy = -(x[r] * p.log() + (1 - x[r]) * (1 - p).log())
        pixels = (p - x[r]) ** 2 if loss == "squared" else entropy
        expected = pixels.sum() / 5
        expected.backward()
        torch.testing.assert_close(losses[r], expected)

        for i, layer in enumerate((encoder, decoder)):
            own = module.cohort.get_parameter(f"stacked.layers.{i}.weight").grad
            torch.testing.assert_close(own[r], layer.weight.grad)


@pytest.mark.parametrize(
    "optimizer",
    [
        (
            "optimizer=sgd",
            "optimizer.lr=0.1",
            "optimizer.momentum=0.9",
            "optimizer.momentum_ramp=4",
        ),
        ("optimizer=adamw", "optimizer.lr=0.01", "optimizer.weight_decay=0.3"),
    ],
    ids=["sgd", "adamw"],
)
def test_training_is_the_loop_written_out_by_hand(
    make_config: Make, tmp_path: Path, optimizer: tuple[str, ...]
) -> None:
    """If this failed, masks, penalties, constraint, schedule, momentum or weight decay would not
    reach the weights.
    """
    config = make_config(
        *(
            "seeds=[3,8]",
            "model.widths=[12,9]",
            "model.input_rate=0.2",
            "data.batch_size=7",
            "data.train_size=30",
        ),
        *(
            "regularizer=[l2,l1,max_norm]",
            "regularizer.l2=0.01",
            "regularizer.l1=0.001",
            "regularizer.max_norm=[0.5]",
        ),
        *("schedule=inverse_t", "schedule.half_life=3", "trainer=cpu", "trainer.precision=64-true"),
        *("budget.updates=10", "budget.validations=1", *optimizer),
    )
    trained = train(config, tmp_path).cohort.member(1)

    images = random_images(8)
    options = config.optimizer
    network = make_network(config, 64, 10).double()
    # Cohorts are initialized in float32 and trained in float64.
    single = make_network(config, 64, 10)
    single.initialize(8)
    network.load_state_dict(single.state_dict())
    stream = BatchStream(subset(images.train.labels, 30, "none", 8), 8, 7)
    memory = {
        name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in network.named_parameters()
    }

    for update in range(10):
        x, labels = images.train.batch(stream.batch(update))
        masks = {
            name: m[0]
            for name, m in sample(network.sites, [8], update, 7, dtype=torch.float64).items()
        }
        weights = [layer.weight for layer in network.layers]
        loss = F.cross_entropy(network(x.double(), masks), labels)
        loss = loss + sum(0.01 * w.square().sum() + 0.001 * w.abs().sum() for w in weights)
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        lr = options.lr / (1 + update / 3)

        with torch.no_grad():
            for (name, p), g in zip(network.named_parameters(), gradients, strict=True):
                first, second = memory[name]
                if options.name == "sgd":
                    momentum = 0.5 + 0.4 * min(update / 4, 1)
                    first.mul_(momentum if update else 0).add_(g)
                    p.sub_(lr * first)
                else:
                    first.mul_(0.9).add_(0.1 * g)
                    second.mul_(0.999).add_(0.001 * g * g)
                    p.mul_(1 - lr * 0.3)
                    corrected = (second / (1 - 0.999 ** (update + 1))).sqrt() + 1e-8
                    p.sub_(lr * first / (1 - 0.9 ** (update + 1)) / corrected)
            for w in weights:
                w.mul_((0.5 / w.norm(dim=0)).clamp_max(1))

    for (name, p), own in zip(network.named_parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(own, p, rtol=0, atol=1e-9, msg=name)


def test_the_test_set_is_looked_at_once_and_after_training(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, something would be chosen on test data."""
    quiet()
    config = make_config(*SMALL)
    images = random_images(8)
    touched: list[int] = []

    class Watched(DataModule):
        def test_dataloader(self) -> list[EvaluationBatches]:
            touched.append(module.global_step)
            return super().test_dataloader()

    module = CohortTraining(config, make_network(config, 64, 10))
    fit(
        module,
        make_trainer(config, tmp_path),
        Watched(images, config.data, config.seeds, 60, validation_interval=20),
    )
    assert touched == [60]


@pytest.mark.parametrize(
    ("updates", "validations", "at"),
    [
        (65, 3, [21, 42, 63, 65]),
        (50, 8, [6, 12, 18, 24, 30, 36, 42, 48, 50]),
        (95, 4, [23, 46, 69, 92, 95]),
        (59, 3, [19, 38, 57, 59]),
        (3, 3, [1, 2, 3]),
    ],
)
def test_curves_and_results_cover_the_budget_for_every_seed(
    make_config: Make, tmp_path: Path, updates: int, validations: int, at: list[int]
) -> None:
    """If this failed, the last update would go unvalidated, or be validated twice, or a curve would
    miss its end.
    """
    sizes = (f"budget.updates={updates}", f"budget.validations={validations}")
    module = train(make_config(*SMALL, *sizes), tmp_path)
    seen = {
        key: [p.update for p in module.curves if p.key == key]
        for key in ("val/error", "train/loss")
    }
    assert seen == {"val/error": at, "train/loss": [50, updates] if updates > 50 else [updates]}
    expected = {
        f"{part}/{measure}/weight_scaling"
        for part in ("test", "train")
        for measure in ("error", "nll")
    }
    assert set(module.results) == expected | {"val/error", "val/nll"}
    assert all(len(values) == 3 for values in module.results.values())
    assert (
        module.results["val/error"] == [p for p in module.curves if p.key == "val/error"][-1].values
    )


def test_best_weights_are_kept_seed_by_seed(make_config: Make, tmp_path: Path) -> None:
    """If this failed, a shared best update, or the last weights, would be evaluated as the best."""
    module = train(
        make_config(*SMALL, "budget.weights=best", "budget.validations=20", "optimizer.lr=0.05"),
        tmp_path,
    )
    curve = torch.tensor([p.values for p in module.curves if p.key == "val/error"])
    assert module.results["val/error"] == curve.min(0).values.tolist()
    assert curve[:-1].argmin(0).unique().numel() > 1, (
        "choose a setting in which the seeds peak at different updates"
    )


def test_max_norm_holds_after_every_update_and_layer_by_layer(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, the constraint would be applied before the update, or with one limit for all
    layers.
    """
    module = train(
        make_config(*SMALL, "regularizer.max_norm=[0.3,0.2]", "optimizer.lr=0.05"), tmp_path
    )

    for layer, limit in ((0, 0.3), (1, 0.2)):
        norms = module.cohort.get_parameter(f"stacked.layers.{layer}.weight").norm(dim=-2)
        assert norms.max() <= limit * (1 + 1e-5)
        assert norms.max() > 0.99 * limit


def test_the_share_of_units_at_the_limit_is_counted(make_config: Make, tmp_path: Path) -> None:
    """If this failed, a comparison with max-norm would not show that the constraint was idle."""
    module = train(make_config(*SMALL, "regularizer.max_norm=[0.3]", "optimizer.lr=0.05"), tmp_path)
    weights = [module.cohort.get_parameter(f"stacked.layers.{i}.weight") for i in (0, 1)]
    limited = torch.cat([weight.norm(dim=-2) > 0.2999 for weight in weights], 1)
    module.on_test_epoch_start()
    module.test_step((torch.rand(5, 64), torch.arange(5)), 0, 0)
    module.test_step((torch.rand(5, 64), torch.arange(5)), 0, 1)
    module.on_test_epoch_end()
    assert 0 < limited.double().mean() < 1, "choose a limit that some units meet"
    assert module.results["train/at_limit"] == limited.double().mean(1).tolist()


def test_momentum_rises_linearly_to_its_final_value(make_config: Make, tmp_path: Path) -> None:
    """If this failed, SGD would not be trained as published."""
    ramp = (
        "optimizer=sgd",
        "optimizer.momentum_start=0.5",
        "optimizer.momentum=0.9",
        "optimizer.momentum_ramp=100",
    )
    module = train(make_config(*SMALL, *ramp, "optimizer.lr=0.01"), tmp_path)
    momentum = module.optimizers(use_pl_optimizer=False).param_groups[0]["momentum"]
    # The loop by hand checks the updates before.
    assert momentum == pytest.approx(0.5 + 0.4 * 59 / 100)


def test_ten_examples_are_learnt_by_heart(make_config: Make, tmp_path: Path) -> None:
    """If this failed, gradients, labels or batches would not fit together."""
    config = make_config(
        *SMALL, "debug=overfit", "model.widths=[64]", "model.hidden_rate=0", "budget.updates=200"
    )
    module = train(config, tmp_path)
    assert module.results["train/error/weight_scaling"] == [0, 0, 0]
    assert min(module.results["test/error/weight_scaling"]) > 50, (
        "labels of noise cannot be predicted"
    )


@pytest.mark.parametrize(
    "precision", ["64-true", "bf16-mixed", pytest.param("bf16", marks=NEEDS_BFLOAT16)]
)
def test_other_precisions_train(make_config: Make, tmp_path: Path, precision: str) -> None:
    """If this failed, an advertised precision would crash or not be used."""
    module = train(
        make_config(*SMALL, f"trainer.precision={precision}", "budget.updates=3"), tmp_path
    )
    expected = torch.float64 if precision == "64-true" else torch.float32
    assert all(p.dtype == expected and p.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "mine", "SLURM_PROCID": "3"},
        dict.fromkeys(("LSB_JOBID", "LSB_DJOB_RANKFILE"), "7")
        | dict.fromkeys(
            ("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_LOCAL_RANK", "JSM_NAMESPACE_SIZE"), "3"
        ),
        {},
    ],
    ids=["slurm", "lsf", "srun"],
)
def test_a_cluster_around_a_run_changes_nothing(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """If this failed, every job would fail inside an allocation, or warn where `srun`
    is installed.
    """
    config = make_config(*SMALL, "budget.updates=3")
    alone = train(config, tmp_path)
    (tmp_path / "srun").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert train(config, tmp_path).results == alone.results


def test_what_is_tested_is_the_weight_scaling_rule(make_config: Make, tmp_path: Path) -> None:
    """If this failed, the final results would depend on a mode, or on masks."""
    module = train(make_config(*SMALL), tmp_path)
    x, labels = random_images(8).test.batch(torch.arange(200))
    expected = nll(weight_scaling(module.cohort, x), labels).mean(-1)
    assert module.results["test/nll/weight_scaling"] == pytest.approx(expected.tolist(), rel=1e-5)


class Interrupted(Exception):
    """What happens to long runs."""


def interrupted_at(update: int) -> UpdateCounter:
    def stop(now: int) -> None:
        if now == update:
            raise Interrupted

    return UpdateCounter(stop)


def test_progress_is_reported_after_each_block(make_config: Make, tmp_path: Path) -> None:
    """If this failed, the bar of a large net would stand still for a minute, or slow a small one.

    60 updates with a validation after every 20 come in blocks of 10.
    """
    quiet()
    config = make_config(*SMALL)
    seen: list[int] = []
    trainer = make_trainer(config, tmp_path, [UpdateCounter(seen.append)])
    fit(cohort_of(config), trainer, data_of(config))
    assert seen == [10, 20, 30, 40, 50, 60]


SMALL_LENET = (
    "data=mnist",
    "model=lenet",
    "model.dropout=all",
    "data.batch_size=4",
    *SMALL[1:],
    "seeds=[2]",
)
SGD = (
    "optimizer=sgd",
    "optimizer.momentum_ramp=40",
    "regularizer=[max_norm,l2]",
    "data.batch_size=170",
)
BEST = ("budget.weights=best", "schedule=exponential")
DOUBLE = "trainer.precision=64-true"
BF16 = "trainer.precision=bf16-mixed"
HALF = "trainer.precision=bf16"


@pytest.mark.parametrize(
    (
        "overrides",
        "update",
        "validations",
        "first",
    ),  # the first block that ends after the last checkpoint
    [
        (SMALL, 23, 4, 15),
        (SMALL, 30, 4, 30),
        (SMALL, 53, 4, 45),
        (SMALL, 60, 20, 60),
        (SMALL, 60, 7, 56),
        ((*SMALL, *SGD), 53, 4, 45),
        ((*SMALL, *BEST, "seeds=[4]"), 53, 4, 45),
        ((*SMALL, *BEST), 60, 20, 60),
        ((*SMALL, DOUBLE), 30, 4, 30),
        ((*SMALL, *SGD, *BEST, DOUBLE), 53, 4, 45),
        ((*SMALL, *SGD, *BEST, BF16), 53, 4, 45),
        pytest.param((*SMALL, *SGD, *BEST, HALF), 53, 4, 45, marks=NEEDS_BFLOAT16),
        ((*SMALL_LENET, *SGD[:-1], DOUBLE), 23, 4, 15),
        (SMALL_LENET, 23, 4, 15),
    ],
)
def test_interrupted_and_gone_on_with_equals_uninterrupted(
    make_config: Make,
    tmp_path: Path,
    overrides: tuple[str, ...],
    update: int,
    validations: int,
    first: int,
) -> None:
    """If this failed, a run that was interrupted would give another result than one
    that was not.
    """
    config = make_config(*overrides, f"budget.validations={validations}")
    file = tmp_path / "it.ckpt"
    whole = train(config, tmp_path)
    broken = cohort_of(config, Checkpointing(file, seconds=0))

    with pytest.raises(Interrupted):
        fit(broken, make_trainer(config, tmp_path, [interrupted_at(update)]), data_of(config))

    assert [path.name for path in tmp_path.iterdir() if "ckpt" in path.name] == ["it.ckpt"], (
        "and nothing half-written"
    )
    seen: list[int] = []
    second = cohort_of(config)
    fit(
        second,
        make_trainer(config, tmp_path, [UpdateCounter(seen.append)]),
        data_of(config),
        file,
    )
    assert seen[0] == first, "it begins where it was interrupted, not at the start"
    assert seen[-1] == 60

    for (name, p), own in zip(whole.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(p, own), name

    assert second.results == whole.results
    points = [[(p.key, p.update, p.values) for p in module.curves] for module in (whole, second)]
    assert points[0] == points[1]


def test_blocks_that_do_not_fit_the_validations_are_refused(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, a data module of another configuration would be validated at other updates
    than told.
    """
    quiet()
    config = make_config(*SMALL)
    module = CohortTraining(config, make_network(config, 64, 10))
    data = DataModule(random_images(8), config.data, config.seeds, 60, validation_interval=30)

    with pytest.raises(ValueError, match="every 30 updates, the configuration every 20"):
        fit(module, make_trainer(config, tmp_path), data)


def test_a_checkpoint_is_resumed_by_the_run_that_wrote_it_alone(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, training would go on from other weights than its own, or a foreign file stop
    it for ever.
    """
    quiet()
    config = make_config(*SMALL)
    other = make_config(*SMALL, "seeds=[0,1,3]")
    own = tmp_path / checkpoint_name(config)
    foreign = tmp_path / checkpoint_name(other)
    fit(
        cohort_of(config, Checkpointing(own, seconds=0)),
        make_trainer(config, tmp_path),
        data_of(config),
    )
    assert trained_in(own) == {}
    shutil.copy(own, foreign)
    assert trained_in(foreign) is None

    for content in ({"state_dict": {}}, {"run": torch.zeros(2)}, [1], torch.zeros(2)):
        torch.save(content, own)
        assert trained_in(own) is None


def test_no_checkpoint_is_written_before_its_time(make_config: Make, tmp_path: Path) -> None:
    """If this failed, short runs would write files for nothing."""
    quiet()
    config = make_config(*SMALL)
    data = DataModule(random_images(8), config.data, config.seeds, 60, validation_interval=20)
    module = CohortTraining(
        config, make_network(config, 64, 10), Checkpointing(tmp_path / "it.ckpt", 60)
    )
    fit(module, make_trainer(config, tmp_path), data)
    assert not (tmp_path / "it.ckpt").exists()


def diverging(config: Config, broken: list[int]) -> CohortTraining:
    """A cohort in which some networks start with weights that are not numbers."""
    module = CohortTraining(config, make_network(config, 64, 10))

    with torch.no_grad():
        for p in module.parameters():
            p[broken] = float("nan")

    return module


def test_a_diverged_network_does_not_touch_the_others(make_config: Make, tmp_path: Path) -> None:
    """If this failed, one seed that diverges would cost its whole cohort."""
    config = make_config(*SMALL)
    module = diverging(config, [1])
    whole = train(config, tmp_path)
    fit(
        module,
        make_trainer(config, tmp_path),
        DataModule(random_images(8), config.data, config.seeds, 60, validation_interval=20),
    )
    assert module.diverged == {1: 50}

    for p, own in zip(whole.parameters(), module.parameters(), strict=True):
        assert torch.equal(p[[0, 2]], own[[0, 2]])

    errors = module.results["test/error/weight_scaling"]
    assert [errors[0], errors[2]] == [whole.results["test/error/weight_scaling"][i] for i in (0, 2)]


def test_when_every_network_has_diverged_training_ends(make_config: Make, tmp_path: Path) -> None:
    """If this failed, hours would be spent on numbers that are none."""
    quiet()
    config = make_config(*SMALL, "budget.updates=1000")
    module = diverging(config, [0, 1, 2])
    data = DataModule(random_images(8), config.data, config.seeds, 1000, validation_interval=333)

    with pytest.raises(Diverged, match="at update 50"):
        fit(module, make_trainer(config, tmp_path), data)
