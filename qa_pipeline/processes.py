"""What processes of a command have in common: they end with it, and of memory that was given back each keeps what suits it.

They load no pandas. The one with many threads keeps little, for it keeps it apart for each of them; those of the front end,
which do the same to a minute of sound again and again, what that takes; those of a rescore, which do the same to a block of
calls, all.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8  # malloc.h
ARENAS = 2  # of a process with many threads
AT_HAND, ONE_PIECE = 64 * 2**20, 16 * 2**20  # bytes


@contextmanager
def without_pandas() -> Iterator[None]:
    """Nothing loads pandas meanwhile that was not told to.

    Arrow, given any list, and sqlite-utils do, to know its columns should they be given some: a fifth of a second for each
    process. No command has any. Both do well without, and Arrow loads it when somebody asks for a data frame later.
    """
    sys.meta_path.insert(0, _NoPandas)
    try:
        yield
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder that finds it nowhere. (None in `sys.modules`, which is shorter, makes a compiled module such as Arrow's import
    None.)"""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("no command needs pandas", name=name)


def end_with_parent() -> None:
    """This process ends when its parent does, whatever ends that: it holds no lock that would keep others out."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    import multiprocessing

    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


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


def keep_all() -> None:
    """For a process of a rescore, Arrow's memory with it. Who has chosen by ARROW_DEFAULT_MEMORY_POOL keeps that.

    To give large pieces back and be given others, page by page, took a fifth of its time. One thread works there at a time, and
    what each of them took afresh was a fiftieth.
    """
    import pyarrow as pa

    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    _tell(M_ARENA_MAX, 1)
    _tell(M_MMAP_MAX, 0)
    _tell(M_TRIM_THRESHOLD, -1)


def _tell(what: int, value: int) -> None:
    """Where the C library is glibc."""
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(what, value)


def give_back() -> None:
    """To the system, what Arrow needs no longer."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
