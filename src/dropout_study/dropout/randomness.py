"""Randomness without state: every draw is a pure function of what it is for.

Nothing here is saved, restored or consumed. A network sees the same initial weights, subset,
batches and masks alone or inside a cohort, after a resume, and whatever ran before.
"""

import hashlib
import struct
from enum import IntEnum

import torch


class Purpose(IntEnum):
    """What random numbers are drawn for; each purpose has streams of its own."""

    INIT = 0
    SPLIT = 1
    SUBSET = 2
    RESAMPLE = 3
    BATCH = 4
    TRAIN_MASK = 5
    EVALUATION_MASK = 6
    CORRUPTION = 7
    RESERVE = 8
    FIXED_MASK = 9


def stream(purpose: Purpose, seed: int, update: int = 0, site: int = 0) -> int:
    """The 32-bit number that seeds the generator of one draw.

    The CPU generator of PyTorch reads the low 32 bits of its seed only, hence a hash of everything
    rather than bits put side by side (`seed << 32 | update` would give every seed the same masks).
    The highest bit is set for evaluation masks alone, so that none of them can repeat a training
    mask.

    Args:
        purpose: what the draw is for.
        seed: the replicate, any integer that fits 64 bits.
        update: the weight update, epoch or sample number.
        site: the dropout site, parameter or class number.

    Example:
        >>> stream(Purpose.TRAIN_MASK, seed=0) == stream(Purpose.TRAIN_MASK, seed=0)
        True
        >>> stream(Purpose.EVALUATION_MASK, seed=0) >= 2**31 > stream(Purpose.TRAIN_MASK, seed=0)
        True
    """
    packed = struct.pack("<4q", purpose, seed, update, site)
    low = int.from_bytes(hashlib.blake2b(packed, digest_size=4).digest(), "little") & 0x7FFF_FFFF
    return low | (purpose is Purpose.EVALUATION_MASK) << 31


def generator(
    purpose: Purpose, seed: int, update: int = 0, site: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A fresh generator for one draw (arguments as in `stream`)."""
    return torch.Generator(device).manual_seed(stream(purpose, seed, update, site))
