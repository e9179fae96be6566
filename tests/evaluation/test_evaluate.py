"""What is refused before a cohort is trained, and in which precision rules are evaluated."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dropout_study.config.schema import Config, ConfigError
from dropout_study.data.datasets import load_images
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.rules import monte_carlo, weight_scaling
from dropout_study.evaluation.evaluate import check_evaluation, evaluate_cohort
from dropout_study.measures.metrics import nll
from dropout_study.running import run
from dropout_study.running.checkpoint import Checkpoint
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from support.images import random_images
from support.records import example


@pytest.mark.parametrize("override", ["rules=[exact_geometric]", "probes=[enumeration]"])
def test_what_enumerates_too_many_masks_is_refused_before_training(
    override: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, a condition would be trained and then run out of memory."""
    config = make_config(override, "model.widths=[512]", "model.hidden_rate=0.5")
    checkpoint = Checkpoint.find([config], [config])
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"^{key}=.* cannot be used: 512 droppable units"):
        run.begin(config, tmp_path, None, load_images(config.data), 1, checkpoint)


def test_hidden_units_are_measured_only_where_there_are_some(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, softmax regression would be trained and then end in a traceback."""
    config = make_config("model=softmax_regression", "probes=[units]")
    checkpoint = Checkpoint.find([config], [config])
    with pytest.raises(ConfigError, match=r"^probes=.* model=softmax_regression has none\.$"):
        run.begin(config, tmp_path, None, load_images(config.data), 1, checkpoint)


@pytest.mark.parametrize("probe", ["removal", "halves"])
def test_units_are_removed_only_where_masks_are_of_units(
    probe: str, make_config: Callable[..., Config]
) -> None:
    """If this failed, DropConnect would be trained and then end in a traceback, since its masks of
    weights would be taken for units.
    """
    config = make_config(f"probes=[{probe}]", "mask=dropconnect", "model.widths=[5]")
    with pytest.raises(ConfigError, match="remove units, and the noise of hidden0 is on weights"):
        check_evaluation(config, make_network(config, 64, 10))

    plain = make_config(f"probes=[{probe}]", "mask=per_update", "model.widths=[5]")
    check_evaluation(plain, make_network(plain, 64, 10))


@pytest.mark.parametrize(
    ("typed", "inputs", "refused"),
    [
        (["model.input_rate=0"], 16, "ridge needs inputs that are dropped: model.input_rate above"),
        (["model.input_rate=0"], 40, "ridge needs inputs that are dropped"),
        (["model.input_rate=0.5", "mask=per_network"], 16, "ridge needs inputs that are dropped"),
        (["model.input_rate=0.5"], 40, "40 droppable units"),
    ],
)
def test_ridge_is_measured_only_where_inputs_are_dropped_and_few(
    typed: list[str], inputs: int, refused: str, make_config: Callable[..., Config]
) -> None:
    """If this failed, softmax regression would be trained and then end in a traceback, or ask for
    terabytes.
    """
    config = make_config("model=softmax_regression", "probes=[ridge]", *typed)
    with pytest.raises(ConfigError, match=refused):
        check_evaluation(config, make_network(config, inputs, 10))


@pytest.mark.parametrize("rules", [["weight_scaling", "geometric"], ["geometric", "monte_carlo"]])
def test_subnetworks_are_sampled_in_the_precision_of_training(
    rules: list[str], make_config: Callable[..., Config]
) -> None:
    """If this failed, a hundred passes would take four times as long as they need, or weight
    scaling would lose digits to rounding.
    """
    config = make_config(f"rules=[{','.join(rules)}]", "trainer.precision=bf16", "mc.samples=20")
    images = random_images(8)
    cohort = Cohort(MLP(64, 10, [32], hidden_rate=0.5), [0, 1])
    record = example()
    evaluate_cohort(config, cohort, DataModule(images, config.data, [0, 1], updates=1), record)

    x, labels = images.test.batch(torch.arange(len(images.test)))
    half = Cohort(MLP(64, 10, [32], hidden_rate=0.5), [0, 1]).bfloat16()
    sampled = monte_carlo(half, x.bfloat16(), [20])
    expected = {
        "weight_scaling": weight_scaling(cohort, x),
        "geometric": sampled.geometric[0],
        "monte_carlo": sampled.arithmetic[0],
    }

    for rule in rules:
        recorded = record.values(f"test/nll/{rule}")
        assert recorded == pytest.approx(nll(expected[rule], labels).mean(1).tolist(), abs=2e-6)

    assert all(p.dtype == torch.float32 for p in cohort.parameters())
