"""Tags and notes that a user gives to a cohort or a sweep."""

import posixpath
import re
from collections.abc import Mapping

from dropout_study.config.schema import ConfigError
from dropout_study.system.processes import this_process
from dropout_study.tracking import tags
from dropout_study.tracking.packing import MAX_TAG_LENGTH

USED = {
    *(value for name, value in vars(tags).items() if name.isupper()),
    *this_process(),
    "threads",
    "blas",
}
"""The tags of the project itself."""
PREFIXES = ("mlflow.", "version.", tags.ALSO, tags.VERDICT)
"""How the names of tags begin that MLflow or the project writes."""
MAX_NOTE_LENGTH = 500
"""Characters of a note: the description of a run has room for it beside its links."""
MAX_NAME_LENGTH = 250
"""Characters of the longest name that every store of MLflow takes."""


def check_own_tags(note: str, chosen: Mapping[str, str]) -> None:
    """Refuse tags that the project or MLflow writes, and what no store takes.

    Raises:
        ConfigError: naming the tag, or the note.
    """
    if len(note) > MAX_NOTE_LENGTH:
        raise ConfigError(
            f"note={note[:20]}... cannot be used: it has {len(note)} characters, "
            f"and may have {MAX_NOTE_LENGTH}."
        )

    for name, text in chosen.items():
        if name in USED or name.startswith(PREFIXES):
            raise _refusal(name, "the project or MLflow writes this tag; choose another name")

        if not _is_name(name):
            raise _refusal(
                name,
                f"a name has 1 to {MAX_NAME_LENGTH} letters, digits, blanks and signs of _-.:/",
            )

        if len(text) > MAX_TAG_LENGTH:
            raise _refusal(name, f"its text has more than {MAX_TAG_LENGTH} characters")


def own_tags(note: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run for what a user has noted."""
    return dict(chosen) | ({tags.NOTE: note} if note else {})


def _is_name(name: str) -> bool:
    """Whether MLflow takes a name, which it reads as a path."""
    is_path = posixpath.normpath(name) == name and not name.startswith(("/", ".."))
    return bool(re.fullmatch(rf"[\w./\-: ]{{1,{MAX_NAME_LENGTH}}}", name)) and is_path


def _refusal(name: str, reason: str) -> ConfigError:
    return ConfigError(f"tags={{{name}: ...}} cannot be used: {reason}.")
