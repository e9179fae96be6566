"""The documents as a site: every page is in it, and it loads nothing from elsewhere."""

import doctest
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace

import pytest

from support.browser import Browser, browser
from support.paths import ROOT
from support.readme import PAGES

__all__ = ["browser"]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
API = {
    "dropout": ["any_model", "rules", "masks", "networks", "cohort", "enumeration"],
    "measures": ["metrics", "scores", "statistics"],
}
"""Package -> the modules that users call."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by the command that is documented."""
    folder: Path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    return folder


@pytest.fixture(scope="module")
def hooks() -> Iterator[ModuleType]:
    """The hooks of MkDocs, `docs/hooks.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        yield importlib.import_module("hooks")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: page.name)
def test_every_page_and_notebook_is_in_the_site(page: Path, site: Path) -> None:
    """If this failed, a page would be readable in the repository alone."""
    folder = page.relative_to(ROOT).with_suffix("")
    html = "index.html" if folder.name == "README" else f"{folder}/index.html"
    assert (site / html).is_file()


def test_notebooks_are_shown_with_their_outputs(site: Path) -> None:
    """If this failed, a notebook would be code without what it gives."""
    for notebook in NOTEBOOKS:
        page = (site / "notebooks" / notebook.stem / "index.html").read_text(encoding="utf-8")
        assert "<table" in page
        assert list((site / "notebooks" / notebook.stem).glob("*.png")), notebook.stem


def test_formulas_and_diagrams_are_drawn(site: Path) -> None:
    """If this failed, a reader would see LaTeX or Mermaid instead of what it draws."""
    notebook = (site / "notebooks" / "weight_scaling" / "index.html").read_text(encoding="utf-8")
    assert "<math" in notebook
    assert "\\prod" not in notebook

    architecture = (site / "docs" / "architecture" / "index.html").read_text(encoding="utf-8")
    assert architecture.count('<div class="diagram"><svg') == 2
    assert "mermaid" not in architecture.split("<svg")[0]


@pytest.mark.parametrize("package", API)
def test_what_users_call_is_documented_with_its_examples(package: str, site: Path) -> None:
    """If this failed, somebody would have to read the code to learn how a function is called."""
    page = (site / "docs" / "api" / "index.html").read_text(encoding="utf-8")

    for name in API[package]:
        module = importlib.import_module(f"dropout_study.{package}.{name}")
        tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
        assert tests

        for test in tests:
            documented = test.name.split(".")[-1].startswith("_") or f'id="{test.name}"' in page
            assert documented, test.name


def test_a_site_that_loads_something_from_elsewhere_is_refused(
    hooks: ModuleType, tmp_path: Path
) -> None:
    """If this failed, reading a page could tell another host who reads it."""
    (tmp_path / "fine.html").write_text('<a href="https://arxiv.org">paper</a><img src="a.png">')
    hooks.on_post_build(SimpleNamespace(site_dir=str(tmp_path)))
    (tmp_path / "fonts.css").write_text("@import url(//fonts.example/a.css)")

    with pytest.raises(Exception, match=r"fonts\.css loads //fonts\.example/a\.css"):
        hooks.on_post_build(SimpleNamespace(site_dir=str(tmp_path)))


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<img srcset="https://example.org/a.png 2x">',
        '<svg><image href="http://example.org/a.png"/></svg>',
        "<style>a {background: url('https://example.org/a.png')}</style>",
    ],
)
def test_every_way_to_load_is_seen(text: str, hooks: ModuleType) -> None:
    """If this failed, a page could load a script, a style or a picture from elsewhere unseen."""
    assert len(hooks.loaded_from_elsewhere(text)) == 1


def test_examples_in_docstrings_become_code(hooks: ModuleType) -> None:
    """If this failed, the `>>>` of an example would be shown as three nested quotations."""
    docstring = "Sum.\n\nExample:\n    Two:\n\n    >>> 1 + 1\n    2\n\nThe end."
    shown = hooks.fenced(docstring)
    assert "    Two:\n\n    ```pycon\n    >>> 1 + 1\n    2\n    ```\n\nThe end." in shown


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    handler = partial(QuietHandler, directory=str(site))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.browser
def test_a_browser_loads_every_page_from_the_site_alone(
    browser: Browser, site: Path, address: str
) -> None:
    """If this failed, a script of the theme would fetch what no tag names, or a file is missing."""
    for page in sorted(site.rglob("index.html")):
        browser.get(f"{address}/{page.parent.relative_to(site).as_posix()}/")
        loaded = browser.execute_script(
            "return performance.getEntriesByType('resource').map(entry => entry.name)"
        )
        assert loaded
        assert [name for name in loaded if not name.startswith(address)] == []
        assert browser.get_log("browser") == []
