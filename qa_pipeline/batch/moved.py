"""Recordings that lie elsewhere than when they were heard: calls are told where, and nothing is heard again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa

from qa_pipeline.batch.reporting import Moved
from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.parts import read_part, write_part


def is_gone(key: str) -> bool:
    """Whether nothing is left under a ledger's key; one with a star names the two sides of a call."""
    path = Path(key)
    return not any(path.parent.glob(path.name)) if "*" in path.name else not path.exists()


def move(ledger: Ledger, before: Entry, now: Entry, path: Path) -> Moved:
    """The finished recording is known by its new name from here on."""
    ledger.rename(before.path, now)
    return Moved(path, before.path, before.call_id or "")


def follow(config: Config, ledger: Ledger, moved: Iterable[Moved]) -> None:
    """Sealed calls of these recordings say where those lie now. A date's part is written once."""
    by_day: dict[date, dict[str, Moved]] = defaultdict(dict)
    for one in moved:
        if day := ledger.call_date(one.call_id):
            by_day[day][one.call_id] = one
    for day, calls in by_day.items():
        table = read_part(config.dataset, "calls", day)
        rows = table.to_pylist()
        for row in rows:
            if row["call_id"] not in calls:
                continue
            path = calls[row["call_id"]].path
            row["content_key"] = str(path.resolve())
            if len({told["uri"] for told in row["recordings"]}) == 1:  # of two sides nobody knows which is which now
                row["recordings"] = [{**told, "uri": config.roots.uri(path)} for told in row["recordings"]]
        write_part(config.dataset, "calls", day, pa.Table.from_pylist(rows, schema=table.schema))
