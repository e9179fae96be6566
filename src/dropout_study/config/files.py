"""Files that options of plug-ins name: they count by their content, wherever they lie."""

import hashlib
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from dropout_study.config.schema import Config, ConfigError


def files_of(config: Config) -> dict[str, Path]:
    """The files of a condition: key, such as `data.file` -> path."""
    options: dict[str, Any] = {"data": config.data, "model": config.model}
    options |= {f"terms.{name}": term for name, term in config.terms.items()}
    files: dict[str, Path] = {}

    for path, chosen in options.items():
        files |= files_in(path, chosen)

    return files


def files_in(path: str, options: Any) -> dict[str, Path]:
    """The files of some options.

    Args:
        path: of the options in the configuration, such as `data`.
        options: a dataclass.
    """
    named = (key.name for key in fields(options) if "file" in key.metadata)
    return {f"{path}.{key}": Path(getattr(options, key)) for key in named}


def check_files(config: Config) -> None:
    """Refuse files that are missing.

    Raises:
        ConfigError: naming the key.
    """
    for key, file in files_of(config).items():
        if not file.is_file():
            raise ConfigError(f"{key}={file} cannot be used: there is no file {file.absolute()}.")


def expand_files(config: Config) -> None:
    """Write out `~` in the paths of a condition, for the plug-in that reads them."""
    chosen: list[Any] = [config.data, config.model, *config.terms.values()]

    for options in chosen:
        for key in fields(options):
            if "file" in key.metadata:
                path = Path(getattr(options, key.name)).expanduser()
                setattr(options, key.name, type(getattr(options, key.name))(path))


def contents_of(config: Config) -> dict[str, str]:
    """The files of a condition: key -> digest of the content."""
    return {key: content_digest(file) for key, file in files_of(config).items()}


def content_digest(file: Path) -> str:
    """Twelve hexadecimal digits for the content of a file."""
    state = file.stat()
    return _digest_at(file, state.st_mtime_ns, state.st_size)


@cache
def _digest_at(file: Path, *_: int) -> str:
    """The digest of a file, read once for each time at which it was written."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
