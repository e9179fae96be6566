"""The report in the repository: made of the results beside it, or of none."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.svg import data_uri
from dropout_study.claims import CLAIMS
from dropout_study.config.schema import Report, Tracking
from dropout_study.report import surprises
from dropout_study.report.explore import NAME
from dropout_study.report.first_edition import FOLDER
from dropout_study.report.pictures import CORRUPTED
from dropout_study.report.publish import report
from support.paths import ROOT

COMMITTED = ROOT / "report"
RESULTS = COMMITTED / "results"
MNIST = os.environ.get("DROPOUT_STUDY_DATA", "")
LEFT_OUT = () if MNIST else ("robustness_images.svg", CORRUPTED)
"""The picture of corrupted images, which cannot be drawn without them."""


def paragraphs(folder: Path) -> list[str]:
    """The text of a report, as far as it can be made here."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    return [
        paragraph
        for paragraph in text.split("\n\n")
        if not any(mark in paragraph for mark in LEFT_OUT)
    ]


@dataclass(frozen=True)
class Made:
    """The report made anew.

    Attributes:
        folder: of the report.
        drawn: its figures.
    """

    folder: Path
    drawn: list[Figure]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The report of the committed results."""
    folder = tmp_path_factory.mktemp("made") / "report"
    drawn = []
    finish = figures.finish

    def finish_and_keep(figure: Figure) -> Figure:
        drawn.append(figure)
        return finish(figure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "finish", finish_and_keep)
        make(folder)

    return Made(folder, drawn)


def make(made: Path) -> None:
    """Write the report of the committed results into a new folder."""
    (made / FOLDER).mkdir(parents=True)
    (made / NAME).touch()  # is linked where it is
    shutil.copytree(COMMITTED / "second-tries", made / "second-tries")  # are told where they are
    shutil.copy(COMMITTED / surprises.NAME, made)
    chosen = Report(
        results=str(RESULTS) if RESULTS.exists() else "",
        output=str(made),
        tracking=Tracking(uri=f"sqlite:///{made.parent}/none.db"),
        data_root=MNIST or "nowhere",
    )
    report(chosen)


@pytest.mark.xdist_group("committed report")
def test_the_report_is_what_the_code_makes_of_the_results(made: Made) -> None:
    """If this failed, the committed verdicts or numbers would not be those of code and results."""
    assert paragraphs(made.folder) == paragraphs(COMMITTED)
    verdicts = (made.folder / "verdicts.json").read_text(encoding="utf-8")
    assert verdicts == (COMMITTED / "verdicts.json").read_text(encoding="utf-8")

    if not RESULTS.exists():
        page = (made.folder / "index.html").read_text(encoding="utf-8")
        assert page == (COMMITTED / "index.html").read_text(encoding="utf-8")


@pytest.mark.xdist_group("committed report")
def test_no_two_lines_of_a_figure_look_the_same(made: Made) -> None:
    """If this failed, a reader could not tell which line is whose."""
    named = [dict(looks_of(axes)) for figure in made.drawn for axes in figure.axes]
    assert sum(len(looks) > 1 for looks in named) > len(CLAIMS)

    for looks in named:
        assert len(set(looks.values())) == len(looks), looks


def looks_of(axes: Axes) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Name, colour, dash and marker of each line that has a name."""
    for line in axes.lines:
        if not (name := str(line.get_label())).startswith("_"):
            yield name, (line.get_color(), line.get_linestyle(), line.get_marker())


@pytest.mark.parametrize(
    ("page", "end", "named_claims"),
    [
        ("README.md", "The evidence:", r"- \W ([a-z ,]+) \(\d+\): (\[.+\))"),
        ("index.html", "<dl>", r">\W ([a-z ,]+)</span> \(\d+\): (<a.+</a>)</li>"),
    ],
    ids=["README", "page"],
)
def test_the_head_names_each_empirical_claim_once_with_its_verdict(
    page: str, end: str, named_claims: str
) -> None:
    """If this failed, who reads the first lines alone would take one claim's verdict for another's,
    or miss a claim.
    """
    text = (COMMITTED / page).read_text(encoding="utf-8")
    head = text.partition("empirical claims:")[2].partition(end)[0]
    named: dict[str, str] = {}

    for verdict, links in re.findall(named_claims, head):
        for claim in re.findall(r"#(\w+)", links):
            assert claim not in named
            named[claim] = verdict

    recorded = json.loads((COMMITTED / "verdicts.json").read_text(encoding="utf-8"))["claims"]
    expected = {each["id"]: each["verdict"] for each in recorded if CLAIMS[each["id"]].parts}
    assert named == expected


def test_the_committed_page_is_that_of_the_file() -> None:
    """If this failed, `report.py results=report/results` would not give the page byte for
    byte: made from a store, it links to runs that only the machine with the store can show.
    """
    assert "127.0.0.1" not in (COMMITTED / "index.html").read_text(encoding="utf-8")


def test_a_picture_of_training_stands_once_and_is_linked_where_it_is_needed_again() -> None:
    """If this failed, a claim would lack the training of its networks, or link to another's."""
    page = (COMMITTED / "index.html").read_text(encoding="utf-8")
    sections = {text.partition('"')[0]: text for text in page.split('<section aria-labelledby="')}
    files = [*(COMMITTED / "figures").glob("*_t*ing.svg")]
    addresses = {file: data_uri(file.read_bytes()) for file in files}
    repeated = 0

    for file, address in addresses.items():
        claim, _, kind = file.stem.rpartition("_")
        (holder,) = [name for name, text in sections.items() if address in text]
        word = "Tuning" if kind == "tuning" else "Training of the compared networks"
        found = re.findall(
            rf'<p>{word}: the same figure as under <a href="#(\w+)">', sections[claim]
        )
        assert found == ([] if holder == claim else [holder]), file.name
        assert list(sections).index(holder) <= list(sections).index(claim)
        repeated += holder != claim

    assert page.count("the same figure as under") == repeated > 0


def test_the_page_stays_small() -> None:
    """If this failed, the page would take seconds to load, and a host may refuse the file."""
    assert (COMMITTED / "index.html").stat().st_size < 1_500_000


def test_the_first_edition_is_kept_as_it_was() -> None:
    """If this failed, the report would point to an archive that is not there."""
    archive = COMMITTED / FOLDER
    assert {file.name for file in archive.iterdir()} >= {"README.md", "index.html", "results.csv"}
    page = (archive / "README.md").read_text(encoding="utf-8")
    pictures = [line for line in page.splitlines() if line.startswith("![")]
    assert pictures

    for line in pictures:
        assert (archive / line.rpartition("(")[2].rstrip(")")).is_file()
