"""The claims and their studies for readers: `docs/claims.md`, made of what code and conf state."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.criteria import Check, Part
from dropout_study.claims import FAMILIES, STUDIES
from dropout_study.config.composed import arm_comment, stated_minutes
from dropout_study.config.names import FINAL, HALF, OTHER, TUNING
from dropout_study.config.schema import Config
from dropout_study.config.studies import DEFAULT_BUDGET, Study
from dropout_study.report.scopes import stages

SETTLED_WITHIN = (
    "how far a contrast may move after half the updates: about what the planned seeds and images "
    "can tell from no change; see docs/statistics.md"
)
"""As the manifest has it."""
STATISTICS = "[statistics](statistics.md#was-training-long-enough)"
INTRODUCTION = f"""# Claims, criteria and studies

What each sentence of section 7.12 is decided by, and on which networks, at the budget
`{DEFAULT_BUDGET}`. [criteria.json](../report/criteria.json) holds the same as data, with every
grid. `python scripts/criteria.py` makes both from code and configuration.

*Settled within* is {SETTLED_WITHIN.replace("docs/statistics.md", STATISTICS)}."""
BEYOND_THE_NOTES = (
    "The claims from here on are beyond the notes; their p values are adjusted apart from those "
    "above."
)
PART_HEADINGS = ("part or check", "measure", "criterion", "margin's reason", "settled within")
STUDY_COLUMNS = ("study", "shows", "networks", "data", "updates", "seeds", "tuning")
"""What is said of the networks of a study."""
STUDY_HEADINGS = (*STUDY_COLUMNS, "minutes")
UPDATES = "updates"
SEEDS = "seeds"
ARM_UPDATES = "budget.updates"


def table() -> str:
    """All claims with their parts, and all studies with their networks, in Markdown."""
    claims = f"\n\n{BEYOND_THE_NOTES}\n\n".join(
        "\n\n".join(map(_claim_section, family)) for family in FAMILIES
    )
    minutes = stated_minutes(DEFAULT_BUDGET)
    rows = [_study_row(Study.load(name).at(DEFAULT_BUDGET), minutes) for name in STUDIES]
    total = sum(minutes.get(name, 0) for name in STUDIES)

    return (
        f"{INTRODUCTION}\n\n{claims}\n\n## Studies\n\n{_markdown(STUDY_HEADINGS, rows)}\n\n"
        f"About {total // 60} h {total % 60} min in all, on two cores.\n"
    )


def _claim_section(claim: Claim) -> str:
    rows = [_part_row(name, part) for name, part in claim.parts.items()]
    rows += [_check_row(name, check) for name, check in claim.checks.items()]
    studies = ", ".join(
        f"`{study}`{' (optional)' if study in claim.optional else ''}" for study in claim.studies
    )

    return (
        f"## {claim.title}\n\n> {claim.says} ({claim.source})\n\n"
        f"{_markdown(PART_HEADINGS, rows)}\n\nStudies: {studies}."
    )


def _part_row(name: str, part: Part) -> list[str]:
    allowed = part.settled_within
    settled = "" if allowed is None else f"± {allowed:g} {part.unit}".rstrip()

    return [name, part.measure, part.criterion_in_words, part.criterion.reason, settled]


def _check_row(name: str, check: Check) -> list[str]:
    return [f"{name} (check)", check.measure, check.criterion_in_words, check.criterion.reason, ""]


def _study_row(study: Study, minutes: Mapping[str, int]) -> list[str]:
    name, *others = study_columns(study).values()
    return [f"`{name}`", *others, str(minutes.get(study.name, "-"))]


def study_columns(study: Study) -> dict[str, str]:
    """What a study trains, in words: those of STUDY_COLUMNS."""
    cells = (
        study.name,
        study.title,
        networks(study),
        data(study),
        _by_stage(_numbers_of(study, UPDATES), study),
        _seeds(study),
        f"{study.candidates} candidates per arm" if study.candidates else "",
    )

    return dict(zip(STUDY_COLUMNS, cells, strict=True))


def networks(study: Study) -> str:
    """The networks that a study compares, in words.

    >>> networks(Study.load("narrow").at("laptop"))
    'mlp 16-16'
    """
    grid = study.grid

    if study.source:
        return f"those of `{study.source.name}`"

    if widths := grid.get("model.widths"):
        shapes = yaml.safe_load(f"[{widths}]")
        listed = ", ".join("-".join(map(str, shape)) for shape in shapes)
        return f"{grid.get('model', 'mlp')} {listed}"

    if "arm" not in grid:
        return str(grid["model"]).replace("_", " ")

    return "; ".join(arm_comment(arm) for arm in grid["arm"].split(","))


def data(study: Study) -> str:
    """The data that a study trains on, in words.

    >>> data(Study.load("regularizers").at("laptop"))
    'mnist, n = 10000'
    """
    grid = study.grid
    words = [grid.get("data", "of the arm")]

    if sizes := grid.get("data.train_size"):
        words.append(f"n = {sizes.replace(',', ', ')}")

    if classes := grid.get("data.classes"):
        words.append(f"classes {classes.replace('],[', '], [')}")

    return ", ".join(words)


def _seeds(study: Study) -> str:
    """Numbers of seeds by stage, or of bags."""
    if bags := study.values.get("bags"):
        counts = bags if isinstance(bags, dict) else {FINAL: bags}
        by_stage = {FINAL if stage == OTHER else stage: [n] for stage, n in counts.items()}
        return f"{_by_stage(by_stage, study)} bags of {study.grid.get('bag', Config.bag)}"

    return _by_stage(_seeds_of(study), study)


def _numbers_of(study: Study, name: str) -> dict[str, list[int]]:
    """Stage -> the numbers of a kind, such as updates, over all conditions."""
    by_stage: dict[str, list[int]] = {}

    for key, value in study.values.items():
        if (key == name or key.endswith(f"_{name}")) and isinstance(value, dict):
            for stage, entry in value.items():
                by_stage.setdefault(stage, []).extend(_leaves(entry))

    if not by_stage and ARM_UPDATES in study.grid and name == UPDATES:
        return {FINAL: [int(study.grid[ARM_UPDATES])]}

    return by_stage


def _seeds_of(study: Study) -> dict[str, list[int]]:
    """Stage -> numbers of seeds over all conditions."""
    by_stage: dict[str, list[int]] = {}

    for key, value in study.values.items():
        if (key == SEEDS or key.endswith(f"_{SEEDS}")) and isinstance(value, dict):
            for stage, entry in value.items():
                lists = entry.values() if isinstance(entry, dict) else [entry]
                by_stage.setdefault(stage, []).extend(len(seeds) for seeds in lists)

    if by_stage:
        return by_stage

    if SEEDS in study.grid:
        listed = yaml.safe_load(f"[{study.grid[SEEDS]}]")
        return {FINAL: [len({seed for seeds in listed for seed in seeds})]}

    return {}


def _leaves(entry: Any) -> Iterator[int]:
    if isinstance(entry, dict):
        for nested in entry.values():
            yield from _leaves(nested)
    else:
        yield int(entry)


def _by_stage(numbers: Mapping[str, list[int]], study: Study) -> str:
    """Numbers by the stages of a study: `10 to 20 (half 5, tuning 2)`."""
    final = _range(numbers.get(FINAL, []))
    others = [stage for stage in (HALF, TUNING) if stage in numbers and stage in stages(study)]
    in_words = [f"{stage} {_range(numbers[stage])}" for stage in others]

    return f"{final} ({', '.join(in_words)})" if in_words else final


def _range(numbers: Iterable[int]) -> str:
    """The smallest and the largest number.

    >>> _range([5000, 40000]), _range([5, 5])
    ('5,000 to 40,000', '5')
    """
    ordered = sorted(set(numbers))
    if not ordered:
        return "-"

    ends = [ordered[0]] if len(ordered) == 1 else [ordered[0], ordered[-1]]

    return " to ".join(f"{number:,}" for number in ends)


def _markdown(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(headings), *(list(row) for row in rows)]
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in cells]
    lines.insert(1, f"|{' --- |' * len(cells[0])}")

    return "\n".join(lines)
