"""However a run ends, its record says so."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from test_tracking import example

from dropout_study import tracking
from dropout_study.experiment import Stopped, recorded
from dropout_study.record import Record


@pytest.mark.parametrize(
    ("error", "raised", "status", "reason"),
    [
        (RuntimeError("out of memory"), RuntimeError, "FAILED", "RuntimeError: out of memory"),
        (KeyboardInterrupt(), KeyboardInterrupt, "KILLED", "interrupted"),
        (SystemExit(1), SystemExit, "KILLED", "interrupted"),
        (Stopped("another job failed"), Stopped, "KILLED", "another job failed"),
    ],
    ids=["crash", "ctrl-c", "exit", "stop"],
)
def test_a_run_that_does_not_end_well_is_recorded_with_its_reason(
    tmp_path: Path, uri: str, error: BaseException, raised: type[BaseException], status: str, reason: str
) -> None:
    """If this failed, a crashed run would stay RUNNING for ever, or count as a result."""
    record = example()
    record.save(tmp_path)
    run_id = tracking.record(tmp_path, uri)
    with pytest.raises(raised), recorded(record, tmp_path, uri, run_id):
        assert {run.info.status for run in stored(uri)} == {"RUNNING"}
        raise error
    assert Record.load(tmp_path).status == status
    for run in stored(uri):
        assert (run.info.status, run.data.tags["reason"]) == (status, reason)
        assert "complete" not in run.data.tags


def stored(uri: str) -> list:
    client = MlflowClient(uri)
    return list(client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]))
