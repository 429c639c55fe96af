"""What a long run's process keeps of memory that was given back: little, for it keeps it apart for each thread otherwise."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2


def keep_little() -> None:
    """For this process, before it loads Arrow and starts threads. Where the C library is not glibc, for Arrow alone.

    Arrow's own allocator kept 12 MiB more after each sealing, and glibc's arenas, one a thread, 50 MiB in 1,000 calls. Who has
    chosen by ARROW_DEFAULT_MEMORY_POOL keeps that.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """To the system, what Arrow needs no longer."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
