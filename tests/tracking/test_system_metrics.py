"""What the machine does while a run is computed."""

import time
from pathlib import Path

import pytest

from dropout_study.tracking import recorder, system_metrics
from dropout_study.tracking.record import Record, RunStatus
from dropout_study.tracking.store import Store
from dropout_study.tracking.system_metrics import SystemMetrics
from support.records import example, save


@pytest.mark.parametrize("through", ["database", "client"])
def test_samples_join_the_record_and_the_run_of_the_cohort(
    through: str, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, MLflow's tab of system metrics would be empty, or an outage lose them."""
    monkeypatch.setattr(Store, "is_database", through == "database")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    measured, ended, other = example(), example(), example()
    measured.started_ms -= 60_000
    ended.end(RunStatus.FINISHED)

    with system_metrics.system_metrics([measured, ended]):
        end = time.monotonic() + 60
        while len(measured.system.get("cpu_utilization_percentage", [])) < 3:
            assert time.monotonic() < end, "nothing was measured"
            time.sleep(0.05)

    assert ended.system == other.system == {}
    assert 0 <= measured.system["system_memory_usage_percentage"][0][1] <= 100
    measured.end(RunStatus.FINISHED)
    folder = save(measured, tmp_path / "job")
    assert Record.load(folder).system.keys() == measured.system.keys()

    store = Store(uri)
    run_id = recorder.record(folder, store)
    points = store.client.get_metric_history(run_id, "system/cpu_utilization_percentage")
    assert [(point.timestamp, point.value) for point in points] == [
        tuple(point) for point in measured.system["cpu_utilization_percentage"]
    ]
    assert 60 <= points[0].step < 120, "seconds since the run began"
    seeds = store.search(str(store.experiment("capacity")), "tags.role = 'seed'")
    assert not any(key.startswith("system/") for run in seeds for key in run.data.metrics)


def test_without_a_record_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, every run would pay for what few ask for."""
    monkeypatch.setattr(system_metrics, "SystemMetrics", None)
    with system_metrics.system_metrics([]):
        pass


def test_a_long_run_has_points_of_longer_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a week of training would be a hundred thousand points per metric, or the mean
    of some of them be lost.
    """
    monkeypatch.setattr(system_metrics, "MAX_POINTS", 4)
    metrics = SystemMetrics()
    numbers = []

    for _ in range(12):
        metrics.sample()
        numbers.append(len(metrics.curves.get("disk_usage_percentage", [])))

    assert numbers == [1, 2, 3, 2, 2, 3, 3, 2, 2, 2, 2, 3]
    assert len({len(points) for points in metrics.curves.values()}) == 1
