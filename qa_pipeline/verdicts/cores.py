"""Dates shared among the machine's cores: they do not share files, so several may be worked on under one writer's lock.

This module itself is light: others are loaded while it has processes load what they need.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qa_pipeline.processes import end_with_parent, keep_all

if TYPE_CHECKING:
    from qa_pipeline.dataset.store import Where

Done = TypeVar("Done")
WORTH_SHARING = 5000
"""Calls from which starting further processes is worth their start."""
PART, CALL = 12_000, 10
"""Bytes of a part of the table of calls with next to none in it, and those that each call takes at least (ten times that with
its recordings)."""
PRELOADED = "qa_pipeline.verdicts.preloaded"
_CONTEXT = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
"""Copies of a process that has everything loaded begin at once; elsewhere, system libraries may not survive a fork. This
process itself is none to copy: it has threads of Arrow."""


def ready(folder: Path, since: date | None, until: date | None) -> None:
    """For who will have dates of the dataset in this folder shared: what the processes need is loaded from now on, beside all
    else.

    Whether there are many calls is guessed by the size of their files, for to count them Arrow would have to be loaded first.
    Where that is wrong, the processes begin later, or another core has worked a second in vain.
    """
    first, last = f"call_date={since or date.min}", f"call_date={until or date.max}"
    parts = folder.glob("calls/call_date=*/part-0.parquet")
    sizes = [part.stat().st_size for part in parts if first <= part.parent.name <= last]
    if sum(size - PART for size in sizes if size > PART) >= WORTH_SHARING * CALL:
        _stand_by()


def _stand_by() -> None:
    if _CONTEXT.get_start_method() == "forkserver" and (os.cpu_count() or 1) > 1:
        _CONTEXT.set_forkserver_preload([PRELOADED])
        forkserver.ensure_running()


def many_calls(dataset: Where, days: Iterable[date]) -> bool:
    """Whether there are so many that further processes pay."""
    from qa_pipeline.dataset.parts import read_part

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
    from concurrent.futures import ProcessPoolExecutor

    _stand_by()
    with ProcessPoolExecutor(workers, _CONTEXT, _begin, (job,)) as pool:
        yield from pool.map(_work, days)


_mine: list[Callable[[date], Any]] = []


def _begin(job: Callable[[date], Any]) -> None:
    import pyarrow as pa

    end_with_parent()  # a killed command's lock is gone: what it began must not go on beside the next one
    pa.set_cpu_count(1)  # there is a process for each core
    keep_all()
    _mine[:] = [job]


def _work(day: date) -> Any:
    return _mine[0](day)
