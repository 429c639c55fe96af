"""A call record: one call as the phone system has it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from qa_pipeline.errors import Place, QaError

Moment = int | datetime
"""Milliseconds from the start of the recording, or a wall time."""
NOT_COLUMNS = ("fields", "file", "line", "form")


class RecordError(QaError):
    """A cell or row of a call-record file that cannot be used as it stands; the others are."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call. None: the phone system did not say.

    `started_at`: wall time of the recording's first millisecond; the `…_ms` and whole-number moments count from there.
    `offered_at`: when it began to ring or to wait. `answered_ms` may be negative (a recording that starts after the answer).
    `transfers`: mappings with `at_ms` (a Moment), target, target_type, mode (blind, attended), result, agent_id of who took
    over.
    `fields`: cells whose column has no name here. `form`: what kind of file told it, in `file` at `line`.
    """

    call_id: str
    recording: str | None = None
    conversation_id: str | None = None
    direction: str | None = None
    caller_number: str | None = None
    called_number: str | None = None
    department: str | None = None
    team: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    started_at: datetime | None = None
    offered_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered: bool | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    duration_ms: int | None = None
    ring_ms: int | None = None
    ring_count: int | None = None
    hangup_by: str | None = None
    end_reason: str | None = None
    recording_starts: str | None = None
    holds: tuple[tuple[Moment, Moment], ...] = ()
    transfers: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    line: int | None = None
    form: str = "columns"

    @property
    def place(self) -> Place:
        return Place(str(self.file) if self.file else None, self.line)

    @property
    def began_at(self) -> datetime | None:
        """The earliest wall time on record."""
        told = [t for t in (self.offered_at, self.started_at, self.answered_at, self.ended_at) if t is not None]
        return min(told, default=None)

    @property
    def unanswered(self) -> bool:
        """Nobody spoke with the caller, and the record says so."""
        return self.answered is False or (self.answered is None and self.end_reason in ("abandoned", "no_answer", "voicemail"))


NORMAL, BROKEN = (16,), (27, 38, 41, 42, 44, 102)
"""Q.850 causes: normal clearing; the network failed, or nobody was heard from any more."""


def answered_end(cause: int | None, transfers: Sequence[Mapping[str, Any]]) -> str | None:
    """How a call that somebody took ended: passed on to whom the record does not name, or as the clearing cause says."""
    last = transfers[-1] if transfers else {}
    if last.get("result") == "answered" and "agent_id" not in last:
        return "transferred"
    if cause in BROKEN:
        return "network_cut"
    return "normal" if cause in NORMAL else None


COLUMNS = frozenset(f.name for f in fields(CallRecord)) - set(NOT_COLUMNS)


def completed(first: CallRecord, other: CallRecord, but: Collection[str] = ()) -> CallRecord:
    """What the first does not say, by the other; of columns in `but`, nothing."""
    lacking = [name for name in COLUMNS if name not in but and getattr(first, name) in (None, ())]
    return replace(first, **{name: getattr(other, name) for name in lacking}, fields={**other.fields, **first.fields})


@dataclass(frozen=True)
class PhoneSystem:
    """What is known of a house's phone system: the zone of times without one; which numbers are its agents' phones; a
    pattern of file names; how other files' columns are called; how far apart a file name's time and a record's may lie; a
    table of its agents."""

    tz: tzinfo
    extensions: re.Pattern[str] = re.compile(r"\d{3,5}")
    pattern: str | None = None
    mappings: tuple[Any, ...] = ()
    within: timedelta = timedelta(seconds=3)
    agents: Path | None = None


def fingerprint(record: CallRecord) -> str:
    """Of all that the record says, wherever it stands."""
    told = {name: getattr(record, name) for name in sorted(COLUMNS | {"fields"})}
    said = json.dumps(
        {k: v for k, v in told.items() if v not in (None, (), {})}, sort_keys=True, default=str, ensure_ascii=False
    )
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def wall_time(value: str, tz: tzinfo) -> datetime:
    """In the zone of the settings: the call's date is the local one. Also 14 digits as in file names, slashes as Excel writes
    them, and seconds, milliseconds or microseconds since 1970. Raises ValueError for anything else."""
    value = value.strip()
    if value[4:5] == "-":  # the commonest form, a hundred thousand times a night
        told = datetime.fromisoformat(value)
        return told.replace(tzinfo=tz) if told.tzinfo is None else told.astimezone(tz)
    if epoch := re.fullmatch(r"(\d{9,10})(\.\d+)?|(\d{13})|(\d{16})", value):
        whole = float(value) if not (epoch[3] or epoch[4]) else int(value) / (1000 if epoch[3] else 1_000_000)
        return datetime.fromtimestamp(whole, tz)
    digits = re.fullmatch(r"(\d{8})\D?(\d{6})", value)
    slashed = re.fullmatch(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?", value)
    if slashed:
        year, month, day, hour, minute, second, rest = slashed.groups()
        value = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second or '00'}{rest or ''}"
    told = datetime.fromisoformat(f"{digits[1]}T{digits[2]}" if digits else value)
    return told.replace(tzinfo=tz) if told.tzinfo is None else told.astimezone(tz)
