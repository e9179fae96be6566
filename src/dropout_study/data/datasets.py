"""Images in memory: a data set read, checked, and split into training, validation and test examples."""

import gzip
import hashlib
import math
import os
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.config.schema import ConfigError, Data
from dropout_study.dropout.randomness import Purpose, generator
from dropout_study.system.locks import file_lock

CLASSES = 10

# Folder below the root, and the md5 of the four unpacked files where it has been published. Of the
# others it is known that every class has as many examples.
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_MD5 = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)
OFFICIAL = {"training": 60_000, "test": 10_000}
DIGITS_MD5 = "7696c07daa6d85010f8268703ab8b067"
INTACT = "Delete it and download it again, or set data.root to an intact copy."


@dataclass(frozen=True)
class Split:
    """Examples in memory.

    Attributes:
        images: `[N, D]`, uint8, or float32 already in [0, 1].
        labels: `[N]`, int64.
        scale: factor that takes `images` to [0, 1].
        ids: `[N]`, position of each example in the official set it was taken from.
    """

    images: Tensor
    labels: Tensor
    scale: float
    ids: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> "Split":
        """The examples at `index`."""
        return Split(self.images[index], self.labels[index], self.scale, self.ids[index])

    def to(self, device: torch.device) -> "Split":
        """The same examples in the memory of `device`."""
        return Split(self.images.to(device), self.labels.to(device), self.scale, self.ids)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs `[..., D]` in [0, 1] and labels `[...]` for indices of any shape."""
        rows = self.images.index_select(0, index.flatten()).to(torch.float32)

        if self.scale != 1:
            rows.mul_(self.scale)

        return rows.unflatten(0, index.shape), self.labels[index]

    def pooled(self, side: int, pool: int) -> "Split":
        """The images averaged over `pool` x `pool` pixels."""
        images = self.images.to(torch.float32).mul(self.scale).view(-1, 1, side, side)
        return Split(F.avg_pool2d(images, pool).flatten(1), self.labels, 1.0, self.ids)


@dataclass(frozen=True)
class Images:
    """A data set: training pool, validation and test examples. Only the final evaluation looks at `test`."""

    train: Split
    validation: Split
    test: Split

    @property
    def inputs(self) -> int:
        """Pixels of an image."""
        return self.train.images.shape[1]


def load_images(config: Data) -> Images:
    """Read a data set into memory.

    Raises:
        ConfigError: files are missing and cannot be downloaded, or are truncated or altered.
    """
    images = _digits() if config.name == "digits" else _idx(config)

    if config.pool == 1:
        return images

    side = int(images.inputs**0.5)

    return Images(
        *(
            split.pooled(side, config.pool)
            for split in (images.train, images.validation, images.test)
        )
    )


@cache
def _digits() -> Images:
    """scikit-learn's 1,797 digits of 8 x 8 pixels: 1,097 to train, 30 a class to validate, 40 a class to test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = torch.from_numpy(bunch.target).long()
    pixels = torch.from_numpy(bunch.data).to(torch.uint8)
    content = pixels.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()
    _check_md5("scikit-learn's set of digits", content, DIGITS_MD5, "Install scikit-learn again.")
    whole = Split(pixels, labels, 1 / 16, torch.arange(len(labels)))
    order = class_balanced_order(labels, generator(Purpose.SPLIT, 0))

    return Images(
        train=whole.take(order[700:]),
        validation=whole.take(order[400:700]),
        test=whole.take(order[:400]),
    )


def _idx(config: Data) -> Images:
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
        _check_md5(str(file), content, md5, INTACT)

    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[start:].view(shape)


def _check_md5(what: str, content: bytes, expected: str, remedy: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        said = f"its md5 is {found} where {expected} was expected"
        raise ConfigError(f"{what} was altered: {said}. {remedy}")


def _check_classes(name: str, folder: Path, part: str, found: Split) -> None:
    """Refuse a set whose classes do not have as many examples as those of the official one."""
    classes = found.labels.bincount(minlength=CLASSES)
    each = OFFICIAL[part] // CLASSES
    if classes.tolist() != [each] * CLASSES:
        raise ConfigError(
            f"data={name}: the {part} set in {folder} is not the official one: it has {len(found)} "
            f"examples, {classes.min()} to {classes.max()} in each of {len(classes)} classes, "
            f"where each of {CLASSES} has {each}. {INTACT}"
        )


def class_balanced_order(labels: Tensor, source: torch.Generator) -> Tensor:
    """A random order of all examples in which the classes take turns.

    Every prefix is balanced within one example a class, as long as no class has run out.
    """
    shuffled = torch.randperm(len(labels), generator=source)
    turn = torch.empty_like(shuffled)

    for c in range(CLASSES):
        members = (labels[shuffled] == c).nonzero().squeeze(1)
        turn[members] = torch.arange(len(members))

    # Within a turn the order of the classes is random too: the shuffle decides, the sort is stable.
    return shuffled[turn.argsort(stable=True)]
