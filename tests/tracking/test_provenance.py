"""Where results come from."""

import subprocess
from pathlib import Path

import pytest

from dropout_study.tracking.provenance import commit

AUTHOR = (
    "-c",
    "user.name=tester",
    "-c",
    "user.email=tester@example.org",
    "-c",
    "commit.gpgsign=false",
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one file is committed."""
    for variable in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
    ):  # which a hook of git sets, for its own repository
        monkeypatch.delenv(variable, raising=False)

    git(tmp_path, "init")
    change(tmp_path)

    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def change(folder: Path) -> str:
    """Commit another text of the file; returns the commit."""
    with (folder / "provenance.py").open("a") as file:
        file.write("changed\n")

    git(folder, "add", "provenance.py")
    git(folder, "commit", "-m", "change")

    return git(folder, "rev-parse", "HEAD")


def test_a_process_names_the_commit_whose_code_it_runs(repository: Path) -> None:
    """If this failed, a commit during a sweep would be named as what produced the results of its later jobs."""
    first = commit(repository)
    later = change(repository)
    assert commit(repository) == first
    commit.cache_clear()  # as another process
    assert commit(repository)["git.commit"] == later != first["git.commit"]


def test_code_that_is_not_committed_is_marked(repository: Path) -> None:
    """If this failed, a result would name a commit that cannot give it."""
    assert commit(repository)["git.dirty"] == "false"
    commit.cache_clear()
    (repository / "provenance.py").write_text("changed")
    assert commit(repository)["git.dirty"] == "true"


def test_code_that_is_installed_has_no_commit(repository: Path) -> None:
    """If this failed, a package in a folder of some repository would be taken for that repository's code."""
    (repository / "venv").mkdir()
    assert commit(repository / "venv") == {}
