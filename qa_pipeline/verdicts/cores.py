"""Dates shared among the machine's cores: they do not share files, so several may be worked on under one writer's lock."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from typing import Any, TypeVar

import pyarrow as pa

Done = TypeVar("Done")


def each_date(job: Callable[[date], Done], days: Sequence[date], worth_sharing: bool = True) -> Iterator[Done]:
    """What the job makes of each date, in the order of dates; the answers are the same however many processes work.

    The job is pickled once for each process, which keeps what the job learns from date to date. Processes are spawned: threads
    of Arrow do not survive a fork.
    """
    workers = min(os.cpu_count() or 1, len(days))
    if workers <= 1 or not worth_sharing:
        yield from map(job, days)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (job,)) as pool:
        yield from pool.map(_work, days)


_mine: list[Callable[[date], Any]] = []


def _begin(job: Callable[[date], Any]) -> None:
    pa.set_cpu_count(1)  # there is a process for each core
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:  # its own allocator maps and unmaps so much that a tenth of the time goes
        pa.set_memory_pool(pa.system_memory_pool())
    _mine[:] = [job]


def _work(day: date) -> Any:
    done = _mine[0](day)
    pa.default_memory_pool().release_unused()  # what a date needed, the next need not find in the way
    return done
