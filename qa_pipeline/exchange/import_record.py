"""What stands beside a transcript file: its call record, or what its own name and time tell."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from qa_pipeline.config import Config
from qa_pipeline.errors import QaError
from qa_pipeline.recordings.birth import placed
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_beside, read_records
from qa_pipeline.recordings.records.record import CallRecord

NOT_TAKEN = (
    *("recording", "file", "line", "form", "holds", "agent_name"),
    *("offered_at", "answered_at", "ended_at"),
)


class Beside:
    """Call records by folder, each folder's read once. `problems`: theirs."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problems: list[QaError] = []
        self._records: dict[Path, Records] = {}

    def told(self, path: Path, call_id: Any = None) -> dict[str, Any]:
        """Of a call without an id or a start of its own, in words of the import form. call_id: where it has that.

        By the record that names the file, a recording of the same name or a call of that name; else by `records.pattern`.
        Without a record the call is flagged `no_record`, and `time_from_file` where nothing but the file's time is known.
        """
        made, path = path.stat().st_mtime, path if call_id is None else path.parent / f"{call_id}{path.suffix}"
        record = self._of(path)
        flags = [] if record else ["no_record"]
        record, _ = placed(record or named_record(path, self.config.phones) or CallRecord(path.stem), None)
        known = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in NOT_TAKEN}
        started = record.started_at or record.began_at
        if started is None:
            started = datetime.fromtimestamp(made, self.config.tz)
            flags.append("time_from_file")
        known |= {"started_at": started.isoformat(), "fields": dict(record.fields), "transfers": [*map(dict, record.transfers)]}
        known |= {"holds": [{"start_ms": a, "end_ms": b} for a, b in record.holds], "flags": flags}
        return {k: v for k, v in known.items() if v is not None}

    def _of(self, path: Path) -> CallRecord | None:
        folder = path.parent
        if folder not in self._records:
            self._records[folder] = read_records(find_beside(folder, self.config.phones), self.config.phones)
            self.problems += self._records[folder].problems
        records = self._records[folder]
        same = [r for r in records.records if r.recording and Path(r.recording).stem == path.stem]
        return records.of(path) or (same[0] if len(same) == 1 else None)
