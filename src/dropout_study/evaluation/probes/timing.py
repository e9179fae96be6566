"""What training and prediction cost, rivals timed in turn."""

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dropout_study.dropout import masks
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import subnetworks, weight_scaling
from dropout_study.evaluation.probes.findings import Findings, Probed
from dropout_study.evaluation.sample_sizes import TIMED_NETWORKS

ROUNDS = 30
WARM_UP = 3
BATCH = 100


def timing(probed: Probed) -> Findings:
    """Ratios of times, one a round; what is divided is timed right after what it is divided by.

    Finds curves by round: `cost/dropout` (an update with dropout by one without), `cost/bag` (an
    update of each of ten nets by one with dropout), `cost/scaling` (a pass of weight scaling by a
    pass of the net without dropout), `cost/monte_carlo` (ten masks by one pass of weight scaling);
    and the operations they take by PyTorch's counter: `cost/flops_dropout`, `cost/flops_bag`,
    `cost/flops_scaling`, `cost/flops_monte_carlo`, as ratios likewise.
    """
    network = probed.cohort.member(0)
    plain = copy.deepcopy(network)
    plain.sites = tuple(masks.Site(site.name, site.shape, 0.0) for site in network.sites)
    x, labels = next(iter(probed.batches()))
    dropping = Updates(network, x, labels)
    whole = Updates(plain, x, labels)
    members = [Updates(plain, x, labels) for _ in range(TIMED_NETWORKS)]

    def bag() -> None:
        for member in members:
            member()

    def sampled() -> None:
        for _ in subnetworks(dropping.cohort, x, TIMED_NETWORKS):
            pass

    def pass_of(cohort: Cohort) -> Callable[[], object]:
        return lambda: weight_scaling(cohort, x)

    rivals: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "dropout": (whole, dropping),
        "bag": (dropping, bag),
        "scaling": (pass_of(whole.cohort), pass_of(dropping.cohort)),
        "monte_carlo": (pass_of(dropping.cohort), sampled),
    }
    found = Findings()

    for name, (one, other) in rivals.items():
        found.curves[f"cost/{name}"] = (
            range(1, ROUNDS + 1),
            _per_network(_ratios(one, other), probed),
        )
        ratio = _operations(other) / _operations(one)
        found.metrics[f"cost/flops_{name}"] = torch.full((len(probed.cohort.seeds),), ratio)

    return found


class Updates:
    """Updates of one network: a call is one."""

    def __init__(self, network: Network, x: Tensor, labels: Tensor) -> None:
        self.cohort = Cohort(network, [0])
        self.cohort.to(x.device, x.dtype)
        self._x = x[:BATCH].unsqueeze(0)
        self._labels = labels[:BATCH]
        self._update = 0
        self._optimizer = torch.optim.AdamW(
            self.cohort.parameters(), lr=1e-4, weight_decay=0.0, fused=True
        )

    def __call__(self) -> None:
        """One pass forwards, one backwards, one step."""
        sites = self.cohort.stacked.sites
        x = self._x
        factors = masks.sample(sites, [0], self._update, x.shape[1], dtype=x.dtype, device=x.device)
        loss = F.cross_entropy(self.cohort(x, factors)[0], self._labels)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._update += 1


def _ratios(one: Callable[[], object], other: Callable[[], object]) -> Tensor:
    """Time of the second by time of the first, `[ROUNDS]`, taken in turn after a few rounds that do not count."""
    ratios = []

    for _ in range(WARM_UP + ROUNDS):
        first = _time(one)
        second = _time(other)
        ratios.append(second / first)

    return torch.tensor(ratios[WARM_UP:])


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()

    if torch.cuda.is_available():
        torch.cuda.synchronize()

    return time.perf_counter() - start


def _operations(call: Callable[[], object]) -> float:
    """Floating-point operations of the matrix products of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


def _per_network(values: Tensor, probed: Probed) -> Tensor:
    return values.unsqueeze(1).expand(-1, len(probed.cohort.seeds))
