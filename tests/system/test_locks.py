"""Locks between processes: exclusive, free again with their holder, reported when waited for."""

import pytest

from support.lock_checks import check_lock


def test_the_lock_of_a_local_store_waits_in_words_and_may_be_taken_twice(
    uri: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a start that waits would look as if it had hung, or wait for itself."""
    name = f"{uri.removeprefix('sqlite:///')}.lock"
    check_lock(uri, name, lambda: capsys.readouterr().err, monkeypatch)
