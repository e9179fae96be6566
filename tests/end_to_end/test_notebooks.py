"""What notebooks read; notebooks run from start to end, and their committed outputs are those of
the code.
"""

import importlib.util
import re
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from dropout_study.analysis import results_files
from dropout_study.claims import CLAIMS
from dropout_study.config.folder import RESULTS
from dropout_study.notebooks import NO_EVIDENCE, digits, read_networks, recorded, verdict
from dropout_study.running.restore import restore
from dropout_study.tracking.store import Store
from support.paths import ROOT, SMOKE

CLAIM_OF = {"capacity": "capacity", "dataset_size": "dataset_size", "monte_carlo": "mc_samples"}
CLAIM_OF |= {"regularizers": "regularizers", "weight_scaling": "weight_scaling_approximate"}
CLAIM_OF |= {"noise_families": "multiplicative"}
NAMES = [*CLAIM_OF, "using_your_own_model"]
LOCAL = re.compile(r"/(?:root|home|tmp|usr|work|Users)/|[A-Z]:\\\\|\bat 0x")
LARGEST = 300_000
"""Bytes of a notebook with its outputs."""
MOST_LINES = 30
"""Lines of a cell of code; a student reads each."""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the published results, with those of study `exact` alone."""
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copy(RESULTS / "exact.parquet", folder)
    monkeypatch.setattr("dropout_study.notebooks.RESULTS", folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    return folder


@pytest.mark.usefixtures("published")
def test_published_results_are_read_without_a_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a notebook of a fresh clone would have nothing to show, or make a store."""
    networks = recorded("exact", tmp_path)
    assert set(networks["study"]) == {"exact"}
    printed_text = capsys.readouterr().out
    assert f"{len(networks):,} networks, budget laptop" in printed_text
    assert NO_EVIDENCE not in printed_text
    assert not list(tmp_path.glob("mlflow*"))


@pytest.mark.usefixtures("published")
def test_what_is_not_recorded_is_said_with_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a reader would see an empty figure, and not how to fill it."""
    assert recorded("narrow", tmp_path).empty
    said, typed = capsys.readouterr().out.splitlines()
    assert said.startswith("Study narrow: no results yet.")
    assert typed == 'python scripts/reproduce.py "studies=[narrow]" budget=laptop'


@pytest.mark.usefixtures("published")
def test_a_claim_that_lacks_a_study_says_which(tmp_path: Path) -> None:
    """If this failed, a reader would not know what is missing, or would train what is there."""
    text = verdict("weight_scaling_approximate", folder=tmp_path)
    assert "not decided yet.** Recorded: exact. Missing: enumerable, sampling, mc_samples." in text
    assert '"studies=[exact,enumerable,reference,sampling,mc_samples]" budget=laptop' in text


def test_own_networks_come_before_published_ones(
    tmp_path: Path, uri: str, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a network would count twice, or one's own would not count."""
    networks = pd.read_parquet(published / "exact.parquet")
    first = networks["digest"] == networks["digest"].iloc[0]
    own = networks[first].assign(commit="abc1234")
    own.to_parquet(tmp_path / "own.parquet", index=False)
    assert restore(tmp_path / "own.parquet", Store(uri), "laptop") == len(own)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")  # in the folder
    both = read_networks(["exact"], tmp_path)
    assert len(both) == len(results_files.read(published))
    assert (both["commit"] == "abc1234").sum() == len(own)


@SMOKE
def test_networks_of_seconds_are_called_no_evidence(
    smoke_store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a reader would take results of the smoke budget for an answer."""
    monkeypatch.setattr("dropout_study.notebooks.RESULTS", Path("nowhere"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", smoke_store)
    assert set(recorded("capacity")["budget"]) == {"smoke"}
    assert NO_EVIDENCE in capsys.readouterr().out
    text = verdict(*CLAIM_OF.values())
    assert text.count(NO_EVIDENCE) == len(CLAIM_OF)

    for claim in CLAIM_OF.values():
        for name in [*CLAIMS[claim].parts, *CLAIMS[claim].checks]:
            assert f"| {name}: " in text


def test_published_networks_are_preferred_to_those_of_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, whoever tried the smoke budget would see noise in place of results."""
    networks = results_files.read(RESULTS)
    exact = networks[networks["study"] == "exact"]
    tried = pd.concat([exact.assign(budget="smoke"), exact])
    monkeypatch.setattr("dropout_study.notebooks.read_networks", lambda *_: tried)
    assert len(recorded("exact")) == len(exact)


def test_a_study_that_is_being_tuned_has_no_results_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a notebook would end in an error, or hide results behind candidates."""
    networks = results_files.read(RESULTS)
    exact = networks[networks["study"] == "exact"]
    tuned = exact[exact["stage"] == "tuning"]
    monkeypatch.setattr("dropout_study.notebooks.read_networks", lambda *_: tuned)
    assert recorded("exact").empty
    assert "no results yet" in capsys.readouterr().out

    both = pd.concat([tuned, exact.assign(budget="smoke")])
    monkeypatch.setattr("dropout_study.notebooks.read_networks", lambda *_: both)
    assert set(recorded("exact")["budget"]) == {"smoke"}


def test_digits_are_balanced_and_in_double_precision() -> None:
    """If this failed, numbers of a notebook would depend on rounding."""
    x, y, test_x, test_y = digits(pool=2)
    assert x.shape == (len(y), 16)
    assert str(test_x.dtype) == "torch.float64"
    assert test_y.bincount().tolist() == [40] * 10


def committed(name: str) -> NotebookNode:
    """A notebook as it is in the repository."""
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook: NotebookNode) -> set[str]:
    """What a notebook shows: media types, `stream` for text, `error`."""
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return {kind for output in outputs for kind in output.get("data", {output.output_type: ""})}


def printed(notebook: NotebookNode) -> list[tuple[str, float]]:
    """Every printed line that ends in a number (and perhaps a unit): its text and the number."""
    text = "".join(output.get("text", "") for cell in code(notebook) for output in cell.outputs)
    return [
        (words, float(number))
        for words, number in re.findall(r"^(.*?)(\d[\d.]*(?:e-?\d+)?)(?: nats)?$", text, re.M)
    ]


def test_the_notebooks_are_there() -> None:
    """If this failed, a notebook would be missing, or one that no test knows would be there."""
    assert sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_was_run_once_from_start_to_end(name: str) -> None:
    """If this failed, a reader would see a cell without its output, an error, or traces of
    somebody's machine.
    """
    notebook = committed(name)
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )
    assert "error" not in kinds(notebook)
    assert not [cell for cell in code(notebook) if "execution" in cell.metadata]  # when it ran
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert all(output.get("name") != "stderr" for output in outputs)
    texts = [output.get("text", "") for output in outputs]
    texts += [
        text
        for output in outputs
        for kind, text in output.get("data", {}).items()
        if "image" not in kind
    ]
    assert not [text for text in texts if LOCAL.search(text)]
    assert not [text for text in texts if NO_EVIDENCE in text]  # nobody would learn from noise
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_teaches(name: str) -> None:
    """If this failed, a student would read answers before asking, could change nothing, or would
    not know whether an exercise was solved; a teacher would not know when it fits.
    """
    cells = committed(name).cells
    assert "**Predict first.**" in cells[0].source
    assert re.search(r"\*For a lecture .*\d+ minutes.*\son\s+two cores.*\*", cells[0].source, re.S)
    assert [cell.metadata.get("tags") for cell in code(committed(name))][1] == ["parameters"]
    (exercises,) = [cell.source for cell in cells if "## Exercises" in cell.source]
    question, answer = exercises.split("<details>")
    numbers = re.findall(r"^\d+\. ", question, re.M)
    assert re.findall(r"^\d+\. ", answer, re.M) == numbers
    assert max(len(cell.source.splitlines()) for cell in code(committed(name))) <= MOST_LINES


@pytest.mark.parametrize(
    ("found", "typed"), [(None, ["pip install --quiet dropout-study"]), ("", [])]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_hosted_notebook_installs_the_package_first(
    name: str, found: str | None, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a hosted notebook would end at its first import, or a notebook of a checkout
    would install another version over it.
    """
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    lines: list[str] = []
    shell = SimpleNamespace(run_line_magic=lambda *words: lines.append(" ".join(words)))
    first = TransformerManager().transform_cell(code(committed(name))[0].source)
    exec(first, {"get_ipython": lambda: shell})
    assert lines == typed


@pytest.mark.parametrize(("name", "claim"), CLAIM_OF.items())
def test_a_notebook_quotes_the_claim_that_is_decided(name: str, claim: str) -> None:
    """If this failed, the text would state another claim than the one whose verdict is shown."""
    text = "\n".join(cell.source for cell in committed(name).cells).replace("\n> ", " ")
    assert CLAIMS[claim].says in text


@pytest.fixture(scope="module")
def fresh(smoke_folder: Path) -> dict[str, NotebookNode]:
    """All notebooks, run on the store of small runs, by one kernel: to import everything takes it
    seconds.
    """
    notebooks = {name: committed(name) for name in NAMES}
    cells = []

    for notebook in notebooks.values():
        for cell in code(notebook):
            cell.outputs = []
        cells += [new_code_cell("%reset -f"), *notebook.cells]

    place = {"metadata": {"path": str(ROOT / "notebooks")}}

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own machinery
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{smoke_folder}/mlflow.db")
        NotebookClient(
            new_notebook(cells=cells), timeout=120, allow_errors=True, resources=place
        ).execute()

    return notebooks


@pytest.mark.long
@SMOKE
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_prints_the_numbers_that_are_committed(
    name: str, fresh: dict[str, NotebookNode]
) -> None:
    """If this failed, a reader would meet an error, or see numbers that the code no longer gives.

    What is read from a store is shown in tables and texts; what a notebook trains itself, and what
    it reads from the published results, is printed, and compared.
    """
    errors = [
        output
        for cell in code(fresh[name])
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert not errors, errors[0].evalue
    assert {"image/png", "text/html", "text/markdown"} <= kinds(fresh[name])
    shown = printed(committed(name))
    now = printed(fresh[name])
    assert len(shown) >= 4
    assert [words for words, _ in shown] == [words for words, _ in now]

    for (words, old), (_, new) in zip(shown, now, strict=True):
        assert new == pytest.approx(old, rel=0.1, abs=1e-12), words
