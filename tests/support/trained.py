"""Small networks trained on digits in double precision."""

import torch

from dropout_study.config.schema import Data
from dropout_study.data.datasets import load_images
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import MLP
from dropout_study.training.data_module import DataModule

DIGITS = load_images(Data(name="digits", root="-", pool=2))
X = DIGITS.test.batch(torch.arange(40))[0].double()


def trained(network: MLP, updates: int = 200) -> Cohort:
    """Two networks trained on digits pooled to 16 inputs, without masks, in float64."""
    cohort = Cohort(network, [0, 1]).double()
    optimizer = torch.optim.Adam(cohort.parameters(), lr=0.05)
    batches = DataModule(
        DIGITS, Data(name="digits", root="-", batch_size=64), [0, 1], updates
    ).batches()
    for x, labels in batches:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(
            cohort(x.double()).flatten(0, 1), labels.flatten()
        ).backward()
        optimizer.step()

    assert (cohort(X).argmax(-1) == DIGITS.test.labels[:40]).double().mean() > 0.7

    return cohort
