"""Notebooks run from start to end, and their committed outputs are those of the code."""

import re
import warnings
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient


def printed(notebook: nbformat.NotebookNode) -> list[tuple[str, float]]:
    """Every line that ends in a number (and perhaps a unit): its text and the number."""
    text = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", []))
    return [
        (words, float(number)) for words, number in re.findall(r"^(.*?)(\d[\d.]*(?:e-?\d+)?)(?: nats)?$", text, re.M)
    ]


@pytest.mark.parametrize("file", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_notebook_runs_and_its_committed_numbers_are_those_of_the_code(file: Path) -> None:
    """If this failed, a reader would see an error, or numbers that the code no longer gives."""
    committed = nbformat.read(file, as_version=4)
    fresh = nbformat.read(file, as_version=4)
    for cell in fresh.cells:
        cell.pop("outputs", None) if cell.cell_type != "code" else cell.update(outputs=[])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own machinery
        NotebookClient(fresh, timeout=120).execute()
    shown, now = printed(committed), printed(fresh)
    assert len(shown) >= 5
    assert [words for words, _ in shown] == [words for words, _ in now]
    for (words, old), (_, new) in zip(shown, now, strict=True):
        assert new == pytest.approx(old, rel=0.1, abs=1e-12), words
