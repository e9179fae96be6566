"""A study that is tuned, extended until its choices are interior, and then run, as one types it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import Run

from dropout_study.analysis.arms import per_arm
from dropout_study.analysis.results import from_store
from dropout_study.config.schema import ConfigError
from dropout_study.running.choices import add_choices, find_tuning
from dropout_study.running.command_line import complete, find_study, place_of
from dropout_study.tracking.store import Store
from support.paths import CONF
from support.scripts import Script

STUDY = """
defaults: [/schema/study@_here_]
name: tuned
title: A study that tunes
candidates: 3
extend: {optimizer.lr: 4}
grid:
  arm: tuned/narrow,tuned/wide
  model.widths: "[8]"
  model.hidden_rate: 0
  study.stage: final,half
  budget.updates: "${study.values.updates.${study.stage}}"
  seeds: "${study.values.seeds.${study.stage}}"
  rules: "[weight_scaling]"
values:
  updates: {tuning: 30, final: 60, half: 30}
  seeds: {tuning: [900, 901], final: [100, 101], half: [100]}
"""
DERIVED = """
defaults: [/schema/study@_here_]
name: derived
title: A study of its networks
cohorts_from: tuned
grid: {study.stage: final, tracking.cohort: "false"}
"""
# Of 0.001 to 0.256 in steps of 4, 0.064 has the lowest validation error here.
ARMS = {  # file -> name, learning rates, L2: arms that are the same networks share their results
    "narrow": ("rates, 0.004 + 'others'", "4e-3,1.6e-2,6.4e-2", 0.0),
    "wide": ("wide", "1.6e-2,6.4e-2,2.56e-1", 1e-6),
}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A user's own folder of configuration."""
    (tmp_path / "mine" / "study").mkdir(parents=True)
    (tmp_path / "mine" / "arm" / "tuned").mkdir(parents=True)
    (tmp_path / "mine" / "study" / "tuned.yaml").write_text(STUDY)
    (tmp_path / "mine" / "study" / "derived.yaml").write_text(DERIVED)

    for file, (name, rates, l2) in ARMS.items():
        (tmp_path / "mine" / "arm" / "tuned" / f"{file}.yaml").write_text(
            f"# @package _global_\n"
            f'study: {{arm: "{name}"}}\n'
            f'optimizer: {{lr: "${{tried:optimizer.lr,{rates}}}"}}\n'
            f"regularizer: {{l2: {l2}}}\n"
        )

    return str(tmp_path / "mine")


@pytest.fixture(autouse=True)
def store(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store where this process looks for choices."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)


def complete_as_script(*typed: str) -> list[str] | None:
    """What `train.py` makes of a command line before Hydra starts."""
    return add_choices(complete(typed, CONF), typed, CONF)


@pytest.mark.long
def test_a_choice_on_an_edge_is_extended_until_it_is_interior_and_then_judged(
    train: Script,
    runs: Callable[[], list[Run]],
    folder: str,
    uri: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """If this failed, an arm would be judged at the largest rate that somebody happened to list, or
    with other settings than were chosen.
    """
    study = ("-m", "--config-dir", folder, "study=tuned", "budget=smoke")
    command = "python scripts/train.py -m --config-dir .* study=tuned study.stage=tuning"
    with pytest.raises(ConfigError, match=f"study=tuned is tuned first: {command} budget=smoke"):
        complete_as_script(*study)

    tuned = train(*study, "study.stage=tuning")
    assert tuned.returncode == 0, tuned.stderr
    assert "[6/6]" in tuned.stdout

    with pytest.raises(ConfigError, match=r"0\.064 of 0.004 to 0.064; run the tuning again"):
        complete_as_script(*study)

    extended = train(*study, "study.stage=tuning")
    assert extended.returncode == 0, extended.stderr
    assert "candidate 3 extends it" in extended.stdout
    assert "wide: skipped, its tuning is settled" in extended.stdout

    assert complete_as_script(*study, "study.stage=tuning") is None
    settled = capsys.readouterr().out
    assert "tuning is settled" in settled
    assert settled.count("optimizer.lr=0.064") == 2

    judged = train.alone(*study, "hydra/launcher=joblib", "tracking.cohort=true")
    assert judged.returncode == 0, judged.stderr
    derived = train(*study[:3], "study=derived", "budget=smoke")
    assert derived.returncode == 0, derived.stderr

    rows = from_store(Store(uri), ["tuned", "derived"])
    later = rows[rows["stage"] != "tuning"]
    assert set(later["optimizer.lr"]) == {0.064}
    assert later.groupby(["study", "stage", "arm"])["seed"].agg(sorted).to_dict() == {
        ("derived", "final", "wide"): [100, 101],
        ("derived", "final", ARMS["narrow"][0]): [100, 101],
        ("tuned", "final", "wide"): [100, 101],
        ("tuned", "final", ARMS["narrow"][0]): [100, 101],
        ("tuned", "half", "wide"): [100],
        ("tuned", "half", ARMS["narrow"][0]): [100],
    }
    # An arm whose candidates are all there has no job that could note it on them.
    assert complete_as_script(*study, "study.stage=tuning", "arm=tuned/wide", "study.arm=w") is None
    candidates = per_arm(from_store(Store(uri), ["tuned"])).query("stage == 'tuning'")
    tried = candidates.groupby("arm")["candidate"].nunique()
    assert tried.to_dict() == {ARMS["narrow"][0]: 4, "wide": 3, "w": 3}
    assert {run.data.tags.get("stage") for run in runs() if "seed" in run.data.tags} == {
        "tuning",
        "final",
        "half",
    }


def test_a_candidate_that_diverges_is_the_worst(train: Script, folder: str) -> None:
    """If this failed, one rate that is too large would stop a study, or be chosen."""
    grid = "optimizer.lr='${tried:optimizer.lr,1e-3,1e30}'"
    study = ("-m", "--config-dir", folder, "study=tuned", "budget=smoke", "arm=tuned/narrow")
    typed = (*study, "study.candidates=2", "study.extend={}", "study.stage=tuning", grid)
    done = train(*typed)
    assert done.returncode == 0, done.stderr
    assert "iverged" in done.stdout

    tuned = find_study(typed, CONF)
    assert tuned is not None
    (arm,) = find_tuning(tuned, typed, place_of(typed, CONF)).arms
    assert arm.errors[1] == float("inf")
    assert arm.best.number == 0


def test_two_conditions_with_the_name_of_one_arm_are_refused(folder: str) -> None:
    """If this failed, one of two networks would be judged with what was chosen for the other."""
    study = ("-m", "--config-dir", folder, "study=tuned", "budget=smoke", "arm=tuned/wide")

    with pytest.raises(ConfigError, match=r"stands for model.widths=\[8\] and for .*=\[16\]"):
        complete_as_script(*study, "model.widths=[8],[16]")


@pytest.mark.long
def test_reproduce_tunes_a_study_before_it_judges(tmp_path: Path, uri: str) -> None:
    """If this failed, one command would no longer do all of a study."""
    typed = ("budget=smoke", "studies=[narrow]", "results=null")
    done = Script("reproduce.py", tmp_path)(*typed)
    assert done.returncode == 0, done.stderr

    rows = from_store(Store(uri), ["narrow"])
    judged = rows[rows["stage"] != "tuning"]
    assert rows[rows["stage"] == "tuning"].groupby("arm")["candidate"].nunique().tolist() == [2, 2]
    assert judged.groupby("arm")["optimizer.lr"].nunique().tolist() == [1, 1]
    assert judged.groupby("stage")["seed"].nunique().to_dict() == {"final": 2, "half": 2}
    assert (tmp_path / "outputs" / "smoke" / "index.html").is_file()
