"""Our own form, one JSON object a call, as JSON Schema (draft 2020-12), and what no schema can say about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.forms.check import Schema, Wrong, check, shown
from qa_pipeline.recordings.records.record import wall_time

LONGEST_MS = 2**31 - 1
"""24 days: more than any call, so that a wall time given by mistake is told."""
WALL_TIME = re.compile(r"\d{8}[^\d]?\d{6}|\d{4}-?\d\d-?\d\d[T ]\d\d.*")
SPEAKERS = ("agent", "customer", "ivr", "unknown")


def _ms(minimum: int = 0, meaning: str = "") -> dict[str, Any]:
    title = "whole milliseconds" + (", 0 or more" if minimum == 0 else ", which may be negative")
    told = {"type": "integer", "minimum": minimum, "maximum": LONGEST_MS, "title": title}
    return {**told, "description": meaning} if meaning else told


def _text(meaning: str = "", *choices: str) -> dict[str, Any]:
    told: dict[str, Any] = {"enum": [*choices, None]} if choices else {"type": ["string", "null"]}
    return {**told, "description": meaning} if meaning else told


def _name(meaning: str) -> dict[str, Any]:
    return {"type": ["string", "integer", "null"], "title": "a text or a whole number", "description": meaning}


def _number(meaning: str, **bounds: float) -> dict[str, Any]:
    title = f"a number from {bounds['minimum']} to {bounds['maximum']}" if bounds else "a number"
    return {"type": ["number", "null"], **bounds, "title": title, "description": meaning}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items, "description": meaning}


_CHAR_MS = "the start of each character of `text`, in rising order; null where it is not known and to be spread evenly"
TURN: Schema = _object(
    {
        "speaker": {"enum": list(SPEAKERS), "description": "unknown: rules that must know are unsure"},
        "start_ms": _ms(),
        "end_ms": _ms(),
        "text": {"type": "string", "description": "empty: speech was heard, no words"},
        "char_ms": _list(_maybe(_ms()), _CHAR_MS),
        "confidence": _number("of the words; without it they are trusted", minimum=0, maximum=1),
        "agent_id": _name("who of several agents speaks; without it the call's"),
        "addressee": _text("colleague: said to another agent while the customer waits", "customer", "colleague"),
        "level_dbfs": _number("how loud"),
    },
    *("speaker", "start_ms", "end_ms", "text"),
)
HOLD: Schema = _object({"start_ms": _ms(), "end_ms": _maybe(_ms(0, "null: until the call ends"))}, "start_ms")
TRANSFER: Schema = _object({"at_ms": _maybe(_ms(-LONGEST_MS))})
EVENT: Schema = _object(
    {
        "kind": {"type": "string", "minLength": 1, "description": "ring, ringback, busy_tone, hold_music, noise, …"},
        "channel": {
            "type": ["string", "integer", "null"],
            "title": "a channel's number, or agent, customer or both",
            "description": "0 is the agent's, 1 the customer's",
        },
        "start_ms": _ms(),
        "end_ms": _maybe(_ms(0, "null: a moment")),
        "value": _number("its unit is fixed per kind"),
        "source": _text("audio where it is not said", "record", "audio", "words"),
    },
    *("kind", "start_ms"),
)
_STARTED = "ISO; the wall time of millisecond 0; without a zone, that of `records.tz` in qa.toml"
_EVENTS = "what was measured; given (even empty): all kinds were, unless `measured` says otherwise; not given: none was"
CALL_FIELDS: dict[str, Any] = {
    "direction": _text("inbound, outbound"),
    "conversation_id": _name("the same for all calls of one conversation"),
    "caller_number": _name(""),
    "called_number": _name("may choose the pack, by qa.toml"),
    "department": _text("may choose the pack, by qa.toml"),
    "team": _text(),
    "answered": {"type": ["boolean", "null"]},
    "answered_ms": _maybe(_ms(-LONGEST_MS, "negative where the recording starts after the answer")),
    "ended_ms": _maybe(_ms()),
    "ring_ms": _maybe(_ms()),
    "ring_count": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000, "title": "a whole number, 0 or more"},
    "recording_starts": _text("what the recording starts with, such as ring or answer"),
    "hangup_by": _text("", "agent", "customer", "both", "system", "unknown"),
    "hangup_source": _text("how it is known; record where it is not said", "record", "audio", "words"),
    "lost_ms": _maybe(_ms(0, "of sound that damage cost")),
    "end_reason": _text("", "normal", "transferred", "network_cut", "abandoned", "no_answer", "voicemail"),
    "n_channels": {
        **{"type": ["integer", "null"], "minimum": 1, "maximum": 64, "title": "a whole number, 1 or more"},
        "description": "2 where it is not said; with 1, rules about talking at once are unsure",
    },
    "agent_level_dbfs": _number("how loud the agent is"),
    "agent_snr_db": _number("how clear the agent is"),
    "roles_source": _text("how it was told who is the agent; record where it is not said"),
}
FORM: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A call for qa import, one a line",
    "description": "Times in whole milliseconds from the start of the recording. Unknown keys are kept in `fields`.",
    "type": "object",
    "properties": {
        "call_id": {
            **{"type": ["string", "integer"], "minLength": 1, "title": "a text"},
            "description": "same id and content: known; same id, other content: replaces what was kept",
        },
        "started_at": {"type": "string", "title": "a date and time such as 2024-05-14T09:30:00", "description": _STARTED},
        "pack": _text("the rule pack; without it, as qa.toml maps the called number or department, else its default"),
        "agent_id": _name("the call's agent"),
        **CALL_FIELDS,
        "duration_ms": _maybe(_ms()),
        "turns": {"type": "array", "items": TURN, "description": "in any order; an unanswered call needs none"},
        "holds": _list(dict(HOLD), "on record"),
        "transfers": _list(dict(TRANSFER), "on record; further keys are attributes"),
        "events": _list(dict(EVENT), _EVENTS),
        "measured": _list({"type": "string"}, "the detectors that ran: tones, music, knocks, levels, speech, …, or all"),
        "fields": {"type": ["object", "null"], "description": "further values of the record, usable in rules"},
        "flags": _list({"type": "string"}, "what should be known about how this came about"),
        "asr": _text("what recognised the words"),
    },
    "required": ["call_id", "started_at"],
    "if": {"properties": {"answered": {"const": False}}, "required": ["answered"]},
    "else": {"required": ["turns"]},
}


def problems_of(told: Any) -> list[Wrong]:
    """Everything about one object that is not of the form."""
    found = check(told, FORM)
    if not isinstance(told, dict):
        return [Wrong("", "a JSON object with call_id, started_at and turns", shown(told))]
    if "turns" not in told and told.get("answered") is not False:
        found.append(Wrong("turns", "a list", "none"))
    started = told.get("started_at")
    if isinstance(started, str) and not is_wall_time(started):
        found.append(Wrong("started_at", FORM["properties"]["started_at"]["title"], shown(started)))
    for name in ("turns", "holds", "events"):
        for i, item in enumerate(told[name] if isinstance(told.get(name), list) else ()):
            if isinstance(item, dict):
                found += _times(item, f"{name}[{i}]")
    return found


def is_wall_time(text: str) -> bool:
    """With a time of day: rules look at it."""
    try:
        return bool(WALL_TIME.fullmatch(text)) and 1900 <= wall_time(text, ZoneInfo("UTC")).year < 2200
    except (ValueError, OverflowError):
        return False


def _times(item: Mapping[str, Any], path: str) -> Iterator[Wrong]:
    start, end, times = item.get("start_ms"), item.get("end_ms"), item.get("char_ms")
    if isinstance(start, int) and isinstance(end, int) and end < start:
        yield Wrong(f"{path}.end_ms", f"at least start_ms ({start}); it ends before it starts", str(end))
    if not isinstance(times, list) or not times or not isinstance(item.get("text"), str):
        return
    if len(times) != len(item["text"]):
        yield Wrong(f"{path}.char_ms", f"a time for each of the {len(item['text'])} characters", f"{len(times)} times")
    known = [ms for ms in times if isinstance(ms, int)]
    if any(after < before for before, after in pairwise(known)):
        yield Wrong(f"{path}.char_ms", "times in rising order", "one that goes back")
