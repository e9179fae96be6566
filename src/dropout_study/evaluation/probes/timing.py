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
from dropout_study.evaluation.probes.findings import Finding, Findings, Probed
from dropout_study.evaluation.sample_sizes import TIMED_NETWORKS

ROUNDS = 30
WARM_UP = 3  # rounds before those that count
BATCH = 100  # examples of a timed update


RATIOS = {
    "dropout": "an update with dropout / one without",
    "bag": f"an update of each of {TIMED_NETWORKS} networks / one with dropout",
    "scaling": "a pass of weight scaling / a pass without dropout",
    "monte_carlo": f"{TIMED_NETWORKS} sampled masks / a pass of weight scaling",
}
FINDINGS = (
    *(Finding(f"cost/{name}", "", f"time, {ratio}, by round") for name, ratio in RATIOS.items()),
    *(Finding(f"cost/flops_{name}", "", f"operations, {ratio}") for name, ratio in RATIOS.items()),
)


def timing(probed: Probed) -> Findings:
    """Ratios of times per round, dividend and divisor timed in turn; and of operations."""
    network = probed.cohort.member(0)
    plain = copy.deepcopy(network)
    plain.sites = tuple(site.removing(0.0) for site in network.sites)
    x, labels = next(iter(probed.batches()))
    dropping = Updates(network, x, labels)
    keeping = Updates(plain, x, labels)
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
        "dropout": (keeping, dropping),
        "bag": (dropping, bag),
        "scaling": (pass_of(keeping.cohort), pass_of(dropping.cohort)),
        "monte_carlo": (pass_of(dropping.cohort), sampled),
    }
    findings = Findings()
    networks = len(probed.cohort.seeds)
    rounds = range(1, ROUNDS + 1)

    for name, (divisor, dividend) in rivals.items():
        times = _ratios(divisor, dividend).unsqueeze(1).expand(-1, networks)
        findings.curves[f"cost/{name}"] = (rounds, times)
        operations = _operations(dividend) / _operations(divisor)
        findings.metrics[f"cost/flops_{name}"] = torch.full((networks,), operations)

    return findings


class Updates:
    """One network in training; a call is one update."""

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
        """Forward pass, backward pass, step."""
        sites = self.cohort.stacked.sites
        x = self._x
        factors = masks.sample(sites, [0], self._update, x.shape[1], dtype=x.dtype, device=x.device)
        loss = F.cross_entropy(self.cohort(x, factors)[0], self._labels)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._update += 1


def _ratios(divisor: Callable[[], object], dividend: Callable[[], object]) -> Tensor:
    """Ratio of times per round, `[ROUNDS]`, the two timed in turn after some rounds to warm up."""
    ratios = []

    for _ in range(WARM_UP + ROUNDS):
        first = _time(divisor)
        second = _time(dividend)
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
