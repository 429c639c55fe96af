"""What a long run's processes keep of memory that was given back: the one with many threads little, for it keeps it apart for
each of them otherwise; those of the front end, which do the same to a minute of sound again and again, what that takes."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h
ARENAS = 2
AT_HAND, ONE_PIECE = 64 * 2**20, 16 * 2**20  # bytes


def keep_little() -> None:
    """For this process, before it loads Arrow and starts threads. Where the C library is not glibc, for Arrow alone.

    Arrow's own allocator kept 12 MiB more after each sealing, and glibc's arenas, one a thread, 50 MiB in 1,000 calls. Who has
    chosen by ARROW_DEFAULT_MEMORY_POOL keeps that.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    _tell(M_ARENA_MAX, ARENAS)


def keep_at_hand() -> None:
    """For a process of the front end: up to AT_HAND of what was given back, in pieces of up to ONE_PIECE.

    Arrays of a megabyte, taken from the system afresh each time, page by page, were an eighth of its time.
    """
    _tell(M_MMAP_THRESHOLD, ONE_PIECE)
    _tell(M_TRIM_THRESHOLD, AT_HAND)


def _tell(what: int, value: int) -> None:
    """Where the C library is glibc."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(what, value)


def give_back() -> None:
    """To the system, what Arrow needs no longer."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
