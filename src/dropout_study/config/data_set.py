"""The data sets of plug-ins: their examples, checked, and what is known of them from those."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dropout_study.config.files import content_digest, files_in
from dropout_study.config.names import DATASETS, Facts
from dropout_study.config.parts import DATA_SET, PARTS
from dropout_study.config.schema import ConfigError, Data

PARTS_OF_SET = ("train", "validation", "test")


class Examples(NamedTuple):
    """The examples of a data set: inputs and labels of each of its parts.

    Inputs are `[N, D]`, or square images `[N, S, S]`: floating-point numbers, which networks read
    as they are, or bytes, which are divided by 255. Labels are whole numbers from 0 on, `[N]`. Both
    are arrays of NumPy or tensors on the CPU.
    """

    train: tuple[Any, Any]
    validation: tuple[Any, Any]
    test: tuple[Any, Any]


@dataclass
class DataSet(Data):
    """A data set of a plug-in: its options, and how it is read."""

    def examples(self) -> Examples:
        """Read all examples; abstract."""
        raise NotImplementedError


def facts_of(data: Data) -> Facts:
    """What is known of a data set before it is trained on; that of a plug-in is read for it.

    Raises:
        ConfigError: the examples of a plug-in cannot be used.
    """
    if not isinstance(data, DataSet):
        return DATASETS[data.name]

    contents = [content_digest(file) for file in files_in("data", data).values()]
    key = repr((data, contents))
    if key not in FACTS:
        FACTS[key] = _facts(data, checked_examples(data))

    return FACTS[key]


FACTS: dict[str, Facts] = {}
"""What this process knows of data sets of plug-ins, by their options and the content of files."""


def _facts(data: DataSet, examples: Examples) -> Facts:
    """What the shapes of the examples say; images have pixels in [0, 1], or bytes."""
    number, *shape = examples.train[0].shape
    largest = max(int(labels.max()) for _, labels in examples)
    are_pixels = all(_are_pixels(inputs) for inputs, _ in examples)
    side = shape[0] if len(shape) == 2 and are_pixels else None

    return Facts(math.prod(shape), side, number, largest + 1, PARTS[DATA_SET, data.name].module)


def _are_pixels(inputs: np.ndarray) -> bool:
    return inputs.dtype == np.uint8 or (inputs.min() >= 0 and inputs.max() <= 1)


def checked_examples(data: DataSet) -> Examples:
    """Read the examples of a plug-in: arrays of float32 or uint8, and of int64, in one piece.

    Raises:
        ConfigError: it fails, or what it gives cannot be used.
    """
    try:
        parts = [(np.asarray(inputs), np.asarray(labels)) for inputs, labels in data.examples()]
        train, validation, test = parts
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(f"data={data.name} cannot be read: {reason}") from error

    for part, (inputs, labels) in zip(PARTS_OF_SET, parts, strict=True):
        _check_inputs(data, part, inputs)
        _check_labels(data, part, labels, len(inputs))

    shapes = {inputs.shape[1:] for inputs, _ in parts}
    kinds = {inputs.dtype for inputs, _ in parts}
    _require(data, len(shapes) == 1, f"its parts have inputs of different shapes, {sorted(shapes)}")
    kinds_in_words = ", ".join(sorted(map(str, kinds)))
    _require(data, len(kinds) == 1, f"its parts have inputs of different types, {kinds_in_words}")

    return Examples(_in_one_piece(*train), _in_one_piece(*validation), _in_one_piece(*test))


def _in_one_piece(inputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Arrays as they are read: in the order and the types of this machine."""
    kind = np.uint8 if inputs.dtype == np.uint8 else np.float32
    return np.ascontiguousarray(inputs, kind), np.ascontiguousarray(labels, np.int64)


def _check_inputs(data: DataSet, part: str, inputs: np.ndarray) -> None:
    """Refuse inputs of another shape or type, empty ones, and those that are not finite."""
    shape = inputs.shape
    is_square = len(shape) == 3 and shape[1] == shape[2]
    allowed = "[N, D], or [N, S, S] for square images"
    _require(data, len(shape) == 2 or is_square, f"its {part} inputs are {shape}, not {allowed}")
    _require(data, len(inputs) > 0, f"it has no {part} examples")

    readable = inputs.dtype.kind == "f" or inputs.dtype == np.uint8
    allowed = "floating-point numbers or uint8"
    _require(data, readable, f"its {part} inputs are {inputs.dtype}, not {allowed}")
    finite = bool(np.isfinite(inputs).all())
    _require(data, finite, f"its {part} inputs are not all finite")


def _check_labels(data: DataSet, part: str, labels: np.ndarray, number: int) -> None:
    """Refuse labels that are not a whole number from 0 on for each input."""
    shape = labels.shape
    _require(data, shape == (number,), f"its {part} labels are {shape}, not ({number},)")
    is_whole = labels.dtype.kind in "iu"
    _require(data, is_whole, f"its {part} labels are {labels.dtype}, not whole numbers")
    _require(data, int(labels.min()) >= 0, f"its {part} labels are not from 0 on")


def _require(data: DataSet, ok: bool, otherwise: str) -> None:
    if not ok:
        raise ConfigError(f"data={data.name} cannot be used: {otherwise}.")
