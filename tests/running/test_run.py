"""However a run ends, its record says so."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from rich.table import Table

from dropout_study.config.read import load_config
from dropout_study.config.schema import Config, Evaluate
from dropout_study.running.job import Job
from dropout_study.running.outcome import failures, recorded
from dropout_study.running.reevaluate import data_root, results_table
from dropout_study.running.reservation import save_config
from dropout_study.running.sweep_tables import results_of_jobs
from dropout_study.system.termination import Stopped
from dropout_study.tracking import recorder
from dropout_study.tracking.record import Record
from dropout_study.tracking.store import Store
from dropout_study.tracking.stored_cohorts import CONFIG_FILE
from dropout_study.training.build import make_network
from dropout_study.training.module import CohortTraining
from support.records import example


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
    tmp_path: Path,
    uri: str,
    error: BaseException,
    raised: type[BaseException],
    status: str,
    reason: str,
) -> None:
    """If this failed, a crashed run would stay RUNNING for ever, or count as a result."""
    record = example()
    record.save(tmp_path)
    recorder.record(tmp_path, Store(uri))
    with pytest.raises(raised), recorded(record, tmp_path, Store(uri)):
        assert {run.info.status for run in stored(uri)} == {"RUNNING"}
        raise error

    assert Record.load(tmp_path).status == status

    for run in stored(uri):
        assert (run.info.status, run.data.tags["reason"]) == (status, reason)
        assert "complete" not in run.data.tags


def test_a_network_fails_for_its_losses_its_results_or_another_of_its_bag(
    make_config: Callable[..., Config],
) -> None:
    """If this failed, NaN would count as a result, or a bag with a diverged network be judged."""
    config = make_config("seeds=[0,1,2,3,4,5]", "probes=[bags]", "bag=2")
    module = CohortTraining(config, make_network(config, 64, 10))
    module.diverged = {3: 50}
    module.results = {"test/nll/weight_scaling": [0.1, 0.2, 0.3, math.nan, math.nan, 0.4]}
    assert failures(module) == {
        2: "is in a bag with one that diverged",
        3: "diverged (its loss was not a number at update 50)",
        4: "diverged (its test/nll/weight_scaling is not a number)",
        5: "is in a bag with one that diverged",
    }
    config.probes = []
    assert set(failures(module)) == {3, 4}


def stored(uri: str) -> list:
    client = MlflowClient(uri)
    return list(
        client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    )


def test_tables_of_a_terminal_show_errors_that_can_be() -> None:
    """If this failed, an error of 3 % with a wide interval would be shown as below nothing, or two
    seeds would have an interval that means nothing.
    """
    record = example()
    for seed in record.seeds:
        others = {f"test/{measure}/weight_scaling": 0.1 for measure in ("nll", "brier", "ece")}
        seed.metrics |= others

    job = Job("mlp 8", errors=record.values("test/error/weight_scaling"), nlls=[0.1, 0.1])
    for table in (results_table(record, ["weight_scaling"], []), results_of_jobs([job])):
        assert cells(table)["errors of seeds"] == ["2.00, 4.00"]

    four = Job("mlp 16", errors=[0.0, 0.0, 0.0, 4.0], nlls=[0.1] * 4)
    assert cells(results_of_jobs([four]))["95 % interval"] == ["0.00 to 4.18"]
    mixed = cells(results_of_jobs([job, four]))
    assert mixed["95 % interval or errors of seeds"] == ["2.00, 4.00", "0.00 to 4.18"]


def cells(table: Table) -> dict[str, list[str]]:
    """Heading -> the cells of its column."""
    return {str(column.header): [*map(str, column.cells)] for column in table.columns}


def test_a_written_configuration_is_the_one_that_ran_but_for_the_password(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, a file would reveal a password, or a cohort be evaluated as another net."""
    config = make_config(
        "tracking.uri=postgresql://ada:s3cret@there/runs", "model.widths=[3]", "regularizer=l2"
    )
    save_config(config, tmp_path)
    written = load_config(tmp_path / CONFIG_FILE)
    assert written.tracking.uri == "postgresql://ada:***@there/runs"
    written.tracking.uri = config.tracking.uri
    assert written == config


def test_data_of_a_stored_run_are_looked_for_where_they_are_now(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, evaluating in a moved project would download the data to the old path."""
    monkeypatch.setenv("DROPOUT_STUDY_DATA", "now")
    config = make_config(f"data.root={tmp_path}")
    assert data_root(Evaluate(), config) == str(tmp_path)
    assert data_root(Evaluate(data_root="typed"), config) == "typed"
    config.data.root = f"{tmp_path}/gone"
    assert data_root(Evaluate(), config) == "now"
