"""MNIST and its look-alikes: four IDX files, found or downloaded, and checked."""

import gzip
import hashlib
import math
import os
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from dropout_study.config.names import DATASETS
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
# Of the four unpacked files. Of the look-alikes it is only known that all classes have as many
# examples as each other.
MNIST_MD5 = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)
OFFICIAL = {"training": 60_000, "test": 10_000}
INTACT = "Delete it and download it again, or set data.root to an intact copy."


def load_idx(config: Data) -> Images:
    """MNIST or one of its look-alikes."""
    root = Path(config.root).expanduser()
    folder = root / TORCHVISION[config.name] / "raw"
    lock = root / f".{config.name}.lock"

    if not all(_find(folder, name) for name in FILES):
        _download(config, root, lock)
    elif os.access(lock, os.W_OK):
        with file_lock(lock):  # another job may still be unpacking the last of them
            pass

    if config.name == "mnist":
        return split_official(*read_official(folder, MNIST_MD5))

    train, test = read_official(folder)
    _check_classes(config.name, folder, "training", train)
    _check_classes(config.name, folder, "test", test)

    return split_official(train, test)


def split_official(train: Split, test: Split) -> Images:
    """Five sixths of the training set to train, one sixth to validate; all of the test set."""
    order = torch.randperm(len(train), generator=generator(Purpose.SPLIT, 0))
    held_out = len(train) // 6
    return Images(train.take(order[held_out:]), train.take(order[:held_out]), test)


def _find(folder: Path, name: str) -> Path | None:
    """An IDX file under one of the names that are in use: with a dot in it, or packed."""
    names = (name, name.replace("-idx", ".idx"))
    files = [folder / f"{spelled}{packed}" for packed in ("", ".gz") for spelled in names]
    return next((file for file in files if file.is_file()), None)


def _download(config: Data, root: Path, lock: Path) -> None:
    """Fetch what is missing, once even if many jobs start together; each whole or not at all."""
    name = TORCHVISION[config.name]
    folder = root / name / "raw"

    try:
        if not config.download:
            raise RuntimeError("data.download is false")

        folder.mkdir(parents=True, exist_ok=True)

        with file_lock(lock):
            _fetch(name, folder)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"data={config.name}: the files are not in {folder.absolute()}, and they could not be "
            f"downloaded ({reason}). Either set data.root (or DROPOUT_STUDY_DATA) to the folder "
            f"that holds {name}/raw, or allow the download (data.download=true and a network), or "
            "use data=digits, which needs no files."
        ) from error


def _fetch(name: str, folder: Path) -> None:
    missing = [file for file in FILES if not _find(folder, file)]
    if not missing:
        return

    from torchvision import datasets

    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as made:
        getattr(datasets, name)(made, download=True)
        for file in missing:
            (Path(made) / name / "raw" / file).replace(folder / file)


def read_official(folder: Path, md5: Sequence[str | None] = (None,) * 4) -> tuple[Split, Split]:
    """The training and the test set of a folder with the four IDX files, plain or packed (`.gz`).

    Args:
        folder: holds them.
        md5: of the unpacked files, in the order of `FILES`; none: not known.

    Raises:
        ConfigError: a file cannot be read, is truncated or altered, or does not match its labels.
    """
    sets = []

    for i in (0, 2):
        images, labels = (_read(folder, FILES[j], md5[j]) for j in (i, i + 1))
        if images.shape != (len(labels), 28, 28):
            count, *sides = images.shape
            raise ConfigError(
                f"{folder / FILES[i]} holds {count} images of {sides[0]} x {sides[1]} pixels, "
                f"where there are {len(labels)} labels and images have 28 x 28. {INTACT}"
            )

        sets.append(Split(images.flatten(1), labels.long(), 1 / 255, torch.arange(len(labels))))

    return sets[0], sets[1]


def _read(folder: Path, name: str, md5: str | None) -> Tensor:
    """The bytes of an IDX file as an array, checked against its header and its md5, if known."""
    file = _find(folder, name) or folder / name

    try:
        content = file.read_bytes()
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

    if md5:
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


def _check_classes(name: str, folder: Path, part: str, found: Split) -> None:
    """Refuse a set whose classes do not have as many examples as those of the official one."""
    number = DATASETS[name].classes
    classes = found.labels.bincount(minlength=number)
    each = OFFICIAL[part] // number
    if classes.tolist() != [each] * number:
        raise ConfigError(
            f"data={name}: the {part} set in {folder} is not the official one: it has {len(found)} "
            f"examples, {classes.min()} to {classes.max()} in each of {len(classes)} classes, "
            f"where each of {number} has {each}. {INTACT}"
        )
