"""What the C library does with memory that is free again."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

M_MMAP_THRESHOLD = -3
"""Of glibc's mallopt: larger blocks have pages of their own, which go back when they are free."""
SMALL = 4 * 2**20
"""Bytes: blocks of results that are kept are smaller."""
LARGEST = 32 * 2**20
"""Bytes: what glibc raises the threshold to by itself, where large blocks are used again."""


@contextmanager
def large_blocks_given_back() -> Iterator[None]:
    """Within the block, give the pages of large blocks back to the system when they are free.

    glibc keeps blocks of up to 32 MiB in its heap, to use them again. Small results that are kept
    between two passes take a piece of each, which is then too small for the next pass, and the heap
    grows by a block per pass: five networks of width 512 took 24 GiB to evaluate, and were killed,
    where 3.2 suffice (measured in 2026). Training keeps nothing, and is quicker with the heap.

    Other C libraries are left as they are.
    """
    _set_threshold(SMALL)

    try:
        yield
    finally:
        _set_threshold(LARGEST)


def _set_threshold(size: int) -> None:
    """Set the bytes from which on a block has pages of its own, if the library can do that."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, size)
