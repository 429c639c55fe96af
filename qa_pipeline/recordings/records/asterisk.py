"""Asterisk's `Master.csv`, without a header: cdr_csv (16 fields, with uniqueid and userfield 18, with newcdrcolumns three more)
and cdr_custom (18, or 19 with the sequence); and tables of that kind with a header, as FreePBX exports them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from qa_pipeline.errors import Place
from qa_pipeline.recordings.find import SUFFIXES
from qa_pipeline.recordings.records.cells import clean, shown
from qa_pipeline.recordings.records.columns import recording_name
from qa_pipeline.recordings.records.endpoints import agent_of, direction_of
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, RecordError, wall_time

CALLED = ("src", "dst", "dcontext")
CHANNELS = (
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
PLAIN = ("accountcode", *CALLED, "clid", *CHANNELS)
CUSTOM = ("clid", *CALLED, *CHANNELS, "accountcode", "uniqueid", "userfield", "sequence")
NEW = ("peeraccount", "linkedid", "sequence")
HEADED = {"src", "dst", "disposition", "lastapp"}
WHEN = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")
BY_MACHINE = ("queue", "background", "waitexten", "playback", "read", "ivr", "hangup", "musiconhold")
KEPT = ("accountcode", "dcontext", "lastapp", "disposition", "userfield", "peeraccount", "did", "cnam")
HUMAN = timedelta(seconds=1)
"""Nobody picks up sooner: an answer within it is the queue's or the menu's own."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row: one try to reach a phone."""

    cells: Mapping[str, str]
    start: datetime
    answer: datetime | None
    end: datetime | None
    file: Path
    line: int

    def get(self, name: str) -> str | None:
        return self.cells.get(name) or None

    @property
    def app(self) -> str:
        return (self.get("lastapp") or "").lower()

    @property
    def reached(self) -> bool:
        """A phone answered: Asterisk also calls answered what its own menu or queue took."""
        return (
            (self.get("disposition") or "").upper() == "ANSWERED" and bool(self.get("dstchannel")) and self.app != "voicemail"
        )


def is_master(row: Sequence[str]) -> bool:
    return _names(row) is not None


def is_headed(header: Iterable[str]) -> bool:
    return {name.strip().lower() for name in header} >= HEADED


def _names(row: Sequence[str]) -> tuple[str, ...] | None:
    def dated(at: int) -> bool:
        return len(row) >= 16 and bool(WHEN.fullmatch(row[at].strip()))

    if dated(9) and (dated(11) or not row[11]) and row[15].isupper():
        rest = len(row) - len(PLAIN)
        alone = ("uniqueid",) if rest and re.fullmatch(r".*\d+\.\d+", row[16].strip()) else ("userfield",)
        tail = {0: (), 1: alone, 2: ("uniqueid", "userfield"), 3: NEW, 4: (*alone, *NEW), 5: ("uniqueid", "userfield", *NEW)}
        return (*PLAIN, *tail.get(rest, ("uniqueid", "userfield", *NEW)))
    if dated(8) and (dated(10) or not row[10]):
        return CUSTOM
    return None


def attempts(
    rows: Iterable[tuple[int, Sequence[str]]], path: Path, phones: PhoneSystem, problems: list[RecordError]
) -> list[Attempt]:
    """Rows of one file without a header."""
    made = []
    for line, row in rows:
        names = _names(row)
        if names is None:
            said = f"expected a row of Master.csv (16 to 21 fields, times as 2024-05-14 09:30:00), found {len(row)} fields"
            problems.append(RecordError(f"{said}; the row is left out", Place(str(path), line)))
        else:
            made.append(attempt({k: clean(v) for k, v in zip(names, row, strict=False)}, path, line, phones, problems))
    return [one for one in made if one]


def attempt(
    cells: Mapping[str, str], path: Path, line: int, phones: PhoneSystem, problems: list[RecordError]
) -> Attempt | None:
    times: dict[str, datetime | None] = {}
    cells = {"start": cells.get("calldate", ""), **cells}
    for name in ("start", "answer", "end"):
        try:
            times[name] = wall_time(cells[name], phones.tz) if cells.get(name) else None
        except (ValueError, OverflowError, OSError):
            said = f"{name}: expected a time such as 2024-05-14 09:30:00, found {shown(cells[name])}; the cell is left out"
            problems.append(RecordError(said, Place(str(path), line)))
            times[name] = None
    start, end, answer = times["start"], times["end"], times["answer"]
    if start is None or not (cells.get("uniqueid") or _recording(cells)):
        said = "expected a start and a uniqueid (loguniqueid=yes in cdr.conf), found neither or one; the row is left out"
        problems.append(RecordError(said, Place(str(path), line)))
        return None
    duration, spoken = _seconds(cells.get("duration")), _seconds(cells.get("billsec"))
    end = end or (start + duration if duration is not None else None)
    if answer is None and end and spoken and (cells.get("disposition") or "").upper() == "ANSWERED":
        answer = end - spoken
    return Attempt(cells, start, answer, end, path, line)


def _seconds(value: str | None) -> timedelta | None:
    try:
        return timedelta(seconds=min(float(value), 1e6)) if value else None
    except ValueError:
        return None


def calls(tries: Iterable[Attempt], phones: PhoneSystem) -> list[CallRecord]:
    """Rows of one uniqueid are one call: phones tried one after the other, and whom it was passed on to."""

    def key(a: Attempt) -> str:
        return a.get("uniqueid") or recording_name(_recording(a.cells) or "").rpartition(".")[0]

    ordered = sorted(tries, key=lambda a: (key(a), a.start, a.line))
    return [_call(name, list(rows), phones) for name, rows in groupby(ordered, key) if name]


def _call(call_id: str, tries: list[Attempt], phones: PhoneSystem) -> CallRecord:
    first = tries[0]
    reached = [a for a in tries if a.reached]
    shown_by = reached[0] if reached else tries[-1]
    caller, called = agent_of(first.get("channel"), phones), agent_of(shown_by.get("dstchannel"), phones)
    direction = direction_of(caller is not None, called is not None)
    if direction is None and first.get("channel") and not called:
        direction = "inbound" if not reached or not shown_by.get("dstchannel") else None
    answered, reason = _outcome(tries, reached)
    answered_at = reached[0].answer if reached and _by_a_person(reached[0], first) else None
    ends = [a.end for a in tries if a.end]
    rang_until = max(ends, default=None) if reason == "no_answer" else answered_at
    recording = next((r for a in (*reached, *tries) if (r := _recording(a.cells))), None)
    further: dict[str, Any] = {k: v for k in KEPT if (v := shown_by.get(k))}
    rang = [who for a in tries if not a.reached and (who := agent_of(a.get("dstchannel"), phones))]
    if rang:
        further["rang"] = rang
    return CallRecord(
        call_id,
        recording=recording,
        conversation_id=first.get("linkedid"),
        direction=direction,
        caller_number=first.get("src"),
        called_number=first.get("dst"),
        agent_id=caller if direction == "outbound" else called,
        offered_at=first.start,
        answered_at=answered_at,
        ended_at=max(ends, default=None),
        answered=answered,
        ring_ms=max(0, round((rang_until - first.start).total_seconds() * 1000)) if rang_until else None,
        end_reason=reason,
        transfers=tuple(_transfer(a, phones) for a in _after(reached, tries)),
        fields=further,
        file=first.file,
        line=first.line,
        form="asterisk",
    )


def _by_a_person(reached: Attempt, first: Attempt) -> bool:
    """A queue or a menu answers before its agents do, and the record keeps that first answer."""
    return reached.app != "queue" and reached.answer is not None and reached.answer - first.start > HUMAN


def _outcome(tries: Sequence[Attempt], reached: Sequence[Attempt]) -> tuple[bool | None, str | None]:
    last = tries[-1]
    if reached:
        return True, None
    if any(a.app == "voicemail" for a in tries):
        return False, "voicemail"
    if (last.get("disposition") or "").upper() == "ANSWERED":
        return (False, "abandoned") if last.app in BY_MACHINE else (None, None)
    return False, "no_answer"


def _after(reached: Sequence[Attempt], tries: Sequence[Attempt]) -> list[Attempt]:
    """Tries after somebody had answered: the call was passed on."""
    return [a for a in tries if reached and a is not reached[0] and a.start > reached[0].start and a.get("dstchannel")]


def _transfer(a: Attempt, phones: PhoneSystem) -> dict[str, Any]:
    said = {"ANSWERED": "answered", "NO ANSWER": "no_answer", "BUSY": "busy"}.get(
        (a.get("disposition") or "").upper(), "failed"
    )
    told = {"at_ms": a.start, "target": a.get("dst"), "result": said, "agent_id": agent_of(a.get("dstchannel"), phones)}
    return {k: v for k, v in told.items() if v is not None}


def _recording(cells: Mapping[str, str]) -> str | None:
    """FreePBX's column, or a userfield that names a file."""
    for name in ("recordingfile", "userfield"):
        told = (cells.get(name) or "").removeprefix("audio:")
        if any(told.lower().endswith(suffix) for suffix in SUFFIXES):
            return told
    return None
