"""Results of many images or updates as short text, for a tag of a run or a cell of a table."""

import base64
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE_LEVELS = 15
"""A share is kept as a multiple of 1/15; zeros and ones are exact."""
GREY_LEVELS = 127
"""A grey value is kept as a multiple of 1/127 of the largest, of either sign."""


def pack(shares: Sequence[float] | NDArray[np.floating]) -> str:
    """How often each test image was misclassified, as text without commas, quotes or blanks.

    Args:
        shares: `[N]`, values in [0, 1].

    Raises:
        ValueError: a value is outside [0, 1].
    """
    values = np.asarray(shares, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("shares lie between 0 and 1")

    levels = np.round(values * SHARE_LEVELS).astype(np.uint8)

    return _encode(levels.tobytes())


def unpack(text: str) -> NDArray[np.float64]:
    """The shares `[N]` that `pack` has packed, rounded to multiples of 1/15."""
    return np.frombuffer(_decode(text), np.uint8) / SHARE_LEVELS


def pack_picture(values: NDArray[np.floating]) -> str:
    """Grey values as `width largest pixels`, the pixels in 255 steps of equal size.

    Args:
        values: `[H, W]`, of any sign.
    """
    largest = float(np.abs(values).max()) or 1.0
    levels = np.round(values / largest * GREY_LEVELS).astype(np.int8)
    return f"{values.shape[1]} {largest:.6g} {_encode(levels.tobytes())}"


def unpack_picture(text: str) -> NDArray[np.float64]:
    """The grey values `[H, W]` that `pack_picture` has packed, each to 1/254 of the largest."""
    width, largest, pixels = text.split(" ")
    levels = np.frombuffer(_decode(pixels), np.int8).astype(np.float64)
    return levels.reshape(-1, int(width)) * (float(largest) / GREY_LEVELS)


def pack_curve(points: Sequence[tuple[int, float]]) -> str:
    """Steps and values as `step:value step:value`, to six digits."""
    return " ".join(f"{step}:{value:.6g}" for step, value in points)


def unpack_curve(text: str) -> list[tuple[int, float]]:
    """The steps and values that `pack_curve` has packed."""
    points = [point.partition(":") for point in text.split()]
    return [(int(step), float(value)) for step, _, value in points]


def _encode(content: bytes) -> str:
    """Bytes as compressed text."""
    return base64.b85encode(zlib.compress(content, 9)).decode()


def _decode(text: str) -> bytes:
    """The bytes that `_encode` has made text of."""
    return zlib.decompress(base64.b85decode(text))
