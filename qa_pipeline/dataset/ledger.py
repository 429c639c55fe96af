"""What happened to each recording, and finished transcripts not yet sealed into Parquet. Deleting it loses no verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from qa_pipeline.dataset.rows import Rows


@dataclass(frozen=True)
class Entry:
    """One recording. state: transcribed, sealed, failed; `reason` is a code, `detail` a sentence."""

    path: str
    state: str
    sha256: str | None = None
    size: int | None = None
    modified_ns: int | None = None
    asr: str | None = None
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None


class Ledger:
    """`<project>/ledger.sqlite`, in WAL mode: readers never wait for the night."""

    def __init__(self, path: Path) -> None:
        self.db = Database(str(path))
        self.db.enable_wal()
        text: dict[str, Any] = dict.fromkeys(("path", "state", "sha256", "asr", "call_id", "reason", "detail", "at"), str)
        self.db.table("recordings").create({**text, "size": int, "modified_ns": int}, pk="path", if_not_exists=True)
        self.db.table("recordings").create_index(["sha256"], if_not_exists=True)
        self.db.table("pending").create({"call_id": str, "call_date": str, "rows": str}, pk="call_id", if_not_exists=True)
        shown = {"call_id": str, "call_date": str, "agent_id": str, "pack": str}
        self.db.table("calls").create(shown, pk="call_id", if_not_exists=True)

    def note(self, entry: Entry) -> None:
        self.db.table("recordings").upsert({**asdict(entry), "at": datetime.now(UTC).isoformat()}, pk="path")

    def entry(self, path: str) -> Entry | None:
        return next((self._entry(r) for r in self.db.table("recordings").rows_where("path = ?", [path])), None)

    def heard(self, sha256: str) -> Entry | None:
        """The finished entry with this content, under whatever name it was read."""
        where = "sha256 = ? and state in ('transcribed', 'sealed')"
        return next((self._entry(r) for r in self.db.table("recordings").rows_where(where, [sha256])), None)

    def failures(self) -> list[Entry]:
        return [self._entry(r) for r in self.db.table("recordings").rows_where("state = 'failed'", order_by="path")]

    @staticmethod
    def _entry(row: dict[str, Any]) -> Entry:
        return Entry(**{k: row[k] for k in Entry.__dataclass_fields__})

    def keep(self, entry: Entry, call_date: date, rows: Rows) -> None:
        """A finished transcript and its recording's state, in one transaction: a crash loses neither."""
        with self.db.conn:
            said = {"call_id": entry.call_id, "call_date": call_date.isoformat(), "rows": json.dumps(rows, ensure_ascii=False)}
            self.db.table("pending").upsert(said, pk="call_id")
            self.note(entry)

    def pending(self) -> Iterator[tuple[date, list[Rows]]]:
        """Unsealed transcripts, one call date at a time."""
        for (day,) in self.db.execute("select distinct call_date from pending order by call_date").fetchall():
            found = self.db.execute("select rows from pending where call_date = ? order by call_id", [day]).fetchall()
            yield date.fromisoformat(day), [json.loads(rows) for (rows,) in found]

    def sealed(self, call_date: date, legs: list[dict[str, Any]]) -> None:
        """The date's parts are in place: forget its pending rows and index its calls."""
        with self.db.conn:
            ids = [leg["call_id"] for leg in legs]
            self.db.table("pending").delete_where("call_date = ?", [call_date.isoformat()])
            self.db.table("calls").upsert_all(
                [
                    {
                        "call_id": leg["call_id"],
                        "call_date": call_date.isoformat(),
                        "agent_id": leg["agent_id"],
                        "pack": leg["pack"],
                    }
                    for leg in legs
                    if leg["leg"] == 1
                ],
                pk="call_id",
            )
            marks = ",".join("?" * len(ids))
            self.db.execute(f"update recordings set state = 'sealed' where state = 'transcribed' and call_id in ({marks})", ids)

    def call_date(self, call_id: str) -> date | None:
        found = self.db.execute("select call_date from calls where call_id = ?", [call_id]).fetchone()
        return date.fromisoformat(found[0]) if found else None
