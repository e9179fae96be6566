"""The plug-ins of docs/your-own.md, whole, through the scripts."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mlflow.tracking import MlflowClient

from dropout_study.config.checks import TERMS
from dropout_study.tracking.record import Record
from support.plugins import files_of_pages, write_files_of_pages
from support.scripts import Script

SMOKE = ("budget=smoke", "seeds=[0,1]", "rules=[weight_scaling]")
STRENGTH = "terms.confidence_penalty.strength"


pytestmark = pytest.mark.usefixtures("uri", "page")


@pytest.fixture
def page(tmp_path: Path) -> None:
    """A folder with the files of the page."""
    write_files_of_pages(tmp_path)


def cohorts(folder: Path) -> list[Record]:
    """The records of the cohorts that were trained in a folder, in the order of their names."""
    records = [Record.load(file.parent) for file in folder.glob("outputs/**/record.json")]
    return sorted((each for each in records if each.seeds), key=lambda each: each.name)


def test_the_page_shows_whole_files() -> None:
    """If this failed, the tests below would run something else than what a reader copies."""
    assert set(files_of_pages()) == {
        "my_data.py",
        "wine.py",
        "my_network.py",
        "my_term.py",
        "my_rule.py",
        "my_noise.py",
    }


@pytest.mark.long
def test_a_data_set_from_a_file_goes_through_a_launcher(train: Script, tmp_path: Path) -> None:
    """If this failed, workers would not find the plug-in, or the run not what it was trained on."""
    subprocess.run([sys.executable, "wine.py"], cwd=tmp_path, check=True)
    own = ("plugins=[my_data]", "data=npz", "data.file=wine.npz", "hydra/launcher=joblib")
    done = train("-m", *own, "model.hidden_rate=0,0.5", "pack=false", *SMOKE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test error, 2 seeds") == 2

    first, second = cohorts(tmp_path)
    assert first.dataset["name"] == "npz"
    assert first.dataset["train_size"] == 98
    assert re.fullmatch(r"[0-9a-f]{12}", first.params["source.my_data"])
    assert re.fullmatch(r"[0-9a-f]{12}", first.params["content.data.file"])
    assert first.tags["data_digest"] == second.tags["data_digest"]

    again = train("-m", *own, "model.hidden_rate=0,0.5", "pack=false", *SMOKE)
    assert again.stdout.count("skipped") == 2


def test_a_network_trains_is_recorded_and_evaluated_again(
    train: Script, tmp_path: Path, uri: str
) -> None:
    """If this failed, a stored cohort of one's own network could not be used by another process."""
    done = train("plugins=[my_network,my_rule]", "model=residual", "tracking.cohort=true", *SMOKE)
    assert done.returncode == 0, done.stderr
    (record,) = cohorts(tmp_path)
    assert record.params["model.blocks"] == "3"
    assert train(*shlex.split(record.tags["command"])[2:], "dry_run=true").returncode == 0

    client = MlflowClient(uri)
    (experiment,) = client.search_experiments(filter_string="name = 'exploration'")
    runs = client.search_runs([experiment.experiment_id], "tags.role = 'cohort'")
    files = client.list_artifacts(runs[0].info.run_id, "plugins")
    assert [file.path for file in files] == ["plugins/my_network.py"]

    evaluate = Script("evaluate.py", tmp_path)
    typed = ("rules=[weight_scaling,median]", "metrics=[top2]", "mc.samples=10", "mc.redraws=2")
    done = evaluate(f"run={runs[0].info.run_id}", *typed)
    assert done.returncode == 0, done.stderr
    assert "top2" in done.stdout
    metrics = client.get_run(runs[0].info.run_id).data.metrics
    assert {"test/error/median", "test/top2/median", "test/top2/weight_scaling"} <= set(metrics)
    assert metrics["test/top2/median"] < metrics["test/error/median"] / 100
    assert f"{metrics['test/top2/median']:.4f} │" in done.stdout


def test_strengths_of_a_term_train_as_one_cohort(train: Script, tmp_path: Path) -> None:
    """If this failed, a sweep over one's own regularizer would take as long as its networks one
    after another; or the strength would have no effect.
    """
    own = ("plugins=[my_term]", "regularizer=confidence_penalty", f"{STRENGTH}=0.1,10")
    done = train("-m", *own, "model.hidden_rate=0", *SMOKE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("with 1 other") == 2

    weak, strong = cohorts(tmp_path)
    assert weak.name == "mlp 256-256, rate 0, digits, confidence_penalty 0.1, 50 updates"
    nll = [record.values("train/nll/weight_scaling") for record in (weak, strong)]
    assert max(nll[0]) < min(nll[1]), "a penalty on confidence leaves predictions less certain"


def test_what_a_launcher_starts_knows_a_private_folder(train: Script, tmp_path: Path) -> None:
    """If this failed, a study of one's own could not use parts of one's own."""
    study = {"name": "mine", "title": "Of my own", "grid": {"model.blocks": "1,2"}}
    folder = tmp_path / "private" / "study"
    folder.mkdir(parents=True)
    file = folder / "mine.yaml"
    file.write_text("defaults: [/schema/study@_here_]\n" + yaml.dump(study), encoding="utf-8")
    done = train(
        "-m", "--config-dir", "private", "plugins=[my_network]", "model=residual", "study=mine",
        "hydra/launcher=joblib", "pack=false", *SMOKE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [record.experiment for record in cohorts(tmp_path)] == ["mine", "mine"]

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Compare them: ")]
    _, script, *typed = shlex.split(line.removeprefix("Compare them: "))
    compared = Script(Path(script).name, tmp_path)(*typed)
    assert compared.returncode == 0, compared.stderr
    assert "blocks 2" in compared.stdout


def test_noise_of_ones_own_is_trained_and_averaged(train: Script, tmp_path: Path) -> None:
    """If this failed, a family of masks could not be added without a change of the package."""
    own = ("plugins=[my_noise]", "mask.name=laplace", "model.widths=[16]")
    done = train(*own, *SMOKE[:2], "rules=[weight_scaling,monte_carlo]", "mc.samples=10")
    assert done.returncode == 0, done.stderr
    (record,) = cohorts(tmp_path)
    assert record.name == "mlp 16, rate 0.5, laplace noise, digits, 50 updates"
    assert re.fullmatch(r"[0-9a-f]{12}", record.params["source.my_noise"])
    assert record.values("test/nll/monte_carlo") != record.values("test/nll/weight_scaling")


def test_help_lists_parts_with_their_docstrings(train: Script) -> None:
    """If this failed, nobody would know what a plug-in adds."""
    done = train("plugins=[my_network,my_term,my_rule]", "--help")
    assert done.returncode == 0, done.stderr

    for name, about in (
        ("model=residual", "Residual blocks of one width, with dropout in front of each"),
        ("regularizer=confidence_penalty", "Minus the entropy of the predictions in nats"),
        ("metrics=[top2]", "Whether the label is none of the two likeliest classes"),
    ):
        assert re.search(rf"^ +{re.escape(name)} +{re.escape(about)}", done.stdout, re.M), name


def test_a_plugin_that_cannot_be_imported_ends_in_a_sentence(train: Script, tmp_path: Path) -> None:
    """If this failed, a typing mistake would end in a traceback, or leave half a run behind."""
    done = train("plugins=[my_netwrk]", "model=residual")
    assert done.returncode == 1
    assert done.stderr.startswith("plugins=[my_netwrk] cannot be used: there is no module")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"++{STRENGTH[:-8]}weight=1", "terms.confidence_penalty.weight is not a key"),
        ("terms.confidence.strength=1", "Did you mean confidence_penalty?"),
        ("+terms.confidence.strength=1", f"+terms.confidence.strength=1 cannot be used: {TERMS}"),
    ],
)
def test_a_wrong_key_of_a_term_ends_in_a_sentence(train: Script, typed: str, said: str) -> None:
    """If this failed, a mistyped option would change nothing, unseen, or be told in words that are
    not the user's.
    """
    done = train("plugins=[my_term]", "regularizer=confidence_penalty", typed, *SMOKE)
    assert done.returncode == 1, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_term_that_was_not_chosen_is_told_how(train: Script) -> None:
    """If this failed, the sentence would say that there are no terms, and not why."""
    done = train("plugins=[my_term]", f"{STRENGTH}=1")
    assert done.stderr.endswith(f" {TERMS}\n")
