"""One thread for small updates, all threads for large ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dropout_study.dropout.networks import Network
from dropout_study.system.processes import SHARED_THREADS

# Operations of an update below which a second thread gains less than a tenth.
MIN_OPERATIONS_FOR_THREADS = 3e8


def operations(network: Network, networks: int, batch: int) -> int:
    """Floating-point operations of an update: 6 x batch x sum over layers of weights x places.

    A weight of a convolution is applied at many places of an image, any other at one.

    Args:
        network: one of those that are updated.
        networks: how many are.
        batch: examples of each network.
    """
    applications = [layer.weight.numel() * layer.places for layer in network.typed_layers()]
    return 6 * batch * networks * sum(applications)


@contextmanager
def as_many_threads_as_pay(network: Network, networks: int, batch: int) -> Iterator[None]:
    """One thread within the block where updates are small, unless the user has set a number.

    Arguments as in `operations`.
    """
    threads = os.environ.get("OMP_NUM_THREADS")
    set_by_user = threads and threads != os.environ.get(SHARED_THREADS)

    if set_by_user or operations(network, networks, batch) >= MIN_OPERATIONS_FOR_THREADS:
        yield
        return

    before = torch.get_num_threads()
    torch.set_num_threads(1)

    try:
        yield
    finally:
        torch.set_num_threads(before)
