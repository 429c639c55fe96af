"""A stored call in the import form: what `qa transcribe --out` writes, `qa import` takes in elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.forms.call import CALL_FIELDS

Row = Mapping[str, Any]
TURN_KEYS = ("speaker", "start_ms", "end_ms", "text", "char_ms", "confidence", "addressee", "level_dbfs")
EVENT_KEYS = ("kind", "channel", "start_ms", "end_ms", "value", "source")


def in_import_form(rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Of the rows of one call in the tables calls, legs, turns and events; what is not known is left out."""
    (call,), legs = rows["calls"], {leg["leg"]: leg for leg in rows["legs"]}
    fields = json.loads(call["fields"])
    told = {
        "call_id": call["call_id"],
        "started_at": _local(call["started_at"], call["tz"]),
        "pack": legs[1]["pack"],
        "agent_id": legs[1]["agent_id"],
        **{name: call.get(name) for name in CALL_FIELDS},
        "duration_ms": call["duration_ms"],
        "turns": [_turn(turn, legs) for turn in rows["turns"]],
        "transfers": fields.pop("transfers", None),
        "events": [_event(event) for event in rows["events"]],
        "measured": list(call["measured"]),
        "fields": fields,
        "flags": list(call["flags"]),
        "asr": call["asr"],
    }
    return {key: value for key, value in told.items() if value is not None}


def _local(started_at: datetime | str, tz: str) -> str:
    """With the offset from UTC that its zone has then; `tz` is a zone's name, or an offset such as UTC+08:00."""
    told = datetime.fromisoformat(started_at) if isinstance(started_at, str) else started_at
    utc = told.astimezone(UTC)
    if tz.startswith("UTC") and len(tz) > 3:
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{tz[3:]}").tzinfo
        return utc.astimezone(zone).isoformat()
    return utc.astimezone(ZoneInfo(tz)).isoformat()


def _turn(turn: Row, legs: Mapping[int, Row]) -> dict[str, Any]:
    told = {key: turn[key] for key in TURN_KEYS if turn[key] is not None}
    agent = legs[turn["leg"]]["agent_id"] if turn["speaker"] == "agent" and turn["leg"] in legs else None
    return {**told, "char_ms": list(turn["char_ms"]), **({"agent_id": agent} if agent else {})}


def _event(event: Row) -> dict[str, Any]:
    return {**json.loads(event["attrs"]), **{key: event[key] for key in EVENT_KEYS if event[key] is not None}}


def lines(calls: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """JSON Lines, a call each."""
    return (json.dumps(call, ensure_ascii=False, sort_keys=True) + "\n" for call in calls)
