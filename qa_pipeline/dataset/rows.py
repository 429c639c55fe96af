"""Transcripts and verdicts as rows of the tables, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.model import Call, Event, EventSource, Finding, Leg, Score, Span, Speaker, Transcript, Turn

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Segment = Callable[[str], Sequence[tuple[str, int]]]
"""Words of a text with the offset at which each ends."""

TRANSCRIPT_TABLES = ("calls", "legs", "turns", "events")
VERDICT_TABLES = ("findings", "scores")


def transcript_rows(t: Transcript, segment: Segment, text_version: str) -> Rows:
    """JSON-serialisable rows of the four transcript tables, times as ISO text until they meet a schema."""
    call = asdict(t.call)
    call["started_at"] = t.call.started_at.astimezone(UTC).isoformat()
    call |= {"tz": str(t.call.started_at.tzinfo), "revision": 1, "conversation_id": t.call.call_id, "masked": False}
    call |= {"fields": _json(t.call.fields), "asr": t.asr, "text_version": text_version}
    call |= {"flags": list(t.call.flags), "measured": list(t.call.measured), "recordings": [*map(dict, t.call.recordings)]}
    if t.call.agent_level_dbfs is None:
        call["agent_level_dbfs"] = _mean([x.level_dbfs for x in t.turns if x.speaker is Speaker.AGENT])
    return {
        "calls": [call],
        "legs": [{**_times(leg.span), "leg": leg.leg, "agent_id": leg.agent_id, "pack": leg.pack} for leg in t.legs],
        "turns": [_turn_row(turn, segment) for turn in t.turns],
        "events": [_event_row(i, event) for i, event in enumerate(t.events)],
    }


def _times(span: Span) -> Row:
    return {"call_id": span.call_id, "start_ms": span.start_ms, "end_ms": span.end_ms}


def _turn_row(turn: Turn, segment: Segment) -> Row:
    return {
        **_times(turn.span),
        **{"turn": turn.turn, "leg": turn.leg, "speaker": str(turn.speaker), "addressee": turn.addressee},
        **{"text": turn.text, "char_ms": list(turn.char_ms), "confidence": turn.confidence, "level_dbfs": turn.level_dbfs},
        "tokens": [{"text": word, "end": end} for word, end in segment(turn.text)],
    }


def _event_row(number: int, e: Event) -> Row:
    seen = {"event": number, "kind": e.kind, "channel": e.channel, "source": str(e.source), "value": e.value}
    return {**_times(e.span), **seen, "attrs": _json(e.attrs)}


def finding_rows(findings: Iterable[Finding]) -> list[Row]:
    return [
        {
            **{k: v for k, v in asdict(f).items() if k not in ("verdict", "evidence")},
            "verdict": str(f.verdict),
            "evidence": [{**asdict(e), "verdict": str(e.verdict)} for e in f.evidence],
        }
        for f in findings
    ]


def score_rows(scores: Iterable[Score], transcript_version: str, scored_at: datetime) -> list[Row]:
    stamp = {"transcript_version": transcript_version, "scored_at": scored_at}
    return [{**asdict(s), "effective_percent": s.percent, **stamp} for s in scores]


def read_transcripts(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Transcript]:
    """Transcripts from rows of the four tables (of one partition or many), in the order of `calls`."""
    legs, turns, events = ({}, {}, {})  # type: dict[str, list[Leg]], dict[str, list[Turn]], dict[str, list[Event]]
    for r in rows["legs"]:
        legs.setdefault(r["call_id"], []).append(Leg(_span(r), r["leg"], r["agent_id"], r["pack"]))
    for r in rows["turns"]:
        turn = Turn(
            *(_span(r), r["turn"], r["leg"], Speaker(r["speaker"]), r["text"], tuple(r["char_ms"])),
            confidence=r["confidence"],
            level_dbfs=r["level_dbfs"],
            addressee=r["addressee"],
        )
        turns.setdefault(r["call_id"], []).append(turn)
    for r in rows["events"]:
        source, attrs = EventSource(r["source"]), json.loads(r["attrs"])
        events.setdefault(r["call_id"], []).append(Event(_span(r), r["kind"], source, r["channel"], r["value"], attrs))
    return [
        Transcript(
            _call(r),
            tuple(sorted(legs.get(r["call_id"], []), key=lambda leg: leg.leg)),
            tuple(sorted(turns.get(r["call_id"], []), key=lambda turn: turn.turn)),
            tuple(events.get(r["call_id"], [])),
            r["asr"],
        )
        for r in rows["calls"]
    ]


def _span(r: Mapping[str, Any]) -> Span:
    return Span(r["call_id"], r["start_ms"], r["end_ms"])


def _call(r: Mapping[str, Any]) -> Call:
    taken = {k: r[k] for k in Call.__dataclass_fields__ if k in r}
    start = r["started_at"] if isinstance(r["started_at"], datetime) else datetime.fromisoformat(r["started_at"])
    taken["started_at"] = start.astimezone(ZoneInfo(r["tz"])) if "/" in r["tz"] else start
    taken |= {"flags": tuple(r["flags"]), "measured": tuple(r["measured"]), "recordings": tuple(r["recordings"])}
    taken |= {
        "fields": json.loads(r["fields"]),
        "hangup_source": EventSource(r["hangup_source"]) if r["hangup_source"] else None,
    }
    return Call(**taken)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
