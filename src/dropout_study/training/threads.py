"""How many threads an update is worth."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.system.processes import SHARED_THREADS

WORTH_A_THREAD = 3e8  # operations of an update below which a second thread gains less than a tenth


def operations(network: Network, batch: int) -> int:
    """Floating-point operations of an update: 6 x batch x weights x places that a weight is applied at.

    Args:
        network: of one network, or of a cohort, whose weights have a leading axis.
        batch: examples of each network.
    """
    outputs = [*(site.shape for site in network.sites[1:]), ()]
    places = [math.prod(2 * side for side in shape[1:]) for shape in outputs]  # pooled by 2 x 2
    weights = [cast("Tensor", layer.weight).numel() for layer in network.layers]

    return 6 * batch * sum(a * b for a, b in zip(weights, places, strict=True))


@contextmanager
def as_many_threads_as_pay(cohort: Cohort, batch: int) -> Iterator[None]:
    """One thread within the block where updates are small, unless the user has set a number."""
    threads = os.environ.get("OMP_NUM_THREADS")
    typed = threads and threads != os.environ.get(SHARED_THREADS)
    if typed or operations(cohort.stacked, batch) >= WORTH_A_THREAD:
        yield
        return

    before = torch.get_num_threads()
    torch.set_num_threads(1)

    try:
        yield
    finally:
        torch.set_num_threads(before)
