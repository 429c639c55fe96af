"""Anybody's CSV, JSON or JSONL by `[records.mapping.NAME]` in qa.toml: which column is which, and in what form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from fnmatch import fnmatch
from typing import Any
from zoneinfo import ZoneInfo

from qa_pipeline.recordings.records.cells import FIXED_WORDS, WALL_TIMES, clean, shown
from qa_pipeline.recordings.records.columns import Row, as_text
from qa_pipeline.recordings.records.record import COLUMNS

UNITS = {"ms": 1.0, "s": 1000.0, "min": 60_000.0}
KEYS = ("files", "rows", "tz", "columns")
COLUMN_KEYS = ("to", "unit", "format", "values")


@dataclass(frozen=True)
class Column:
    """One column of theirs. `unit`: of lengths (ms, s, min; `1:02:03` is understood in any). `format`: of times, as strptime's.
    `values`: their words for ours."""

    to: str
    unit: str = "ms"
    format: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordMapping:
    """files: patterns of file names. rows: where in a JSON file the list of calls is, such as data.calls."""

    name: str
    files: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: str = ""
    tz: tzinfo | None = None

    def fits(self, file_name: str) -> bool:
        return any(fnmatch(file_name, pattern) for pattern in self.files)

    @property
    def ids(self) -> set[str]:
        """Their columns that say which call it is."""
        return {theirs for theirs, column in self.columns.items() if column.to in ("call_id", "recording")}

    def inside(self, value: Any) -> Iterator[Any]:
        """The calls in a JSON value."""
        for step in filter(None, self.rows.split(".")):
            value = value.get(step) if isinstance(value, dict) else None
        yield from value if isinstance(value, list) else [value]

    def renamed(self, row: Row, tz: tzinfo) -> Row:
        """The row under our names, its values in our forms; columns that are not mapped stay as they are."""
        cells: dict[str, Any] = {}
        taken = set()
        for theirs, column in self.columns.items():
            value = _find(row.cells, theirs)
            taken.add(theirs)
            if not (text := as_text(value)):
                continue
            try:
                cells[column.to] = _converted(value, text, column, self.tz or tz)
            except (ValueError, OverflowError, OSError):
                row.wrong.append(f"{theirs}: expected {_expected(column)}, found {shown(text)}; the cell is left out")
        rest = {k: v for k, v in row.cells.items() if k not in taken}
        return Row(
            {**{k if k not in COLUMNS else f"their_{k}": v for k, v in rest.items()}, **cells},
            row.file,
            row.line,
            self.name,
            row.wrong,
        )


def _find(cells: Mapping[str, Any], name: str) -> Any:
    """By its name, or by its path into what is inside."""
    if name in cells:
        return cells[name]
    value: Any = cells
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _converted(value: Any, text: str, column: Column, tz: tzinfo) -> Any:
    if column.values:
        if text not in column.values:
            raise ValueError(text)
        return column.values[text]
    if column.to in WALL_TIMES and column.format:
        told = datetime.strptime(text, column.format)
        return (told if told.tzinfo else told.replace(tzinfo=tz)).isoformat()
    if column.to in WALL_TIMES and tz is not None and not re.search(r"[+-]\d\d:?\d\d$|Z$|^\d{9,}", text):
        from qa_pipeline.recordings.records.record import wall_time

        return wall_time(text, tz).isoformat()
    if column.to.endswith("_ms"):
        return str(round(_length(text, UNITS[column.unit])))
    return value


def _length(text: str, unit: float) -> float:
    clock = re.fullmatch(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)", text)
    if clock:
        return ((int(clock[1] or 0) * 60 + int(clock[2])) * 60 + float(clock[3])) * 1000
    return float(text) * unit


def _expected(column: Column) -> str:
    if column.values:
        return f"one of {', '.join(column.values)}"
    if column.to in WALL_TIMES:
        return f"a time in the form {column.format}" if column.format else "a date and time such as 2024-05-14T09:30:00"
    return f"a number of {column.unit}"


def read_mapping(name: str, told: Any, problems: list[str]) -> RecordMapping | None:
    """One section of qa.toml; everything that is wrong with it is told."""
    here = f"records.mapping.{name}"
    if not isinstance(told, dict):
        problems.append(f"{here}: expected a section with files and columns, found {shown(told)}")
        return None
    problems += [f"unknown key {here}.{key}; there are {', '.join(KEYS)}" for key in told if key not in KEYS]
    files = told.get("files")
    patterns = [files] if isinstance(files, str) else files
    if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) for p in patterns):
        problems.append(f'{here}.files: expected names such as "export-*.csv", found {shown(files)}')
        patterns = []
    columns = told.get("columns")
    if not isinstance(columns, dict) or not columns:
        problems.append(f'{here}.columns: expected columns such as "通话编号" = "call_id", found {shown(columns)}')
        columns = {}
    zone = _zone(here, told.get("tz"), problems)
    rows = told.get("rows", "")
    if not isinstance(rows, str):
        problems.append(f'{here}.rows: expected a path such as "data.calls", found {shown(rows)}')
        rows = ""
    made = {theirs: column for theirs, how in columns.items() if (column := _column(f"{here}.columns.{theirs}", how, problems))}
    if made and not {"call_id", "recording"} & {c.to for c in made.values()}:
        problems.append(f"{here}.columns: expected one that becomes call_id or recording")
    return RecordMapping(name, tuple(patterns), made, rows, zone)


def _zone(here: str, told: Any, problems: list[str]) -> ZoneInfo | None:
    if told is None:
        return None
    try:
        return ZoneInfo(told)
    except (KeyError, ValueError, OSError, TypeError):
        problems.append(f'{here}.tz: expected a zone such as "Asia/Shanghai", found {shown(told)}')
        return None


def _column(here: str, how: Any, problems: list[str]) -> Column | None:
    told = {"to": how} if isinstance(how, str) else how
    if not isinstance(told, dict) or not isinstance(told.get("to"), str):
        problems.append(f'{here}: expected a name of ours, or {{to = "ring_ms", unit = "s"}}, found {shown(how)}')
        return None
    problems += [f"unknown key {here}.{key}; there are {', '.join(COLUMN_KEYS)}" for key in told if key not in COLUMN_KEYS]
    to = told["to"]
    if to not in COLUMNS and not to.startswith("fields."):
        problems.append(f"{here}: unknown {to!r}; there are {', '.join(sorted(COLUMNS))}, and fields.ANYTHING")
        return None
    values = told.get("values", {})
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        problems.append(f'{here}.values: expected words for words, such as {{"呼入" = "inbound"}}, found {shown(values)}')
        values = {}
    wrong = [v for v in values.values() if to in FIXED_WORDS and v not in FIXED_WORDS[to]]
    problems += [f"{here}.values: expected one of {', '.join(FIXED_WORDS[to])}, found {shown(v)}" for v in wrong]
    unit, form = told.get("unit", "ms"), told.get("format")
    if unit not in UNITS:
        problems.append(f"{here}.unit: expected one of {', '.join(UNITS)}, found {shown(unit)}")
        unit = "ms"
    if form is not None and not isinstance(form, str):
        problems.append(f'{here}.format: expected a form such as "%Y/%m/%d %H:%M:%S", found {shown(form)}')
        form = None
    return Column(to.removeprefix("fields."), unit, form, {clean(k): v for k, v in values.items()})
