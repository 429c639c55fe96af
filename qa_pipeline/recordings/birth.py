"""A call is born: from a recording, a record, or both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from qa_pipeline.model import Call, Event, EventSource, Span
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.recordings.records.record import CallRecord, Moment, PhoneSystem, completed
from qa_pipeline.recordings.records.roster import Roster

TAKEN = (
    *("conversation_id", "direction", "caller_number", "called_number", "department", "team", "answered", "answered_ms"),
    *("ended_ms", "recording_starts", "ring_ms", "ring_count", "end_reason"),
)
TIMES = ("started_at", "offered_at", "answered_at", "ended_at", "answered_ms", "ended_ms", "recording_starts")
OF_THE_RECORD = ("no_record", "time_from_file", "record_times_unplaced")
"""Flags that a record, or its lack, gives."""
MS = timedelta(milliseconds=1)
NEAR_MS = 1500
"""Records round to seconds, at either end."""


@dataclass(frozen=True)
class Sound:
    """What a call keeps of its recording: `recordings` as the tables have them, the name by which a pattern may know it."""

    name: str
    sha256: str
    recordings: tuple[Mapping[str, Any], ...]
    duration_ms: int
    n_channels: int
    lost_ms: int
    flags: tuple[str, ...]
    modified_at: datetime


def sound_of(recording: Recording, uri: Callable[[Path], str], phones: PhoneSystem) -> Sound:
    """`uri` tells what the call will remember a file by."""
    return Sound(
        recording.path.name,
        recording.sha256,
        tuple(
            {"uri": uri(f.path), "sha256": f.sha256, "channel": f.channel, "offset_ms": f.offset_ms} for f in recording.files
        ),
        recording.duration_ms,
        recording.channels,
        recording.lost_ms,
        recording.flags,
        datetime.fromtimestamp(recording.path.stat().st_mtime, phones.tz),
    )


def to_call(record: CallRecord | None, sound: Sound, named: CallRecord | None = None) -> tuple[Call, list[Event], str | None]:
    """The call, the events that its record tells, and its first agent. What the record lacks is told by the file's name
    (`named`), but no mixture of both their times. Without a record: flagged `no_record`, called by its name or its content."""
    told = record or named or CallRecord(sound.sha256[:16])
    if record and named:
        told = completed(record, named, TIMES if record.began_at else ())
    r, all_placed = placed(told, sound.duration_ms)
    flags = [*sound.flags, *([] if record else ["no_record"]), *([] if all_placed else ["record_times_unplaced"])]
    if r.started_at is None and r.began_at is None:
        flags.append("time_from_file")
    fields: dict[str, Any] = dict(r.fields)
    if r.transfers:
        fields["transfers"] = [dict(t) for t in r.transfers]
    if r.duration_ms is not None and r.duration_ms != sound.duration_ms:
        fields["record_duration_ms"] = r.duration_ms
    call = Call(
        r.call_id,
        r.started_at or r.began_at or sound.modified_at,
        sound.duration_ms,
        **{name: getattr(r, name) for name in TAKEN},
        **_hangup(r),
        n_channels=sound.n_channels,
        lost_ms=sound.lost_ms,
        flags=tuple(dict.fromkeys(flags)),
        recordings=sound.recordings,
        fields=fields,
    )
    holds = [
        Event(Span(call.call_id, max(0, a), b), "hold", EventSource.RECORD)
        for a, b in r.holds
        if isinstance(a, int) and isinstance(b, int) and b > 0
    ]
    return call, holds, r.agent_id


def with_team(call: Call, agent_id: str | None, roster: Roster) -> Call:
    """The agent's team is the record's, else that of the roster on the day of the call; later moves do not change it."""
    return replace(call, team=call.team or roster.team_of(agent_id, call.started_at.date()))


def _hangup(r: CallRecord) -> dict[str, Any]:
    by = r.hangup_by or "unknown"
    return {"hangup_by": by, "hangup_source": None if by == "unknown" else EventSource.RECORD}


def unanswered_call(record: CallRecord) -> Call:
    """A call that nobody took and that left no recording: millisecond 0 is when it began to ring. Raises ValueError for a
    record without any time."""
    began = record.began_at
    if began is None:
        raise ValueError(f"call {record.call_id}: its record has no time")
    r, _ = placed(replace(record, started_at=began), None)
    length = next((ms for ms in (r.ended_ms, r.ring_ms, r.duration_ms) if ms is not None), 0)
    return Call(
        r.call_id,
        began,
        max(0, length),
        **{name: getattr(r, name) for name in TAKEN if name not in ("answered", "answered_ms")},
        **_hangup(r),
        answered=False,
        n_channels=0,
        flags=("no_recording",),
        fields={**r.fields, **({"transfers": [dict(t) for t in r.transfers]} if r.transfers else {})},
    )


def placed(r: CallRecord, duration_ms: int | None) -> tuple[CallRecord, bool]:
    """The record with its moments in milliseconds from the start of its recording, which lasts `duration_ms`; and whether all
    could be. Those that cannot be placed are left out."""
    zero, starts = _zero(r, duration_ms)
    holds = [(_ms(a, zero), _ms(b, zero)) for a, b in r.holds]
    transfers = [(_ms(t.get("at_ms"), zero), t) for t in r.transfers]
    answered, ended = _ms(r.answered_at, zero), _ms(r.ended_at, zero)
    lost = [
        any(a is None or b is None for a, b in holds),
        any(at is None and t.get("at_ms") is not None for at, t in transfers),
        r.answered_ms is None and answered is None and r.answered_at is not None,
    ]
    made = replace(
        r,
        started_at=zero,
        recording_starts=r.recording_starts or starts,
        answered_ms=answered if r.answered_ms is None else r.answered_ms,
        ended_ms=ended if r.ended_ms is None else r.ended_ms,
        holds=tuple((a, b) for a, b in holds if a is not None and b is not None),
        transfers=tuple(
            {**t, "at_ms": at} if at is not None else {k: v for k, v in t.items() if k != "at_ms"} for at, t in transfers
        ),
    )
    return made, not any(lost)


def _zero(r: CallRecord, duration_ms: int | None) -> tuple[datetime | None, str | None]:
    """The wall time of the recording's first millisecond and what it starts with; None where the record cannot tell.

    As the record says; else, by its length, the stretch on record that it covers: from the first ring or from the answer.
    """
    if r.started_at is not None:
        return r.started_at, None
    starts = {"ring": r.offered_at, "answer": r.answered_at}
    if r.recording_starts in starts:
        return starts[r.recording_starts], None
    if r.ended_at is None or duration_ms is None:
        return None, None
    told = {name: (r.ended_at - at) / MS for name, at in starts.items() if at is not None}
    near = {name: abs(ms - duration_ms) for name, ms in told.items() if abs(ms - duration_ms) <= NEAR_MS + duration_ms // 100}
    if not near:
        return None, None
    best = min(near, key=lambda name: near[name])
    return starts[best], best


def _ms(moment: Moment | None, zero: datetime | None) -> int | None:
    if moment is None or isinstance(moment, int):
        return moment
    return None if zero is None else round((moment - zero) / MS)
