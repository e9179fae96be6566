"""How the documents become a site: hooks of MkDocs, and an extension of what reads docstrings.

The site has the layout of the repository, so a link leads to the same place here and there.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

from griffe import Extension, Object
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mmdr import render
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[1]
SHOWN = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/*.css",
    "report/*.json",
    "report/explore.html",
    "report/second-tries/*.csv",
    "report/**/*.md",
    "report/**/*.svg",
]
"""The files of the site besides the notebooks."""
LOADING = {"src", "srcset", "poster", "data"}
"""Attributes whose address a browser loads, in whatever tag."""
ELSEWHERE = re.compile(r"\s*(?:https?:)?//")
MODULE = re.compile(r"^\[`(dropout_study\.[\w.]+)`\]\(\S+\)$", re.M)
"""A line that is a link to a module."""
PANDAS_STYLE = re.compile(r"<style scoped>.*?</style>\n", re.S)
"""What pandas gives each of its tables; they shall look like the other tables of the site."""
IN_STYLES = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files of the theme and of the project, each at its path in the repository."""
    shown = [file for file in files if file.src_dir != config.docs_dir]

    for path in sorted({path for pattern in SHOWN for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        shown.append(File.generated(config, name, abs_src_path=str(path)))

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shown += notebook(path, config)

    return Files(shown)


def notebook(path: Path, config: MkDocsConfig) -> list[File]:
    """A notebook with its committed outputs as a page in Markdown, and its pictures beside it."""
    name = f"notebooks/{path.stem}"
    pictures = {"output_files_dir": path.stem}
    text, found = MarkdownExporter().from_filename(str(path), resources=pictures)
    text = PANDAS_STYLE.sub("", text).replace('<table border="1" class="dataframe">', "<table>")
    text = text.replace("![png](", "![Drawn by the code above](")

    return [
        File.generated(config, f"{name}.md", content=text),
        *(
            File.generated(config, f"notebooks/{picture}", content=content)
            for picture, content in found["outputs"].items()
        ),
    ]


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """What GitHub shows and Python-Markdown does not: diagrams, and Markdown inside <details>.

    On the page of the API, a line with a link to a module becomes its documentation.
    """
    markdown = re.sub(r"^```mermaid\n(.*?)^```$", diagram, markdown, flags=re.M | re.S)
    markdown = markdown.replace("<details>", "<details markdown>")

    if page.file.src_uri == "docs/api.md":
        markdown = MODULE.sub(r"::: \1", markdown)

    return markdown


def diagram(source: re.Match[str]) -> str:
    """A Mermaid diagram drawn as SVG: the theme would load Mermaid from elsewhere."""
    return f'<div class="diagram">{render(source[1]).svg()}</div>'


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from elsewhere.

    Raises:
        PluginError: names the pages and the addresses.
    """
    site = Path(config.site_dir)
    found = [
        f"{path.relative_to(site)} loads {address}"
        for path in sorted(site.rglob("*"))
        if path.suffix in {".html", ".css", ".svg"}
        for address in loaded_from_elsewhere(path.read_text(encoding="utf-8"))
    ]

    if found:
        raise PluginError("\n".join(found))


def loaded_from_elsewhere(text: str) -> list[str]:
    """The addresses of other hosts that a page, a style sheet or a picture makes a browser load."""
    page = _Page()
    page.feed(text)

    return [*page.found, *IN_STYLES.findall(text)]


class _Page(HTMLParser):
    """Collects what the tags of a page load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes that are loaded; a link is followed by the reader alone."""
        for name, value in attrs:
            loads = name in LOADING or (name == "href" and tag in {"link", "image", "use"})
            if loads and value and ELSEWHERE.match(value):
                self.found.append(value)


class Examples(Extension):
    """Shows the examples of docstrings as code."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Fence every example, from `>>>` to an empty line or the end."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(docstring: str) -> str:
    """A docstring with its examples between fences."""
    return re.sub(r"^( *)>>> .*(?:\n.*\S.*)*", r"\1```pycon\n\g<0>\n\1```", docstring, flags=re.M)
