"""A call is born: from a recording, and from what a record or the file's name says about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.model import Call, Event, EventSource, Span
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.recordings.records import CallRecord, named_record

TAKEN = (
    *("direction", "caller_number", "called_number", "department", "team", "answered", "answered_ms", "recording_starts"),
    *("ended_ms", "ring_ms", "end_reason"),
)


def to_call(
    record: CallRecord | None, recording: Recording, tz: ZoneInfo, uri: Callable[[Path], str], pattern: str | None = None
) -> tuple[Call, list[Event], str | None]:
    """The call, the events that its record tells, and its agent. Without a record: flagged `no_record`, named by `pattern`
    or by its content. `uri` tells what the call will remember a file by."""
    r = record or named_record(recording.path, tz, pattern) or CallRecord(recording.sha256[:16])
    flags = list(recording.flags) + ([] if record else ["no_record"])
    started = r.started_at
    if started is None:
        started = datetime.fromtimestamp(recording.path.stat().st_mtime, tz)
        flags.append("time_from_file")
    fields: dict[str, Any] = dict(r.fields)
    if r.transfers:
        fields["transfers"] = list(r.transfers)
    if r.duration_ms is not None and r.duration_ms != recording.duration_ms:
        fields["record_duration_ms"] = r.duration_ms
    call = Call(
        r.call_id,
        started,
        recording.duration_ms,
        **{name: getattr(r, name) for name in TAKEN},
        hangup_by=r.hangup_by or "unknown",
        hangup_source=EventSource.RECORD if r.hangup_by not in (None, "unknown") else None,
        n_channels=recording.channels,
        lost_ms=recording.lost_ms,
        flags=tuple(flags),
        recordings=tuple(
            {"uri": uri(f.path), "sha256": f.sha256, "channel": f.channel, "offset_ms": f.offset_ms} for f in recording.files
        ),
        fields=fields,
    )
    holds = [Event(Span(call.call_id, a, b), "hold", EventSource.RECORD) for a, b in r.holds]
    return call, holds, r.agent_id
