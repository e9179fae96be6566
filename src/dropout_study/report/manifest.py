"""Everything that is fixed before the runs, as data: claims, criteria, networks, grids, seeds.

`report/criteria.json` holds it as committed. A test compares it with code and configuration, so
that no criterion changes unseen.
"""

import dataclasses
import datetime
import json
import math
import re
from pathlib import Path
from typing import Any

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.criteria import Check, Part
from dropout_study.claims import CLAIMS, FAMILIES, STUDIES
from dropout_study.config.composed import arm_content, first_condition
from dropout_study.config.condition import flat_params
from dropout_study.config.folder import CRITERIA
from dropout_study.config.names import CORRUPTIONS, DECIDING_SEVERITIES, PROBES, TUNING
from dropout_study.config.schema import ConfigError, Criteria
from dropout_study.config.studies import Study
from dropout_study.evaluation import sample_sizes
from dropout_study.report.manifest_table import SETTLED_WITHIN, table
from dropout_study.report.scopes import stages

BUDGETS = ("laptop", "paper")
"""Budgets that decide; `smoke` only tests the machinery."""
COMMITTED = "committed"
CHANGES = "changes"
REPLACES = "replaces"
"""Of a change: the commit that held the manifest before it; empty if none did."""
FIRST_CONDITION = "first condition"
HASH = r"[0-9a-f]{7,40}"
"""Of a commit."""


def write_manifest(chosen: Criteria) -> str:
    """Write the manifest and its table, or note the commit that holds it; what was done, in words.

    Args:
        chosen: the files, the reason of a change, or the hash of the commit.

    Raises:
        ConfigError: the manifest would change without a reason, or cannot be read.
    """
    file = Path(chosen.file)
    recorded = read_manifest(file)
    stated = statements()
    changed = differences(content(recorded), stated) if recorded else []

    if chosen.committed:
        return _note_commit(chosen, recorded, changed)

    if changed and not chosen.reason:
        raise ConfigError(
            f"{file} differs from code and configuration in {'; '.join(changed)}: "
            'type reason="..." to write it anew, with the reason of the change in it.'
        )

    if changed:
        replaced = recorded.get(COMMITTED, "")
        note = {"date": _today(), "reason": chosen.reason, REPLACES: replaced}
        recorded = {CHANGES: [*recorded.get(CHANGES, []), note]}

    manifest = {COMMITTED: "", CHANGES: []} | recorded | stated
    _write(file, _as_text(manifest))
    _write(Path(chosen.table), table())

    return f"{file}: {len(CLAIMS)} claims, {len(STUDIES)} studies, {len(manifest[CHANGES])} changes"


def _note_commit(chosen: Criteria, recorded: dict[str, Any], changed: list[str]) -> str:
    """Note the commit that first held the content of the manifest."""
    if not re.fullmatch(HASH, chosen.committed):
        raise ConfigError(
            f"committed={chosen.committed} cannot be used: committed must be the hash of a commit, "
            "7 to 40 hexadecimal digits."
        )

    if changed or not recorded:
        raise ConfigError(
            f"committed={chosen.committed} cannot be used: {chosen.file} is not what code and "
            "configuration say. Write it first, and commit it."
        )

    _write(Path(chosen.file), _as_text(recorded | {COMMITTED: chosen.committed}))

    return f"{chosen.file}: committed as {chosen.committed}"


def read_manifest(file: Path = CRITERIA) -> dict[str, Any]:
    """The manifest as committed; empty if there is none.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error

    if not isinstance(manifest, dict):
        raise ConfigError(f"{file} cannot be read: it is no manifest.")

    return manifest


def content(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a manifest states, without the notes on its own history."""
    return {key: value for key, value in manifest.items() if key not in (COMMITTED, CHANGES)}


def committed_in_words() -> str:
    """Which commit holds the criteria of this report, in one sentence.

    Claims, measures and studies are compared: grids, seeds, candidates and arms. Defaults that a
    grid leaves open are compared by the tests alone.
    """
    manifest = read_manifest()
    if not manifest:
        return "Criteria: not committed yet."

    commit = manifest.get(COMMITTED)
    if not commit:
        return "Criteria: not committed yet."

    recorded = _without_first_conditions(content(manifest))
    if differences(recorded, statements(composed=False)):
        return "Criteria: changed since they were committed (report/criteria.json)."

    changes = manifest.get(CHANGES, [])
    first = next((change[REPLACES] for change in changes if change.get(REPLACES)), "")
    if not first:
        return f"Criteria: commit {commit}."

    times = "once" if len(changes) == 1 else f"{len(changes)} times"
    return (
        f"Criteria: commit {first}, changed {times} until commit {commit}; what was changed, and "
        "why, is in criteria.json."
    )


def _without_first_conditions(stated: dict[str, Any]) -> dict[str, Any]:
    """Statements without what Hydra has to compose, which takes a minute."""
    plain = _plain(stated)

    for study in plain.get("studies", {}).values():
        for at_budget in study.get("budgets", {}).values():
            at_budget.pop(FIRST_CONDITION, None)

    return dict(plain)


def differences(recorded: Any, stated: Any, path: str = "") -> list[str]:
    """The paths at which two contents differ, in the order of the second.

    >>> differences({"a": {"margin": 0.1}}, {"a": {"margin": 0.2}})
    ['a.margin']
    """
    if isinstance(recorded, dict) and isinstance(stated, dict):
        keys = dict.fromkeys([*stated, *recorded])
        return [
            difference
            for key in keys
            for difference in differences(
                recorded.get(key), stated.get(key), f"{path}.{key}" if path else str(key)
            )
        ]

    return [] if recorded == stated else [path]


def statements(composed: bool = True) -> dict[str, Any]:
    """All claims with their families, measures and studies, as code and configuration state them.

    Args:
        composed: whether the first condition of every study is in it, which Hydra composes.
    """
    studies = {name: study_statement(Study.load(name), composed) for name in STUDIES}
    stated = {
        "families": [[claim.id for claim in family] for family in FAMILIES],
        "claims": claim_statements(),
        "measures": measures(),
        "studies": studies,
    }

    return dict(_plain(stated))


def measures() -> dict[str, Any]:
    """The constants of measures that decide, by the names that the code gives them."""
    return {
        "settled_within": SETTLED_WITHIN,
        "corruption versions": CORRUPTIONS,
        "deciding severities": DECIDING_SEVERITIES,
        "probe versions": PROBES,
        "HALVES_SPLITS": sample_sizes.HALVES_SPLITS,
        "INTERACTION_PAIRS": sample_sizes.INTERACTION_PAIRS,
        "INTERACTION_IMAGES": sample_sizes.INTERACTION_IMAGES,
        "REMOVAL_DRAWS": sample_sizes.REMOVAL_DRAWS,
    }


def claim_statements() -> dict[str, Any]:
    """What each claim says and asks, and of which studies."""
    return {name: _claim(claim) for name, claim in CLAIMS.items()}


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "title": claim.title,
        "says": claim.says,
        "source": claim.source,
        "studies": list(claim.studies),
        "optional": list(claim.optional),
        "parts": {name: _part(part) for name, part in claim.parts.items()},
        "checks": {name: _check(check) for name, check in claim.checks.items()},
        "deviations": list(claim.deviations),
        "published": [dataclasses.asdict(number) for number in claim.published],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "measure": part.measure,
        "unit": part.unit,
        "criterion": part.criterion_in_words,
        **_criterion(part.criterion),
        "some": part.some,
        "settled_within": part.settled_within,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "measure": check.measure,
        "unit": check.unit,
        "criterion": check.criterion_in_words,
        **_criterion(check.criterion),
    }


def _criterion(criterion: Any) -> dict[str, Any]:
    """The kind of a criterion, and its numbers; limits that are infinite are none."""
    numbers = dataclasses.asdict(criterion)
    limits = {key: value for key, value in numbers.items() if not _is_infinite(value)}

    return {"kind": type(criterion).__name__, **limits}


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def study_statement(study: Study, composed: bool = True) -> dict[str, Any]:
    """What a study compares, at every budget that decides."""
    budgets = {budget: study.at(budget) for budget in BUDGETS}
    arms = dict.fromkeys(arm for at_budget in budgets.values() for arm in arms_of(at_budget))
    stated = {name: _at_budget(at_budget, composed) for name, at_budget in budgets.items()}

    return {
        "title": study.title,
        "cohorts_from": study.content.get("cohorts_from", ""),
        "arms": {arm: arm_content(arm) for arm in arms},
        "budgets": stated,
    }


def _at_budget(study: Study, composed: bool) -> dict[str, Any]:
    """The grid, the tuning, the values of a study at a budget, and its first condition in full.

    The first condition states what the grid leaves to defaults, such as the optimizer.
    """
    stated = {
        "stages": stages(study),
        "grid": study.grid,
        "candidates": study.candidates,
        "extend": study.extend,
        "values": study.values,
    }
    if not composed:
        return stated

    first = first_condition(_first_stage(study))

    return {**stated, FIRST_CONDITION: {"seeds": first.seeds, **flat_params(first)}}


def _first_stage(study: Study) -> Study:
    """The study in its first stage."""
    stage = TUNING if study.candidates else None
    return study.at(study.budget, study.data, stage)


def arms_of(study: Study) -> list[str]:
    """The choices of the group `arm` that a study compares."""
    return [arm for arm in study.grid.get("arm", "").split(",") if arm]


def _plain(value: Any) -> Any:
    """The same as JSON would give it back."""
    return json.loads(json.dumps(value))


def _as_text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, text: str) -> None:
    """Replace a file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()
