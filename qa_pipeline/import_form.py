"""The form of transcripts made elsewhere: one JSON object a call, read into the same nouns that recordings become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from qa_pipeline.config import Config
from qa_pipeline.model import Call, Event, EventSource, Span, Speaker, Transcript, Turn
from qa_pipeline.recordings.legs import SpokenBy, split_legs
from qa_pipeline.rules.pack import RulePack

CALL_FIELDS = (
    *("direction", "caller_number", "called_number", "department", "team", "answered", "answered_ms", "ended_ms"),
    *("ring_ms", "ring_count", "recording_starts", "hangup_by", "end_reason", "n_channels", "agent_level_dbfs", "agent_snr_db"),
)


def transcript_of(told: Any, config: Config, packs: Mapping[str, RulePack]) -> Transcript:
    """One call of the import form. Raises ValueError, KeyError or TypeError where it is not of that form."""
    if not isinstance(told, dict):
        raise ValueError(f"expected a JSON object with call_id, started_at and turns, found {type(told).__name__}")
    call_id, started = str(told["call_id"]), datetime.fromisoformat(told["started_at"])
    pack = told.get("pack") or config.packs.of(Path(), told.get("called_number"), told.get("department"))
    if pack not in packs:
        raise ValueError(f"call {call_id}: unknown pack {pack!r}; there are {', '.join(sorted(packs))}")
    said = [
        SpokenBy(_turn(call_id, i, t), t.get("agent_id"))
        for i, t in enumerate(sorted(told["turns"], key=lambda t: t["start_ms"]))
    ]
    end = max([told.get("duration_ms") or 0, *(s.turn.span.end_ms for s in said)])
    known = {k: told[k] for k in CALL_FIELDS if told.get(k) is not None}
    call = Call(
        call_id,
        started if started.tzinfo else started.replace(tzinfo=config.tz),
        end,
        source="imported",
        roles_source="record",
        hangup_source=EventSource.RECORD if "hangup_by" in known else None,
        measured=tuple(told.get("measured", ("all",) if "events" in told else ())),
        fields={**told.get("fields", {}), "transfers": told.get("transfers", [])},
        **known,
    )
    moved = [t["at_ms"] for t in told.get("transfers") or () if t.get("at_ms") is not None]
    legs, turns = split_legs(call_id, said, told.get("agent_id"), pack, end, moved)
    return Transcript(call, legs, turns, tuple(_events(call_id, told)), "imported")


def _turn(call_id: str, number: int, told: Mapping[str, Any]) -> Turn:
    text, start, end = told["text"], told["start_ms"], told["end_ms"]
    times = told.get("char_ms") or [start + (end - start) * i // max(1, len(text)) for i in range(len(text))]
    return Turn(
        *(Span(call_id, start, end), number, 1, Speaker(told["speaker"]), text, tuple(times)),
        confidence=told.get("confidence"),
        addressee=told.get("addressee", "customer"),
    )


def _events(call_id: str, told: Mapping[str, Any]) -> list[Event]:
    held: Sequence[Mapping[str, Any]] = told.get("holds") or ()
    events = [Event(Span(call_id, h["start_ms"], h["end_ms"]), "hold", EventSource.RECORD) for h in held]
    plain = ("kind", "channel", "start_ms", "end_ms", "value", "source")
    for e in told.get("events") or ():
        channel = {"agent": 0, "customer": 1}.get(e.get("channel"), e.get("channel"))
        source = EventSource(e.get("source", "audio"))
        attrs = {k: v for k, v in e.items() if k not in plain}
        if e.get("channel") in ("agent", "customer", "both"):
            attrs["side"] = e["channel"]
        channel = channel if isinstance(channel, int) else None
        events.append(Event(Span(call_id, e["start_ms"], e["end_ms"]), e["kind"], source, channel, e.get("value"), attrs))
    return events
