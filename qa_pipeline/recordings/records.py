"""Call records (CDR): what the phone system wrote down about a call. What is missing stays missing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.errors import Place, QaError
from qa_pipeline.model import Call, Event, EventSource, Span
from qa_pipeline.recordings.decode import Recording


class RecordError(QaError):
    """A row of a call-record file that cannot be used as it stands."""


@dataclass(frozen=True)
class CallRecord:
    """One row. Times in milliseconds from the start of the recording; None: the phone system did not say."""

    call_id: str
    recording: str | None = None
    direction: str | None = None
    caller_number: str | None = None
    called_number: str | None = None
    department: str | None = None
    team: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    answered: bool | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    duration_ms: int | None = None
    ring_ms: int | None = None
    hangup_by: str | None = None
    end_reason: str | None = None
    recording_starts: str | None = None
    holds: tuple[tuple[int, int], ...] = ()
    transfers: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Records:
    """All call records at hand, and the rows that could not be read."""

    records: tuple[CallRecord, ...]
    problems: tuple[RecordError, ...]

    def of(self, recording: Path) -> CallRecord | None:
        """By the file's name, else by the call id that it is named after."""
        by_name = {r.recording: r for r in self.records if r.recording}
        by_id = {r.call_id: r for r in self.records}
        return by_name.get(recording.name) or by_id.get(recording.stem)

    def without_recording(self, found: Sequence[Path]) -> list[str]:
        """Ids of answered calls that none of the files found belongs to."""
        there = {record.call_id for path in found if (record := self.of(path))}
        return [r.call_id for r in self.records if r.answered and r.call_id not in there]


def find_records(paths: Sequence[Path]) -> list[Path]:
    """`cdr.csv` and `*.cdr.csv` in the folders given and beside the files given."""
    folders = {p if p.is_dir() else p.parent for p in paths if p.exists()}
    found = {f for folder in folders for name in ("cdr.csv", "*.cdr.csv") for f in folder.rglob(name)}
    return sorted(found)


def read_records(paths: Sequence[Path], tz: ZoneInfo) -> Records:
    """Rows of CSV files with a header line; every bad cell is a problem with its file and line, other rows stand."""
    records: dict[str, CallRecord] = {}
    problems: list[RecordError] = []
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"call_id", "recording"} & set(rows.fieldnames or ()):
                said = f"expected a column call_id or recording, found {', '.join(rows.fieldnames or ()) or 'nothing'}"
                problems.append(RecordError(said, Place(str(path), 1)))
                continue
            for row in rows:
                wrong: list[str] = []
                record = _record(row, tz, wrong)
                if record and record.call_id in records:
                    wrong.append(f"call_id {record.call_id} is given twice; the first row stands")
                elif record:
                    records[record.call_id] = record
                problems += [RecordError(w, Place(str(path), rows.line_num)) for w in wrong]
    return Records(tuple(records.values()), tuple(problems))


def _record(row: Mapping[str, Any], tz: ZoneInfo, wrong: list[str]) -> CallRecord | None:
    cells = {k: v.strip() for k, v in row.items() if isinstance(k, str) and isinstance(v, str) and v.strip()}
    read: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(("answered_ms", "ended_ms", "duration_ms", "ring_ms"), int),
        "started_at": lambda v: _wall_time(v, tz),
        "answered": lambda v: {"true": True, "1": True, "false": False, "0": False}[v.lower()],
        "holds": lambda v: tuple((int(a), int(b)) for a, b in json.loads(v)),
        "transfers": lambda v: tuple(json.loads(v)),
        "hangup_by": lambda v: {k: k for k in ("agent", "customer", "both", "system", "unknown")}[v.lower()],
    }
    known = set(CallRecord.__dataclass_fields__) - {"fields"}
    made: dict[str, Any] = {}
    for name, value in cells.items():
        try:
            made[name] = read.get(name, str)(value)
        except (ValueError, KeyError, TypeError):
            wrong.append(f"{name} cannot be {value!r}; the cell is left out")
    if "call_id" not in made:
        if "recording" not in made:
            wrong.append("neither call_id nor recording; the row is left out")
            return None
        made["call_id"] = Path(made["recording"]).stem
    extra = {k: v for k, v in cells.items() if k not in known}
    return CallRecord(**{k: v for k, v in made.items() if k in known}, fields=extra)


def _wall_time(value: str, tz: ZoneInfo) -> datetime:
    """In the zone of the settings: the call's date is the local one."""
    told = datetime.fromisoformat(value)
    return told.replace(tzinfo=tz) if told.tzinfo is None else told.astimezone(tz)


def to_call(
    record: CallRecord | None, recording: Recording, tz: ZoneInfo, pattern: str | None = None
) -> tuple[Call, list[Event]]:
    """The call and the events that its record tells. Without one: flagged `no_record`, named by `pattern` or content."""
    named = _from_name(recording.path, tz, pattern) if record is None else {}
    call_id = record.call_id if record else named.get("call_id") or recording.sha256[:16]
    flags = list(recording.flags) + ([] if record else ["no_record"])
    started = record.started_at if record else named.get("started_at")
    if started is None:
        started = datetime.fromtimestamp(recording.path.stat().st_mtime, tz)
        flags.append("time_from_file")
    r = record or CallRecord(call_id)
    call = Call(
        call_id,
        started,
        recording.duration_ms,
        **{k: getattr(r, k) for k in ("direction", "caller_number", "called_number", "department", "team", "answered")},
        **{k: getattr(r, k) for k in ("answered_ms", "ended_ms", "ring_ms", "end_reason")},
        hangup_by=r.hangup_by or "unknown",
        hangup_source=EventSource.RECORD if r.hangup_by else None,
        n_channels=len(recording.samples),
        lost_ms=recording.lost_ms,
        flags=tuple(flags),
        recordings=tuple(
            {"uri": recording.path.name, "sha256": recording.sha256, "channel": c, "offset_ms": 0}
            for c in range(len(recording.samples))
        ),
        fields={**r.fields, **({"transfers": list(r.transfers)} if r.transfers else {})},
    )
    holds = [Event(Span(call_id, a, b), "hold", EventSource.RECORD) for a, b in r.holds]
    return call, holds


def _from_name(path: Path, tz: ZoneInfo, pattern: str | None) -> dict[str, Any]:
    match = re.search(pattern, path.name) if pattern else None
    told: dict[str, Any] = match.groupdict() if match else {}
    if told.get("started_at"):
        try:
            told["started_at"] = _wall_time(told["started_at"], tz)
        except ValueError:
            told["started_at"] = None
    return told
