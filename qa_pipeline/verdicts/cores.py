"""Dates shared among the machine's cores: they do not share files, so several may be worked on under one writer's lock."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import forkserver
from typing import Any, TypeVar

import pyarrow as pa

from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.store import Where
from qa_pipeline.processes import end_with_parent, keep_all

Done = TypeVar("Done")
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
    end_with_parent()  # a killed command's lock is gone: what it began must not go on beside the next one
    pa.set_cpu_count(1)  # there is a process for each core
    keep_all()
    _mine[:] = [job]


def _work(day: date) -> Any:
    return _mine[0](day)
