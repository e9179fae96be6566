"""The command line of a sweep, and mistakes put into sentences."""

import io
import os
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from dropout_study.command_line import EXPLAINED, complete, explain, run, store_to_environment
from dropout_study.config import ConfigError

CONF = ROOT / "conf"
GRID = ["model.widths=[16,16],[256,256]", "model.hidden_rate=0,0.2,0.5"]


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        (["-m"], ["study=rate_by_width", *GRID]),
        (["--multirun"], ["study=rate_by_width", *GRID]),
        (["-m", "data=mnist"], ["study=rate_by_width", *GRID]),
        (["-m", "budget=smoke", "seeds=[0,1]"], ["study=rate_by_width", *GRID]),
        (["-m", "model.hidden_rate=0.5"], ["study=rate_by_width", GRID[0]]),
        (["-m", "model.hidden_rate=0,0.5"], []),
        (["-m", "data=digits,mnist"], []),
        (["-m", "model.hidden_rate=range(0,0.9,0.3)"], []),
        (["-m", "seeds=choice([0],[1])"], []),
        (["-m", "data=glob(*)"], []),
        (["-m", "study=rate_by_width"], GRID),
        (["-m", "study=rate_by_width", "model.hidden_rate=0.1,0.3"], [GRID[0]]),
        (["-m", "study=exploration"], []),
        (["-m", "model=mlp"], ["study=rate_by_width", *GRID]),
        ([], []),
        (["model.hidden_rate=0.5"], []),
        (["--help"], []),
    ],
    ids=" ".join,
)
def test_a_sweep_is_exactly_what_was_typed_or_the_grid_of_its_study(typed: list[str], added: list[str]) -> None:
    """If this failed, the default grid would multiply a typed sweep, or a typed value would be swept over."""
    model = ["model=mlp"] if GRID[0] in added and "model=mlp" not in typed else []
    completed = complete(typed, CONF)
    assert sorted(completed) == sorted([*typed, *added, *model])


@pytest.mark.parametrize("typed", [["data=mnist", "-m"], ["-m", "data=mnist"], ["-m", "data=mnist", "--info", "all"]])
def test_overrides_stay_in_one_piece(typed: list[str]) -> None:
    """If this failed, Hydra would refuse the command line: it takes overrides in one piece only."""
    completed = complete(typed, CONF)
    places = [i for i, argument in enumerate(completed) if "=" in argument]
    assert len(places) == 5
    assert places == list(range(places[0], places[-1] + 1))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["-m", "model=lenet", "data=mnist"], "varies model.widths and model.hidden_rate of model=mlp"),
        (["-m", "study=rate_by_width,exploration"], "one study at a time"),
    ],
    ids=["model", "studies"],
)
def test_what_a_study_cannot_do_is_refused_before_anything_runs(typed: list[str], said: str) -> None:
    """If this failed, the mistake would surface as a key that the user never typed, or as a study without its grid."""
    with pytest.raises(ConfigError, match=said):
        complete(typed, CONF)


def test_a_study_without_m_is_a_mistake() -> None:
    """If this failed, one run would be recorded as if it were the study."""
    with pytest.raises(ConfigError, match="add -m"):
        complete(["study=rate_by_width"], CONF)


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "submitit_slurm", "ray"])
def test_a_launcher_comes_with_its_settings(launcher: str) -> None:
    """If this failed, jobs would start without limits, or a typed value would be overridden by ours."""
    typed = [f"hydra/launcher={launcher}", "hydra.sweeper.max_batch_size=7"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", complete(typed, CONF), return_hydra_config=True)
    settings = {
        "joblib": ("pre_dispatch", "all"),
        "submitit_local": ("timeout_min", 10080),
        "submitit_slurm": ("max_num_timeout", 20),
        "ray": ("ray.remote.max_retries", 0),
    }
    key, value = settings[launcher]
    assert OmegaConf.select(composed.hydra.launcher, key) == value
    assert composed.hydra.sweeper.max_batch_size == 7


def test_a_launcher_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, Hydra would call it unknown, and nobody would know what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[submitit\]'"):
        complete(["-m", "hydra/launcher=submitit_slurm"], CONF)


def test_the_store_leaves_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, Hydra would write its password into multirun.yaml, or each job have a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_to_environment(["-m", "a=1", "tracking.uri=sqlite:///x.db", "b=2"]) == ["-m", "a=1", "b=2"]
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/x.db"
    kept = ["tracking.uri=${oc.env:TEAM_STORE}"]
    assert store_to_environment(kept) == kept, "Hydra resolves it when it is asked for"
    with pytest.raises(ConfigError, match="one store at a time"):
        store_to_environment(["tracking.uri=sqlite:///x.db,sqlite:///y.db"])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_cannot_be_shown_ends_nothing(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a table at the end of hours would end the script where a terminal lacks its signs."""
    output = io.BytesIO()
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding))

    def show() -> None:
        table = Table("claim", "|Δ log p|")
        table.add_row("✔ supported†", "±0.5")
        Console(file=sys.stdout, width=60).print(table)
        print("done", flush=True)

    run(show)
    assert "supported" in (text := output.getvalue().decode(encoding))
    assert text.endswith("done\n")
    assert ("✔" in text) is (encoding == "utf-8")


def test_an_empty_variable_is_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, unsetting the store in a script would end in an error about plain files."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert store_to_environment(["-m"]) == ["-m"]
    assert "MLFLOW_TRACKING_URI" not in os.environ
    with pytest.raises(ConfigError, match=r"tracking\.uri= cannot be used"):
        store_to_environment(["tracking.uri="])


def test_a_configuration_is_printed_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, `--cfg job --resolve` would put it on the screen."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://ada:s3cret@there/runs")
    for arguments, password in (([], "s3cret"), (["--cfg", "job", "--resolve"], "***")):
        assert store_to_environment(arguments) == arguments
        assert os.environ["MLFLOW_TRACKING_URI"].endswith(f"://ada:{password}@there/runs")


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("model.hiden_rate=0.5", ["model.hiden_rate", "Did you mean hidden_rate?", "widths"]),
        ("modle=mlp", ["modle", "Did you mean model?"]),
        ("data=imagenet", ["data=imagenet", "digits", "kmnist"]),
        ("model.hidden_rate=half", ["model.hidden_rate", "half", "Float"]),
        ("seeds=3", ["seeds", "3"]),
        ("budget.updates=1.5", ["budget.updates", "1.5", "Integer"]),
        ("regularizer.l3=1", ["regularizer.l3", "l1", "l2"]),
    ],
)
def test_a_mistake_in_an_override_is_one_sentence(override: str, parts: list[str]) -> None:
    """If this failed, a typing mistake would end in several lines about the inside of Hydra."""
    with initialize_config_dir(str(CONF), version_base="1.3"), pytest.raises(EXPLAINED) as raised:
        compose("train", [override])
    sentence = explain(raised.value)
    assert "\n" not in sentence
    assert all(part in sentence for part in parts), sentence
