"""The report as files: a page that needs nothing else, and the same for GitHub."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group
from dropout_study.analysis.runs import ResultsMissing, needing_columns
from dropout_study.config.studies import DEFAULT_BUDGET, Study
from dropout_study.data.images import Images
from dropout_study.report import (
    explore,
    first_edition,
    glance,
    second_tries,
    surprises,
    verdict_file,
    verdict_table,
)
from dropout_study.report.answers import answer, finding
from dropout_study.report.glance import Fact
from dropout_study.report.how import GLOSSARY, HOW, IN_SHORT
from dropout_study.report.manifest import committed_in_words
from dropout_study.report.manifest_table import STUDY_COLUMNS, study_columns
from dropout_study.report.pictures import Picture, claim_pictures, training_pictures
from dropout_study.report.rows import CheckRow, Row, check_rows, rows
from dropout_study.report.scopes import other_data
from dropout_study.report.summary import effects, example, summary
from dropout_study.report.tuning_curves import Choice, choices
from dropout_study.report.verdict_table import Heading
from dropout_study.report.verdicts import NO_RUNS, Outcome

PAGES = ("index.html", "README.md")


@dataclass(frozen=True)
class Section:
    """What the report shows of a claim.

    Attributes:
        outcome: of the claim.
        rows: the effects of its parts.
        checks: its theorems.
        context: numbers that do not decide, as lines of text.
        pictures: in the order of the page.
        studies: what was trained for it: heading -> text.
        training: the curves of training and of tuning.
        choices: what tuning has chosen.
    """

    outcome: Outcome
    rows: list[Row]
    checks: list[CheckRow]
    context: list[str]
    pictures: list[Picture]
    studies: list[dict[str, str]]
    training: list[Picture]
    choices: list[Choice]


@dataclass(frozen=True)
class VerdictTable:
    """A table of verdicts.

    Attributes:
        heading: what stands above it.
        sections: of its claims, in the order of the page; at least one.
        summary: one effect per claim; None if none has runs.
    """

    heading: Heading
    sections: list[Section]
    summary: Picture | None

    @property
    def by_verdict(self) -> dict[str, list[Section]]:
        """Verdict -> the claims that have it: supported first, those that lack runs last."""
        found: dict[str, list[Section]] = {}

        for section in self.sections:
            found.setdefault(section.outcome.shown, []).append(section)

        return dict(sorted(found.items(), key=lambda each: _order(each[0])))


def _order(verdict: str) -> tuple[int, bool, bool]:
    """The place of a verdict in a list: those of one kind together, first without doubts."""
    kinds = [*verdict_table.KINDS.values(), "open"]
    return kinds.index(verdict_table.kind(verdict)), verdict == NO_RUNS, "," in verdict


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
        folder: `index.html`, `README.md` and `figures/` go here; what is beside them is linked.
        links: study -> address of its runs, if they have one.
        images: the data set of which a corrupted image is shown, if it is at hand.
    """
    sections = [_section(outcome, images) for outcome in by_group(outcomes)]
    values = _values(sections, results, links)
    archive = first_edition.FOLDER
    values["first_edition"] = archive if (folder / archive).is_dir() else ""
    values["second_tries"] = second_tries.recorded(folder)
    titles = {each.claim.id: each.claim.title for each in outcomes if each.decided}
    told = surprises.recorded(folder)
    values["surprises"] = [(titles[each.claim], each) for each in told if each.claim in titles]
    values["explore"] = explore.NAME if (folder / explore.NAME).is_file() else ""
    drawn = _write_pictures(_pictures(sections, values["tables"]), folder / "figures")
    pages = [_write_page(name, values, folder) for name in PAGES]

    return [*drawn, *pages, _write_verdicts(outcomes, values["facts"], folder)]


def _section(outcome: Outcome, images: Images | None) -> Section:
    context = _context(outcome)

    with figures.style():
        lead = [drawn] if (drawn := effects(outcome, finding(outcome))) else []
        pictures = [*lead, *claim_pictures(outcome, images, context)]
        training = list(training_pictures(outcome, context))

    return Section(
        outcome=outcome,
        rows=rows(outcome),
        checks=check_rows(outcome),
        context=context,
        pictures=pictures,
        studies=studies_of(outcome),
        training=training,
        choices=choices(outcome.runs.tuning, outcome.studies),
    )


def _context(outcome: Outcome) -> list[str]:
    """Numbers that do not decide; a sentence instead if some are missing."""
    if not outcome.decided:
        return []

    try:
        with needing_columns():
            return outcome.claim.context_lines(outcome.studies)
    except ResultsMissing as error:
        return [f"Some numbers are missing: {error}."]


def studies_of(outcome: Outcome) -> list[dict[str, str]]:
    """Networks, data, updates, seeds and tuning of a claim's studies, at its budget."""
    budget = outcome.scope.budget if outcome.decided else DEFAULT_BUDGET
    data = other_data(outcome.scope, outcome.claim) if outcome.decided else None

    return [study_columns(Study.load(name).at(budget, data)) for name in outcome.claim.studies]


def _values(
    sections: Sequence[Section], results: pd.DataFrame, links: Mapping[str, str]
) -> dict[str, Any]:
    """What the templates insert."""
    outcomes = [section.outcome for section in sections]

    groups = {
        group.value: [section for section in sections if section.outcome.claim.group == group]
        for group in Group
    }

    return {
        "sections": sections,
        "groups": {name: members for name, members in groups.items() if members},
        "example": example(),
        "how": HOW,
        "in_short": IN_SHORT,
        "glossary": GLOSSARY,
        "tables": list(_tables(sections)),
        "checks": [row for section in sections for row in section.checks],
        "columns": verdict_table.COLUMNS,
        "check_columns": verdict_table.CHECK_COLUMNS,
        "effect_columns": verdict_table.EFFECT_COLUMNS,
        "choice_columns": verdict_table.CHOICE_COLUMNS,
        "introduction": verdict_table.INTRODUCTION,
        "checks_introduction": verdict_table.CHECKS_INTRODUCTION,
        "published_note": verdict_table.PUBLISHED_NOTE,
        "explanations": verdict_table.explanations(outcomes),
        "sign": verdict_table.sign,
        "with_sign": verdict_table.with_sign,
        "kind": verdict_table.kind,
        "answer": answer,
        "why": first_edition.WHY,
        "earlier": first_edition.EARLIER,
        "repeated": _repeated(sections),
        "study_headings": list(STUDY_COLUMNS),
        "criteria": committed_in_words(),
        "facts": glance.facts(results),
        "works": glance.works(results),
        "links": links,
    }


def _repeated(sections: Sequence[Section]) -> dict[str, Claim | None]:
    """File of a picture of training -> the earlier claim that shows the same one, or None."""
    shown: dict[bytes, Claim] = {}
    found: dict[str, Claim | None] = {}

    for section in sections:
        for picture in section.training:
            found[picture.file] = shown.get(picture.svg)
            shown.setdefault(picture.svg, section.outcome.claim)

    return found


def _tables(sections: Sequence[Section]) -> Iterator[VerdictTable]:
    """The tables of verdicts that have rows."""
    for heading, outcomes in verdict_table.tables([section.outcome for section in sections]):
        members = [section for section in sections if section.outcome in outcomes]
        yield VerdictTable(heading, members, summary(outcomes, heading.figure))


def by_group(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes in the order of the page: by group, and in a group by that of the chapter."""
    order = list(Group)
    return sorted(outcomes, key=lambda outcome: order.index(outcome.claim.group))


def _pictures(sections: Sequence[Section], tables: Sequence[VerdictTable]) -> Iterator[Picture]:
    """All pictures of the page."""
    yield from [example(), *filter(None, [table.summary for table in tables])]

    for section in sections:
        yield from (*section.pictures, *section.training)


def _write_pictures(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = []

    for picture in pictures:
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
    environment.filters["capitalize_first"] = _capitalize_first
    environment.filters["typeset"] = _typeset
    text = environment.get_template(f"{name}.jinja").render(**values)
    file = folder / name
    file.write_text(text.rstrip() + "\n", encoding="utf-8")

    return file


def _write_verdicts(outcomes: Sequence[Outcome], facts: Sequence[Fact], folder: Path) -> Path:
    file = folder / verdict_file.NAME
    lines = {fact.term: fact.value for fact in facts}
    file.write_text(verdict_file.as_json(outcomes, lines), encoding="utf-8")

    return file


def _typeset(html: str) -> str:
    r"""HTML in which powers such as 2^20, and code between backticks, are set as such.

    A sign stays on the line of its verdict.

    >>> _typeset("2^n &gt; n, as in `exact`"), _typeset("✔ holds")
    ('2<sup>n</sup> &gt; n, as in <code>exact</code>', '✔\xa0holds')
    """
    # As a plain text: of Markup, re would escape what is inserted.
    with_powers = re.sub(r"(?<=\w)\^(\w+)", r"<sup>\1</sup>", str(html))
    with_code = re.sub(r"`([^`]+)`", r"<code>\1</code>", with_powers)

    return re.sub(r"^([✔✘?·]) ", "\\1\N{NO-BREAK SPACE}", with_code)


def _capitalize_first(text: str) -> str:
    """A text with a capital at its beginning, and the rest as it is.

    >>> _capitalize_first("half of MNIST")
    'Half of MNIST'
    """
    return text[:1].upper() + text[1:]
