"""`python scripts/evaluate.py` on a stored cohort."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.config import condition
from dropout_study.config.schema import Config, ConfigError, Evaluate, Tracking
from dropout_study.dropout.cohort import Cohort, load_weights
from dropout_study.dropout.networks import MLP
from dropout_study.running.reevaluate import reevaluate
from dropout_study.running.reservation import save_config
from dropout_study.tracking import recorder, tags
from dropout_study.tracking.store import Store
from support.records import example
from support.scripts import Script

pytestmark = pytest.mark.usefixtures("uri")
Runs = Callable[[], list[Run]]


def test_a_stored_cohort_is_evaluated_by_run_id_into_the_same_run(
    train: Script, evaluate: Script, runs: Runs, tmp_path: Path
) -> None:
    """If this failed, rules could not be compared on the same weights after training."""
    train(
        "budget=smoke", "seeds=[0,3]", "data.pool=2", "model.widths=[6,6]", "tracking.cohort=true"
    )
    before = {run.info.run_id: run for run in runs()}
    cohort = next(run for run in before.values() if run.data.tags["role"] == "cohort")
    done = evaluate(
        f"run={cohort.info.run_id}",
        "rules=[weight_scaling,monte_carlo,exact_geometric]",
        "mc.samples=50",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "exact_geometric" in done.stdout
    after = {run.info.run_id: run for run in runs()}
    assert set(after) == set(before)
    old = cohort.data.metrics
    new = after[cohort.info.run_id].data.metrics
    assert "test/error/exact_geometric" in new
    assert "test/error/exact_geometric" not in old
    assert new["test/nll/weight_scaling"] == pytest.approx(old["test/nll/weight_scaling"], abs=1e-7)
    assert new["test/nll/monte_carlo"] != old["test/nll/monte_carlo"]
    curve = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").get_metric_history(
        cohort.info.run_id, "mc/nll"
    )
    assert {point.step for point in curve} == {1, 2, 3, 4, 6, 7, 10, 13, 18, 20}

    refused = evaluate(f"run={cohort.info.run_id}", "rules=[bagging]")
    assert refused.returncode == 1
    assert "weight_scaling, monte_carlo, geometric" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr


def test_an_evaluation_of_nothing_is_refused(evaluate: Script) -> None:
    """If this failed, a forgotten run would end in a traceback."""
    done = evaluate()
    assert done.returncode == 1
    assert "say run=ID" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("0123456789abcdef", "neither a checkpoint nor a run"),
        ("absent/cohort.pt", "is not the configuration of a run"),
    ],
)
def test_a_run_that_is_not_there_is_named(tmp_path: Path, run: str, said: str) -> None:
    """If this failed, a mistyped run would end in a traceback."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(ConfigError, match=said):
        reevaluate(Evaluate(run=run, tracking=Tracking(uri=uri)), tmp_path)


def test_weights_that_were_not_kept_are_missed_with_what_to_type(tmp_path: Path, uri: str) -> None:
    """If this failed, the advice would be a command that is skipped, since the run counts as
    trained.
    """
    example().save(tmp_path)
    run = recorder.record(tmp_path, Store(uri))

    with pytest.raises(
        ConfigError, match=r"weights were not kept; .* rerun=true tracking.cohort=true"
    ):
        reevaluate(Evaluate(run=run, tracking=Tracking(uri=uri)), tmp_path / "files")


def test_rules_that_are_all_weight_scaling_are_refused(
    make_config: Callable[..., Config], tmp_path: Path, uri: str
) -> None:
    """If this failed, Monte Carlo on networks that drop nothing would print an empty table and exit
    0.
    """
    config = make_config("model.widths=[5]", "model.hidden_rate=0", "seeds=[0,1]")
    save_config(config, tmp_path)
    example().save(tmp_path)
    torch.save(Cohort(MLP(64, 10, [5]), config.seeds).state_dict(), tmp_path / "cohort.pt")
    chosen = Evaluate(run=str(tmp_path), rules=["monte_carlo"], tracking=Tracking(uri=uri))

    with pytest.raises(
        ConfigError,
        match=r"rules=\['monte_carlo'\] cannot be used: .* use rules=\[weight_scaling\]",
    ):
        reevaluate(chosen, tmp_path)


def test_a_cohort_whose_settings_meant_something_else_is_refused(
    make_config: Callable[..., Config], tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, weights of a LeNet that dropped after pooling would be evaluated with masks
    before pooling.
    """
    config = make_config("model.widths=[5]", "seeds=[0,1]")
    save_config(config, tmp_path)
    record = example()
    record.tags[tags.TRAINING_DIGEST] = condition.training_digest(config)
    record.save(tmp_path)
    torch.save(Cohort(MLP(64, 10, [5]), config.seeds).state_dict(), tmp_path / "cohort.pt")
    rules = ["weight_scaling"]
    chosen = Evaluate(run=str(tmp_path), rules=rules, tracking=Tracking(uri=uri))
    reevaluate(chosen, tmp_path)

    monkeypatch.setattr(condition, "ERA", condition.ERA + 1)

    with pytest.raises(ConfigError, match="settings mean other networks now"):
        reevaluate(chosen, tmp_path)


class Malicious:
    """Unpickling this would run code."""

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return (Exception, ("code was run",))


def test_missing_truncated_foreign_and_pickled_checkpoints_are_told_apart(tmp_path: Path) -> None:
    """If this failed, a broken file would be evaluated, or a pickle executed."""
    cohort = Cohort(MLP(4, 3, [5]), [0])
    file = tmp_path / "cohort.pt"

    with pytest.raises(ValueError, match="there is no checkpoint"):
        load_weights(cohort, file)

    torch.save(cohort.state_dict(), file)
    whole = file.read_bytes()
    load_weights(cohort, file)

    for length in (0, 10, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="truncated"):
            load_weights(cohort, file)

    torch.save(Cohort(MLP(4, 3, [6]), [0]).state_dict(), file)

    with pytest.raises(ValueError, match="other networks"):
        load_weights(cohort, file)

    torch.save({"stacked.layers.0.weight": Malicious()}, file)

    with pytest.raises(ValueError, match="weights alone"):
        load_weights(cohort, file)
