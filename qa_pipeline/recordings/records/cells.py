"""One cell as a value: numbers, times, fixed words; and what a spreadsheet has done to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from qa_pipeline.recordings.records.record import Moment, wall_time

TRUTH = {"true": True, "1": True, "yes": True, "是": True, "false": False, "0": False, "no": False, "否": False}
FIXED_WORDS = {
    "direction": ("inbound", "outbound", "internal"),
    "hangup_by": ("agent", "customer", "both", "system", "unknown"),
    "end_reason": ("normal", "transferred", "network_cut", "abandoned", "no_answer", "voicemail"),
}
OTHER_WORDS = {
    "direction": {"in": "inbound", "呼入": "inbound", "out": "outbound", "呼出": "outbound", "内线": "internal"},
    "hangup_by": {"坐席": "agent", "客服": "agent", "客户": "customer", "用户": "customer", "系统": "system"},
    "end_reason": {"busy": "no_answer"},
}
LENGTHS = ("ended_ms", "duration_ms", "ring_ms")
WALL_TIMES = ("started_at", "offered_at", "answered_at", "ended_at")
NAMES = ("call_id", "conversation_id", "agent_id", "caller_number", "called_number")
"""Cells made of digits that are no amounts: a spreadsheet rounds them and takes their zeros."""
SHOWN = 60


def clean(value: str) -> str:
    """As it is kept: no half characters, no space around, without the `="…"` by which spreadsheets are told to keep digits."""
    value = value.encode("utf-8", "replace").decode().strip()
    guarded = len(value) > 2 and value.startswith('="') and value.endswith('"')
    return value[2:-1].strip() if guarded else value


def shown(value: object) -> str:
    told = repr(value)
    return told if len(told) <= SHOWN else told[:SHOWN] + "…"


def read_cell(name: str, value: str, tz: tzinfo) -> Any:
    """Raises ValueError, KeyError, TypeError or OverflowError for a value that its column cannot have."""
    if name in FIXED_WORDS:
        words = {word: word for word in FIXED_WORDS[name]} | OTHER_WORDS[name]
        return words[value.lower()]
    read: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(LENGTHS, _length),
        **dict.fromkeys(WALL_TIMES, lambda v: wall_time(v, tz)),
        **dict.fromkeys(NAMES, lambda v: re.sub(r"(?<=\d)\.0$", "", v)),
        "answered_ms": _whole,
        "ring_count": _count,
        "answered": lambda v: TRUTH[v.lower()],
        "holds": lambda v: _holds(v, tz),
        "transfers": lambda v: _transfers(v, tz),
    }
    return read.get(name, str)(value)


def expected(name: str) -> str:
    if name in FIXED_WORDS:
        return f"one of {', '.join(FIXED_WORDS[name])}"
    if name in WALL_TIMES:
        return "a date and time such as 2024-05-14T09:30:00"
    return {
        "answered": f"one of {', '.join(TRUTH)}",
        "holds": "pairs such as [[15730, 40730]], each ending after its start",
        "transfers": 'objects such as [{"at_ms": 23900, "target": "工程部"}]',
        "ring_count": "a whole number",
    }.get(name, "whole milliseconds")


def spreadsheet_harm(name: str, value: str) -> tuple[str, bool] | None:
    """What happened to digits on their way through a spreadsheet, and whether the cell can still be used."""
    if name not in NAMES:
        return None
    if re.fullmatch(r"\d(\.\d+)?E\+?\d+", value, re.IGNORECASE):
        return "a number that a spreadsheet has rounded; export the column as text", False
    if re.fullmatch(r"\d{15}0{2,}", value):
        return "more digits than a spreadsheet keeps, ending in zeros; export the column as text", True
    if name.endswith("_number") and re.fullmatch(r"(10|2\d)\d{8}", value):
        return "a number that seems to have lost its leading 0; export the column as text", True
    return None


def _whole(value: str) -> int:
    number = int(value)
    if not -(1 << 53) < number < 1 << 53:
        raise ValueError(value)
    return number


def _length(value: str) -> int:
    if (ms := _whole(value)) < 0:
        raise ValueError(value)
    return ms


def _count(value: str) -> int:
    number = int(value)
    if not 0 <= number < 10_000:
        raise ValueError(value)
    return number


def _moment(value: Any, tz: tzinfo) -> Moment:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,9}", value):
        return wall_time(value, tz)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(value)
    return _whole(str(value))


def _holds(value: str, tz: tzinfo) -> tuple[tuple[Moment, Moment], ...]:
    told = [(h["start_ms"], h["end_ms"]) if isinstance(h, Mapping) else h for h in json.loads(value)]
    holds = tuple((_moment(start, tz), _moment(end, tz)) for start, end in told)
    for a, b in holds:
        if isinstance(a, datetime) != isinstance(b, datetime) or a > b or (isinstance(a, int) and a < 0):  # type: ignore[operator]
            raise ValueError(value)
    return holds


def _transfers(value: str, tz: tzinfo) -> tuple[Mapping[str, Any], ...]:
    transfers = json.loads(value)
    if not isinstance(transfers, list) or not all(isinstance(t, dict) for t in transfers):
        raise ValueError(value)
    timed = []
    for one in transfers:
        rest = {k: v for k, v in one.items() if k != "at"}
        at = one.get("at_ms", one.get("at"))
        timed.append(rest if at is None else {**rest, "at_ms": _moment(at, tz)})
    return tuple(timed)
