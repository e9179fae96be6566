"""The command line of a sweep, and mistakes put into sentences."""

import copy
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser  # to compare with
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from dropout_study.config.choices import list_choices, names_of_choices
from dropout_study.config.devices import workers
from dropout_study.config.schema import ConfigError
from dropout_study.running.command_line import (
    EXPLAINED,
    _parse_flags,
    check,
    complete,
    place_of,
    run,
    store_to_environment,
    with_absolute_path,
)
from dropout_study.running.explain import explain
from dropout_study.running.sweep_jobs import check_launcher, check_study_is_typed
from support.paths import CONF
from support.scripts import Script

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
def test_a_sweep_is_exactly_what_was_typed_or_the_grid_of_its_study(
    typed: list[str], added: list[str]
) -> None:
    """If this failed, the default grid would multiply a typed sweep, or a typed value would be
    swept over.
    """
    model = ["model=mlp"] if GRID[0] in added and "model=mlp" not in typed else []
    completed = complete(typed, CONF)
    assert sorted(completed) == sorted([*typed, *added, *model])


@pytest.mark.parametrize(
    "typed", [["data=mnist", "-m"], ["-m", "data=mnist"], ["-m", "data=mnist", "--info", "all"]]
)
def test_overrides_stay_in_one_piece(typed: list[str]) -> None:
    """If this failed, Hydra would refuse the command line: it takes overrides in one piece only."""
    completed = complete(typed, CONF)
    places = [i for i, argument in enumerate(completed) if "=" in argument]
    assert len(places) == 5
    assert places == list(range(places[0], places[-1] + 1))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ["-m", "model=lenet", "data=mnist"],
            "varies model.widths and model.hidden_rate of model=mlp",
        ),
        (["-m", "study=rate_by_width,exploration"], "one study at a time"),
    ],
    ids=["model", "studies"],
)
def test_what_a_study_cannot_do_is_refused_before_anything_runs(
    typed: list[str], said: str
) -> None:
    """If this failed, the mistake would surface as a key that the user never typed, or as a study
    without its grid.
    """
    with pytest.raises(ConfigError, match=said):
        complete(typed, CONF)


MINE = """
defaults: [/schema/study@_here_]
name: mine
grid: {model.widths: "[4],[5]", model.hidden_rate: "0,0.5"}
at: {smoke: {seeds: "[0]"}}
"""
HEIR = """
defaults: [rate_by_width, _self_]
name: heir
grid: {model.hidden_rate: 0.1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's own folder of configuration, with two studies, and one that has a name of ours."""
    studies = tmp_path / "my conf" / "study"
    studies.mkdir(parents=True)

    for name, text in {"mine": MINE, "heir": HEIR, "rate_by_width": MINE}.items():
        (studies / f"{name}.yaml").write_text(text)

    return tmp_path / "my conf"


@pytest.mark.parametrize("where", ["--config-dir", "-cd", "--config-path", "hydra.searchpath"])
def test_a_study_of_the_users_own_keeps_its_grid(folder: Path, where: str) -> None:
    """If this failed, a sweep would be trained as one default condition, without a word."""
    typed = ["-m", "study=mine", "budget=smoke"]
    path = f"hydra.searchpath=['file://{folder}']"
    typed += [path] if where == "hydra.searchpath" else [where, str(folder)]
    completed = complete(typed, CONF)
    grid = ["model.widths=[4],[5]", "model.hidden_rate=0,0.5", "seeds=[0]"]
    assert sorted(completed) == sorted([*typed, *grid])


def test_a_study_is_what_hydra_composes_of_it(folder: Path) -> None:
    """If this failed, a study that extends another would lose that one's axes, or hide
    one of ours.
    """
    grid = ["model=mlp", GRID[0], "model.hidden_rate=0.1"]
    typed = ["-m", "study=heir", "--config-dir", str(folder)]
    assert sorted(complete(typed, CONF)) == sorted([*typed, *grid])
    typed = ["-m", "study=rate_by_width", "--config-dir", str(folder)]
    assert sorted(complete(typed, CONF)) == sorted([*typed, "model=mlp", *GRID])
    typed = ["-m", "study=absent", "--config-dir", str(folder)]
    assert complete(typed, CONF) == typed, "Hydra itself says that there is none"


@pytest.mark.parametrize(("sweep", "typed"), [(True, []), (True, ["seeds=[0]"]), (False, GRID[1:])])
def test_a_study_that_a_file_chooses_is_refused(sweep: bool, typed: list[str]) -> None:
    """If this failed, one condition would be recorded as if it were the study."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", ["study=rate_by_width"], return_hydra_config=True)

    composed.hydra.overrides.task = ["study=rate_by_width", *GRID]
    check_study_is_typed(composed, sweep=True)
    composed.hydra.overrides.task = typed

    with pytest.raises(ConfigError, match="add -m study=rate_by_width"):
        check_study_is_typed(composed, sweep)


@pytest.mark.parametrize(
    "override",
    [
        "hydra.launcher.n_jobs=0",
        "hydra.sweeper.max_batch_size=0",
        "hydra.sweeper.max_batch_size=-1",
    ],
)
def test_a_launcher_of_no_jobs_is_refused(override: str) -> None:
    """If this failed, a sweep would be recorded as begun, and end in a traceback of joblib's or
    Hydra's.
    """
    typed = ["hydra/launcher=joblib", override]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", typed, return_hydra_config=True)

    with pytest.raises(ConfigError, match=f"^{override} cannot be used: .* must be at least 1"):
        check_launcher(composed)


def test_an_arm_that_needs_its_study_names_it() -> None:
    """If this failed, arms that `--help` lists would be refused for a value nobody has heard of."""
    refused = {}

    for arm in names_of_choices("arm"):
        try:
            complete([f"arm={arm}"], CONF)
        except ConfigError as error:
            refused[arm] = str(error)

    assert {arm.partition("/")[0] for arm in refused} == {"bagging", "mc_samples", "untied"}
    assert len(refused) == 15
    assert refused["bagging/bagged"].endswith(
        "reads study.values.bags and study.values.updates: "
        "type -m study=bagging arm=bagging/bagged, "
        "or add +study.values.bags=VALUE +study.values.updates=VALUE."
    )
    given = ["arm=bagging/bagged", "+study.values.bags=2", "+study.values.updates={final:5}"]
    assert complete(given, CONF) == given
    given = ["-m", "study=bagging", "arm=bagging/bagged"]
    assert given[2] in complete(given, CONF)

    with pytest.raises(ConfigError, match="arm=mc_samples/mlp_small cannot be used without its"):
        complete(["-m", "arm=regularizers/none,mc_samples/mlp_small"], CONF)


def test_an_arm_is_named_with_the_folder_of_its_study() -> None:
    """If this failed, who types `arm=l2` would not learn what it is called."""
    for typed in ("arm=l2", "arm=regularizers/l22"):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            with pytest.raises(EXPLAINED) as raised:
                compose("train", [typed])

            sentence = explain(raised.value)

        assert sentence.startswith(f"{typed} cannot be used: arm must be one of bagging/bagged, ")
        assert "regularizers/l1," in sentence


def test_choices_begin_with_what_a_newcomer_sets_and_end_with_the_arms() -> None:
    """If this failed, `--help` would begin with what few may choose, or leave out an arm."""
    lines = [line.split() for line in list_choices().splitlines()]
    groups = list(dict.fromkeys(line[0].partition("=")[0] for line in lines))
    assert groups[:5] == ["data", "model", "optimizer", "budget", "study"]
    assert groups[-1] == "arm"
    choices = {line[0] for line in lines}
    assert len(choices) == len(lines)

    for file in (CONF / "study").glob("*.yaml"):
        axis = OmegaConf.load(file).get("grid", {}).get("arm")
        for arm in axis.split(",") if axis else []:
            assert f"arm={arm}" in choices, "a study sweeps over arms that there are"


def test_a_study_without_m_is_a_mistake() -> None:
    """If this failed, one run would be recorded as if it were the study."""
    with pytest.raises(ConfigError, match="add -m"):
        complete(["study=rate_by_width"], CONF)


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "submitit_slurm", "ray"])
def test_a_launcher_comes_with_its_settings(launcher: str) -> None:
    """If this failed, jobs would start without limits, or a typed value would be overridden by
    ours.
    """
    typed = [f"hydra/launcher={launcher}", "hydra.sweeper.max_batch_size=7"]

    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", complete(typed, CONF), return_hydra_config=True)

    settings = {
        "joblib": {"pre_dispatch": "all", "prefer": "processes"},
        "submitit_local": {"timeout_min": 10080, "tasks_per_node": 1},
        "submitit_slurm": {"max_num_timeout": 20, "signal_delay_s": 120},
        "ray": {"ray.remote.max_retries": 0, "ray.init.address": None},
    }

    for key, value in settings[launcher].items():  # ours, and the plugin's
        assert OmegaConf.select(composed.hydra.launcher, key) == value

    assert composed.hydra.launcher._target_.startswith("hydra_plugins.")
    assert composed.hydra.sweeper.max_batch_size == 7


@pytest.mark.parametrize(
    ("launcher", "jobs"),
    [("submitit_local", workers("auto", 1)), ("submitit_slurm", None), ("joblib", None)],
)
def test_a_launcher_without_a_limit_gets_batches(launcher: str, jobs: int | None) -> None:
    """If this failed, submitit would start a hundred processes of a sweep at the same time."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", [f"hydra/launcher={launcher}"], return_hydra_config=True)

    assert composed.hydra.sweeper.max_batch_size == jobs


def test_a_launcher_says_nothing_about_the_file_that_it_shares_its_name_with(
    recwarn: pytest.WarningsRecorder,
) -> None:
    """If this failed, every sweep on several workers would begin with a warning of Hydra's."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        compose("train", ["hydra/launcher=joblib"], return_hydra_config=True)

    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    "typed",
    [
        ["-m"],
        ["--multirun", "a=1"],
        ["--multi", "a=1"],
        ["-m", "a=1,2", "-cd", "mine"],
        ["a=1", "--config-dir=mine", "-m"],
        ["--config-path", "mine", "-cn", "train"],
        ["--config-name", "train", "-h"],
        ["-c", "job", "--resolve", "-p", "model"],
        ["-m", "--info", "all", "a=1"],
        ["-i", "-m"],
        ["-sc", "install=bash"],
        ["-r", "a=1"],
    ],
    ids=" ".join,
)
def test_flags_are_read_as_hydra_reads_them(typed: list[str]) -> None:
    """If this failed, a sweep would be completed from another folder, or not at all."""
    flags = _parse_flags(typed)
    expected = get_args_parser().parse_args(typed)

    for flag in ("multirun", "config_path", "config_dir"):
        assert getattr(flags, flag) == getattr(expected, flag)


def test_help_does_not_leave_the_store_of_schemas_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, `--help` would take twice as long, or change Hydra for the whole process."""
    store = ConfigStore.instance()
    copies: list[ConfigStore] = []
    monkeypatch.setattr(os, "environ", os.environ.copy())

    for typed in ("--help", "seeds=[0]"):
        monkeypatch.setattr(sys, "argv", ["train.py", typed])
        run(lambda: copies.append(copy.deepcopy(store)))

    assert copies[0] is store
    assert copies[1] is not store


def test_a_launcher_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, Hydra would call it unknown, and nobody would know what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[submitit\]'"):
        complete(["-m", "hydra/launcher=submitit_slurm"], CONF)


def test_the_store_leaves_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, Hydra would write its password into multirun.yaml, or each job have a store
    of its own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_to_environment(["-m", "a=1", "tracking.uri=sqlite:///x.db", "b=2"]) == [
        "-m",
        "a=1",
        "b=2",
    ]
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/x.db"
    kept = ["tracking.uri=${oc.env:TEAM_STORE}"]
    assert store_to_environment(kept) == kept, "Hydra resolves it when it is asked for"

    with pytest.raises(ConfigError, match="one store at a time"):
        store_to_environment(["tracking.uri=sqlite:///x.db,sqlite:///y.db"])


def test_a_file_that_cannot_be_used_is_named_by_the_override_that_leads_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a user would be sent to a value that has nothing to do with the mistake."""
    error = PermissionError(13, "Permission denied", "/mnt/outputs/digits/2025-01-01")
    typed = ["train.py", "budget.updates=20", "study.name=", "hydra.run.dir=outputs/digits"]
    monkeypatch.setattr(sys, "argv", typed)
    assert explain(error) == "hydra.run.dir=outputs/digits cannot be used: Permission denied."
    monkeypatch.setattr(sys, "argv", typed[:3])
    assert explain(error) == f"{error.filename} cannot be used: Permission denied."


MISTAKEN = """
from dropout_study.running.command_line import run
from dropout_study.config.devices import workers
from dropout_study.config.schema import ConfigError

def entry():
    raise ConfigError("a sentence")

run(entry)
"""


@pytest.mark.parametrize("typed", ["", "1"])
def test_a_script_that_a_script_starts_keeps_to_sentences(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, `reproduce.py` would show tracebacks of its studies, or none to those who ask
    for them.
    """
    monkeypatch.setattr(os, "environ", os.environ.copy() | {"HYDRA_FULL_ERROR": typed})
    os.environ.pop("DROPOUT_STUDY_TRACEBACK", None)
    said: list[str] = []

    def start() -> None:
        command = [sys.executable, "-c", MISTAKEN]
        environment = dict(os.environ)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        said.extend(done.stderr.splitlines())

    run(start)
    assert any(line.endswith("a sentence") for line in said)
    assert (len(said) == 1) is (typed == "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_cannot_be_shown_ends_nothing(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a table at the end of hours would end the script where a terminal lacks its
    signs.
    """
    output = io.BytesIO()
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding))

    def show() -> None:
        table = Table("claim", "|Δ log p|")
        table.add_row("✔ supported", "±0.5")
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
        ("data=imagenet", ["data=imagenet cannot be used: data must be one of", "kmnist"]),
        ("model=residual", ["must be one of", "Those of a plug-in need plugins=[MODULE]."]),
        ("study=mine", ["must be one of", "need --config-dir FOLDER."]),
        ("data=mnits", ["data=mnits cannot be used: data must be one of", "Did you mean mnist?"]),
        ("model=ml", ["Did you mean mlp?"]),
        ("study=capacit", ["Did you mean capacity?"]),
        ("hydra/launcher=jobli", ["hydra/launcher=jobli cannot be used", "Did you mean joblib?"]),
        ("model.hidden_rate=half", ["model.hidden_rate", "half", "Float"]),
        ("seeds=3", ["seeds must be a list; type 'seeds=[0,1,2]' for 3 networks."]),
        ("seeds=900", ["seeds=900 cannot be used: seeds must be a list; type 'seeds=[900]'."]),
        ("model.widths=32", ["type 'model.widths=[32]'."]),
        (
            "model.hidden_rate=[0,0.5]",
            ["model.hidden_rate has one value; type -m model.hidden_rate=0,0.5 for a sweep."],
        ),
        ("model.widths=[a]", ["^model.widths=[a] cannot be used: ", "could not be converted"]),
        ("data.root=/a=b", ["such a value needs quotes: 'data.root=\"/a=b\"'."]),
        ("study.name=né", ["study.name=né cannot be read", "needs quotes: 'study.name=\"né\"'."]),
        ("seeds=[0,1", ["seeds=[0,1 cannot be read"]),
        ("mnist", ["mnist cannot be read: type key=value"]),
        (
            "arm=dataset_size/dropout study.candidate=6",
            ["^study.candidate=6 cannot be used", "0 to 5"],
        ),
        ("budget.updates=1.5", ["budget.updates", "1.5", "Integer"]),
        ("regularizer.l3=1", ["regularizer.l3", "l1", "l2"]),
    ],
)
def test_a_mistake_in_an_override_is_one_sentence(override: str, parts: list[str]) -> None:
    """If this failed, a typing mistake would end in several lines about the inside of Hydra."""
    with initialize_config_dir(str(CONF), version_base="1.3"), pytest.raises(EXPLAINED) as raised:
        OmegaConf.to_object(compose("train", override.split(" ")))

    sentence = explain(raised.value)
    assert "\n" not in sentence
    assert all(part in f"^{sentence}" for part in parts), sentence


def test_a_list_in_a_sweep_says_both_that_can_be_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, who wants two seeds would be told about one."""
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "seeds=0,1"])

    with initialize_config_dir(str(CONF), version_base="1.3"), pytest.raises(EXPLAINED) as raised:
        compose("train", ["seeds=0"])

    assert explain(raised.value) == (
        "seeds=0,1 cannot be used: each value of seeds must be a list; "
        "type 'seeds=[0,1]' for one condition, or 'seeds=[0],[1]' for 2."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("l22: 1", "l22 is not a key of this configuration. Did you mean l2?"), ("l2: [1", "line 1")],
    ids=["key", "syntax"],
)
def test_a_mistake_in_a_file_names_the_file(tmp_path: Path, text: str, said: str) -> None:
    """If this failed, nobody would know where to look."""
    (tmp_path / "regularizer").mkdir()
    (tmp_path / "regularizer" / "mine.yaml").write_text(text)
    typed = ["regularizer=mine", f"hydra.searchpath=['file://{tmp_path}']"]

    with initialize_config_dir(str(CONF), version_base="1.3"), pytest.raises(EXPLAINED) as raised:
        compose("train", typed)

    sentence = explain(raised.value)
    assert "regularizer/mine" in sentence
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "data=null",
            "data=null cannot be used: data must be one of digits, fashion_mnist, kmnist, mnist",
        ),
        ("arm=3", "arm=3 cannot be used: arm must be one of bagging/bagged, "),
        ("=5", "=5 cannot be used: there is no key in front of the =."),
    ],
)
def test_a_choice_that_is_no_name_is_refused(typed: str, said: str) -> None:
    """If this failed, Hydra would print a traceback that does not name the key."""
    with pytest.raises(ConfigError) as raised:
        check(["-m", "seeds=[0]", typed, "dry_run=true"], CONF)

    assert str(raised.value).startswith(said)
    check(["data=mnist", "regularizer=[l1,l2]", "model=mlp,lenet", "seeds=3", "--help"], CONF)


@pytest.mark.parametrize(
    ("script", "typed", "said"),
    [
        ("train", ["-m", "--cfg", "job"], "Only one of --run, --multirun, --cfg"),
        (
            "evaluate",
            ["run=x", "hydra.run.dir=/proc/x"],
            "hydra.run.dir=/proc/x cannot be used: No such file",
        ),
        ("report", ["claims=[truth]"], "claims=['truth'] cannot be used"),
        ("report", ["+hydra.foo=1"], "hydra.foo is not a key"),
        (
            "reproduce",
            ["budget.updates=7", "dry_run=true"],
            "budget.updates=7 cannot be used: the studies take budgets",
        ),
        ("sync", [f"folder={'a' * 300}"], "aaa cannot be used: File name too long."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_sentence_of_every_script(
    tmp_path: Path, script: str, typed: list[str], said: str
) -> None:
    """If this failed, it would be a traceback, or stand behind all that was typed."""
    done = Script(f"{script}.py", tmp_path)(*typed)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_arm_of_another_study_names_its_own() -> None:
    """If this failed, the mistake would end in the job, in an error of interpolation."""
    arguments = ["-m", "study=bagging", "arm=mc_samples/mlp_small"]
    with pytest.raises(ConfigError, match="type -m study=mc_samples arm=mc_samples/mlp_small"):
        complete(arguments, CONF)
    assert complete(["-m", "study=bagging", "arm=bagging/bagged"], CONF)


def test_a_folder_of_configuration_is_looked_for_where_one_types(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, Hydra would look for it beside the code, and the study of a user's own
    folder in another one.
    """
    monkeypatch.chdir(folder.parent)
    typed = ["--config-path", "my conf", "study=mine"]
    assert with_absolute_path(typed)[-1] == f"--config-path={folder}"
    assert place_of(typed, CONF).conf == folder
    assert with_absolute_path(["-m", "a=1"]) == ["-m", "a=1"]
