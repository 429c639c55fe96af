"""All call records at hand: which files hold them, in what form each is, and what several files say of one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from qa_pipeline.errors import Place
from qa_pipeline.recordings.find import SUFFIXES, files_inside
from qa_pipeline.recordings.records import asterisk, cel, freeswitch
from qa_pipeline.recordings.records.cells import shown
from qa_pipeline.recordings.records.columns import Row, record_of
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.mapping import RecordMapping
from qa_pipeline.recordings.records.record import COLUMNS, CallRecord, PhoneSystem, RecordError, completed
from qa_pipeline.recordings.records.roster import Roster, read_roster
from qa_pipeline.recordings.records.tables import csv_rows, headed, json_values, read_text

NAMES = ("cdr.csv", "master.csv", "cel.csv", "cdr.jsonl", "cdr.json")
ENDINGS = (".cdr.csv", ".cel.csv", ".cdr.json", ".cdr.jsonl", ".cdr.xml")
FORMS = (".csv", ".tsv", ".json", ".jsonl", ".xml")
ORDER = ("columns", "cel", "freeswitch", "asterisk")
"""Who is believed first where two kinds of files tell of one call; a mapping stands between the first two."""
MOST_SHOWN = 5


def find_records(paths: Sequence[Path], phones: PhoneSystem | None = None) -> list[Path]:
    """By their names, at any depth of the folders given and beside the files given; a file of such a kind given by name."""
    found: dict[Path, Path] = {}
    given: dict[Path, set[Path]] = {}
    for path in paths:
        if path.is_dir():
            inside = [f for f in files_inside(path) if isinstance(f, Path)]
            found |= {file.resolve(): file for file in _chosen(inside, phones)}
        elif path.is_file():
            given.setdefault(path.parent, set()).add(path)
    for folder, named in given.items():
        near = [f for f in _chosen(_files_of(folder), phones) if (one := _recording_beside(f)) is None or one in named]
        for file in (*near, *(f for f in named if f.suffix.lower() in FORMS)):
            found.setdefault(file.resolve(), file)
    return sorted(found.values())


def find_beside(folder: Path, phones: PhoneSystem) -> list[Path]:
    """Record files in the folder itself, without those that lie beside single recordings."""
    return [f for f in _chosen(_files_of(folder), phones) if _recording_beside(f) is None]


def _files_of(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))


def _chosen(files: Sequence[Path], phones: PhoneSystem | None) -> list[Path]:
    mappings = phones.mappings if phones else ()

    def holds_records(f: Path) -> bool:
        name = f.name.lower()
        if name in NAMES or name.endswith(ENDINGS) or any(m.fits(f.name) for m in mappings):
            return True
        return _recording_beside(f) is not None

    return [f for f in files if holds_records(f)]


def _recording_beside(file: Path) -> Path | None:
    """The recording that a JSON belongs to: call.wav of call.json or of call.wav.json."""
    if file.suffix.lower() != ".json":
        return None
    inner = file.with_suffix("")
    if inner.suffix.lower() in SUFFIXES and inner.is_file():
        return inner
    names = (file.with_suffix(suffix) for low in sorted(SUFFIXES) for suffix in (low, low.upper()))
    return next((audio for audio in names if audio.is_file()), None)


def read_records(paths: Sequence[Path], phones: PhoneSystem) -> Records:
    """Every bad cell or row is a problem with its file and line; the good ones stand."""
    reader = _Reader(phones)
    for path in paths:
        reader.read(path)
    told = [
        *reader.records,
        *cel.calls(reader.events, phones),
        *freeswitch.calls(reader.channels, phones, reader.problems),
        *asterisk.calls(reader.attempts, phones),
    ]
    records = tuple(_joined(told, reader.problems))
    roster = read_roster(phones.agents, reader.problems) if phones.agents else Roster()
    return Records(records, tuple(reader.problems), roster.with_names_of(records), phones)


@dataclass
class _Reader:
    """Takes in one file after the other; events and channels of one call may lie in several."""

    phones: PhoneSystem
    records: list[CallRecord] = field(default_factory=list)
    events: list[cel.ChannelEvent] = field(default_factory=list)
    channels: list[freeswitch.Channel] = field(default_factory=list)
    attempts: list[asterisk.Attempt] = field(default_factory=list)
    problems: list[RecordError] = field(default_factory=list)

    def read(self, path: Path) -> None:
        text = read_text(path, self.problems)
        if text is None:
            return
        kind = path.suffix.lower()
        if kind == ".xml":
            self.channels += freeswitch.from_xml(text, path, self.phones, self.problems)
        elif kind in (".json", ".jsonl"):
            self._json(text, path)
        else:
            self._csv(text, path)

    def _json(self, text: str, path: Path) -> None:
        mapping = self._mapping(path)
        for line, value in json_values(text, path, self.problems):
            for one in mapping.inside(value) if mapping else (value if isinstance(value, list) else [value]):
                if freeswitch.is_freeswitch(one):
                    self.channels.append(freeswitch.from_json(one, path, line, self.phones))
                elif not isinstance(one, dict):
                    said = f"expected an object of a call, found {shown(one)}; it is left out"
                    self.problems.append(RecordError(said, Place(str(path), line)))
                else:
                    self._object(one, path, line, mapping)

    def _object(self, one: dict[str, Any], path: Path, line: int, mapping: RecordMapping | None) -> None:
        recording = _recording_beside(path)
        if recording and not mapping and not COLUMNS & set(one):
            return  # a transcript, a note: no call record
        cells = {"recording": recording.name, **one} if recording and "recording" not in one else one
        self._row(Row(cells, path, line), mapping)

    def _csv(self, text: str, path: Path) -> None:
        rows = csv_rows(text, path, self.problems)
        first = next(rows, None)
        if first is None:
            self.problems.append(RecordError("expected rows, found nothing", Place(str(path), 1)))
            return
        line, header = first
        mapping = self._mapping(path)
        if mapping and not mapping.ids & {h.strip() for h in header}:
            wanted = f"a column {' or '.join(sorted(mapping.ids))} by [records.mapping.{mapping.name}]"
            self.problems.append(RecordError(f"expected {wanted}, found {_names(header)}", Place(str(path), line)))
        elif mapping:
            self._headed(rows, header, path, mapping)
        elif cel.is_cel(header):
            self.events += cel.events(chain([first], rows), None, path, self.phones, self.problems)
        elif cel.is_headed(header):
            names = [h.strip().lower() for h in header]
            self.events += cel.events(rows, names, path, self.phones, self.problems)
        elif asterisk.is_master(header):
            self.attempts += asterisk.attempts(chain([first], rows), path, self.phones, self.problems)
        elif asterisk.is_headed(header):
            for number, cells, _ in headed(rows, [h.strip().lower() for h in header]):
                one = asterisk.attempt(cells, path, number, self.phones, self.problems)
                self.attempts += [one] if one else []
        elif {"call_id", "recording"} & {name.strip() for name in header}:
            self._headed(rows, header, path, None)
        else:
            known = "a column call_id or recording, Asterisk's Master.csv or CEL, or a mapping in qa.toml"
            self.problems.append(RecordError(f"expected {known}; found {_names(header)}", Place(str(path), line)))

    def _headed(
        self, rows: Iterator[tuple[int, list[str]]], header: list[str], path: Path, mapping: RecordMapping | None
    ) -> None:
        for line, cells, extra in headed(rows, header):
            row = Row(cells, path, line)
            if extra:
                told = ", ".join(cell[:30] for cell in extra[:MOST_SHOWN])
                row.wrong.append(f"more cells than columns; {told}{' …' if len(extra) > MOST_SHOWN else ''} left out")
            self._row(row, mapping)

    def _row(self, row: Row, mapping: RecordMapping | None) -> None:
        row = mapping.renamed(row, self.phones.tz) if mapping else row
        record = record_of(row, self.phones)
        self.records += [record] if record else []
        self.problems += [RecordError(said, Place(str(row.file), row.line)) for said in row.wrong]

    def _mapping(self, path: Path) -> RecordMapping | None:
        return next((m for m in self.phones.mappings if m.fits(path.name)), None)


def _names(header: Sequence[str]) -> str:
    return ", ".join(h.strip()[:30] for h in header[:MOST_SHOWN]) or "nothing"


def _joined(told: Sequence[CallRecord], problems: list[RecordError]) -> Iterator[CallRecord]:
    """One record a call: kinds of files complete each other; two of one kind that differ are a problem."""
    by_id: dict[str, dict[str, CallRecord]] = {}
    for record in told:
        first = by_id.setdefault(record.call_id, {}).setdefault(record.form, record)
        if _differs(first, record):
            said = f"call_id {record.call_id} is given twice with different cells; the first row stands"
            problems.append(RecordError(said, record.place))
    for forms in by_id.values():
        first, *rest = sorted(forms.values(), key=lambda r: ORDER.index(r.form) if r.form in ORDER else 0.5)
        for other in rest:
            first = completed(first, other)
        yield first


def _differs(first: CallRecord, second: CallRecord) -> bool:
    """A day's export that repeats what an earlier one said is no contradiction."""
    return any(getattr(first, name) != getattr(second, name) for name in (*COLUMNS, "fields"))
