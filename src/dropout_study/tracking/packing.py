"""Results of many images or updates as short text, so that a run can carry them as a tag and a table as a cell."""

import base64
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVELS = 15  # a share is kept as a multiple of 1/15; zeros and ones are exact


def pack(shares: Sequence[float] | NDArray[np.floating]) -> str:
    """How often each test image was misclassified, values in [0, 1], as text without commas, quotes or blanks.

    Raises:
        ValueError: a value is outside [0, 1].
    """
    values = np.asarray(shares, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("shares lie between 0 and 1")

    levels = np.round(values * LEVELS).astype(np.uint8)

    return base64.b85encode(zlib.compress(levels.tobytes(), 9)).decode()


def unpack(text: str) -> NDArray[np.float64]:
    """The shares again, to a multiple of 1/15."""
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), np.uint8) / LEVELS


def pack_picture(values: NDArray[np.floating]) -> str:
    """Grey values of any sign, `[H, W]`, as `width largest pixels`, the pixels in 255 steps of equal size."""
    largest = float(np.abs(values).max()) or 1.0
    levels = np.round(values / largest * 127).astype(np.int8)
    return f"{values.shape[1]} {largest:.6g} {base64.b85encode(zlib.compress(levels.tobytes(), 9)).decode()}"


def unpack_picture(text: str) -> NDArray[np.float64]:
    """The grey values again, each to half a step: 1/254 of the largest."""
    width, largest, pixels = text.split(" ")
    levels = np.frombuffer(zlib.decompress(base64.b85decode(pixels)), np.int8).astype(np.float64)
    return levels.reshape(-1, int(width)) * (float(largest) / 127)


def pack_curve(points: Sequence[tuple[int, float]]) -> str:
    """Steps and values as `step:value step:value`, to six digits."""
    return " ".join(f"{step}:{value:.6g}" for step, value in points)


def unpack_curve(text: str) -> list[tuple[int, float]]:
    """Steps and values again."""
    return [
        (int(step), float(value))
        for step, _, value in (point.partition(":") for point in text.split())
    ]
