"""Results of many images or updates as short text, for the tags of a run."""

import base64
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

MAX_DRAWS = 65_535
"""Counts of this many draws fit into two bytes; shares of more draws are rounded to it."""
SHARE_ERROR = 1e-12
"""By which a share may miss a count divided by the draws, since it was computed as a float."""
DRAWS_IN_OLD_TEXTS = 15
"""Texts of earlier versions name no number of draws: their shares are multiples of 1/15."""
GREY_LEVELS = 127
"""A grey value is kept as a multiple of 1/127 of the largest, of either sign."""
MAX_TAG_LENGTH = 8_000
"""Characters of the longest tag that every store of MLflow takes."""


def pack(shares: Sequence[float] | NDArray[np.floating]) -> str:
    """How often each test image was misclassified, as `draws counts`.

    The shares are counts out of a number of draws, which is searched for. They come back exactly if
    it is at most 65,535, and are rounded to multiples of 1/65,535 otherwise.

    Args:
        shares: `[N]`, values in [0, 1].

    Raises:
        ValueError: a value is outside [0, 1].
    """
    values = np.asarray(shares, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("shares lie between 0 and 1")

    draws = _draws(values)
    counts = np.rint(values * draws).astype(_integers(draws))

    return f"{draws} {_encode(counts.tobytes())}"


def unpack(text: str) -> NDArray[np.float64]:
    """The shares `[N]` that `pack` has packed."""
    first, _, counts = text.rpartition(" ")
    draws = int(first or DRAWS_IN_OLD_TEXTS)

    return np.frombuffer(_decode(counts), _integers(draws)) / draws


def _draws(shares: NDArray[np.float64]) -> int:
    """The smallest number of draws of which all shares are counts; `MAX_DRAWS` if it is larger."""
    draws = 1

    for share in np.unique(shares).tolist():
        denominator = Fraction(share).limit_denominator(MAX_DRAWS).denominator
        draws = math.lcm(draws, denominator)
        if draws > MAX_DRAWS:
            return MAX_DRAWS

    errors = np.abs(np.rint(shares * draws) / draws - shares)

    return draws if (errors <= SHARE_ERROR).all() else MAX_DRAWS


def _integers(draws: int) -> str:
    """The type of counts out of a number of draws."""
    return "u1" if draws <= np.iinfo(np.uint8).max else "<u2"


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


def split_text(name: str, text: str) -> dict[str, str]:
    """Text in parts that fit into a tag, under the names `NAME`, `NAME:2`, `NAME:3` and so on.

    >>> list(split_text("wrong/monte_carlo", "x" * 8_001))
    ['wrong/monte_carlo', 'wrong/monte_carlo:2']
    """
    starts = range(0, max(len(text), 1), MAX_TAG_LENGTH)
    parts = [text[start : start + MAX_TAG_LENGTH] for start in starts]
    names = [name, *(f"{name}:{number}" for number in range(2, len(parts) + 1))]

    return dict(zip(names, parts, strict=True))


def join_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """The texts of `split_text`, each under its first name, from their parts in any order.

    >>> join_parts({"wrong/bag:2": "b", "wrong/bag": "a", "curve/mc/error": "1:2"})
    {'curve/mc/error': '1:2', 'wrong/bag': 'ab'}
    """
    texts: dict[str, str] = {}

    for name in sorted(parts, key=_part):
        first, _ = _part(name)
        texts[first] = texts.get(first, "") + parts[name]

    return texts


def _part(name: str) -> tuple[str, int]:
    """The name of a text, and the number of the part that a name stands for."""
    numbered = re.fullmatch(r"(.*):(\d+)", name)
    return (numbered[1], int(numbered[2])) if numbered else (name, 1)


def _encode(content: bytes) -> str:
    """Bytes as compressed text."""
    return base64.b85encode(zlib.compress(content, 9)).decode()


def _decode(text: str) -> bytes:
    """The bytes that `_encode` has made text of."""
    return zlib.decompress(base64.b85decode(text))
