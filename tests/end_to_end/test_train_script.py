"""`python scripts/train.py` as a user types it, on real stores."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
import torch
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from dropout_study.analysis import runs as analysis
from dropout_study.analysis.results import from_store
from dropout_study.config.schema import Data
from dropout_study.data.datasets import load_images
from dropout_study.tracking.packing import unpack
from dropout_study.tracking.store import Store
from support.jobs import jobs_below
from support.scripts import Script

Runs = Callable[[], list[Run]]
SMOKE = ("budget=smoke", "seeds=[0,3]", "rules=[weight_scaling]")


def test_a_single_run_is_trained_evaluated_and_recorded(
    train: Script, runs: Runs, tmp_path: Path
) -> None:
    """If this failed, the main job would not leave what the report reads."""
    kept = [f"tracking.{what}=true" for what in ("cohort", "model", "system_metrics")]
    typed = ["model=softmax_regression", "data.train_size=200", *kept]
    done = train.alone(*SMOKE, *typed, MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="0.05")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "no warnings, advertisements or device messages"
    assert "softmax regression, input rate 0, digits, n 200" in done.stdout
    assert "python scripts/ui.py page=" in done.stdout
    cohort = next(run for run in runs() if run.data.tags["role"] == "cohort")
    seeds = [run for run in runs() if run.data.tags.get("mlflow.parentRunId") == cohort.info.run_id]
    assert sorted(run.data.tags["seed"] for run in seeds) == ["0", "3"]
    assert all(run.data.tags["complete"] == "true" for run in (cohort, *seeds))
    errors = [run.data.metrics["test/error/weight_scaling"] for run in seeds]
    assert cohort.data.metrics["test/error/weight_scaling"] == pytest.approx(sum(errors) / 2)
    assert cohort.data.params["data.train_size"] == "200"
    assert {"git.commit", "version.torch", "device", "data_digest"} <= set(cohort.data.tags)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    files = {artifact.path for artifact in client.list_artifacts(cohort.info.run_id)}
    assert files - {"changes.diff"} == {
        "environment.txt",
        "config.yaml",
        "train.log",
        "record.json",
        "cohort.pt",
        "curves.svg",
        "seeds.json",
        "model",
    }
    assert "system/cpu_utilization_percentage" in cohort.data.metrics
    stored = torch.load(
        client.download_artifacts(cohort.info.run_id, "cohort.pt", str(tmp_path)), weights_only=True
    )
    assert stored["stacked.layers.0.weight"].shape == (2, 64, 10)

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    model = mlflow.pytorch.load_model(f"runs:/{cohort.info.run_id}/model")
    test = load_images(Data("digits", str(tmp_path))).test
    images, labels = test.batch(torch.arange(len(test)))
    wrong = model(images).argmax(-1) != labels[:, None]
    by_seed = sorted(seeds, key=lambda run: int(run.data.tags["seed"]))
    assert (100 * wrong.double().mean(0)).tolist() == pytest.approx(
        [run.data.metrics["test/error/weight_scaling"] for run in by_seed]
    )


@pytest.mark.parametrize(
    ("overrides", "name", "params", "images"),
    [
        (
            ["data.classes=[8,3]", "data.train_size=50", "data.reserve=100"],
            "digits 3 8, n 50, reserve 100",
            {"data.classes": "3 8", "data.train_size": "50", "data.reserve": "100"},
            180,
        ),
        (["data.classes=[3,8]"], "digits 3 8", {"data.train_size": "217"}, 80),
        (["data=mnist1d"], "mnist1d", {"data.classes": "none", "data.train_size": "4000"}, 10_000),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_subsets_and_generated_examples_are_trained_on(
    train: Script, runs: Runs, overrides: list[str], name: str, params: dict[str, str], images: int
) -> None:
    """If this failed, some classes, a reserve or generated examples could be chosen but not trained
    on, evaluated or recorded.
    """
    done = train(*SMOKE, *overrides, "model.widths=[8]", "probes=[units,removal]")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    cohort = next(run for run in runs() if run.data.tags["role"] == "cohort")
    assert f", {name}, " in cohort.info.run_name
    assert params.items() <= cohort.data.params.items()
    seed = next(run for run in runs() if run.data.tags["role"] == "seed")
    packed = next(
        text for key, text in seed.data.tags.items() if key.endswith("wrong/weight_scaling")
    )
    assert len(unpack(packed)) == images


@pytest.mark.usefixtures("uri")
def test_the_default_sweep_is_run_and_ends_in_one_table(train: Script, runs: Runs) -> None:
    """If this failed, the README's first command would not do what it says."""
    done = train(*SMOKE, "-m")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "no warnings, advertisements or device messages"
    cohorts = [run for run in runs() if run.data.tags["role"] == "cohort"]
    conditions = {
        (run.data.params["model.widths"], run.data.params["model.hidden_rate"]) for run in cohorts
    }
    assert conditions == {(w, r) for w in ("16x16", "256x256") for r in ("0.0", "0.2", "0.5")}
    assert len(cohorts) == 6
    assert len(re.findall(r"│ mlp", done.stdout)) == 6
    again = train.alone(*SMOKE, "-m", PYTHONPROFILEIMPORTTIME="1")
    assert again.returncode == 0
    assert again.stdout.count("skipped, recorded at commit") == 6
    assert len(re.findall(r"│ mlp.*recorded", again.stdout)) == 6, (
        "the table holds what was recorded"
    )
    imported = {line.split("|")[-1].strip() for line in again.stderr.splitlines()}
    assert "mlflow.tracking" in imported
    assert not {"torch", "pytorch_lightning", "torchvision"} & imported, (
        "a finished sweep is answered at once"
    )
    assert len([run for run in runs() if run.data.tags["role"] == "cohort"]) == 6
    assert [run.info.status for run in runs() if run.data.tags["role"] == "sweep"] == [
        "FINISHED"
    ] * 2


def test_a_typed_sweep_runs_what_was_typed_and_a_failure_stops_nothing(
    train: Script, tmp_path: Path
) -> None:
    """If this failed, the default grid would multiply what was typed, or one mistake cost the
    conditions behind it.
    """
    (tmp_path / "elsewhere").mkdir()
    uri = f"sqlite:///{tmp_path}/elsewhere/team.db"
    # The fixture hides all GPUs.
    arguments = (
        "-m",
        "model.hidden_rate=0,1.5,0.5",
        "trainer=cpu,gpu",
        *SMOKE,
    )
    done = train(*arguments, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 1
    runs = MlflowClient(uri).search_runs(["1"], max_results=1_000)
    assert not (tmp_path / "mlflow.db").exists(), "the store of the environment is used"
    cohorts = [run for run in runs if run.data.tags["role"] == "cohort"]
    assert sorted(
        (run.data.params["model.hidden_rate"], run.data.params["model.widths"]) for run in cohorts
    ) == [
        ("0.0", "256x256"),
        ("0.5", "256x256"),
    ]
    assert "rate 0.5" in done.stdout
    assert "2 did not finish" in done.stderr, "1.5 on both; what is recorded counts on any device"
    assert "model.hidden_rate=1.5 cannot be used" in " ".join(done.stderr.split())
    assert "Run them again with the same command" in done.stderr
    assert "model.hidden_rate=0,1.5,0.5" in done.stderr


@pytest.mark.usefixtures("uri")
def test_a_crash_is_one_sentence_with_the_traceback_in_the_log(
    train: Script, tmp_path: Path
) -> None:
    """If this failed, a crash would bury its reason, or nobody could look into it."""
    (tmp_path / "here" / "config.yaml").mkdir(parents=True)  # in the way of a file
    done = train(*SMOKE, "hydra.run.dir=here")
    assert done.returncode == 1
    assert "the traceback is in" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in (tmp_path / "here" / "train.log").read_text()
    (tmp_path / "here" / "config.yaml").rmdir()
    mended = train(*SMOKE, "hydra.run.dir=here")
    assert mended.returncode == 0, "what an earlier start left in the folder does not count"
    assert "│ mlp" in mended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model.hiden_rate=0.5"], "Did you mean hidden_rate?"),
        (["model=softmax_regression", "model.hidden_rate=0.5"], "model.hidden_rate is not a key"),
        (["model.hidden_rate=1.5"], "model.hidden_rate=1.5"),
        (["hydra.run.dir=/proc/outputs"], "/proc/outputs cannot be written"),
        (
            ["tracking.uri=http://ada:s3cret@127.0.0.1:9"],
            "http://127.0.0.1:9: the store cannot be opened",
        ),
        (["tracking.uri=mlruns"], "sqlite:///mlflow.db"),
        (["study=rate_by_width"], "add -m"),
        (["checkpoint.folder=/proc/x"], "choose another checkpoint.folder"),
        (["trainer=gpu"], "there is no GPU here; type trainer=auto or trainer=cpu"),
        (["model.widths=[1000000000]"], "lower model.widths"),
    ],
    ids=[
        "key",
        "site",
        "range",
        "folder",
        "server",
        "store",
        "study",
        "checkpoint",
        "gpu",
        "memory",
    ],
)
@pytest.mark.usefixtures("uri")
def test_a_mistake_ends_in_one_sentence_and_leaves_no_run(
    train: Script, runs: Runs, arguments: list[str], said: str
) -> None:
    """If this failed, a mistake would end in a traceback, or in a broken run in the store."""
    done = train(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert runs() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("uri")
def test_an_interrupted_run_is_marked_killed(
    train: Script,
    runs: Runs,
    number: int,
    code: int,
) -> None:
    """If this failed, Ctrl-C would leave a run that looks as if it were still going, or as if it
    had failed.
    """
    process = train.start("budget.updates=1000000")

    try:
        while not any(job.share > 0 for job in jobs_below(train.folder)):
            assert process.is_alive(), train.stderr.read_text()
            time.sleep(0.05)

        assert process.pid is not None
        os.kill(process.pid, number)
        process.join(60)
    finally:
        process.kill()

    assert process.exitcode == code, train.stderr.read_text()
    assert {run.info.status for run in runs()} == {"KILLED"}
    assert {run.data.tags["reason"] for run in runs()} == {"interrupted"}


def test_help_shows_examples_and_choices_quickly(train: Script) -> None:
    """If this failed, a newcomer would not know what to type."""
    done = train.alone("--help")
    assert done.returncode == 0
    assert "python scripts/train.py -m" in done.stdout
    assert re.search(r"data=digits +1,797 digits", done.stdout)
    assert re.search(r"study=rate_by_width +the default sweep", done.stdout)


def test_an_autoencoder_is_trained_evaluated_and_recorded(
    train: Script, evaluate: Script, runs: Runs, tmp_path: Path
) -> None:
    """If this failed, the study of figures 7 and 8 could not run, or its errors not be compared."""
    typed = ("model=autoencoder", "budget=smoke", "seeds=[0,3]", "probes=[units]")
    foreseen = train(*typed, "dry_run=true")
    assert foreseen.returncode == 0, foreseen.stderr
    assert re.search(r"autoencoder 256, rate 0.5, digits, 50 updates │ +2 │ +0 │", foreseen.stdout)

    done = train(*typed, "data.pool=2", "tracking.cohort=true")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "autoencoder 256, rate 0.5, digits, pool 2" in done.stdout

    rows = from_store(Store(f"sqlite:///{tmp_path}/mlflow.db"), ["exploration"])
    nets = analysis.Runs(rows, {}).where(model__loss="squared")
    errors = nets.error()
    assert sorted(errors.wrong) == [0, 3]
    assert "test/brier/weight_scaling" not in rows

    for seed, percent in errors.percent.items():
        assert 0 < percent < 20
        assert 100 * errors.wrong[seed].mean() == pytest.approx(percent, abs=1e-3)

    assert set(nets.pictures("features")) == {0, 3}
    assert nets.curve("units/activation").shape == (1, 2)

    cohort = next(run for run in runs() if run.data.tags["role"] == "cohort")
    files = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").list_artifacts(cohort.info.run_id)
    assert {"curves.svg", "seeds.json", "cohort.pt"} <= {file.path for file in files}

    again = evaluate(f"run={cohort.info.run_id}", "rules=[weight_scaling]")
    assert again.returncode == 0, again.stderr
    assert re.search(r"weight_scaling │ +\d+\.\d\d │.*│ +- │ +- │", again.stdout)
    refused = evaluate(f"run={cohort.info.run_id}")
    assert refused.returncode == 1
    assert "rules must be [weight_scaling] with model=autoencoder" in refused.stderr
