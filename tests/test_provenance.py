"""Where results come from."""

import subprocess
from pathlib import Path

from dropout_study import provenance


def commit(folder: Path, text: str) -> str:
    """Commit a file of some text; returns the commit."""
    (folder / "provenance.py").write_text(text)
    name = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    for arguments in (("add", "."), (*name, "commit", "-m", text)):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def test_a_process_names_the_commit_whose_code_it_runs(tmp_path: Path) -> None:
    """If this failed, a commit during a sweep would be named as what produced the results of its later jobs."""
    assert provenance.commit(tmp_path / "outside") == {}
    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    loaded = commit(tmp_path, "loaded")
    assert provenance.commit(tmp_path)["git.commit"] == loaded
    assert provenance.commit(tmp_path)["git.dirty"] == "false"
    later = commit(tmp_path, "later")
    assert provenance.commit(tmp_path)["git.commit"] == loaded
    provenance.commit.cache_clear()  # as another process
    (tmp_path / "provenance.py").write_text("changed")
    assert provenance.commit(tmp_path)["git.commit"] == later
    assert provenance.commit(tmp_path)["git.dirty"] == "true"
