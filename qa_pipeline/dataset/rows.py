"""Transcripts and verdicts as rows of the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from qa_pipeline.model import Event, Finding, Leg, Score, Span, Speaker, Transcript, Turn

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
    call |= {
        "tz": str(t.call.started_at.tzinfo),
        "revision": 1,
        "conversation_id": t.call.conversation_id or t.call.call_id,
        "masked": False,
    }
    call |= {"fields": _json(t.call.fields), "asr": t.asr, "text_version": text_version}
    call |= {"flags": list(t.call.flags), "measured": list(t.call.measured), "recordings": [*map(dict, t.call.recordings)]}
    if t.call.agent_level_dbfs is None:
        call["agent_level_dbfs"] = _mean([x.level_dbfs for x in t.turns if x.speaker is Speaker.AGENT])
    return {
        "calls": [call],
        "legs": [_leg_row(leg) for leg in t.legs],
        "turns": [_turn_row(turn, segment) for turn in t.turns],
        "events": [_event_row(i, event) for i, event in enumerate(t.events)],
    }


def _times(span: Span) -> Row:
    return {"call_id": span.call_id, "start_ms": span.start_ms, "end_ms": span.end_ms}


def _leg_row(leg: Leg) -> Row:
    return {**_times(leg.span), **{name: value for name, value in asdict(leg).items() if name != "span"}}


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


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
