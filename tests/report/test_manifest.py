"""What is fixed before the runs: the committed manifest is what code and configuration say."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from dropout_study.analysis.criteria import Better
from dropout_study.claims import CLAIMS, STUDIES
from dropout_study.config.schema import ConfigError, Criteria
from dropout_study.report import manifest
from dropout_study.report.manifest import (
    content,
    differences,
    read_manifest,
    statements,
    write_manifest,
)
from dropout_study.report.manifest_table import table
from support.paths import ROOT

CHANGED = "a claim's sentence, criterion, margin, network, grid or seed changed: run {command}"
pytestmark = pytest.mark.xdist_group("manifest")  # one process states everything once
COMMAND = 'python scripts/criteria.py reason="..."'


@pytest.fixture(scope="module")
def stated() -> dict[str, Any]:
    """What code and configuration state now."""
    return statements()


@pytest.fixture
def chosen(tmp_path: Path) -> Criteria:
    """Files of the test's own."""
    return Criteria(file=str(tmp_path / "criteria.json"), table=str(tmp_path / "claims.md"))


def test_the_committed_manifest_is_what_code_and_configuration_say(stated: dict[str, Any]) -> None:
    """If this failed, something would be decided otherwise than was committed before the runs."""
    committed = content(read_manifest(ROOT / "report" / "criteria.json"))
    assert differences(committed, stated) == [], CHANGED.format(command=COMMAND)
    assert (ROOT / "docs" / "claims.md").read_text(encoding="utf-8") == table()


def test_every_part_and_check_has_a_reason_for_its_margin() -> None:
    """If this failed, a margin could be any number."""
    for claim in CLAIMS.values():
        for name, question in {**claim.parts, **claim.checks}.items():
            assert len(question.criterion.reason.split()) >= 3, f"{claim.id}, {name}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("claims", "capacity", "says"), "Dropout always helps."),
        (("claims", "capacity", "parts", "wide nets gain", "margin"), 0.5),
        (("claims", "capacity", "parts", "wide nets gain", "reason"), "because"),
        (("claims", "capacity", "parts", "wide nets gain", "kind"), "NotWorse"),
        (("claims", "capacity", "parts", "wide nets gain", "settled_within"), 9.0),
        (("claims", "capacity", "deviations"), []),
        (("studies", "capacity", "budgets", "laptop", "grid", "model.widths"), "[16,16]"),
        (("studies", "capacity", "budgets", "laptop", "values", "seeds"), {"tuning": [0]}),
        (("studies", "capacity", "budgets", "laptop", "candidates"), 99),
        (("studies", "capacity", "budgets", "laptop", "first condition", "optimizer.name"), "sgd"),
        (("measures", "deciding severities"), {"blur": 1}),
        (("measures", "REMOVAL_DRAWS"), 1),
        (("studies", "dataset_size", "arms", "dataset_size/none", "optimizer"), {"lr": 1}),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_any_change_is_found(stated: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """If this failed, what is compared could be changed after the runs, and nobody would see it."""
    changed = json.loads(json.dumps(stated))
    section = changed

    for key in path[:-1]:
        section = section[key]

    assert path[-1] in section, "the manifest does not hold it"
    section[path[-1]] = value
    found = differences(stated, changed)
    assert found
    assert all(difference.startswith(".".join(path)) for difference in found)


def test_a_changed_criterion_of_a_claim_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, the manifest would not be made of what decides."""
    before = manifest.claim_statements()
    claim = CLAIMS["capacity"]
    name, part = next(iter(claim.parts.items()))
    other = dataclasses.replace(part, criterion=Better(0.7, "a larger margin looks better"))
    monkeypatch.setattr(type(claim), "parts", {**claim.parts, name: other})
    found = differences(before, manifest.claim_statements())
    assert f"capacity.parts.{name}.margin" in found
    assert f"capacity.parts.{name}.reason" in found


def test_a_changed_manifest_is_written_only_with_a_reason(
    chosen: Criteria, monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    """If this failed, a criterion could change after the runs without a word."""
    monkeypatch.setattr(manifest, "statements", lambda: stated)
    file = Path(chosen.file)
    write_manifest(chosen)
    first = file.read_bytes()
    assert write_manifest(chosen).endswith("0 changes")
    assert file.read_bytes() == first, "the same again is no change"

    other = json.loads(json.dumps(stated))
    other["claims"]["capacity"]["says"] = "Dropout always helps."
    monkeypatch.setattr(manifest, "statements", lambda: other)

    with pytest.raises(ConfigError, match=r"capacity\.says: type reason="):
        write_manifest(chosen)

    assert file.read_bytes() == first
    write_manifest(dataclasses.replace(chosen, reason="the book says so"))
    write_manifest(dataclasses.replace(chosen, reason="nothing changed now"))
    written = read_manifest(file)
    assert [change["reason"] for change in written["changes"]] == ["the book says so"]
    assert content(written) == other


def test_the_commit_is_noted_for_the_content_that_it_holds(
    chosen: Criteria, monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    """If this failed, the report would name a commit with other criteria."""
    monkeypatch.setattr(manifest, "statements", lambda: stated)
    noted = dataclasses.replace(chosen, committed="0123abc")

    with pytest.raises(ConfigError, match="Write it first"):
        write_manifest(noted)

    write_manifest(chosen)
    write_manifest(noted)
    assert read_manifest(Path(chosen.file))["committed"] == "0123abc"
    write_manifest(chosen)
    assert read_manifest(Path(chosen.file))["committed"] == "0123abc"

    with pytest.raises(ConfigError, match="hash of a commit"):
        write_manifest(dataclasses.replace(chosen, committed="main"))

    other = json.loads(json.dumps(stated))
    other["claims"]["capacity"]["says"] = "Dropout always helps."
    monkeypatch.setattr(manifest, "statements", lambda: other)

    with pytest.raises(ConfigError, match="Write it first"):
        write_manifest(noted)

    write_manifest(dataclasses.replace(chosen, reason="the book says so"))
    assert read_manifest(Path(chosen.file))["committed"] == ""
    (change,) = read_manifest(Path(chosen.file))["changes"]
    assert change["replaces"] == "0123abc"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_manifest_is_refused(chosen: Criteria, text: str) -> None:
    """If this failed, a conflict of a merge in it would be taken for a new beginning."""
    Path(chosen.file).write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match="cannot be read"):
        write_manifest(chosen)

    assert Path(chosen.file).read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("committed", "changes", "sentence"),
    [
        ({"committed": "0123abc"}, {}, "Criteria: commit 0123abc."),
        (
            {"committed": "0123abc", "changes": [{"replaces": "beef123"}]},
            {},
            "Criteria: commit beef123, changed once until commit 0123abc; what was changed,",
        ),
        (
            {"committed": "0123abc", "changes": [{"replaces": ""}, {"replaces": "beef123"}]},
            {},
            "Criteria: commit beef123, changed 2 times until commit 0123abc;",
        ),
        ({"committed": ""}, {}, "Criteria: not committed yet."),
        ({"committed": ""}, {"claims": {}}, "Criteria: not committed yet."),
        ({"committed": "0123abc"}, {"claims": {}}, "Criteria: changed since"),
        ({"committed": "0123abc"}, {"studies": {}}, "Criteria: changed since"),
        ({"committed": "0123abc"}, {"measures": {}}, "Criteria: changed since"),
    ],
)
def test_the_report_says_which_commit_holds_its_criteria(
    tmp_path: Path,
    committed: dict[str, object],
    changes: dict[str, object],
    stated: dict[str, Any],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a reader could not look up what was fixed before the runs."""
    file = tmp_path / "criteria.json"
    monkeypatch.setattr(manifest, "read_manifest", lambda: read_manifest(file))
    assert manifest.committed_in_words() == "Criteria: not committed yet."
    file.write_text(json.dumps({**committed, **stated, **changes}), encoding="utf-8")
    assert manifest.committed_in_words().startswith(sentence)


def test_the_table_of_claims_names_every_part_and_every_study() -> None:
    """If this failed, docs/claims.md would leave out what is decided, or on which networks."""
    text = table()

    for claim in CLAIMS.values():
        for name, question in {**claim.parts, **claim.checks}.items():
            assert f"| {name}" in text
            assert question.criterion_in_words in text
            assert question.criterion.reason in text

    for study in STUDIES:
        assert f"| `{study}` |" in text
