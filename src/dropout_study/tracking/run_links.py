"""The descriptions that MLflow shows on the pages of runs, with links between those of a study.

A link begins with `#`, so that it works under every address and prefix of a server. It was written
for, and is tested on, MLflow 3.17.2 (`tests/end_to_end/test_run_pages.py` follows them in a
browser).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from dropout_study.tracking import tags
from dropout_study.tracking.packing import MAX_TAG_LENGTH
from dropout_study.tracking.record import Record, Role
from dropout_study.tracking.run_summary import WORKFLOW, summarize

MAX_LINKS = 100
"""Links on a page; a sweep has one more, to all of its conditions."""
DIGEST_LENGTH = 12
ROOM_FOR_LINKS = MAX_TAG_LENGTH - 1_500
"""Characters of a list of links, so that a description fits into a tag."""


@dataclass(frozen=True)
class Neighbours:
    """The runs of other records that the page of a run links to.

    Attributes:
        sweep: the run of the sweep that a cohort is part of; empty if there is none.
        cohorts: the runs of a sweep's cohorts -> their names.
    """

    sweep: str = ""
    cohorts: Mapping[str, str] = field(default_factory=dict)


def describe_run(
    record: Record,
    experiment: str,
    run_id: str,
    seeds: Mapping[int, str],
    neighbours: Neighbours,
) -> dict[str, str]:
    """The description of a cohort or a sweep: what a person has noted, what came of it, links.

    Args:
        record: that of the run.
        experiment: the id of the experiment.
        run_id: that of the run.
        seeds: those of a cohort -> their runs.
        neighbours: other runs to link to.

    Returns:
        Two tags: the description, and its digest, for `is_unchanged`.
    """
    parts = [record.tags.get(tags.NOTE, ""), summarize(record, _page(experiment, run_id))]
    room = ROOM_FOR_LINKS - sum(map(len, parts))

    if record.role == Role.SWEEP:
        parts.append(_link_conditions(record, experiment, neighbours.cohorts, room))
    else:
        parts.append(_link_seeds(experiment, seeds, neighbours.sweep, room))

    text = "\n\n".join(filter(None, parts))

    return {tags.DESCRIPTION: text, tags.DESCRIPTION_DIGEST: _digest(text)}


def is_unchanged(description: str, digest: str) -> bool:
    """Whether no person has changed the description of a run.

    Args:
        description: as it is stored.
        digest: of what was written.
    """
    return not description or _digest(description) == digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _link_seeds(experiment: str, seeds: Mapping[int, str], sweep: str, room: int) -> str:
    """Links from a cohort to its seeds, and to its sweep if there is one."""
    links = [_link(str(seed), experiment, run_id) for seed, run_id in seeds.items()]
    shown = _that_fit(links, room)
    text = f"Seeds: {', '.join(shown)}"

    if len(shown) < len(links):
        text += f" and {len(links) - len(shown)} more"

    if sweep:
        text += f"\n\nPart of {_link('this sweep', experiment, sweep, is_one_of_many=False)}"

    return text


def describe_seed(record: Record, experiment: str, cohort: str) -> str:
    """The description of a seed, with a link to its cohort.

    Args:
        record: that of the cohort.
        experiment: the id of the experiment.
        cohort: the run of the cohort.
    """
    return f"One network of {_link(record.name, experiment, cohort, is_one_of_many=False)}"


def _link_conditions(record: Record, experiment: str, cohorts: Mapping[str, str], room: int) -> str:
    """Links from a sweep to its conditions: to all in a table, and to each of them."""
    trained = f"tags.{tags.SWEEP} = '{record.id}' and tags.{tags.ROLE} = '{Role.COHORT}'"
    query = f"{WORKFLOW}&searchFilter={quote(trained)}"
    table = f"[The conditions that this sweep has trained](#/experiments/{experiment}/runs?{query})"
    links = [_link(name, experiment, run_id) for run_id, name in cohorts.items()]
    lines = _that_fit(links, room)
    lines = [f"- {line}" for line in lines]

    if len(lines) < len(cohorts):
        lines.append(f"- and {len(cohorts) - len(lines)} more")

    return "\n\n".join([table, *(["\n".join(lines)] if lines else [])])


def _that_fit(links: Sequence[str], room: int) -> list[str]:
    """The first of some links, as many as so many characters have room for."""
    fitting = []

    for link in links[:MAX_LINKS]:
        room -= len(f"- {link}\n")
        if room < 0:
            break
        fitting.append(link)

    return fitting


def _link(text: str, experiment: str, run_id: str, is_one_of_many: bool = True) -> str:
    """A link to the page of a run, in Markdown; of many, shorter ones have more room."""
    query = "" if is_one_of_many else f"?{WORKFLOW}"
    shown = re.sub(r"([\[\]])", r"\\\1", text)
    return f"[{shown}]({_page(experiment, run_id)}{query})"


def _page(experiment: str, run_id: str) -> str:
    """The address of a run."""
    return f"#/experiments/{experiment}/runs/{run_id}"
