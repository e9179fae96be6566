"""The page to play with: its net is trained, the results are read, the page is written."""

import tempfile
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from dropout_study.analysis import results_files
from dropout_study.claims import STUDIES
from dropout_study.config.composed import composed_run
from dropout_study.config.folder import results_path
from dropout_study.config.schema import Config, Explore
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP, Convolution, Linear
from dropout_study.dropout.rules import monte_carlo, subnetworks, weight_scaling
from dropout_study.measures.metrics import errors
from dropout_study.report.explore import Net, Seen, write_page
from dropout_study.running.run import quiet
from dropout_study.tracking.folders import check_writable
from dropout_study.training.build import make_network
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import make_trainer

WIDTHS = [16, 16]
RATE = 0.5
SETTINGS = (
    "data=digits",
    "seeds=[0]",
    f"model.widths={WIDTHS}",
    f"model.hidden_rate={RATE}",
    "optimizer.lr=0.01",
    "trainer=cpu",
    "budget.updates=5000",
    "budget.validations=1",
)
"""How the net of the page is trained."""
MASKS = 100
"""How many masks the page's own text averages."""
OTHER_RATES = (0.2, 0.9)
"""Besides its own, the rates at which the text of the page reports errors."""


def explore(chosen: Explore) -> Path:
    """Write the page; the same machine and results give the same bytes.

    Raises:
        ConfigError: the results cannot be read, or the page cannot be written.
    """
    file = Path(chosen.output)
    check_writable(file.parent, "output")
    networks = results_files.read(results_path(chosen.results), STUDIES)

    config = composed_run(SETTINGS)
    images = load_images(config.data)
    write_page(trained_net(config, images), networks, file)

    return file


def trained_net(config: Config, images: Images) -> Net:
    """Train the net of the page, and measure what its text says."""
    quiet()
    training = CohortTraining(config, make_network(config, images.inputs, images.classes))
    data = DataModule(images, config.data, config.seeds, config.budget.updates)

    with tempfile.TemporaryDirectory() as folder:
        make_trainer(config, Path(folder)).fit(training, datamodule=data)

    cohort = training.cohort.double()
    pixels = images.test.images.to(torch.uint8)
    x, labels = images.test.batch(torch.arange(len(images.test)))

    return Net(
        widths=[images.inputs, *WIDTHS, images.classes],
        rate=RATE,
        updates=config.budget.updates,
        examples=len(images.train),
        weights=[layer.weight[0].float().tolist() for layer in cohort.stacked.typed_layers()],
        biases=[_bias(layer)[0].float().tolist() for layer in cohort.stacked.typed_layers()],
        pixels=pixels.tolist(),
        labels=labels.tolist(),
        seen=[seen(at_rate(cohort, rate), x.double(), labels) for rate in (RATE, *OTHER_RATES)],
    )


def at_rate(cohort: Cohort, rate: float) -> Cohort:
    """The same weights, whose hidden units are dropped at another rate."""
    inputs, *_ = cohort.stacked.sites
    classes = cohort.stacked.typed_layers()[-1].weight.shape[-1]
    made = Cohort(MLP(inputs.shape[0], classes, WIDTHS, hidden_rate=rate), cohort.seeds).double()
    made.load_state_dict(cohort.state_dict())

    return made


def seen(cohort: Cohort, x: Tensor, labels: Tensor) -> Seen:
    """Test errors at the rate of a cohort of one: of its subnetworks, their means, and one pass."""

    def error(log_probs: Tensor) -> float:
        return 100 * errors(log_probs[0], labels).double().mean().item()

    alone = [error(log_probs) for log_probs in subnetworks(cohort, x, MASKS)]
    ensemble = monte_carlo(cohort, x, [MASKS])

    return Seen(
        rate=cohort.stacked.sites[-1].rate,
        masks=MASKS,
        subnetwork=sum(alone) / MASKS,
        arithmetic=error(ensemble.arithmetic[0]),
        geometric=error(ensemble.geometric[0]),
        weight_scaling=error(weight_scaling(cohort, x)),
    )


def _bias(layer: Linear | Convolution) -> Tensor:
    return cast("Tensor", layer.bias)
