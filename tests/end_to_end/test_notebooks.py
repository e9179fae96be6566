"""Claims as notebooks tell them; notebooks run from start to end, and their committed outputs are
those of the code.
"""

import importlib.util
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from dropout_study.analysis.results import from_store
from dropout_study.claims import CLAIMS
from dropout_study.config.schema import ConfigError
from dropout_study.notebooks import NO_EVIDENCE, comparison, criteria, decided, train, verdict
from dropout_study.tracking.store import Store
from support.paths import ROOT, SMOKE

CLAIM_OF = {"capacity": "capacity", "dataset_size": "dataset_size", "monte_carlo": "mc_samples"}
CLAIM_OF |= {"regularizers": "regularizers", "weight_scaling": "weight_scaling_approximate"}
NAMES = [*CLAIM_OF, "using_your_own_model"]
LOCAL = re.compile(r"/(?:root|home|tmp|usr|work|Users)/|[A-Z]:\\\\|\bat 0x")


@SMOKE
def test_a_claim_is_read_from_the_store_that_is_named(
    smoke_store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a notebook would train what is there, or take results of the smoke budget for
    an answer.
    """
    monkeypatch.setenv("MLFLOW_TRACKING_URI", smoke_store)
    outcome = decided("capacity")
    assert outcome.decided
    assert outcome.scope.budget == "smoke"
    printed_text = capsys.readouterr().out
    assert "Training" not in printed_text
    assert NO_EVIDENCE in printed_text
    assert f"**{outcome.shown}**" in verdict(outcome)
    assert NO_EVIDENCE in verdict(outcome)


@SMOKE
@pytest.mark.parametrize("claim", CLAIM_OF.values())
def test_every_question_stands_in_a_verdict_with_its_outcome(
    claim: str, smoke_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a notebook would show a verdict without what it rests on, or a criterion
    without its reason.
    """
    monkeypatch.setenv("MLFLOW_TRACKING_URI", smoke_store)
    outcome = decided(claim)
    asked = criteria(outcome)
    assert list(asked.index) == [*outcome.claim.parts, *outcome.claim.checks]
    assert (asked["reason"] != "").all()

    for name in asked.index:
        assert f"- {name}: {outcome.decisions[name].outcome}" in verdict(outcome)


@pytest.mark.long
@pytest.mark.usefixtures("uri")
def test_without_runs_the_studies_are_trained_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, the notebooks would not work on a fresh clone, or train at each start."""
    # In the folder, wherever the kernel is.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert decided("subnetworks", tmp_path).scope.budget == "smoke"
    assert "Training at the smoke budget" in capsys.readouterr().out
    assert (tmp_path / "outputs" / "enumerable").is_dir()
    assert decided("subnetworks", tmp_path).scope.budget == "smoke"
    assert "Training" not in capsys.readouterr().out


@pytest.mark.long
def test_a_study_is_tuned_before_its_networks_are_trained(tmp_path: Path, uri: str) -> None:
    """If this failed, the notebooks would end at a study that has to be tuned first."""
    train("mc_samples", uri, tmp_path)
    results = from_store(Store(uri), ["mc_samples"])
    assert set(results["stage"]) == {"tuning", "final", "half"}


@pytest.mark.usefixtures("uri")
def test_training_that_leaves_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a reader would meet the name of a missing key instead of what is missing."""
    monkeypatch.setattr("dropout_study.notebooks.train", lambda *_: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")

    with pytest.raises(ConfigError, match=r"capacity is not decided.*no results of study capacity"):
        decided("capacity", tmp_path)


def test_a_published_number_is_compared_with_the_interval() -> None:
    """If this failed, a notebook would say of numbers that they match where they do not."""
    assert comparison("", 1.5, [1.0, 2.0])["match"] == "within our interval"
    assert comparison("", 0.5, [1.0, 1.1, 1.2])["match"] == "ours is higher"
    assert comparison("", 2.0, [1.0, 1.1, 1.2])["match"] == "ours is lower"
    assert comparison("", 2.0, [1.0, 1.1, 1.2])["difference"] == -0.9


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
    assert name not in CLAIM_OF or any("Results of budget" in text for text in texts)
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < 400_000


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


@pytest.mark.parametrize("name", CLAIM_OF)
def test_results_that_are_no_evidence_say_so(name: str) -> None:
    """If this failed, a reader would take networks that were trained for seconds for evidence."""
    cells = code(committed(name))
    texts = [output.get("text", "") for cell in cells for output in cell.outputs]
    shown = [
        output["data"].get("text/markdown", "")
        for cell in cells
        for output in cell.outputs
        if "data" in output
    ]
    is_smoke = any("Results of budget smoke" in text for text in texts)
    assert any(NO_EVIDENCE in text for text in texts) == is_smoke
    assert any(NO_EVIDENCE in text for text in shown) == is_smoke


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

    What is read from a store is shown in tables and texts; what a notebook trains itself is
    printed, and compared.
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
    assert len(shown) >= (0 if name in CLAIM_OF and name != "weight_scaling" else 5)
    assert [words for words, _ in shown] == [words for words, _ in now]

    for (words, old), (_, new) in zip(shown, now, strict=True):
        assert new == pytest.approx(old, rel=0.1, abs=1e-12), words
