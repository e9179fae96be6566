"""Which numbers a key of the configuration takes, and how that is said."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Allowed(NamedTuple):
    """Which numbers a key takes, and how that is said. `nan` passes no comparison."""

    holds: Callable[[float], bool]
    words: str


def allow(holds: Callable[[float], bool], words: str) -> dict[str, Allowed]:
    """Metadata of a field: what is allowed for its number, or for each number in it."""
    return {"allowed": Allowed(holds, words)}


LONGEST_NAME = 150  # bytes of a study's name: that of a checkpoint adds 60, and 255 is the limit
LARGEST = 10**9  # of integers: beyond it sizes overflow, long after anything useful
SIZE = allow(lambda n: 1 <= n <= LARGEST, "at least 1 and at most 10^9")
COUNT = allow(lambda n: 0 <= n <= LARGEST, "at least 0 and at most 10^9")
PORT = allow(lambda n: 0 <= n < 2**16, "a port, at most 65,535, or 0 for any that is free")
HOURS = allow(lambda x: 0 < x <= 10_000, "above 0 and at most 10,000")
ABOVE_0 = allow(lambda x: 0 < x < math.inf, "above 0 and finite")
FROM_0 = allow(lambda x: 0 <= x < math.inf, "at least 0 and finite")
FACTORS = allow(lambda x: 1 < x < math.inf, "a mapping of keys to factors above 1, one for each")
RATE = allow(lambda p: 0 <= p < 1, "a probability of dropping, at least 0 and below 1")
MOMENTUM = allow(lambda x: 0 <= x < 1, "at least 0 and below 1")
SHARE = allow(lambda x: 0 < x < 1, "a share of the updates between 0 and 1")
FINAL = allow(lambda x: 0 < x <= 1, "above 0 and at most 1")
SEEDS = allow(
    lambda n: 0 <= n < 2**32,
    "a list of at least one seed, each a different integer from 0 to 2^32 - 1",
)
WIDTHS = allow(
    lambda n: 1 <= n <= LARGEST,
    "a list of widths, each at least 1 and at most 10^9 (none: model=softmax_regression)",
)
SAMPLES = allow(
    lambda n: 10 <= n <= LARGEST,
    "at least 10 and at most 10^9; the curve over k goes to a fifth of it",
)
REDRAWS = allow(lambda n: 2 <= n <= LARGEST, "at least 2 and at most 10^9")
