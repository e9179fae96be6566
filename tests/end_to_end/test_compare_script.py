"""`scripts/compare.py` on what a sweep has recorded."""

import shlex
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from dropout_study.analysis.selection import WHERE
from support.scripts import Script

SMALL = ["model.widths=[4]", "budget=smoke", "seeds=[0,1,2]", "rules=[weight_scaling]"]


@pytest.fixture
def compare(tmp_path: Path) -> Script:
    """Run scripts/compare.py in the folder of `train`."""
    return Script("compare.py", tmp_path)


def test_a_sweep_ends_in_the_command_that_compares_it(
    train: Script, compare: Script, tmp_path: Path
) -> None:
    """If this failed, nobody would find the comparison, or it would mix the sweep with others."""
    done = train("-m", "model.hidden_rate=0,0.5", "hydra.sweep.dir=mine", *SMALL)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Compare them:")]
    assert line == "Compare them: python scripts/compare.py study=exploration sweep=mine"
    nowhere = compare("sweep=nowhere")
    assert nowhere.returncode == 1
    assert "sweep=nowhere cannot be used: it is no folder with jobs of a sweep" in nowhere.stderr
    other = compare("study=capacity").stderr
    assert "no results to compare; there are those of study=exploration." in other
    assert train("model.hidden_rate=0.9", *SMALL).returncode == 0

    where = shlex.split(WHERE.replace("COLUMN=VALUE", "model.name=mlp"))
    typed = ["study=exploration", "sweep=mine", *where, "x=model.hidden_rate", "against=rate 0"]
    compared = compare(*typed)
    assert compared.returncode == 0, compared.stderr
    assert "rate 0.5" in compared.stdout
    assert "rate 0.9" not in compared.stdout
    folder = tmp_path / "outputs" / "comparison"
    assert (folder / "comparison.md").read_text().count("rate 0.5") >= 1

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("comparisons")
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["command"].endswith('"against=rate 0"')
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"comparison.tex", "figure.pdf"} <= names


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["study=capacity"], "study=capacity has no results to compare"),
        (["alternative=both"], "alternative must be one of two-sided, less, greater"),
        (["metrics=a"], "Did you mean metric?"),
    ],
)
def test_a_mistake_ends_in_one_sentence(
    arguments: list[str], sentence: str, compare: Script, tmp_path: Path
) -> None:
    """If this failed, a mistake would be a traceback, or leave a folder behind."""
    done = compare(*arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert not (tmp_path / "outputs").exists()
