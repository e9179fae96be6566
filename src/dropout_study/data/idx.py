"""MNIST and its look-alikes: four IDX files, found or downloaded, and verified by checksum."""

import gzip
import hashlib
import math
import os
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.images import Images, Split
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.system.locks import file_lock

# Name -> the folder below the root, which is the class in torchvision that downloads it.
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# Of the unpacked files, in the order of `FILES`, as several independent projects have published
# them. Nobody has for KMNIST, whose archives have an md5 in torchvision.
UNPACKED_MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion_mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}
INTACT = "Delete it and download it again, or set data.root to an intact copy."


class Checksums(NamedTuple):
    """What a data set is verified by.

    Attributes:
        md5: one per file, in the order of `FILES`.
        archives: whether they are those of the archives (`.gz`), the only files then read.
    """

    md5: tuple[str, ...]
    archives: bool = False


def load_idx(config: Data) -> Images:
    """MNIST or one of its look-alikes.

    Raises:
        ConfigError: files are missing and cannot be downloaded, or are truncated or altered.
    """
    root = Path(config.root).expanduser()
    folder = root / TORCHVISION[config.name] / "raw"
    lock = root / f".{config.name}.lock"
    checksums = published_checksums(config.name)

    if not all(_find(folder, name, checksums.archives) for name in FILES):
        _download(config, root, lock, checksums.archives)
    elif os.access(lock, os.W_OK):
        with file_lock(lock):  # another job may still be moving the last of them
            pass

    return split_official(*read_official(folder, checksums))


def published_checksums(name: str) -> Checksums:
    """The checksums of a data set: of its unpacked files, or of its archives by torchvision."""
    if name in UNPACKED_MD5:
        return Checksums(UNPACKED_MD5[name])

    from torchvision import datasets  # it takes a second

    resources = getattr(datasets, TORCHVISION[name]).resources

    return Checksums(tuple(md5 for _, md5 in resources), archives=True)


def split_official(train: Split, test: Split) -> Images:
    """Five sixths of the training set to train, one sixth to validate; all of the test set."""
    order = torch.randperm(len(train), generator=generator(Purpose.SPLIT, 0))
    held_out = len(train) // 6
    return Images(train.take(order[held_out:]), train.take(order[:held_out]), test)


def _find(folder: Path, name: str, archives: bool) -> Path | None:
    """An IDX file under one of the names that are in use: with a dot in it, or packed."""
    names = (name, name.replace("-idx", ".idx"))
    endings = (".gz",) if archives else ("", ".gz")
    files = [folder / f"{spelled}{ending}" for ending in endings for spelled in names]
    return next((file for file in files if file.is_file()), None)


def _download(config: Data, root: Path, lock: Path, archives: bool) -> None:
    """Fetch what is missing, once even if many jobs start together; each whole or not at all."""
    name = TORCHVISION[config.name]
    folder = root / name / "raw"

    try:
        if not config.download:
            raise RuntimeError("data.download is false")

        folder.mkdir(parents=True, exist_ok=True)

        with file_lock(lock):
            _fetch(name, folder, archives)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        files = "archives (.gz), by which it is verified," if archives else "files"
        raise ConfigError(
            f"data={config.name}: the {files} are not in {folder.absolute()}, and could not be "
            f"downloaded ({reason}). Either set data.root (or DROPOUT_STUDY_DATA) to the folder "
            f"that holds {name}/raw, or allow the download (data.download=true and a network), or "
            "use data=digits, which needs no files."
        ) from error


def _fetch(name: str, folder: Path, archives: bool) -> None:
    """Download the missing files by torchvision, which verifies the archives before it unpacks."""
    missing = [file for file in FILES if not _find(folder, file, archives)]
    if not missing:
        return

    from torchvision import datasets

    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as made:
        getattr(datasets, name)(made, download=True)

        for file in missing:
            kept = f"{file}.gz" if archives else file
            (Path(made) / name / "raw" / kept).replace(folder / kept)


def read_official(folder: Path, checksums: Checksums) -> tuple[Split, Split]:
    """The training and the test set of a folder with the four IDX files, plain or packed (`.gz`).

    Args:
        folder: holds them.
        checksums: of the files.

    Raises:
        ConfigError: a file cannot be read, is truncated or altered, or does not match its labels.
    """
    sets = []

    for i in (0, 2):
        images, labels = (
            _read(folder, FILES[j], checksums.md5[j], checksums.archives) for j in (i, i + 1)
        )

        if images.shape != (len(labels), 28, 28):
            count, *sides = images.shape
            raise ConfigError(
                f"{folder / FILES[i]} holds {count} images of {sides[0]} x {sides[1]} pixels, "
                f"where there are {len(labels)} labels and images have 28 x 28. {INTACT}"
            )

        sets.append(Split(images.flatten(1), labels.long(), 1 / 255, torch.arange(len(labels))))

    return sets[0], sets[1]


def _read(folder: Path, name: str, md5: str, archives: bool) -> Tensor:
    """The bytes of an IDX file as an array, checked against its header and its md5."""
    file = _find(folder, name, archives) or folder / name

    try:
        content = file.read_bytes()

        if archives:
            check_md5(str(file), content, md5, INTACT)

        content = gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{file} cannot be read: {error}. {INTACT}") from error

    dimensions = 3 if "images" in name else 1
    start = 4 * (1 + dimensions)
    kind, *shape = (int.from_bytes(content[i : i + 4], "big") for i in range(0, start, 4))

    expected = start + math.prod(shape)
    if kind != 0x0800 + dimensions or len(content) != expected:
        raise ConfigError(
            f"{file} is truncated or not an IDX file: it has {len(content)} bytes where its header "
            f"asks for {expected}. {INTACT}"
        )

    if not archives:
        check_md5(str(file), content, md5, INTACT)

    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[start:].view(shape)


def check_md5(what: str, content: bytes, expected: str, remedy: str) -> None:
    """Refuse content that is not the published one.

    Raises:
        ConfigError: naming what was altered, both sums, and the remedy.
    """
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        said = f"its md5 is {found} where {expected} was expected"
        raise ConfigError(f"{what} was altered: {said}. {remedy}")
