"""Where results come from."""

import subprocess
from pathlib import Path

import pytest

from dropout_study.config.source import python_files
from dropout_study.tracking import provenance
from dropout_study.tracking.provenance import changes, code, commit

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
    """If this failed, a commit during a sweep would be named as what produced the results of its
    later jobs.
    """
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
    """If this failed, a package in a folder of some repository would be taken for that repository's
    code.
    """
    (repository / "venv").mkdir()
    assert commit(repository / "venv") == {}


def test_what_a_dirty_tree_changes_is_kept_without_passwords(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a result of uncommitted code could not be made again, or a password would be
    published.
    """
    assert changes(repository) == ""
    (repository / "provenance.py").write_text("URI = 'postgresql://me:secret@host/db'\n")
    (repository / "new.py").write_text("password = 'hunter2'\nx = 1\n")
    (repository / "latin").write_bytes("é".encode("latin-1"))
    commit.cache_clear()
    changes.cache_clear()
    text = changes(repository)
    assert "+URI = 'postgresql://me:***@host/db'" in text.splitlines()
    assert "# not tracked: new.py" in text.splitlines()
    assert "+x = 1" in text.splitlines()
    assert not any(secret in text for secret in ("secret@", "hunter2"))

    monkeypatch.setattr(provenance, "CHANGES_LIMIT", 10)
    changes.cache_clear()
    short, note = changes(repository).splitlines()
    assert (short, note) == (text[:10], f"# cut here: {len(text) - 10} characters more")


def test_changes_that_cannot_be_read_stop_no_run(repository: Path) -> None:
    """If this failed, a file of another encoding or a broken tool would fail every training."""
    (repository / "provenance.py").write_bytes("é".encode("latin-1"))
    commit.cache_clear()
    changes.cache_clear()
    assert "+\ufffd" in changes(repository)

    git(repository, "config", "diff.external", "false")
    git(repository, "config", "color.ui", "always")
    changes.cache_clear()
    assert "+\ufffd" in changes(repository).splitlines()


COMPUTING = """
from math import exp

def double(x: float) -> float:
    y = x + x
    return y
"""


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (COMPUTING.replace("def", "\n\n# why\ndef"), True),
        (COMPUTING.replace("    y =", '    """Twice."""\n\n    y ='), True),
        (COMPUTING.replace("x + x", "(x\n    + x)"), True),
        (COMPUTING.replace("\ndef", '"""Of log."""\n\ndef'), True),
        (COMPUTING.replace("x + x", "x - x"), False),
        (COMPUTING.replace("x + x", "2 * x"), False),
        (COMPUTING.replace("exp", "log"), False),
        (COMPUTING.replace("float", "int", 1), False),
    ],
)
def test_code_is_the_same_where_only_its_looks_differ(
    tmp_path: Path, text: str, same: bool
) -> None:
    """If this failed, a comment would mark all results as mixed, or a change of arithmetic would
    pass unnoticed.
    """
    of_texts = []

    for package, source in ((tmp_path / "before", COMPUTING), (tmp_path / "after", text)):
        for part in provenance.COMPUTING:
            file = package / part if part.endswith(".py") else package / part / "module.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source)

        of_texts.append(code(package))

    assert (of_texts[0] == of_texts[1]) is same


def test_every_part_that_computes_is_there() -> None:
    """If this failed, a module that was moved would no longer count as code that computes."""
    for part in provenance.COMPUTING:
        assert len(python_files(provenance.PACKAGE / part)) > 0
        assert (provenance.PACKAGE / part).exists()


def test_results_of_other_code_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, networks of different arithmetic would be averaged without a word."""
    monkeypatch.setattr(provenance, "code", lambda: "c0de")
    here = {"git.commit": "0123456789", "code": "c0de"}
    there = {"git.commit": "abcdefabcd", "code": "0ther"}
    before = {"git.commit": "0123456789"}
    assert provenance.origin([here, here]) == "recorded at commit 0123456"
    assert provenance.other_code([here, there, before]) == ["0ther", "unknown"]
    assert provenance.origin([here, there, before]) == (
        "recorded at commit 0123456 and abcdefa; computed by other code (0ther, unknown)"
    )
