"""Where weight scaling is exact: rule x family x keep, against all masks, in float64.

Prints the largest absolute difference of log-probabilities to the geometric ensemble (7.54, 7.55),
the Kullback-Leibler divergence from it, and the test errors. Some noise has no masks of units to
count. Where logits are linear in it, a draw and its mirror image about the mean average to the mean
logits, which are those of the geometric ensemble. Networks are trained at keep 1/2 on
scikit-learn's digits, pooled to 16 inputs, by the study's own training; the other values of keep
are of the same weights.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin

import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from dropout_study.config import read, resolvers
from dropout_study.config.folder import CONF
from dropout_study.data.datasets import load_images
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.enumeration import exact
from dropout_study.dropout.fast_dropout import check_fast_dropout, fast_dropout
from dropout_study.dropout.masks import sample
from dropout_study.dropout.networks import Network
from dropout_study.dropout.noise import Added
from dropout_study.dropout.rules import check_all_masks, monte_carlo, weight_scaling
from dropout_study.measures.metrics import errors
from dropout_study.running import command_line
from dropout_study.running.run import quiet
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import make_trainer

KEEPS = (0.1, 0.5, 0.8)
SAMPLES = 100
EXAMPLES = 10  # of the test set: 65,536 masks each
FAMILIES = {
    "softmax regression, inputs dropped": ["model=softmax_regression", "model.input_rate=0.5"],
    "two linear layers, both dropped": ["model.activation=identity", "model.widths=[8,8]"],
    "ReLU layer, dropped": ["model.widths=[12]"],
    "ReLU layer, its inputs dropped": [
        "model.widths=[8]",
        "model.input_rate=0.5",
        "model.hidden_rate=0",
    ],
    "tanh layer, its inputs dropped": [
        *(
            "model.activation=tanh",
            "model.widths=[8]",
            "model.input_rate=0.5",
            "model.hidden_rate=0",
        )
    ],
    "sigmoid layer, its inputs dropped": [
        *(
            "model.activation=sigmoid",
            "model.widths=[8]",
            "model.input_rate=0.5",
            "model.hidden_rate=0",
        )
    ],
    "two ReLU layers, both dropped": ["model.widths=[8,8]"],
    "ReLU layer, one mask per update": ["model.widths=[12]", "mask=per_update"],
    "ReLU layer, one mask per network": ["model.widths=[12]", "mask=per_network"],
    "ReLU layer, Gaussian factors": ["model.widths=[12]", "mask=gaussian"],
    "ReLU layer, Gaussian noise added": ["model.widths=[12]", "mask=additive"],
    "softmax regression, weights dropped": [
        "model=softmax_regression",
        "model.input_rate=0.5",
        "mask=dropconnect",
    ],
}


def with_keep(cohort: Cohort, keep: float) -> Cohort:
    """The same weights, with another probability of keeping a unit wherever units are dropped."""
    network = cohort.member(0)
    rates = [1 - keep if site.is_noisy else 0.0 for site in network.sites]
    network.sites = tuple(
        replace(site, rate=rate) for site, rate in zip(network.sites, rates, strict=True)
    )
    made = Cohort(network, cohort.seeds).double()
    made.load_state_dict(cohort.state_dict())

    return made


def train(overrides: list[str], updates: int) -> tuple[Cohort, torch.Tensor, torch.Tensor]:
    """A trained cohort of one, with test inputs in float64 and their labels."""
    common = [
        "seeds=[0]",
        "data.pool=2",
        "optimizer.lr=0.05",
        "trainer=cpu",
        f"budget.updates={updates}",
        "budget.validations=1",
    ]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = read.read_config(
            compose("train", [*common, "trainer.precision=64-true", *overrides])
        )

    images = load_images(config.data)
    module = CohortTraining(config, make_network(config, images.inputs, images.classes))
    data = DataModule(images, config.data, config.seeds, updates)

    with tempfile.TemporaryDirectory() as folder:
        make_trainer(config, Path(folder)).fit(module, datamodule=data)

    x, labels = images.test.batch(torch.arange(EXAMPLES))

    return module.cohort, x.double(), labels


def predictions(cohort: Cohort, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The geometric ensemble, and what each rule that applies predicts."""
    network = cohort.stacked
    rules = {"weight scaling": weight_scaling(cohort, x)}

    if applies(check_fast_dropout, network):
        rules["fast dropout"] = fast_dropout(cohort, x)

    if any(site.masked for site in network.sites):
        sampled = monte_carlo(cohort, x, [SAMPLES])
        rules[f"geometric of {SAMPLES} draws"] = sampled.geometric[0]

    if not applies(check_all_masks, network):
        return rules | {"geometric": mean_of_mirrored(cohort, x)}

    ensemble = exact(cohort, x)

    return rules | {"arithmetic": ensemble.arithmetic, "geometric": ensemble.geometric}


def mean_of_mirrored(cohort: Cohort, x: torch.Tensor) -> torch.Tensor:
    """What the mean logits of one draw of noise and its mirror image predict."""
    drawn = sample(cohort.stacked.sites, cohort.seeds, 0, len(x), dtype=x.dtype)
    mirrored = {
        name: Added(-factors.noise) if isinstance(factors, Added) else 2 - factors
        for name, factors in drawn.items()
    }

    logits: torch.Tensor = (cohort(x, drawn) + cohort(x, mirrored)) / 2

    return logits.log_softmax(-1)


def applies(check: Callable[[Network], None], network: Network) -> bool:
    """Whether a check accepts a network."""
    try:
        check(network)
    except ValueError:
        return False

    return True


def percent(log_probs: torch.Tensor, labels: torch.Tensor) -> str:
    """Test error."""
    return f"{100 * errors(log_probs, labels).double().mean().item():.1f}"


def main() -> None:
    """Train, enumerate, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--updates", type=int, default=200, help="weight updates of each network (default 200)"
    )
    updates = parser.parse_args().updates
    quiet()
    resolvers.register()
    table = Table(
        caption=(
            f"float64, all masks, {EXAMPLES} test examples; KL of the geometric ensemble, in nats"
        )
    )

    for heading in ("family", "keep", "rule", "max |Δ log p|", "KL", "error %", "geometric %"):
        table.add_column(heading, justify="left" if heading in ("family", "rule") else "right")

    for family, overrides in FAMILIES.items():
        trained, x, labels = train(overrides, updates)
        for keep in KEEPS:
            cohort = with_keep(trained, keep)
            rules = predictions(cohort, x)
            geometric = rules.pop("geometric")

            for rule, log_probs in rules.items():
                gap = (log_probs - geometric).abs().max().item()
                divergence = (geometric.exp() * (geometric - log_probs)).sum(-1).mean().item()
                first = rule == "weight scaling"
                names = (family, f"{keep:g}") if first else ("", "")
                measured = (f"{gap:.1e}", f"{abs(divergence):.1e}", percent(log_probs, labels))
                table.add_row(*names, rule, *measured, percent(geometric, labels) if first else "")

    Console(width=140).print(table)


if __name__ == "__main__":
    command_line.run(main)
