"""Call records (CDR): what the phone system wrote down about a call. What is missing stays missing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.errors import Place, QaError
from qa_pipeline.recordings.find import files_inside

ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets on Chinese machines write
TRUTH = {"true": True, "1": True, "yes": True, "是": True, "false": False, "0": False, "no": False, "否": False}
FIXED_WORDS = {
    "hangup_by": ("agent", "customer", "both", "system", "unknown"),
    "end_reason": ("normal", "transferred", "network_cut", "abandoned", "no_answer", "voicemail"),
}


class RecordError(QaError):
    """A cell or row of a call-record file that cannot be used as it stands; the others are."""


@dataclass(frozen=True)
class CallRecord:
    """One row. Times in milliseconds from the start of the recording; None: the phone system did not say.

    `answered_ms` may be negative (a recording that starts after the answer). `fields`: cells whose column has no name here.
    """

    call_id: str
    recording: str | None = None
    direction: str | None = None
    caller_number: str | None = None
    called_number: str | None = None
    department: str | None = None
    team: str | None = None
    agent_id: str | None = None
    started_at: datetime | None = None
    answered: bool | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    duration_ms: int | None = None
    ring_ms: int | None = None
    hangup_by: str | None = None
    end_reason: str | None = None
    recording_starts: str | None = None
    holds: tuple[tuple[int, int], ...] = ()
    transfers: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None


COLUMNS = frozenset(CallRecord.__dataclass_fields__) - {"fields", "file"}


@dataclass(frozen=True)
class Records:
    """All call records at hand, and the cells and rows that could not be read."""

    records: tuple[CallRecord, ...]
    problems: tuple[RecordError, ...]

    def of(self, recording: Path) -> CallRecord | None:
        """By the file that the record names from its own folder; else by the file's name, if one record alone has it;
        else by the call id that the file is named after."""
        beside = self._beside.get(recording.resolve())
        return beside or self._by_name.get(recording.name) or self._by_id.get(recording.stem)

    def without_recording(self, found: Sequence[Path]) -> list[CallRecord]:
        """Answered calls that none of the files found belongs to, and whose own file is not where the record has it."""
        there = {record.call_id for path in found if (record := self.of(path))}
        answered = (r for r in self.records if r.answered and r.call_id not in there)
        return [r for r in answered if not (r.file and r.recording and (r.file.parent / r.recording).is_file())]

    @cached_property
    def _by_id(self) -> dict[str, CallRecord]:
        return {r.call_id: r for r in self.records}

    @cached_property
    def _by_name(self) -> dict[str, CallRecord]:
        named = [(Path(r.recording).name, r) for r in self.records if r.recording]
        times = Counter(name for name, _ in named)
        return {name: r for name, r in named if times[name] == 1}

    @cached_property
    def _beside(self) -> dict[Path, CallRecord]:
        return {(r.file.parent / r.recording).resolve(): r for r in self.records if r.file and r.recording}


def find_records(paths: Sequence[Path]) -> list[Path]:
    """`cdr.csv` and `*.cdr.csv` at any depth of the folders given and beside the files given; a CSV given by name."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = [f for f in files_inside(path) if isinstance(f, Path)]
        elif path.is_file():
            inside = [path, *path.parent.glob("*.csv")]
        else:
            continue
        for file in inside:
            if file.name == "cdr.csv" or file.name.endswith(".cdr.csv") or (file == path and file.suffix.lower() == ".csv"):
                found.setdefault(file.resolve(), file)
    return sorted(found.values())


def read_records(paths: Sequence[Path], tz: ZoneInfo) -> Records:
    """Rows of CSV files with a header line; every bad cell is a problem with its file and line, other rows stand."""
    records: dict[str, CallRecord] = {}
    problems: list[RecordError] = []
    for path in paths:
        for line, row in _rows(path, problems):
            wrong: list[str] = []
            record = _record(row, tz, wrong, path)
            if record is not None and _differs(records.setdefault(record.call_id, record), record):
                wrong.append(f"call_id {record.call_id} is given twice with different cells; the first row stands")
            problems += [RecordError(w, Place(str(path), line)) for w in wrong]
    return Records(tuple(records.values()), tuple(problems))


def _differs(first: CallRecord, second: CallRecord) -> bool:
    """A day's export that repeats what an earlier one said is no contradiction."""
    same = [getattr(first, name) == getattr(second, name) for name in (*COLUMNS, "fields")]
    return not all(same)


def _rows(path: Path, problems: list[RecordError]) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Rows with the line that each ends on; a file that cannot be read at all is one problem."""
    try:
        rows = csv.DictReader(io.StringIO(_text(path), newline=""))
        columns = rows.fieldnames or ()
        if not {"call_id", "recording"} & set(columns):
            said = f"expected a column call_id or recording, found {', '.join(columns) or 'nothing'}"
            problems.append(RecordError(said, Place(str(path), 1)))
            return
        for row in rows:
            yield rows.line_num, row
    except (OSError, ValueError, csv.Error) as problem:
        problems.append(RecordError(f"not a readable CSV file: {problem}", Place(str(path))))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("expected UTF-8 or GB18030 text")


def _record(row: Mapping[Any, Any], tz: ZoneInfo, wrong: list[str], file: Path | None = None) -> CallRecord | None:
    if extra := [cell for cell in row.get(None) or () if cell]:
        wrong.append(f"more cells than columns; {', '.join(extra)} left out")
    cells = {k.strip(): v.strip() for k, v in row.items() if k and isinstance(v, str) and v.strip()}
    made: dict[str, Any] = {}
    for name in sorted(COLUMNS & set(cells)):
        try:
            made[name] = _cell(name, cells[name], tz)
        except (ValueError, KeyError, TypeError):
            wrong.append(f"{name}: expected {_expected(name)}, found {cells[name]!r}; the cell is left out")
    if "call_id" not in made:
        if "recording" not in made:
            wrong.append("neither call_id nor recording; the row is left out")
            return None
        made["call_id"] = Path(made["recording"]).stem
    return CallRecord(**made, fields={k: v for k, v in cells.items() if k not in COLUMNS}, file=file)


def _cell(name: str, value: str, tz: ZoneInfo) -> Any:
    """Raises ValueError, KeyError or TypeError for a value that its column cannot have."""
    if name in FIXED_WORDS:
        return {word: word for word in FIXED_WORDS[name]}[value.lower()]
    read: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(("ended_ms", "duration_ms", "ring_ms"), _length),
        "answered_ms": int,
        "answered": lambda v: TRUTH[v.lower()],
        "started_at": lambda v: wall_time(v, tz),
        "holds": _holds,
        "transfers": _transfers,
    }
    return read.get(name, str)(value)


def _expected(name: str) -> str:
    if name in FIXED_WORDS:
        return f"one of {', '.join(FIXED_WORDS[name])}"
    return {
        "answered": f"one of {', '.join(TRUTH)}",
        "started_at": "a date and time such as 2024-05-14T09:30:00",
        "holds": "pairs such as [[15730, 40730]], each ending after its start",
        "transfers": 'objects such as [{"at_ms": 23900, "target": "工程部"}]',
    }.get(name, "whole milliseconds")


def _length(value: str) -> int:
    if (ms := int(value)) < 0:
        raise ValueError(value)
    return ms


def _holds(value: str) -> tuple[tuple[int, int], ...]:
    holds = tuple((start, end) for start, end in json.loads(value))
    if not all(isinstance(ms, int) for hold in holds for ms in hold) or not all(0 <= a <= b for a, b in holds):
        raise ValueError(value)
    return holds


def _transfers(value: str) -> tuple[Mapping[str, Any], ...]:
    transfers = json.loads(value)
    if not isinstance(transfers, list) or not all(isinstance(t, dict) for t in transfers):
        raise ValueError(value)
    return tuple(transfers)


def wall_time(value: str, tz: tzinfo) -> datetime:
    """In the zone of the settings: the call's date is the local one. Also 14 digits, as in file names."""
    digits = re.fullmatch(r"(\d{8})[^\d]?(\d{6})", value)
    told = datetime.fromisoformat(f"{digits[1]}T{digits[2]}" if digits else value)
    return told.replace(tzinfo=tz) if told.tzinfo is None else told.astimezone(tz)


def named_record(path: Path, tz: ZoneInfo, pattern: str | None) -> CallRecord | None:
    """What a file's name tells, by the groups of `pattern` that are called like columns; None where it does not match."""
    match = re.search(pattern, path.name) if pattern else None
    if match is None:
        return None
    return _record({"recording": path.name, **match.groupdict()}, tz, [])
