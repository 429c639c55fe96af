"""How a project stands, told from indexes and footers alone: a second, whatever it holds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import call_dates
from qa_pipeline.dataset.people import People
from qa_pipeline.dataset.published import hash_rules, published
from qa_pipeline.dataset.writer import BusyError, one_writer


@dataclass(frozen=True)
class Status:
    """recordings: by state, failed ones by `failed:reason`. draft_differs: rules/ is not what is in force. free_bytes: of the
    project's disk. last_run: what the ledger noted of it."""

    calls: int
    first_date: str | None
    last_date: str | None
    recordings: Mapping[str, int]
    waiting: int
    published: str | None
    draft_differs: bool
    stale_marks: int
    open_appeals: int
    writing: bool
    free_bytes: int
    last_run: Mapping[str, Any] | None


def read_status(config: Config) -> Status:
    dates, in_force = call_dates(config.dataset, "calls"), published(config.dataset)
    recordings, calls, waiting, last_run = dict[str, int](), 0, 0, None
    if config.ledger.exists():
        with closing(Ledger(config.ledger)) as ledger:
            recordings, calls, waiting = ledger.counts(), ledger.n_calls(), ledger.n_waiting()
            last_run = ledger.last_run()
    stale = appeals = 0
    if config.people.exists():
        with closing(People(config.people)) as people:
            marks = people.marks()
            stale, appeals = sum(m.state == "stale" or bool(m.flag) for m in marks), sum(m.appeal == "open" for m in marks)
    return Status(
        calls=calls,
        first_date=dates[0].isoformat() if dates else None,
        last_date=dates[-1].isoformat() if dates else None,
        recordings=recordings,
        waiting=waiting,
        published=in_force.hash if in_force else None,
        draft_differs=in_force is not None and hash_rules(config.rules) != in_force.hash,
        stale_marks=stale,
        open_appeals=appeals,
        writing=_is_writing(config),
        free_bytes=shutil.disk_usage(config.root).free,
        last_run=last_run,
    )


def _is_writing(config: Config) -> bool:
    try:
        with one_writer(config.root):
            return False
    except BusyError:
        return True
