"""Rows whose columns are called as ours (`cdr.csv`, a JSON beside a recording, the groups of a file-name pattern)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_pipeline.recordings.records.cells import clean, expected, read_cell, shown, spreadsheet_harm
from qa_pipeline.recordings.records.record import COLUMNS, CallRecord, PhoneSystem


@dataclass
class Row:
    """Cells by name, where they stand, and what is found wrong with them."""

    cells: Mapping[str, Any]
    file: Path | None = None
    line: int | None = None
    form: str = "columns"
    wrong: list[str] = field(default_factory=list)


def record_of(row: Row, phones: PhoneSystem) -> CallRecord | None:
    """A bad cell is left out and told in `row.wrong`; None where nothing says which call it is."""
    told = {name: text for name, value in row.cells.items() if (text := as_text(value))}
    made: dict[str, Any] = {}
    for name in sorted(COLUMNS & set(told)):
        harm = spreadsheet_harm(name, told[name])
        if harm:
            row.wrong.append(f"{name}: expected digits as they were, found {shown(told[name])}, {harm[0]}")
            if not harm[1]:
                continue
        try:
            made[name] = read_cell(name, told[name], phones.tz)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, OSError):
            row.wrong.append(f"{name}: expected {expected(name)}, found {shown(told[name])}; the cell is left out")
    if "call_id" not in made:
        if "recording" not in made:
            row.wrong.append("neither call_id nor recording; the row is left out")
            return None
        made["call_id"] = recording_name(made["recording"]).rpartition(".")[0] or made["recording"]
    further = {clean(k): _kept(v) for k, v in row.cells.items() if k not in COLUMNS and as_text(v)}
    return CallRecord(**made, fields=further, file=row.file, line=row.line, form=row.form)


def as_text(value: Any) -> str:
    """A cell's text; of a typed JSON value as its column would be written; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(value, ensure_ascii=False))


def _kept(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def recording_name(path: str) -> str:
    """The last part, of a path of any system or of an address."""
    return re.split(r"[/\\]", path.strip())[-1].partition("?")[0]


def named_record(path: Path, phones: PhoneSystem) -> CallRecord | None:
    """What a file's name tells, by the groups of `pattern` that are called like columns; None where it does not match."""
    match = re.search(phones.pattern, path.name) if phones.pattern else None
    if match is None:
        return None
    return record_of(Row({"recording": path.name, **match.groupdict()}, form="name"), phones)
