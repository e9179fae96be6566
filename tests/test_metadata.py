"""What archives and package indexes are told agrees with the project and with itself."""

import datetime
import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from support import readme
from support.paths import ROOT

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ZENODO = json.loads((ROOT / ".zenodo.json").read_text())
CODEMETA = json.loads((ROOT / "codemeta.json").read_text())

KEYS = {
    "cff-version",
    "title",
    "message",
    "type",
    "version",
    "date-released",
    "license",
    "authors",
    "abstract",
    "keywords",
    "references",
}
"""Those of version 1.2.0 that the file uses."""

ADDRESS = re.compile(r"\]\((https?://[^)]+)\)")


@pytest.mark.parametrize(
    "metadata", [CITATION, ZENODO, CODEMETA], ids=["cff", "zenodo", "codemeta"]
)
def test_every_file_states_the_version_of_the_package(metadata: dict[str, Any]) -> None:
    """If this failed, a citation would name a version that its reader does not have."""
    assert metadata["version"] == PROJECT["version"]


def test_the_changelog_begins_with_the_version_and_the_citation_has_its_date() -> None:
    """If this failed, nobody could tell what the installed version changed, or when it came out."""
    heading = re.search(r"^## \[(.+?)\](?: - (.+))?$", readme.read(ROOT / "CHANGELOG.md"), re.M)
    assert heading is not None
    version, released = heading.groups()
    assert version == PROJECT["version"]
    assert isinstance(CITATION["date-released"], datetime.date)
    assert released in ("unreleased", CITATION["date-released"].isoformat())


def test_every_file_states_the_licence_the_authors_and_the_keywords() -> None:
    """If this failed, an archive would offer the software under other terms or names."""
    assert CITATION["license"] == ZENODO["license"] == PROJECT["license"]
    assert CODEMETA["license"].endswith(f"/{PROJECT['license']}")

    authors = [author["name"] for author in CITATION["authors"]]
    assert [creator["name"] for creator in ZENODO["creators"]] == authors
    assert [author["name"] for author in CODEMETA["author"]] == authors

    for keywords in (ZENODO["keywords"], CODEMETA["keywords"], PROJECT["keywords"]):
        assert keywords == CITATION["keywords"]


def test_every_file_lists_the_references_of_the_readme() -> None:
    """If this failed, an author whose claims are tested would not be cited."""
    listed = readme.read(readme.README).partition("## References")[2]
    addresses = ADDRESS.findall(listed)
    assert len(addresses) == 5

    assert [reference["url"] for reference in CITATION["references"]] == addresses
    assert [other["identifier"] for other in ZENODO["related_identifiers"]] == addresses
    assert [publication["url"] for publication in CODEMETA["referencePublication"]] == addresses

    titles = [reference["title"] for reference in CITATION["references"]]
    assert [publication["name"] for publication in CODEMETA["referencePublication"]] == titles


def test_citation_has_what_its_schema_requires() -> None:
    """If this failed, a host could not show how to cite the project.

    The keys that version 1.2.0 requires, of the file and of each reference, and none that it does
    not know.
    """
    assert CITATION["cff-version"] == "1.2.0"
    assert {"authors", "message", "title"} <= CITATION.keys()
    assert CITATION.keys() <= KEYS

    for reference in CITATION["references"]:
        assert {"authors", "title", "type"} <= reference.keys()
        assert reference["type"] in {"article", "book"}
        assert all({"given-names", "family-names"} == a.keys() for a in reference["authors"])


def test_the_image_runs_the_first_command_of_the_readme() -> None:
    """If this failed, the image would show something else than a reader of README expects."""
    first = readme.read(readme.README).partition("```bash\n")[2].partition("\n```")[0]
    command = first.rpartition(" && ")[2]
    last = (ROOT / "Dockerfile").read_text().splitlines()[-1]
    assert json.loads(last.removeprefix("CMD ")) == command.split()


def test_hosted_ci_runs_what_contributors_run() -> None:
    """If this failed, the workflow would pass without the project's own checks."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["ci"]
    assert job["steps"][-1]["run"] == ".ci/run"
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert 'echo "DROPOUT_STUDY_DATA=$GITHUB_WORKSPACE/data" >> "$GITHUB_ENV"' in commands
