"""A call of the import form becomes the same nouns that recordings become."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from qa_pipeline.config import Config
from qa_pipeline.forms.call import CALL_FIELDS, FORM, problems_of
from qa_pipeline.forms.check import FormError, Wrong
from qa_pipeline.model import Call, Event, EventSource, Span, Speaker, Transcript, Turn
from qa_pipeline.recordings.legs import SpokenBy, split_legs, with_transfers
from qa_pipeline.recordings.records.record import wall_time
from qa_pipeline.rules.pack import RulePack

NAMES = ("caller_number", "called_number", "conversation_id")
EVENT_KEYS = ("kind", "channel", "start_ms", "end_ms", "value", "source")
SIDES = {"agent": 0, "customer": 1}


def transcript_of(told: Any, config: Config, packs: Mapping[str, RulePack]) -> Transcript:
    """One call of the import form. Raises FormError with everything that is not of that form."""
    problems = problems_of(told)
    pack = _pack(told, config) if isinstance(told, dict) else None
    if isinstance(pack, str) and pack not in packs:
        problems.append(_unknown_pack(pack, packs))
    if problems:
        raise FormError(problems)
    assert isinstance(pack, str)
    call_id, agent_id = str(told["call_id"]).strip(), _name(told.get("agent_id"))
    said, flags = _said(call_id, told.get("turns") or ())
    end = max([told.get("duration_ms") or 0, *(s.turn.span.end_ms for s in said)])
    moved = [t["at_ms"] for t in told.get("transfers") or () if t.get("at_ms") is not None]
    legs, turns = split_legs(call_id, said, agent_id, pack, end, moved)
    legs = with_transfers(legs, told.get("transfers") or ())
    events = [*_holds(call_id, told, end), *_events(call_id, told)]
    call = _call(call_id, told, config, end, [*(told.get("flags") or ()), *flags])
    return Transcript(call, legs, turns, tuple(events), told.get("asr") or "imported")


def _pack(told: Mapping[str, Any], config: Config) -> Any:
    if told.get("pack"):
        return told["pack"]
    department = told.get("department")
    return config.packs.of(Path(), _name(told.get("called_number")), department if isinstance(department, str) else None)


def _unknown_pack(pack: str, packs: Mapping[str, RulePack]) -> Wrong:
    near = difflib.get_close_matches(pack.lower(), packs, 1)
    return Wrong("pack", f"one of {', '.join(sorted(packs))}", f"unknown pack {pack!r}" + (f"; {near[0]}?" if near else ""))


def _name(told: Any) -> str | None:
    """An id or number, by which export tools write it as a JSON number or as nothing between quotes."""
    return None if told is None or not str(told).strip() else str(told).strip()


def _call(call_id: str, told: Mapping[str, Any], config: Config, end_ms: int, flags: Sequence[str]) -> Call:
    known = {k: told[k] for k in CALL_FIELDS if told.get(k) not in (None, "")}
    known |= {k: _name(told[k]) for k in NAMES if k in known}
    source = known.pop("hangup_source", "record")
    known["hangup_source"] = EventSource(source) if known.get("hangup_by", "unknown") != "unknown" else None
    measured = told.get("measured")
    if measured is None:
        measured = () if told.get("events") is None else ("all",)
    further = {k: v for k, v in told.items() if k not in FORM["properties"]}
    return Call(
        call_id,
        wall_time(told["started_at"], config.tz),
        end_ms,
        source="imported",
        measured=tuple(measured),
        flags=tuple(dict.fromkeys(flags)),
        fields={**further, **(told.get("fields") or {}), "transfers": told.get("transfers") or []},
        **{"roles_source": "record", **known},
    )


def _said(call_id: str, told: Sequence[Mapping[str, Any]]) -> tuple[list[SpokenBy], list[str]]:
    """Turns in order of time, each once, and the flags that say what was done to them."""
    said, flags, seen = list[SpokenBy](), list[str](), set[tuple[Any, ...]]()
    for one in sorted(told, key=lambda t: int(t["start_ms"])):
        key = tuple(_name(one.get(k)) for k in ("speaker", "agent_id", "start_ms", "end_ms", "text"))
        if key in seen:
            flags.append("duplicate_turns")
            continue
        seen.add(key)
        turn = _turn(call_id, len(said), one)
        if turn.text and (not one.get("char_ms") or None in one["char_ms"]):
            flags.append("times_interpolated")
        said.append(SpokenBy(turn, _name(one.get("agent_id"))))
    return said, flags


def _turn(call_id: str, number: int, told: Mapping[str, Any]) -> Turn:
    text, span = told["text"], Span(call_id, told["start_ms"], told["end_ms"])
    times = told.get("char_ms") or [None] * len(text)
    if not text.strip():
        text, times = "", []
    return Turn(
        *(span, number, 1, Speaker(told["speaker"]), text, _filled(times, span)),
        confidence=told.get("confidence"),
        level_dbfs=told.get("level_dbfs"),
        addressee=told.get("addressee") or "customer",
    )


def _filled(times: Sequence[int | None], span: Span) -> tuple[int, ...]:
    """Start times, those that are missing spread evenly between their neighbours, or between them and the turn's bounds."""
    marks = [(i, ms) for i, ms in enumerate(times) if ms is not None]
    first, last = (marks[0][1], marks[-1][1]) if marks else (span.end_ms, span.start_ms)
    if not marks or marks[0][0] > 0:
        marks = [(0, min(span.start_ms, first)), *marks]
    marks.append((len(times), max(span.end_ms, last)))
    out: list[int] = []
    for (i, start), (j, end) in pairwise(marks):
        out += [start + (end - start) * k // (j - i) for k in range(j - i)]
    return tuple(out)


def _holds(call_id: str, told: Mapping[str, Any], end_ms: int) -> list[Event]:
    """A hold without an end lasts until the call ends."""
    call_end = max(end_ms, told.get("ended_ms") or 0)
    return [
        Event(
            Span(call_id, h["start_ms"], max(h["start_ms"], call_end) if h.get("end_ms") is None else h["end_ms"]),
            *("hold", EventSource.RECORD),
            attrs={k: v for k, v in h.items() if k not in EVENT_KEYS and v is not None},
        )
        for h in told.get("holds") or ()
    ]


def _events(call_id: str, told: Mapping[str, Any]) -> list[Event]:
    events = []
    for e in told.get("events") or ():
        channel = e.get("channel")
        attrs = {k: v for k, v in e.items() if k not in EVENT_KEYS}
        if channel in (*SIDES, "both"):
            attrs["side"] = channel
        channel = SIDES.get(channel, channel)
        span = Span(call_id, e["start_ms"], e["start_ms"] if e.get("end_ms") is None else e["end_ms"])
        source = EventSource(e.get("source") or "audio")
        events.append(Event(span, e["kind"], source, channel if isinstance(channel, int) else None, e.get("value"), attrs))
    return events
