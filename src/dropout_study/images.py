"""Images in memory: a data set read, checked, and split into training, validation and test examples."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import filelock
import torch
from torch import Tensor
from torch.nn import functional as F

from dropout_study.config import ConfigError, Data
from dropout_study.randomness import Purpose, generator

CLASSES = 10

# Folder below the root, and the md5 of the four unpacked files where it has been published.
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


def load(config: Data) -> Images:
    """Read a data set into memory.

    Raises:
        ConfigError: files are missing and cannot be downloaded, or are truncated or altered.
    """
    images = _digits() if config.name == "digits" else _idx(config)
    if config.pool == 1:
        return images
    side = int(images.inputs**0.5)
    return Images(*(split.pooled(side, config.pool) for split in (images.train, images.validation, images.test)))


@cache
def _digits() -> Images:
    """scikit-learn's 1,797 digits of 8 x 8 pixels: 1,097 to train, 30 a class to validate, 40 a class to test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = torch.from_numpy(bunch.target).long()
    whole = Split(torch.from_numpy(bunch.data).to(torch.uint8), labels, 1 / 16, torch.arange(len(labels)))
    order = class_balanced_order(labels, generator(Purpose.SPLIT, 0))
    return Images(train=whole.take(order[700:]), validation=whole.take(order[400:700]), test=whole.take(order[:400]))


def _idx(config: Data) -> Images:
    """MNIST or one of its look-alikes: five sixths of the official training set to train, one sixth to validate."""
    from torchvision import datasets

    cls = getattr(datasets, TORCHVISION[config.name])
    root = Path(config.root).expanduser()
    folder = root / TORCHVISION[config.name] / "raw"
    lock = root / f".{config.name}.lock"
    if not all((folder / name).is_file() for name in FILES):
        _download(cls, config, root, lock)
    elif os.access(lock, os.W_OK):
        with filelock.FileLock(lock):  # another job may still be unpacking the last of them
            pass
    verify(folder, MNIST_MD5 if config.name == "mnist" else None)
    official, test = (cls(root, train=train) for train in (True, False))
    train = _split(official.data, official.targets)
    order = torch.randperm(len(train), generator=generator(Purpose.SPLIT, 0))
    held_out = len(train) // 6
    return Images(train.take(order[held_out:]), train.take(order[:held_out]), _split(test.data, test.targets))


def _split(images: Tensor, labels: Tensor) -> Split:
    return Split(images.flatten(1), labels.long(), 1 / 255, torch.arange(len(labels)))


def _download(cls: type, config: Data, root: Path, lock: Path) -> None:
    """Fetch the files, once even if many jobs start together; files that are there already are left alone."""
    try:
        if not config.download:
            raise RuntimeError("data.download is false")
        root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock):
            cls(root, download=True)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        folder = root.absolute() / TORCHVISION[config.name] / "raw"
        raise ConfigError(
            f"data={config.name}: the files are not in {folder}, and they could not be downloaded ({reason}). "
            f"Either set data.root (or DROPOUT_STUDY_DATA) to the folder that holds {TORCHVISION[config.name]}/raw, "
            "or allow the download (data.download=true and a network), or use data=digits, which needs no files."
        ) from error


def verify(folder: Path, md5: Sequence[str] | None) -> None:
    """Check the four IDX files of a folder: their length against their header and, where published, their md5.

    Raises:
        ConfigError: naming the first file that differs, what it has and what was expected.
    """
    for i, name in enumerate(FILES):
        content = (folder / name).read_bytes()
        dimensions = 3 if "images" in name else 1
        header = [int.from_bytes(content[4 * j : 4 * j + 4], "big") for j in range(1 + dimensions)]
        expected = 4 * (1 + dimensions) + int(torch.tensor(header[1:]).prod())
        if header[0] != 0x0800 + dimensions or len(content) != expected:
            raise ConfigError(
                f"{folder / name} is truncated or not an IDX file: it has {len(content)} bytes where its header asks "
                f"for {expected}. Delete it and download it again, or set data.root to an intact copy."
            )
        if md5 and (found := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5[i]:
            raise ConfigError(
                f"{folder / name} was altered: its md5 is {found} where {md5[i]} was expected. "
                "Delete it and download it again, or set data.root to an intact copy."
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
