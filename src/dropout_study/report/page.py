"""The report as files: a page that needs nothing else, and the same for GitHub."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from dropout_study.analysis import figures
from dropout_study.analysis.runs import ResultsMissing, needing_columns
from dropout_study.data.images import Images
from dropout_study.report import verdict_table
from dropout_study.report.origin import code_of, commits_of
from dropout_study.report.pictures import Picture, claim_pictures
from dropout_study.report.rows import Row, rows
from dropout_study.report.verdicts import Outcome

PAGES = ("index.html", "README.md")


@dataclass(frozen=True)
class Section:
    """What the report shows of a claim.

    Attributes:
        outcome: of the claim.
        rows: the effects that decided it.
        context: numbers that do not decide, as lines of text.
        pictures: in the order of the page.
    """

    outcome: Outcome
    rows: list[Row]
    context: list[str]
    pictures: list[Picture]


def write_report(
    outcomes: Sequence[Outcome],
    results: pd.DataFrame,
    folder: Path,
    links: Mapping[str, str],
    images: Images | None,
) -> list[Path]:
    """Write the report into a folder; the same results give the same bytes. Returns the files.

    Args:
        outcomes: of the claims that are reported.
        results: of all studies; the numbers behind the verdicts.
        folder: `index.html`, `README.md` and `figures/` go here.
        links: study -> address of its runs, if they have one.
        images: the data set of which a corrupted image is shown, if it is at hand.
    """
    sections = [_section(outcome, images) for outcome in outcomes]
    values = _values(sections, results, links)
    drawn = _write_pictures(sections, folder / "figures")
    pages = [_write_page(name, values, folder) for name in PAGES]

    return drawn + pages


def _section(outcome: Outcome, images: Images | None) -> Section:
    context = _context(outcome)

    with figures.style():
        pictures = list(claim_pictures(outcome, images, context))

    return Section(outcome, rows(outcome), context, pictures)


def _context(outcome: Outcome) -> list[str]:
    """Numbers that do not decide; a sentence instead if some are missing."""
    if not outcome.decided:
        return []

    try:
        with needing_columns():
            return outcome.claim.context_lines(outcome.studies)
    except ResultsMissing as error:
        return [f"Some numbers are missing: {error}."]


def _values(
    sections: Sequence[Section], results: pd.DataFrame, links: Mapping[str, str]
) -> dict[str, Any]:
    """What the templates insert."""
    outcomes = [section.outcome for section in sections]
    return {
        "sections": sections,
        "tally": Counter(outcome.shown for outcome in outcomes),
        "columns": verdict_table.COLUMNS,
        "effect_columns": verdict_table.EFFECT_COLUMNS,
        "introduction": verdict_table.INTRODUCTION,
        "explanations": verdict_table.explanations(outcomes),
        "sign": verdict_table.sign,
        "footnotes": verdict_table.footnotes,
        "p": _p_in_words,
        "commits": commits_of(results),
        "code": code_of(results),
        "count": len(results),
        "links": links,
    }


def _p_in_words(p: float) -> str:
    """A p value with four digits; empty if nothing was tested."""
    if math.isnan(p):
        return ""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def _write_pictures(sections: Sequence[Section], folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = []

    for section in sections:
        for picture in section.pictures:
            file = folder / picture.file
            file.write_bytes(picture.svg)
            files.append(file)

    return files


def _write_page(name: str, values: Mapping[str, Any], folder: Path) -> Path:
    environment = Environment(
        loader=PackageLoader("dropout_study.report"),
        autoescape=lambda template: template is not None and "html" in template,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(f"{name}.jinja").render(**values)
    file = folder / name
    file.write_text(text.rstrip() + "\n", encoding="utf-8")

    return file
