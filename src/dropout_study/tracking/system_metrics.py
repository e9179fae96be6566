"""What the machine did while runs were computed: MLflow's system metrics, in the records.

MLflow's own monitor writes into the store as it measures, and stops when the store does not answer.
A record comes first here, so this module keeps what MLflow's samplers measure under MLflow's names,
and the recorder brings it into a store with the rest. The samplers are not documented; tested on
MLflow 3.17.2.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

from dropout_study.system.processes import now_ms, repeat_every
from dropout_study.tracking.record import Record, SystemCurve

SECONDS = 10.0
"""Between two samples, as in MLflow; its variable sets another time."""
MAX_POINTS = 1_000
"""Points of a curve. At this number every second is left out, and a point is the mean of twice as
many samples."""


class SystemMetrics:
    """Curves of what the machine does.

    Attributes:
        curves: key, as MLflow names it -> points: time in milliseconds since the epoch, value.
    """

    def __init__(self) -> None:
        self.curves: dict[str, SystemCurve] = {}
        self._samplers = _samplers()
        self._samples = 0
        self._samples_per_point = 1
        self._collect()  # a share of time begins with its first sample
        self._clear()

    def sample(self) -> None:
        """Measure once; the mean of some samples is a point."""
        self._collect()
        self._samples += 1

        if self._samples == self._samples_per_point:
            self._add_points()
            self._clear()

    def _collect(self) -> None:
        for sampler in self._samplers:
            sampler.collect_metrics()

    def _clear(self) -> None:
        self._samples = 0
        for sampler in self._samplers:
            sampler.clear_metrics()

    def _add_points(self) -> None:
        """Add a point to every curve; the lists of earlier points stay as they are."""
        time_ms = now_ms()
        curves = dict(self.curves)

        for sampler in self._samplers:
            for key, value in sampler.aggregate_metrics().items():
                curves[key] = [*curves.get(key, []), (time_ms, float(value))]

        if any(len(points) >= MAX_POINTS for points in curves.values()):
            curves = {key: points[1::2] for key, points in curves.items()}
            self._samples_per_point *= 2

        self.curves = curves


@contextmanager
def system_metrics(records: Sequence[Record]) -> Iterator[None]:
    """Add to records what the machine does while the block runs, to each until its run has ended.

    Args:
        records: those of the runs that this process computes in the block; without any, nothing is
            measured.
    """
    if not records:
        yield
        return

    metrics = SystemMetrics()

    def measure() -> None:
        metrics.sample()
        for record in records:
            if not record.has_ended:
                record.system = metrics.curves

    with repeat_every(MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or SECONDS, measure):
        yield


def _samplers() -> list[BaseMetricsMonitor]:
    """MLflow's samplers of this machine; that of its GPUs needs a library of their maker."""
    samplers: list[BaseMetricsMonitor] = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]

    for of_gpus in (GPUMonitor, ROCMMonitor):
        with suppress(ImportError, RuntimeError):
            samplers.append(of_gpus())

    return samplers
