"""Dates shared among the machine's cores: they do not share files, so several may be worked on under one writer's lock."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import date
from multiprocessing import forkserver
from typing import Any, TypeVar

import pyarrow as pa

from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.store import Where

Done = TypeVar("Done")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h
WORTH_SHARING = 5000
"""Calls from which starting further processes is worth their start."""
PRELOADED = "qa_pipeline.verdicts.preloaded"
_CONTEXT = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
"""Copies of a process that has everything loaded begin at once; elsewhere, system libraries may not survive a fork. This
process itself is none to copy: it has threads of Arrow."""


def ready(dataset: Where, days: Iterable[date]) -> None:
    """For who will have these dates shared: what the processes need is loaded from now on, beside whatever comes next."""
    if many_calls(dataset, days):
        _stand_by()


def _stand_by() -> None:
    if _CONTEXT.get_start_method() == "forkserver" and (os.cpu_count() or 1) > 1:
        _CONTEXT.set_forkserver_preload([PRELOADED])
        forkserver.ensure_running()


def many_calls(dataset: Where, days: Iterable[date]) -> bool:
    """Whether there are so many that further processes pay."""
    seen = 0
    for day in days:
        seen += len(read_part(dataset, "calls", day, ["call_id"]))
        if seen >= WORTH_SHARING:
            return True
    return False


def each_date(job: Callable[[date], Done], days: Sequence[date], worth_sharing: bool = True) -> Iterator[Done]:
    """What the job makes of each date, in the order of dates; the answers are the same however many processes work.

    The job is pickled once for each process, which keeps what the job learns from date to date.
    """
    workers = min(os.cpu_count() or 1, len(days))
    if workers <= 1 or not worth_sharing:
        yield from map(job, days)
        return
    _stand_by()
    with ProcessPoolExecutor(workers, _CONTEXT, _begin, (job,)) as pool:
        yield from pool.map(_work, days)


_mine: list[Callable[[date], Any]] = []


def _begin(job: Callable[[date], Any]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)  # there is a process for each core
    _keep_memory()
    _mine[:] = [job]


def _keep_memory() -> None:
    """What a block of calls needed, the next needs again. To give large pieces back and be given others, page by page, took a
    fifth of the time. Who has chosen by ARROW_DEFAULT_MEMORY_POOL keeps that."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError, OSError, TypeError):  # where the C library is not glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)


def _end_with_parent() -> None:
    """A command that was killed holds the writer's lock no longer: what it began must not go on beside the next one."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _work(day: date) -> Any:
    return _mine[0](day)
