"""Whether results can be written to a folder, asked before hours of training."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from dropout_study.config.schema import ConfigError

MIN_FREE_BYTES = 100 * 2**20
"""What must be free on the disk of a folder before a run starts."""


def check_writable(folder: Path, key: str) -> None:
    """Refuse a folder to which results could not be written.

    Args:
        folder: need not exist yet.
        key: what names it on the command line.

    Raises:
        ConfigError: the folder is read-only, cannot be created, or its disk is nearly full.
    """
    place = folder.absolute()

    try:
        place = _nearest(place)
        # Permissions alone do not reveal a file system that is read-only.
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        reason = f"{place}: {error.strerror}"
        raise ConfigError(f"{folder} cannot be written: {reason}; choose another {key}.") from error

    free = shutil.disk_usage(place).free
    if free < MIN_FREE_BYTES:
        raise ConfigError(
            f"{folder} cannot be written: its disk has {free / 2**20:.0f} MiB left, "
            f"and {MIN_FREE_BYTES / 2**20:.0f} are needed."
        )


def _nearest(place: Path) -> Path:
    """The folder itself, or the nearest one above it that exists.

    Raises:
        OSError: no such folder can exist, for example because its name is too long; from Python
            3.14 on `Path.exists` hides that.
    """
    with suppress(FileNotFoundError):
        place.stat()
        return place

    return _nearest(place.parent)
